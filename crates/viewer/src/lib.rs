//! The model, alive in the page of a report: the engine of the program, for one image at a time, as a WebAssembly module.
//!
//! *Idea*: a page holds `model.safetensors` and some images. A worker of the page asks, and gets numbers to draw:
//! ```text
//! image -> altered image (turned, shifted, blurred, erased …) -> responses of every layer, probabilities, Grad-CAM
//! images -> predicted classes, with any filters switched off
//! ```
//! *Exactness*: an altered image is the native one byte for byte, warps included. Logits, responses and Grad-CAM are within
//! [`TOLERANCE`] of the native ones, relative to the largest value of each: sums are taken in another order. `web/tests` compares
//! both in a browser, over 200 images.

mod alter;
mod bind;
mod live;
mod silence;

pub use alter::{Alterations, Altered};
pub use live::Live;
pub use silence::{Silence, Silenced};

/// How far a value of the page may lie from the native one, as a share of the largest of its array.
pub const TOLERANCE: f32 = 1e-5;
