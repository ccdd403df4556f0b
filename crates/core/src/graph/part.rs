//! Parts of a graph as graphs: everything up to a node, everything behind one, and the whole with a gate in it.
//!
//! *Idea*: a part is the list of layers ([`Graph::layers`]) cut or extended and built again, so that a part is a graph like any
//! other, and whoever can run a graph can run it. What analyses need follows from that: the gradient of a filter is the gradient
//! of the head that ends there; what follows from a changed activation is the tail that begins there; a filter that is
//! switched off is a gate that multiplies its channel by 0.

use super::{Activation, Builder, Graph, INPUT, Layer, LayerSpec, NodeId, Source, Weights};

/// Name of the layer that [`Graph::gated`] inserts, if no layer is called so already.
const GATE: &str = "gate";

/// `sqrt(1 + epsilon)` must be exactly 1 in `f32`, so that an open gate changes no bit.
const GATE_EPSILON: f32 = 1e-20;

/// A graph made of some layers of another, and which of its parameters are the other's.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The part.
    pub graph: Graph,
    /// For each parameter of the part the index of the same parameter in the whole; `None` for the gate's own.
    pub parameters: Vec<Option<usize>>,
}

impl Part {
    fn build(whole: &Graph, input: [usize; 3], layers: Vec<LayerSpec>) -> Self {
        let graph = Builder::with_layers(input, layers).build().expect("layers of a graph that was built");
        let place = |name: &str| whole.parameters.iter().position(|parameter| parameter.name == name);
        let parameters = graph.parameters.iter().map(|parameter| place(&parameter.name)).collect();
        Self { graph, parameters }
    }

    /// The part's weights, from those of the whole. A gate is open.
    pub fn weights(&self, whole: &Graph, weights: &Weights) -> Weights {
        let mut values = Vec::with_capacity(self.graph.parameter_count());
        for (parameter, &from) in self.graph.parameters.iter().zip(&self.parameters) {
            match from {
                Some(from) => values.extend_from_slice(weights.of(&whole.parameters[from])),
                None => values.resize(values.len() + parameter.len(), parameter.role.neutral()),
            }
        }
        Weights { values }
    }

    /// In a graph made by [`Graph::gated`]: replaces channel `channel` at the gate by `value` (`None`: lets it through).
    ///
    /// # Panics
    /// If there is no gate or no such channel.
    pub fn set_gate(&self, weights: &mut Weights, channel: usize, value: Option<f32>) {
        let first = self.parameters.iter().position(Option::is_none).expect("a graph with a gate");
        let (factor, offset) = value.map_or((1.0, 0.0), |value| (0.0, value));
        let [gamma, beta] = [&self.graph.parameters[first], &self.graph.parameters[first + 1]];
        weights.of_mut(gamma)[channel] = factor;
        weights.of_mut(beta)[channel] = offset;
    }
}

impl Graph {
    /// The graph that ends with `node`: its layers are those that `node` depends on.
    pub fn head(&self, node: NodeId) -> Part {
        Part::build(self, self.input, self.layers_up_to(node))
    }

    /// What `node` is before its activation, and the activation. The part ends flat, so that its logits `[n, h w c]` are the
    /// whole output of one image; activations and dropout that are nodes of their own count as `node`'s.
    pub fn before_activation(&self, node: NodeId) -> (Part, Activation) {
        let (mut end, mut activation) = (node, Activation::Identity);
        while let Layer::Dropout { .. } | Layer::DropPath { .. } | Layer::Activation = self.nodes[end].layer
            && let (Source::Node(from), own) = (self.nodes[end].inputs[0], self.nodes[end].activation)
            && (own == Activation::Identity || activation == Activation::Identity)
        {
            activation = if own == Activation::Identity { activation } else { own };
            end = from;
        }
        let mut layers = self.layers_up_to(end);
        if let Some(last) = layers.last_mut().filter(|last| last.layer != Layer::Activation)
            && activation == Activation::Identity
        {
            activation = std::mem::replace(&mut last.activation, Activation::Identity);
        }
        layers.push(LayerSpec::new(Layer::Flatten));
        (Part::build(self, self.input, layers), activation)
    }

    fn layers_up_to(&self, node: NodeId) -> Vec<LayerSpec> {
        let mut needed = vec![false; node + 1];
        needed[node] = true;
        for id in (0..=node).rev().filter(|&id| needed[id]).collect::<Vec<_>>() {
            self.mark(id, &mut needed);
        }
        let specs = self.explicit();
        (0..=node).filter(|&id| needed[id]).map(|id| specs[id].clone()).collect()
    }

    fn mark(&self, id: NodeId, needed: &mut [bool]) {
        for &source in &self.nodes[id].inputs {
            if let Source::Node(from) = source
                && !needed[from]
            {
                needed[from] = true;
                self.mark(from, needed);
            }
        }
    }

    /// The graph behind `node`: its input is `node`'s output. `None` if a layer behind `node` reads something before it as
    /// well, or if nothing is behind it.
    pub fn tail(&self, node: NodeId) -> Option<Part> {
        let behind = &self.nodes[node + 1..];
        let alone = behind.iter().flat_map(|later| &later.inputs).all(|&source| match source {
            Source::Input => false,
            Source::Node(from) => from >= node,
        });
        if behind.is_empty() || !alone {
            return None;
        }
        let mut layers = self.explicit().split_off(node + 1);
        for layer in &mut layers {
            for source in layer.from.iter_mut().chain(&mut layer.with) {
                if *source == self.nodes[node].name {
                    *source = INPUT.to_owned();
                }
            }
        }
        Some(Part::build(self, self.nodes[node].output, layers))
    }

    /// The whole graph with a gate behind `source`: one factor and one offset a channel, which everything that read `source`
    /// reads instead. [`Part::weights`] leaves it open.
    pub fn gated(&self, source: Source) -> Part {
        let taken = |name: &str| self.nodes.iter().any(|node| node.name == name);
        let mut name = GATE.to_owned();
        while taken(&name) {
            name.push('_');
        }
        let mut layers = self.explicit();
        let from = self.source_name(source);
        for layer in &mut layers {
            for source in layer.from.iter_mut().chain(&mut layer.with) {
                if source == from {
                    source.clone_from(&name);
                }
            }
        }
        let gate = LayerSpec::new(Layer::BatchNorm { epsilon: GATE_EPSILON, momentum: 0.5 });
        let place = match source {
            Source::Input => 0,
            Source::Node(id) => id + 1,
        };
        layers.insert(place, gate.named(name).reading(from));
        Part::build(self, self.input, layers)
    }

    /// [`Graph::layers`] with every source written.
    pub(super) fn explicit(&self) -> Vec<LayerSpec> {
        let mut layers = self.layers();
        for (layer, node) in layers.iter_mut().zip(&self.nodes) {
            layer.from = node.inputs.first().map(|&source| self.source_name(source).to_owned());
        }
        layers
    }
}
