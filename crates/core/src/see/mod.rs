//! What a model sees: its filters, what excites them, what they are needed for, and which pixels a prediction rests on.
//!
//! Everything here reads a model and changes none. A *filter* is an output channel of a convolution or a unit of a hidden dense
//! layer; its *response* is the channel after batch normalization and activation, which is what the next layer reads.
//! Gradients and changed activations go through [`crate::graph::Part`]s, so that whatever the engine runs can be seen.

mod ablate;
mod classifier;
mod contribution;
pub mod document;
pub mod dream;
mod duplicates;
pub mod film;
mod layers;
mod map;
mod model;
mod nearest_images;
mod principal;
mod probe;
mod receptive;
pub mod saliency;
mod survey;
pub mod trust;

#[cfg(test)]
mod tests;

pub use ablate::{Ablation, Change, LayerAblation, Replacement, ablate, ablation_steps};
pub use classifier::{Classifier, Running};
pub use contribution::{Contribution, contributions};
pub use duplicates::{Duplicate, SAME_RESPONSE, SAME_WEIGHTS};
pub use layers::{FilterLayer, UnknownLayer, filter_layers, layer_named};
pub use map::{MOST_POINTS, MapOptions, map, map_sample};
pub use model::Model;
pub use nearest_images::{Features, Neighbor, nearest_images, penultimate};
pub use principal::{Principal, principal};
pub use probe::{LAMBDAS, MOST_FEATURES, Probe, probe};
pub use receptive::{Region, Window, effective_field, field, window};
pub use survey::{EXEMPLARS, Exemplar, FilterSurvey, LayerSurvey, Survey, survey};
