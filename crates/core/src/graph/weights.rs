//! The values of a graph's parameters, in one flat vector.

/// What a parameter is used for, which decides how it starts and whether weight decay and the optimizer touch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Convolution or dense weights: initialised at random, decayed.
    Kernel,
    /// Added per channel: starts at 0.
    Bias,
    /// Batch-norm factor: starts at 1.
    Gamma,
    /// Batch-norm offset: starts at 0.
    Beta,
    /// Running mean: starts at 0, not trained by gradient.
    MovingMean,
    /// Running variance: starts at 1, not trained by gradient.
    MovingVariance,
}

impl Role {
    /// Whether the optimizer changes it.
    pub fn trained(self) -> bool {
        !matches!(self, Self::MovingMean | Self::MovingVariance)
    }

    /// The value with which a layer does nothing, or of a kernel, 0.
    pub fn neutral(self) -> f32 {
        match self {
            Self::Gamma | Self::MovingVariance => 1.0,
            Self::Kernel | Self::Bias | Self::Beta | Self::MovingMean => 0.0,
        }
    }

    /// Second half of a parameter's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Bias => "bias",
            Self::Gamma => "gamma",
            Self::Beta => "beta",
            Self::MovingMean => "moving_mean",
            Self::MovingVariance => "moving_variance",
        }
    }
}

/// Name, shape and place of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// `<node>.<role>`: `conv1.kernel`, `conv1.bias`, `batch_norm1.moving_mean`.
    pub name: String,
    /// Conv `[kh, kw, in_c / groups, out_c]`, dense `[in, out]`, others `[c]`.
    pub shape: Vec<usize>,
    /// Its use.
    pub role: Role,
    /// First value in [`Weights::values`].
    pub offset: usize,
}

impl Parameter {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its values' place in [`Weights::values`].
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.len()
    }
}

/// One value for every parameter of a graph, laid out as [`super::Graph::parameters`] says.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// All parameters one after the other.
    pub values: Vec<f32>,
}

impl Weights {
    /// The values of one parameter, in its shape's row-major order.
    ///
    /// # Panics
    /// If `parameter` is not of the graph these weights are for.
    pub fn of(&self, parameter: &Parameter) -> &[f32] {
        &self.values[parameter.range()]
    }

    /// The values of one parameter, to write.
    ///
    /// # Panics
    /// If `parameter` is not of the graph these weights are for.
    pub fn of_mut(&mut self, parameter: &Parameter) -> &mut [f32] {
        &mut self.values[parameter.range()]
    }
}
