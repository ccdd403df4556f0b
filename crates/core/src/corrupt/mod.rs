//! Images made worse on purpose: the corruptions of ImageNet-C and MNIST-C, and single changes with one number.
//!
//! *Idea*: a [`Change`] is prepared once for images of a size (kernels, tables, matrices), then applied to images on
//! all threads. Every draw is named by the seed, the change and the image, so no byte depends on threads or order.
//!
//! ```text
//! prepared = Prepared::new(change, [h, w, c])
//! for each image i:  out = prepared.image(pixels, stream(seed, Corrupt, change, i))
//! ```
//!
//! **Which table.** ImageNet-C was made for images of 224 pixels, CIFAR-10-C for 32; the second is milder, because a blur
//! of 3 pixels is another thing there. For [`Suite::Common`] the shorter side `s` of the image decides:
//!
//! | `s` | severities from | lengths in pixels are multiplied by |
//! |---|---|---|
//! | under 64 | `make_cifar_c.py`, made for 32 | max(1, s / 32) |
//! | 64 and more | `make_imagenet_c.py`, made for 224 | s / 224 |
//!
//! So 28 and 32 pixels have CIFAR-10-C's numbers as they are. [`Suite::Mnist`] was made for 28: lengths times `s / 28`.
//! Shares, factors and noise have no length and are never scaled.
//!
//! *Departures* from the published code, all of them: 1. bytes are rounded to the nearest, not cut off, which made every
//! image half a level darker; 2. those said where a corruption stands (`noise`, `blur`, `weather`, `digital`, `shapes`).
//!
//! *Exactness*: brightness, contrast, saturate, gaussian_blur, defocus_blur, pixelate and jpeg_compression are compared
//! with the Python package `imagecorruptions` 1.1.2 in `tests/it/corruptions.rs`, with their tolerances.
//!
//! *Reference*: Hendrycks & Dietterich (2019), "Benchmarking Neural Network Robustness to Common Corruptions and
//! Perturbations", ICLR, with its code `hendrycks/robustness`; Mu & Gilmer (2019), "MNIST-C: A Robustness Benchmark for
//! Computer Vision", arXiv 1906.02337, with its code `google-research/mnist-c`.

mod blur;
mod canny;
mod change;
mod color;
mod digital;
mod jpeg;
mod lines;
mod names;
mod noise;
mod plane;
mod prepared;
mod shapes;
mod spatter;
mod tables;
mod texture;
mod weather;
mod zoom;

pub use change::Change;
pub use names::{Corruption, Kind, SEVERITIES, Suite};
pub use prepared::{Prepared, Scratch, corrupt};

#[cfg(test)]
mod tests;
