//! What the corruptions are called, and which belong to which suite.

use serde::{Deserialize, Serialize};

/// Severities go from 1 to this.
pub const SEVERITIES: u8 = 5;

/// Where the severities of a corruption come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suite {
    /// ImageNet-C, or CIFAR-10-C for small images: 15 corruptions and the 4 extra ones.
    Common,
    /// MNIST-C: 15 corruptions.
    Mnist,
}

/// What is done to an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Kind {
    /// Normal noise added to every value.
    GaussianNoise = 0,
    /// Every value is a count of photons (Poisson).
    ShotNoise = 1,
    /// Values set to black or white.
    ImpulseNoise = 2,
    /// Normal noise in proportion to the value.
    SpeckleNoise = 3,
    /// A lens out of focus: the mean over a disk.
    DefocusBlur = 4,
    /// Frosted glass: pixels swapped with near ones.
    GlassBlur = 5,
    /// A camera that moved in a line.
    MotionBlur = 6,
    /// A camera that moved forward.
    ZoomBlur = 7,
    /// A Gaussian filter.
    GaussianBlur = 8,
    /// Falling snow.
    Snow = 9,
    /// Ice on the lens.
    Frost = 10,
    /// Fog from a fractal.
    Fog = 11,
    /// Lighter.
    Brightness = 12,
    /// Less contrast.
    Contrast = 13,
    /// Colours weaker, then stronger; nothing on grey images.
    Saturate = 14,
    /// Small parts stretched and pushed.
    ElasticTransform = 15,
    /// Larger pixels.
    Pixelate = 16,
    /// Blocks of a JPEG file.
    JpegCompression = 17,
    /// Drops of water, then mud.
    Spatter = 18,
    /// Rows pushed sideways.
    Shear = 19,
    /// Smaller.
    Scale = 20,
    /// Turned.
    Rotate = 21,
    /// Moved by whole pixels.
    Translate = 22,
    /// Columns at both sides turned to their negative.
    Stripe = 23,
    /// Dotted lines drawn over the image.
    DottedLine = 24,
    /// Zigzags drawn over the image.
    Zigzag = 25,
    /// Only edges are left.
    CannyEdges = 26,
}

use Kind::*;

/// The order of the paper: noise, blur, weather, digital; then the extra four.
const COMMON: [Kind; 19] = [
    GaussianNoise,
    ShotNoise,
    ImpulseNoise,
    DefocusBlur,
    GlassBlur,
    MotionBlur,
    ZoomBlur,
    Snow,
    Frost,
    Fog,
    Brightness,
    Contrast,
    ElasticTransform,
    Pixelate,
    JpegCompression,
    SpeckleNoise,
    GaussianBlur,
    Spatter,
    Saturate,
];

const MNIST: [Kind; 15] = [
    ShotNoise,
    ImpulseNoise,
    GlassBlur,
    MotionBlur,
    Shear,
    Scale,
    Rotate,
    Brightness,
    Translate,
    Stripe,
    Fog,
    Spatter,
    DottedLine,
    Zigzag,
    CannyEdges,
];

impl Kind {
    /// The name in the published code: `gaussian_noise`.
    pub fn name(self) -> &'static str {
        match self {
            GaussianNoise => "gaussian_noise",
            ShotNoise => "shot_noise",
            ImpulseNoise => "impulse_noise",
            SpeckleNoise => "speckle_noise",
            DefocusBlur => "defocus_blur",
            GlassBlur => "glass_blur",
            MotionBlur => "motion_blur",
            ZoomBlur => "zoom_blur",
            GaussianBlur => "gaussian_blur",
            Snow => "snow",
            Frost => "frost",
            Fog => "fog",
            Brightness => "brightness",
            Contrast => "contrast",
            Saturate => "saturate",
            ElasticTransform => "elastic_transform",
            Pixelate => "pixelate",
            JpegCompression => "jpeg_compression",
            Spatter => "spatter",
            Shear => "shear",
            Scale => "scale",
            Rotate => "rotate",
            Translate => "translate",
            Stripe => "stripe",
            DottedLine => "dotted_line",
            Zigzag => "zigzag",
            CannyEdges => "canny_edges",
        }
    }
}

impl Suite {
    /// The corruptions of the suite in the published order; those that do nothing to images of `channels` are left out.
    pub fn corruptions(self, channels: usize) -> Vec<Corruption> {
        let kinds: &[Kind] = match self {
            Self::Common => &COMMON,
            Self::Mnist => &MNIST,
        };
        let acts = |kind: &&Kind| **kind != Saturate || channels == 3;
        kinds.iter().filter(acts).map(|&kind| Corruption { suite: self, kind }).collect()
    }

    /// `common` or `mnist`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Common => "common",
            Self::Mnist => "mnist",
        }
    }
}

/// A corruption of a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Corruption {
    /// Whose severities.
    pub suite: Suite,
    /// What is done.
    pub kind: Kind,
}

impl Corruption {
    /// The corruption `kind` of `suite`, if the suite has it.
    pub fn new(suite: Suite, kind: Kind) -> Option<Self> {
        let found = Self { suite, kind };
        suite.corruptions(3).contains(&found).then_some(found)
    }

    /// From its label, `common/fog` or `mnist/zigzag`.
    pub fn parse(label: &str) -> Option<Self> {
        [Suite::Common, Suite::Mnist]
            .into_iter()
            .flat_map(|suite| suite.corruptions(3))
            .find(|corruption| corruption.label() == label)
    }

    /// Suite and name: `common/fog`.
    pub fn label(self) -> String {
        format!("{}/{}", self.suite.name(), self.kind.name())
    }
}
