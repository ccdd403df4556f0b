//! The sanity check: a map must change when what the model has learned is destroyed.
//!
//! *Idea*: the layers' weights are put out of order, layer after layer from the last to the first (cascading), and each time the
//! maps of some images are made again. If they still look like the first ones, the method shows the images and not the model.
//! ```text
//! for each layer from the last to the first:
//!     shuffle its weights; keep those of the layers before
//!     likeness = mean over images of |Spearman correlation of |map| with |first map||
//! ```
//! The *score* is the likeness when all layers but the first are out of order: a method that passes needs what they have learned.
//! It passes if its score is below [`PASSES_BELOW`]. The whole course is given, too.
//!
//! *Departures*: (1) weights are shuffled within each parameter instead of drawn again, so that the random network keeps the
//! scale of the trained one (batch normalization's moving averages too) and its maps do not vanish. (2) For the smooth variant
//! (Hedström et al. 2024) maps are means over noisy copies of the image.
//!
//! *Reference*: Adebayo et al. 2018, "Sanity Checks for Saliency Maps", section 3.1; Hedström et al. 2024, "A Fresh Look at Sanity
//! Checks for Saliency Maps" (arXiv 2405.02383), section 3.

use super::rank_correlation;
use crate::graph::{Graph, NodeId, Weights};
use crate::random::{Purpose, Stream};

/// The likeness below which a method passes. Between those of guided backpropagation and of the gradient, which are the known
/// failure and the known pass of the paper.
pub const PASSES_BELOW: f64 = 0.5;

/// What became of a method's maps.
#[derive(Clone, Debug, PartialEq)]
pub struct Sanity {
    /// Name of the layer that was put out of order last, and how alike the maps still were: from the last layer to the first.
    pub course: Vec<(String, f64)>,
    /// Likeness when all layers but the first are out of order.
    pub score: f64,
}

impl Sanity {
    /// Whether the maps changed.
    pub fn passes(&self) -> bool {
        self.score < PASSES_BELOW
    }
}

/// The layers with weights, each convolution or dense layer with what normalizes it, in execution order.
fn steps(graph: &Graph) -> Vec<NodeId> {
    (0..graph.nodes.len()).filter(|&id| !graph.nodes[id].parameters.is_empty()).collect()
}

/// `weights` with the values of each parameter of `nodes` in random order.
pub fn randomised(graph: &Graph, weights: &Weights, nodes: &[NodeId], seed: u64) -> Weights {
    let mut weights = weights.clone();
    for &index in nodes.iter().flat_map(|&id| &graph.nodes[id].parameters) {
        let values = weights.of_mut(&graph.parameters[index]);
        Stream::new(seed, Purpose::Sanity, index as u64, 0).shuffle(values);
    }
    weights
}

/// The check of a method: `maps` makes the maps `[h, w]` of all images with the weights it is given.
pub fn sanity(
    graph: &Graph,
    weights: &Weights,
    seed: u64,
    mut maps: impl FnMut(&Weights) -> Vec<Vec<f32>>,
) -> Sanity {
    let sizes = |maps: Vec<Vec<f32>>| -> Vec<Vec<f32>> {
        maps.into_iter().map(|map| map.into_iter().map(f32::abs).collect()).collect()
    };
    let first = sizes(maps(weights));
    let steps = steps(graph);
    let mut course = Vec::with_capacity(steps.len());
    for begin in (0..steps.len()).rev() {
        let changed = sizes(maps(&randomised(graph, weights, &steps[begin..], seed)));
        let alike: f64 = first.iter().zip(&changed).map(|(a, b)| rank_correlation(a, b).abs()).sum();
        course.push((graph.nodes[steps[begin]].name.clone(), alike / first.len().max(1) as f64));
    }
    let score = course.iter().rev().nth(1).or(course.last()).map_or(0.0, |(_, alike)| *alike);
    Sanity { course, score }
}
