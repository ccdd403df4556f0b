//! Filters switched off by their weights.
//!
//! *Idea*: a response is a chain `activation(… (convolution or dense) …)`. Where the last layer of the chain that has weights
//! is given zeros for a channel, the channel is `activation(0)` everywhere.
//! ```text
//! conv, dense:  kernel[.., filter] = bias[filter] = 0        batch norm:  gamma[filter] = beta[filter] = 0
//! ```
//! *Exactness*: the response is 0 at every place, as in `see`'s ablation (test here). Where `activation(0)` is not 0 (sigmoid,
//! softplus) this is no switch, and [`Silence::of`] says so.

use seamripper_core::graph::{Activation, Graph, Layer, Role, Source, Weights};
use seamripper_core::see::FilterLayer;

/// How the filters of a layer are switched off.
#[derive(Clone, Debug, PartialEq)]
pub struct Silence {
    /// Parameters whose last axis is the channel, as indices into [`Graph::parameters`].
    parameters: Vec<usize>,
    /// Length of that axis.
    filters: usize,
}

impl Silence {
    /// For a layer of `graph`; `None` if its activation of 0 is not 0.
    pub fn of(graph: &Graph, layer: &FilterLayer) -> Option<Self> {
        let mut node = layer.response;
        loop {
            let here = &graph.nodes[node];
            if matches!(here.activation, Activation::Sigmoid | Activation::Softplus) {
                return None;
            }
            let own: Vec<usize> = here
                .parameters
                .iter()
                .copied()
                .filter(|&at| {
                    let role = graph.parameters[at].role;
                    matches!(role, Role::Kernel | Role::Bias | Role::Gamma | Role::Beta)
                })
                .collect();
            if !own.is_empty() || node == layer.node {
                return Some(Self { parameters: own, filters: layer.filters() });
            }
            match (&here.layer, here.inputs[0]) {
                (
                    Layer::Activation
                    | Layer::Dropout { .. }
                    | Layer::DropPath { .. }
                    | Layer::BatchNorm { .. },
                    Source::Node(from),
                ) => {
                    node = from;
                }
                _ => return None,
            }
        }
    }

    /// Writes zeros for `filter`.
    ///
    /// # Panics
    /// If there is no such filter.
    pub fn write(&self, graph: &Graph, weights: &mut Weights, filter: usize) {
        assert!(filter < self.filters, "filter {filter} of {}", self.filters);
        for &at in &self.parameters {
            let values = weights.of_mut(&graph.parameters[at]);
            values.iter_mut().skip(filter).step_by(self.filters).for_each(|value| *value = 0.0);
        }
    }
}

/// Filters that are off, `(layer, filter)`, in order and without doubles.
pub type Silenced = std::collections::BTreeSet<(usize, usize)>;
