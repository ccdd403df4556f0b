//! Changed copies of images: made once before training ([`expand`]), or redrawn each epoch ([`Online`]).
//!
//! *Idea*: a list of [`Transform`]s is checked once and turned into steps; an image then passes through them, each step
//! drawing from a stream that is named by what the image is drawn for. No draw depends on the order of the images or on
//! the number of threads.
//!
//! ```text
//! pixels = image [h, w, c], u8
//! for each run of warps, flip, crop, erase in the list, in order:  pixels = step(pixels, draws)
//! out = pixels / 255 + noise, clamped to 0..=1, f32
//! then, for a whole batch: mixup or cutmix
//! ```
//!
//! *Exactness*: `rotate`, `translate` and `affine` are OpenCV 4.11's `warpAffine`, bit for bit
//! ([`seamripper_kernels::warp`]). Neighbours in a list are multiplied into one matrix and interpolated once, which is
//! sharper than one after the other and is what a single matrix in OpenCV gives. Flips and crops move pixels unchanged.

mod check;
mod cutmix;
mod error;
mod expand;
mod mixup;
mod noise;
mod online;
mod shrink;
mod steps;
mod view;

use serde::{Deserialize, Serialize};

pub use error::{AugmentError, Problem, Stage};
pub use expand::{Expansion, expand};
pub use online::Online;
pub use shrink::Shrink;
pub use steps::Scratch;
pub use view::{View, views};

/// One random change of an image. A `[low, high]` range is drawn from uniformly, as a real number;
/// draws are made per image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Transform {
    /// Turn about the image centre, degrees, counter-clockwise positive (OpenCV's `getRotationMatrix2D`).
    Rotate([f64; 2]),
    /// Shift, pixels and fractions of them, drawn separately for x (right positive) and y (down positive).
    Translate([f64; 2]),
    /// Rotation, shift, scale and shear in one warp.
    Affine(Affine),
    /// Mirror left and right with this probability.
    Flip(f64),
    /// Shift by padding and cropping back to size.
    Crop(Crop),
    /// Overwrite a random rectangle (Zhong et al. 2017, "Random Erasing Data Augmentation").
    Erase(Erase),
    /// Add Gaussian noise of this standard deviation, in units of the full pixel range (0 to 1); always done last,
    /// wherever it stands in the list.
    Noise(f64),
    /// Mix pairs of images and their labels with a Beta(alpha, alpha) weight (Zhang et al. 2017, "mixup"); only where
    /// images are redrawn each epoch.
    Mixup(f64),
    /// Put a rectangle of one image into another, its area a Beta(alpha, alpha) share, and mix their labels by area (Yun et
    /// al. 2019, "CutMix"); only where images are redrawn each epoch. With a mixup in the list too, each batch gets one of
    /// the two, with equal chances.
    Cutmix(f64),
}

impl Transform {
    /// Its key in a recipe.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rotate(_) => "rotate",
            Self::Translate(_) => "translate",
            Self::Affine(_) => "affine",
            Self::Flip(_) => "flip",
            Self::Crop(_) => "crop",
            Self::Erase(_) => "erase",
            Self::Noise(_) => "noise",
            Self::Mixup(_) => "mixup",
            Self::Cutmix(_) => "cutmix",
        }
    }
}

/// Ranges of one combined affine warp about the image centre; what is left out is not changed. Shear comes first, then
/// scale and rotation, then translation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Affine {
    /// Degrees, counter-clockwise positive.
    pub rotate: [f64; 2],
    /// Pixels, drawn separately for x and y.
    pub translate: [f64; 2],
    /// Factor; 1 keeps the size.
    pub scale: [f64; 2],
    /// Degrees of horizontal shear: `x += tan(shear) * (y - h / 2)`.
    pub shear: [f64; 2],
}

impl Default for Affine {
    fn default() -> Self {
        Self { rotate: [0.0; 2], translate: [0.0; 2], scale: [1.0; 2], shear: [0.0; 2] }
    }
}

/// Zero-pad by `pad` pixels on every side, then cut a window of the original size at a random place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crop {
    /// Pixels.
    pub pad: usize,
}

/// A rectangle overwritten with random pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Erase {
    /// Share of images that are changed.
    pub probability: f64,
    /// Area of the rectangle as a share of the image's.
    pub area: [f64; 2],
    /// Height over width.
    pub aspect: [f64; 2],
}

impl Default for Erase {
    /// The paper's values: probability 0.5, area 0.02 to 0.4, aspect 0.3 to 1/0.3.
    fn default() -> Self {
        Self { probability: 0.5, area: [0.02, 0.4], aspect: [0.3, 1.0 / 0.3] }
    }
}

#[cfg(test)]
mod tests;
