//! How a model runs: a graph compiled for a batch size, forward and backward.
//!
//! *Idea*: a batch is cut into shards of [`SHARD`] images, whatever the number of threads. A shard runs a whole chain of
//! operations on its own buffers, which fit in the second-level cache; only batch normalization makes the shards meet,
//! to combine their statistics. Weight gradients are added shard after shard in a fixed order.
//! ```text
//! prepare every op (pack weights)
//! for each stretch of ops between meetings:  in parallel over shards: forward
//! in parallel over shards: loss and its gradient, then the stretches backward
//! gradient = shard 0 + shard 1 + …            in parallel over parameters
//! ```
//! *Exactness*: the same bits for any number of threads. Against `f64` central differences every layer and random graphs
//! are within [`GRADIENT_TOLERANCE`] (`check_gradients`); against Keras within the bounds of `tests/it/keras.rs`.

mod arrays;
mod buffers;
mod check;
mod cost;
mod lower;
mod ops;
mod plan;
mod profile;
mod reference;
mod run;

#[cfg(test)]
mod tests;

pub use check::{GRADIENT_TOLERANCE, GradientError, check_gradients};
pub(crate) use ops::function;
pub use plan::{ReluRule, Wants};
pub use profile::{Clock, EngineProfile, Meter, OpProfile, PassProfile};
pub use reference::{Mode, forward_f64};
pub use run::{Engine, Executor, Gradients, Lesson, Loss};

/// How far a logit computed from `bf16` factors may lie from the `f64` reference in the tests of small networks, relative to
/// the largest: a few roundings of 2^-9 each, of which most cancel.
pub const BF16_TOLERANCE: f64 = 0.03;

/// Images in a shard. Part of what a result depends on, so not a setting.
pub const SHARD: usize = 16;
