//! ONNX files to and from [`ModelFile`](seamripper_core::graph::ModelFile): operators become layers of the graph a recipe makes too,
//! so that everything that works on a trained model works on an imported one, gradients included.
//!
//! ```text
//! bytes -> messages (proto) -> each node: fold if all it reads is known (fold), else a layer (import) -> simplify -> graph
//! graph -> nodes of opset 17 (export) -> messages -> bytes
//! ```
//! Images are `[n, c, h, w]` there and `[n, h, w, c]` here. Nothing is transposed when a model runs: weights are permuted
//! once, and transpositions and reshapes of a file only change what its dimensions are called ([`axes`]).

mod axes;
mod constant;
mod describe;
mod error;
mod export;
mod fold;
mod image;
mod import;
mod metadata;
mod proto;
mod simplify;

pub use constant::External;
pub use describe::{Described, describe};
pub use error::{NEWEST_OPSET, OLDEST_OPSET, OnnxError, TensorFault, Unsupported};
pub use export::{OPSET, to_onnx};
pub use import::{Imported, Options, from_onnx};
pub use metadata::with_metadata;
