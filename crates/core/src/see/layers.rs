//! The layers that have filters.

use thiserror::Error;

use crate::graph::{Graph, Layer, Node, NodeId, Source};
use crate::nearest::nearest;

/// A layer with filters, and where their responses are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterLayer {
    /// Name of the convolution or dense layer.
    pub name: String,
    /// The convolution or dense layer itself.
    pub node: NodeId,
    /// The node whose output is the response: the layer itself, or the last batch normalization, activation or dropout that
    /// alone reads it.
    pub response: NodeId,
    /// `[h, w, filters]` of the response.
    pub output: [usize; 3],
}

impl FilterLayer {
    /// Number of filters.
    pub fn filters(&self) -> usize {
        self.output[2]
    }

    /// Whether the layer is a convolution, so that a filter has a place in the image.
    pub fn is_convolution(&self, graph: &Graph) -> bool {
        graph.convolution(self.node).is_some()
    }
}

/// Every convolution and every dense layer but the last, in execution order; the last gives the logits.
pub fn filter_layers(graph: &Graph) -> Vec<FilterLayer> {
    let filters = |id: NodeId| graph.convolution(id).is_some() || is_dense(&graph.nodes[id]);
    let layer = |node: NodeId| {
        let response = response(graph, node);
        let Node { name, .. } = &graph.nodes[node];
        FilterLayer { name: name.clone(), node, response, output: graph.nodes[response].output }
    };
    let layers = (0..graph.nodes.len()).filter(|&id| filters(id)).map(layer);
    layers
        .filter(|layer| !(layer.response + 1 == graph.nodes.len() && is_dense(&graph.nodes[layer.node])))
        .collect()
}

fn is_dense(node: &Node) -> bool {
    matches!(node.layer, Layer::Dense { .. })
}

/// The last of the nodes that keep channels apart and that alone read the one before, beginning at `node`.
fn response(graph: &Graph, node: NodeId) -> NodeId {
    let mut last = node;
    loop {
        let mut readers =
            graph.nodes.iter().enumerate().filter(|(_, reader)| reader.inputs.contains(&Source::Node(last)));
        match (readers.next(), readers.next()) {
            (Some((id, reader)), None)
                if matches!(
                    reader.layer,
                    Layer::BatchNorm { .. }
                        | Layer::Scale { .. }
                        | Layer::Activation
                        | Layer::Dropout { .. }
                        | Layer::DropPath { .. }
                ) =>
            {
                last = id;
            }
            _ => return last,
        }
    }
}

/// A layer that is asked for and not there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("layer: expected one with filters ({}), found \"{name}\"", known.join(", "))]
pub struct UnknownLayer {
    /// What was asked for.
    pub name: String,
    /// The layers that have filters.
    pub known: Vec<String>,
}

impl UnknownLayer {
    /// The nearest name.
    pub fn hint(&self) -> Option<String> {
        let near = nearest(&self.name, self.known.iter().map(String::as_str));
        near.map(|near| format!("did you mean {near}?"))
    }
}

/// The layer with filters called `name`.
///
/// # Errors
/// If there is none, with the names that are there.
pub fn layer_named(graph: &Graph, name: &str) -> Result<FilterLayer, UnknownLayer> {
    let mut layers = filter_layers(graph);
    match layers.iter().position(|layer| layer.name == name) {
        Some(place) => Ok(layers.swap_remove(place)),
        None => {
            let known = layers.into_iter().map(|layer| layer.name).collect();
            Err(UnknownLayer { name: name.to_owned(), known })
        }
    }
}
