//! From a picture to the pixels of a model: what comes before [`super::Preprocessing::apply`], while images are loaded.

use serde::{Deserialize, Serialize};

/// What happens to the proportions of a picture that is not of the model's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// Nothing is lost and nothing added: height and width change by their own factors.
    #[default]
    Stretch,
    /// The largest middle part with the proportions of the model; what is outside is lost.
    Crop,
    /// The whole picture in its proportions, in the middle of a black one.
    Pad,
}

/// How pixels between pixels are found. Both grow with the factor when a picture shrinks, as Pillow's do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// A triangle, Pillow's `BILINEAR`.
    #[default]
    Bilinear,
    /// Keys' cubic with a = -0.5, Pillow's `BICUBIC`.
    Bicubic,
}

impl Fit {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stretch, Self::Crop, Self::Pad];

    /// The words of a recipe.
    pub const NAMES: [&str; 3] = ["stretch", "crop", "pad"];

    /// The recipe's word.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// What the word says; [`Fit::Stretch`] if it is none of [`Self::NAMES`].
    pub fn named(word: &str) -> Self {
        match word {
            "crop" => Self::Crop,
            "pad" => Self::Pad,
            _ => Self::Stretch,
        }
    }
}

impl Filter {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Bilinear, Self::Bicubic];

    /// The words of a recipe.
    pub const NAMES: [&str; 2] = ["bilinear", "bicubic"];

    /// The recipe's word.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// What the word says; [`Filter::Bilinear`] if it is none of [`Self::NAMES`].
    pub fn named(word: &str) -> Self {
        if word == "bicubic" { Self::Bicubic } else { Self::Bilinear }
    }
}

/// Where a value of an image lies when a model reads it. All but the first are mistakes that a model was trained with: it
/// works only if its images are given with the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Where the picture has it.
    #[default]
    Straight,
    /// Rows for columns, as in the files of EMNIST and MATLAB.
    Transposed,
    /// Memory of a picture `[c, h, w]` taken for `[h, w, c]`: reshaped where it had to be transposed.
    ChwAsHwc,
    /// Memory of a picture `[h, w, c]` taken for `[c, h, w]`: the same mistake the other way round.
    HwcAsChw,
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Straight, Self::Transposed, Self::ChwAsHwc, Self::HwcAsChw];

    /// Whether it changes images of `size` `[h, w, c]` and keeps their size: rows and columns change places in square images,
    /// channels where there are several.
    pub fn matters(self, [h, w, c]: [usize; 3]) -> bool {
        match self {
            Self::Straight => false,
            Self::Transposed => h == w && h > 1,
            Self::ChwAsHwc | Self::HwcAsChw => c > 1 && h * w > 1,
        }
    }

    /// Whether the values of a pixel are no longer side by side.
    pub(super) fn tears(self) -> bool {
        matches!(self, Self::ChwAsHwc | Self::HwcAsChw)
    }

    /// Where each value of an arranged image of `size` `[h, w, c]` comes from: `arranged[i] = pixels[from[i]]`.
    pub(super) fn from(self, [h, w, c]: [usize; 3]) -> Vec<usize> {
        let hwc = |y: usize, x: usize, k: usize| (y * w + x) * c + k;
        let chw = |y: usize, x: usize, k: usize| (k * h + y) * w + x;
        let mut from = vec![0; h * w * c];
        for y in 0..h {
            for x in 0..w {
                for k in 0..c {
                    let (to, place) = match self {
                        Self::Straight => (hwc(y, x, k), hwc(y, x, k)),
                        Self::Transposed => (hwc(x, y, k), hwc(y, x, k)),
                        Self::ChwAsHwc => (chw(y, x, k), hwc(y, x, k)),
                        Self::HwcAsChw => (hwc(y, x, k), chw(y, x, k)),
                    };
                    from[to] = place;
                }
            }
        }
        from
    }
}
