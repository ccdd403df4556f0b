//! Changed copies of images: made once before training, or redrawn each epoch.

use serde::{Deserialize, Serialize};

/// One random change of an image. A `[low, high]` range is drawn from uniformly; a single draw is made per image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Transform {
    /// Turn about the image centre, degrees, counter-clockwise positive (OpenCV's `getRotationMatrix2D`).
    Rotate([f64; 2]),
    /// Shift, pixels, drawn separately for x (right positive) and y (down positive).
    Translate([f64; 2]),
    /// Rotation, shift, scale and shear in one warp.
    Affine(Affine),
    /// Mirror left and right with this probability.
    Flip(f64),
    /// Shift by padding and cropping back to size.
    Crop(Crop),
    /// Overwrite a random rectangle (Zhong et al. 2017, "Random Erasing Data Augmentation").
    Erase(Erase),
    /// Add Gaussian noise of this standard deviation, in units of the full pixel range (0 to 1).
    Noise(f64),
    /// Mix pairs of images and their labels with a Beta(alpha, alpha) weight (Zhang et al. 2017, "mixup").
    Mixup(f64),
}

/// Ranges of one combined affine warp; what is left out is not changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Affine {
    /// Degrees, counter-clockwise positive.
    pub rotate: [f64; 2],
    /// Pixels, drawn separately for x and y.
    pub translate: [f64; 2],
    /// Factor; 1 keeps the size.
    pub scale: [f64; 2],
    /// Degrees of horizontal shear.
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
