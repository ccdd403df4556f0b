//! The kinds of layer a recipe can name.

/// How a window meets the border of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Padding {
    /// Only whole windows: `out = (in - size) / stride + 1`.
    #[default]
    Valid,
    /// Zeros around, so that `out = ceil(in / stride)`; the odd zero goes below and to the right, as in TensorFlow.
    Same,
}

/// An element-wise function.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
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
}

/// What a node computes before its activation.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// Cross-correlation; weights `[kh, kw, in_c, filters]`, bias `[filters]`.
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
    /// `[h, w, c]` to `[1, 1, h w c]`.
    Flatten,
    /// Sum of two equal shapes (a residual connection).
    Add,
}
