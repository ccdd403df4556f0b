//! The kinds of layer a recipe can name.

use serde::{Deserialize, Serialize};

/// How a window meets the border of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Only whole windows: `out = (in - size) / stride + 1`.
    #[default]
    Valid,
    /// Zeros around, so that `out = ceil(in / stride)`; the odd zero goes below and to the right, as in TensorFlow.
    Same,
    /// So many zeros on each side, as in PyTorch and ONNX: `out = (before + in + after - size) / stride + 1`.
    Explicit {
        /// `[above, left]`
        before: [usize; 2],
        /// `[below, right]`
        after: [usize; 2],
    },
}

/// An element-wise function.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `x`
    #[default]
    Identity,
    /// `max(x, 0)`
    Relu,
    /// `min(max(x, 0), 6)`
    Relu6,
    /// `x` if positive, else this slope times `x`
    LeakyRelu(f32),
    /// `x` if positive, else `exp(x) - 1`
    Elu,
    /// `x Phi(x)`, with the exact normal distribution function (Keras' and PyTorch's default)
    Gelu,
    /// `x sigmoid(x)`, also called swish
    Silu,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `tanh(x)`
    Tanh,
    /// `ln(1 + exp(x))`
    Softplus,
    /// `x min(max(x + 3, 0), 6) / 6`
    HardSwish,
    /// `min(max(x + 3, 0), 6) / 6` (PyTorch's and Keras 3's)
    HardSigmoid,
    /// `min(max(x, low), high)`
    Clip(f32, f32),
}

/// What a node computes before its activation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Layer {
    /// Cross-correlation; weights `[kh, kw, in_c / groups, filters]`, bias `[filters]`. With groups, each block of
    /// `filters / groups` filters reads its own block of `in_c / groups` channels (Krizhevsky et al. 2012; Keras' order).
    #[serde(rename = "conv")]
    Conv2d {
        /// Output channels.
        filters: usize,
        /// `[kh, kw]`
        kernel: [usize; 2],
        /// `[down, right]`
        stride: [usize; 2],
        /// Valid or same.
        padding: Padding,
        /// Whether a bias is added.
        bias: bool,
        /// Blocks of channels that do not see each other; 1 is an ordinary convolution.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        groups: usize,
        /// `[down, right]` between the taps of a window, 1 where they are neighbours (Yu & Koltun 2016, "Multi-Scale Context
        /// Aggregation by Dilated Convolutions", equation 2).
        #[serde(default = "ones", skip_serializing_if = "are_ones")]
        dilation: [usize; 2],
    },
    /// A convolution with as many groups as input channels: weights `[kh, kw, 1, in_c multiplier]`, bias `[in_c multiplier]`;
    /// filter `c multiplier + j` reads channel `c` alone (Howard et al. 2017, "MobileNets", section 3.1).
    Depthwise {
        /// Filters of each channel.
        multiplier: usize,
        /// `[kh, kw]`
        kernel: [usize; 2],
        /// `[down, right]`
        stride: [usize; 2],
        /// Valid or same.
        padding: Padding,
        /// Whether a bias is added.
        bias: bool,
    },
    /// Largest of each window.
    MaxPool {
        /// `[h, w]`
        size: [usize; 2],
        /// `[down, right]`
        stride: [usize; 2],
        /// Valid or same; padded places never win.
        padding: Padding,
    },
    /// Mean of each window.
    AvgPool {
        /// `[h, w]`
        size: [usize; 2],
        /// `[down, right]`
        stride: [usize; 2],
        /// Valid or same; padded places are not counted.
        padding: Padding,
    },
    /// Mean over all positions.
    GlobalAvgPool,
    /// Largest over all positions.
    GlobalMaxPool,
    /// `x W + b`; weights `[in, units]`, bias `[units]`; needs a flat input.
    Dense {
        /// Outputs.
        units: usize,
        /// Whether a bias is added.
        bias: bool,
    },
    /// Per channel `gamma (x - mean) / sqrt(variance + epsilon) + beta`: statistics of the batch in training, running
    /// averages `moving = momentum moving + (1 - momentum) batch` otherwise (Ioffe & Szegedy 2015; Keras' convention).
    BatchNorm {
        /// Added to the variance; Keras' default is 1e-3.
        epsilon: f32,
        /// Weight of the past in the running averages; Keras' default is 0.99.
        momentum: f32,
    },
    /// Nothing but the node's activation.
    Activation,
    /// In training, sets this share of values to 0 and divides the others by `1 - rate`.
    Dropout {
        /// Share set to 0.
        rate: f32,
    },
    /// In training, sets all values of an image to 0 for this share of the images and divides the others by `1 - rate`: before an
    /// addition, an image goes without that branch (Huang et al. 2016, "Deep Networks with Stochastic Depth"; scaled in training,
    /// as in torchvision).
    DropPath {
        /// Share of the images.
        rate: f32,
    },
    /// `[h, w, c]` to `[1, 1, h w c]`.
    Flatten,
    /// Sum of equal shapes (a residual connection).
    Add,
    /// The channels of all inputs, one input after the other; rows and columns must be equal.
    Concat,
    /// The first input times the second, which has the same shape, or is `[1, 1, c]`: a factor for each channel of an image
    /// (Hu et al. 2018, "Squeeze-and-Excitation Networks", equation 4).
    Multiply,
    /// Per channel `gamma x`, and `+ beta` with a bias, training or not.
    Scale {
        /// Whether a bias is added.
        bias: bool,
    },
    /// At each place `gamma (x - mean) / sqrt(variance + epsilon) + beta`, with the mean and variance of its channels (Ba, Kiros &
    /// Hinton 2016, "Layer Normalization"; over channels only, as ConvNeXt has it).
    LayerNorm {
        /// Added to the variance.
        epsilon: f32,
    },
    /// `channels` channels from `first` on.
    Slice {
        /// The first one.
        first: usize,
        /// How many.
        channels: usize,
    },
    /// Channels of `groups` blocks, interleaved: output `place groups + block` is input `block c / groups + place` (Zhang et
    /// al. 2018, "ShuffleNet", section 3.1).
    Shuffle {
        /// Blocks; they divide the channels.
        groups: usize,
    },
    /// Zeros around the image.
    Pad {
        /// `[above, left]`
        before: [usize; 2],
        /// `[below, right]`
        after: [usize; 2],
    },
    /// The image with other numbers of rows and columns.
    Resize {
        /// `[h, w]`
        size: [usize; 2],
        /// How values between pixels are made.
        method: Interpolation,
    },
}

/// How [`Layer::Resize`] makes values between pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// Pixel `floor(i in / out)`.
    Nearest,
    /// A weighted mean of four pixels; output `i` lies at `(i + 1/2) in / out - 1/2`, between pixels at whole numbers, and what
    /// lies outside counts as the pixel at the border (PyTorch's `align_corners=False`, ONNX' `half_pixel`).
    Bilinear,
}

/// What [`Layer::Conv2d`] and [`Layer::Depthwise`] are for a given input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Output channels.
    pub filters: usize,
    /// `[kh, kw]`
    pub kernel: [usize; 2],
    /// `[down, right]`
    pub stride: [usize; 2],
    /// Valid or same.
    pub padding: Padding,
    /// Whether a bias is added.
    pub bias: bool,
    /// Blocks of channels that do not see each other.
    pub groups: usize,
    /// `[down, right]` between taps.
    pub dilation: [usize; 2],
}

impl Convolution {
    /// `[h, w]` that a window spans.
    pub fn span(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            self.kernel[axis].saturating_sub(1).saturating_mul(self.dilation[axis]).saturating_add(1)
        })
    }

    /// Whether it has one filter for each of `channels`, and more than one.
    pub fn is_depthwise(&self, channels: usize) -> bool {
        self.groups > 1 && self.groups == channels && self.filters == channels
    }
}

/// Groups of a convolution in files from before there were any.
fn one() -> usize {
    1
}

fn is_one(groups: &usize) -> bool {
    *groups == 1
}

/// Likewise the dilation.
fn ones() -> [usize; 2] {
    [1, 1]
}

fn are_ones(dilation: &[usize; 2]) -> bool {
    *dilation == [1, 1]
}

impl Padding {
    /// The recipe's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Same => "same",
            Self::Explicit { .. } => "pad",
        }
    }
}

impl Interpolation {
    /// The recipe's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Bilinear => "bilinear",
        }
    }
}

impl Activation {
    /// Every activation once, with the numbers that are meant where none are written.
    pub const ALL: [Self; 13] = [
        Self::Identity,
        Self::Relu,
        Self::Relu6,
        Self::LeakyRelu(Self::DEFAULT_SLOPE),
        Self::Elu,
        Self::Gelu,
        Self::Silu,
        Self::Sigmoid,
        Self::Tanh,
        Self::Softplus,
        Self::HardSwish,
        Self::HardSigmoid,
        Self::Clip(0.0, 1.0),
    ];

    /// Slope of a leaky ReLU whose slope is not written (Maas et al. 2013; PyTorch's and ONNX' default).
    pub const DEFAULT_SLOPE: f32 = 0.01;

    /// The recipe's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::LeakyRelu(_) => "leaky_relu",
            Self::Elu => "elu",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Softplus => "softplus",
            Self::HardSwish => "hard_swish",
            Self::HardSigmoid => "hard_sigmoid",
            Self::Clip(..) => "clip",
        }
    }

    /// The activation of that name, with the numbers of [`Activation::ALL`].
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activation| activation.name() == name)
    }
}

impl Layer {
    /// The recipe's words for layers, [`Layer::Activation`] apart, which goes by the activation's name.
    pub const KINDS: [&'static str; 20] = [
        "conv",
        "depthwise",
        "max_pool",
        "avg_pool",
        "global_avg_pool",
        "global_max_pool",
        "dense",
        "batch_norm",
        "dropout",
        "drop_path",
        "flatten",
        "add",
        "concat",
        "multiply",
        "scale",
        "layer_norm",
        "slice",
        "shuffle",
        "pad",
        "resize",
    ];

    /// The recipe's word for this layer with that activation behind it: one of [`Layer::KINDS`], or the name of the
    /// activation if the layer is nothing else.
    pub fn kind(&self, activation: Activation) -> &'static str {
        match self {
            Self::Conv2d { .. } => "conv",
            Self::Depthwise { .. } => "depthwise",
            Self::MaxPool { .. } => "max_pool",
            Self::AvgPool { .. } => "avg_pool",
            Self::GlobalAvgPool => "global_avg_pool",
            Self::GlobalMaxPool => "global_max_pool",
            Self::Dense { .. } => "dense",
            Self::BatchNorm { .. } => "batch_norm",
            Self::Activation => activation.name(),
            Self::Dropout { .. } => "dropout",
            Self::DropPath { .. } => "drop_path",
            Self::Flatten => "flatten",
            Self::Add => "add",
            Self::Concat => "concat",
            Self::Multiply => "multiply",
            Self::Scale { .. } => "scale",
            Self::LayerNorm { .. } => "layer_norm",
            Self::Slice { .. } => "slice",
            Self::Shuffle { .. } => "shuffle",
            Self::Pad { .. } => "pad",
            Self::Resize { .. } => "resize",
        }
    }

    /// Whether it reads more than one layer.
    pub fn joins(&self) -> bool {
        matches!(self, Self::Add | Self::Concat | Self::Multiply)
    }

    /// The convolution that this layer is on an input of `channels`; `None` if it is another layer.
    pub fn convolution(&self, channels: usize) -> Option<Convolution> {
        match *self {
            Self::Conv2d { filters, kernel, stride, padding, bias, groups, dilation } => {
                Some(Convolution { filters, kernel, stride, padding, bias, groups, dilation })
            }
            Self::Depthwise { multiplier, kernel, stride, padding, bias } => {
                let filters = channels.saturating_mul(multiplier);
                let (groups, dilation) = (channels, [1, 1]);
                Some(Convolution { filters, kernel, stride, padding, bias, groups, dilation })
            }
            _ => None,
        }
    }
}
