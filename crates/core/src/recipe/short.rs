//! The short form of a layer: `"conv 128 5x5 relu"`.
//!
//! ```text
//! layer  = [ NAME ":" ] kind option*
//! kind   = "conv" FILTERS SIZE | "depthwise" SIZE | "max_pool" SIZE | "avg_pool" SIZE | "dense" UNITS | "dropout" RATE
//!        | "add" NAME | "global_avg_pool" | "global_max_pool" | "batch_norm" | "flatten" | activation
//! option = activation | "from" NAME                                       (every kind; an activation takes no second)
//!        | "stride" SIZE | "valid" | "same"                               (conv, depthwise, max_pool, avg_pool)
//!        | "bias" | "no_bias"                                             (conv, depthwise, dense)
//!        | "groups" N                                                   (conv)
//!        | "multiplier" N                                               (depthwise)
//!        | "epsilon" NUMBER | "momentum" NUMBER                           (batch_norm)
//! SIZE   = N | HxW
//! activation = "relu" | "leaky_relu" [SLOPE] | …
//! ```

mod parse;
mod write;

use std::ops::Range;

pub(super) use parse::activation;
pub use parse::parse_layer;
pub use write::write_layer;

/// A word of a short layer that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordProblem {
    /// Its bytes in the text; empty, at the end, if a word is missing.
    pub span: Range<usize>,
    /// `expected X, found Y`
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
}

/// Batch normalisation's constants where a recipe does not say: Keras' defaults.
pub(super) const EPSILON: f32 = 1e-3;
/// See [`EPSILON`].
pub(super) const MOMENTUM: f32 = 0.99;
