//! The short form of a layer: `"conv 128 5x5 relu"`.
//!
//! ```text
//! layer  = [ NAME ":" ] kind option*
//! kind   = "conv" FILTERS SIZE | "depthwise" SIZE | "max_pool" SIZE | "avg_pool" SIZE | "dense" UNITS | "dropout" RATE | "drop_path" RATE
//!        | "add" NAMES | "concat" NAMES | "multiply" NAME | "slice" FIRST..END | "shuffle" GROUPS | "pad" SIDES | "resize" SIZE
//!        | "global_avg_pool" | "global_max_pool" | "batch_norm" | "layer_norm" | "scale" | "flatten" | activation
//! option = activation | "from" NAME                                       (every kind; an activation takes no second)
//!        | "stride" SIZE | "valid" | "same" | "pad" SIDES                 (conv, depthwise, max_pool, avg_pool)
//!        | "bias" | "no_bias"                                             (conv, depthwise, dense, scale)
//!        | "groups" N | "dilation" SIZE                                 (conv)
//!        | "multiplier" N                                               (depthwise)
//!        | "epsilon" NUMBER | "momentum" NUMBER                           (batch_norm; layer_norm: epsilon)
//!        | "nearest" | "bilinear"                                         (resize)
//! SIZE   = N | HxW
//! SIDES  = N | ROWSxCOLUMNS | ABOVExLEFTxBELOWxRIGHT
//! NAMES  = NAME ("," NAME)*
//! activation = "relu" | "leaky_relu" [SLOPE] | "clip" [LOW [HIGH]] | …
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
/// Layer normalization's where a recipe does not say: ConvNeXt's and Keras'.
pub(super) const LAYER_EPSILON: f32 = 1e-6;
