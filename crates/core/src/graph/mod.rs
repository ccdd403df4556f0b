//! What a model is: layers, shapes, parameters. Knows no kernel; known at run time only.

mod build;
mod ensemble;
mod error;
mod file;
mod initial;
mod layer;
mod part;
mod pictures;
pub mod plausible;
mod preprocessing;
mod shape;
mod spec;
mod weights;

#[cfg(test)]
mod tests;

pub use build::{Builder, output_shape};
pub use ensemble::EnsembleError;
pub use error::{Fault, GraphError, GraphProblem};
pub use file::{ModelFile, ModelFileError, SCHEMA, TensorProblem, from_safetensors, to_safetensors};
pub use initial::Initializer;
pub use layer::{Activation, Convolution, Interpolation, Layer, Padding};
pub use part::Part;
pub use pictures::{Filter, Fit, Layout};
pub use preprocessing::{ChannelOrder, Preprocessing};
pub use shape::window_padding;
pub use spec::{INPUT, LayerSpec};
pub use weights::{Parameter, Role, Weights};

/// Index of a node in [`Graph::nodes`].
pub type NodeId = usize;

/// Where a node reads from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The image.
    Input,
    /// The output (after its activation) of an earlier node.
    Node(NodeId),
}

/// One layer in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Unique; given in the recipe or made from the kind and a count: `conv1`, `max_pool2`, `dense1`.
    pub name: String,
    /// What it computes.
    pub layer: Layer,
    /// What it reads: one source, or several if [`Layer::joins`].
    pub inputs: Vec<Source>,
    /// Applied to the layer's result.
    pub activation: Activation,
    /// `[h, w, c]` of its output; `[1, 1, c]` once flat.
    pub output: [usize; 3],
    /// Its parameters, as indices into [`Graph::parameters`].
    pub parameters: Vec<usize>,
}

impl Node {
    /// The recipe's word for this node: `conv`, `max_pool`, …, `relu`.
    pub fn kind(&self) -> &'static str {
        self.layer.kind(self.activation)
    }
}

/// A network: nodes in an order in which each comes after what it reads. The last node gives the logits `[n, k]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// `[h, w, c]` of an input image.
    pub input: [usize; 3],
    /// In execution order.
    pub nodes: Vec<Node>,
    /// Every parameter, in the order in which [`Weights`] stores them.
    pub parameters: Vec<Parameter>,
}

impl Graph {
    /// `[h, w, c]` of what `source` gives.
    pub fn shape(&self, source: Source) -> [usize; 3] {
        match source {
            Source::Input => self.input,
            Source::Node(id) => self.nodes[id].output,
        }
    }

    /// What node `id` is as a convolution; `None` if it is another layer.
    pub fn convolution(&self, id: NodeId) -> Option<Convolution> {
        let node = &self.nodes[id];
        let input = node.inputs.first().map(|&source| self.shape(source));
        input.and_then(|[.., channels]| node.layer.convolution(channels))
    }

    /// Number of classes: the channels of the last node.
    pub fn outputs(&self) -> usize {
        self.nodes.last().map_or(self.input[2], |node| node.output[2])
    }

    /// Number of values in all parameters.
    pub fn parameter_count(&self) -> usize {
        self.parameters.iter().map(Parameter::len).sum()
    }

    /// What `source` is called: a node's name, or [`INPUT`].
    pub fn source_name(&self, source: Source) -> &str {
        match source {
            Source::Input => INPUT,
            Source::Node(id) => &self.nodes[id].name,
        }
    }

    /// The list of layers that builds this graph again, each with its name; a source is written only where it is not
    /// the layer before.
    pub fn layers(&self) -> Vec<LayerSpec> {
        let spec = |(id, node): (NodeId, &Node)| {
            let previous = id.checked_sub(1).map_or(Source::Input, Source::Node);
            let from = node.inputs.first().filter(|&&source| source != previous);
            LayerSpec {
                name: Some(node.name.clone()),
                layer: node.layer.clone(),
                activation: node.activation,
                from: from.map(|&source| self.source_name(source).to_owned()),
                with: node.inputs.iter().skip(1).map(|&source| self.source_name(source).to_owned()).collect(),
            }
        };
        self.nodes.iter().enumerate().map(spec).collect()
    }
}
