//! What a model sees: its filters, what excites them, what they are needed for, and which pixels a prediction rests on.
//!
//! Everything here reads a model and changes none. A *filter* is an output channel of a convolution or a unit of a hidden dense
//! layer; its *response* is the channel after batch normalization and activation, which is what the next layer reads.
//! Gradients and changed activations go through [`crate::graph::Part`]s, so that whatever the engine runs can be seen.

pub mod dream;
pub mod film;
mod layers;
mod model;
pub mod saliency;
pub mod trust;

#[cfg(test)]
mod tests;

pub use layers::{FilterLayer, UnknownLayer, filter_layers, layer_named};
pub use model::Model;
