//! Starting weights.
//!
//! *Idea*: with `fan_in = kh kw in_c / groups` and `fan_out = kh kw out_c` (dense: `in`, `out`) kernels are drawn so that the
//! variance of a layer's output does not depend on its width; everything else starts where the layer does nothing.
//! Each parameter has a random stream of its own, so adding a layer does not change how the others start.
//!
//! *Reference*: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks",
//! equation 16; He et al. 2015, "Delving Deep into Rectifiers", equation 10; Keras' `VarianceScaling` for the cut.

use serde::{Deserialize, Serialize};

use super::{Graph, Parameter, Role, Weights};
use crate::random::{Purpose, Stream};

/// Standard deviation of a standard normal variable cut at ±2: `sqrt(1 - 4 phi(2) / (2 Phi(2) - 1))`, the constant in
/// Keras' `VarianceScaling`.
const CUT_NORMAL_SD: f64 = 0.879_625_661_034_239_8;

/// Starting values of kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initializer {
    /// Uniform in ±sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010); Keras' default.
    #[default]
    GlorotUniform,
    /// Normal with variance 2 / fan_in (He et al. 2015), cut at two standard deviations and rescaled, as Keras does.
    HeNormal,
    /// Uniform in ±sqrt(6 / fan_in) (He et al. 2015).
    HeUniform,
}

impl Weights {
    /// Random kernels; biases, betas and moving means 0, gammas and moving variances 1.
    ///
    /// Parameter `i` of the graph is drawn from the stream `(seed, Init, i, 0)`.
    pub fn initial(graph: &Graph, initializer: Initializer, seed: u64) -> Self {
        let mut values = Vec::with_capacity(graph.parameter_count());
        for (index, parameter) in graph.parameters.iter().enumerate() {
            match parameter.role {
                Role::Kernel => {
                    let mut stream = Stream::new(seed, Purpose::Init, index as u64, 0);
                    let draw = kernel(parameter, initializer);
                    values.extend((0..parameter.len()).map(|_| draw(&mut stream) as f32));
                }
                role => values.resize(values.len() + parameter.len(), role.neutral()),
            }
        }
        Self { values }
    }
}

/// How one value of a kernel is drawn.
fn kernel(parameter: &Parameter, initializer: Initializer) -> impl Fn(&mut Stream) -> f64 {
    let (fan_in, fan_out) = fans(&parameter.shape);
    let (limit, normal) = match initializer {
        Initializer::GlorotUniform => ((6.0 / (fan_in + fan_out)).sqrt(), false),
        Initializer::HeUniform => ((6.0 / fan_in).sqrt(), false),
        Initializer::HeNormal => ((2.0 / fan_in).sqrt() / CUT_NORMAL_SD, true),
    };
    move |stream| if normal { limit * cut_normal(stream) } else { stream.uniform(-limit, limit) }
}

/// `(fan_in, fan_out)` of a kernel `[…, in, out]`.
fn fans(shape: &[usize]) -> (f64, f64) {
    let [window @ .., inputs, outputs] = shape else { return (1.0, 1.0) };
    let window = window.iter().product::<usize>() as f64;
    (window * *inputs as f64, window * *outputs as f64)
}

/// Standard normal, drawn again until it lies within two standard deviations.
fn cut_normal(stream: &mut Stream) -> f64 {
    loop {
        let z = stream.normal();
        if z.abs() <= 2.0 {
            return z;
        }
    }
}
