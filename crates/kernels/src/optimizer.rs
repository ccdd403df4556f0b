//! One step of an optimizer on flat arrays; element-wise, so the same bits on every instruction set.

use crate::dispatch::{Instructions, Kernel};
use crate::isa::Isa;

/// Constants of one Adam step (Kingma & Ba 2014, algorithm 1).
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// `rate / (1 - beta1^t)`, times `sqrt(1 - beta2^t)` in Keras' form.
    pub step: f32,
    /// `1 / sqrt(1 - beta2^t)`, or 1 in Keras' form.
    pub root_scale: f32,
    /// Added to the scaled root of the second moment.
    pub epsilon: f32,
}

/// `m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; w -= step m / (sqrt(v) root_scale + epsilon)`, after
/// `w -= decay w`.
pub fn adam(
    isa: Instructions,
    constants: Adam,
    decay: f32,
    gradient: &[f32],
    weights: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
) {
    let n = gradient.len();
    assert!(weights.len() == n && first.len() == n && second.len() == n, "adam");
    struct Step<'a>(Adam, f32, &'a [f32], &'a mut [f32], &'a mut [f32], &'a mut [f32]);
    impl Kernel for Step<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            let Self(c, decay, gradient, weights, first, second) = self;
            let moments = first.iter_mut().zip(second);
            for ((w, &g), (m, v)) in weights.iter_mut().zip(gradient).zip(moments) {
                *m = c.beta1 * *m + (1.0 - c.beta1) * g;
                *v = c.beta2 * *v + (1.0 - c.beta2) * (g * g);
                *w = (*w - decay * *w) - c.step * *m / (v.sqrt() * c.root_scale + c.epsilon);
            }
        }
    }
    isa.run(Step(constants, decay, gradient, weights, first, second));
}

/// Constants of one step of gradient descent.
#[derive(Clone, Copy, Debug)]
pub struct Sgd {
    /// Learning rate.
    pub rate: f32,
    /// Share of the last step carried over.
    pub momentum: f32,
    /// Look-ahead form (Nesterov 1983; Sutskever et al. 2013, equations 3 and 4, as Keras writes them).
    pub nesterov: bool,
}

/// `velocity = momentum velocity - rate g; w += velocity` (or `momentum velocity - rate g`), after `w -= decay w`.
pub fn sgd(
    isa: Instructions,
    constants: Sgd,
    decay: f32,
    gradient: &[f32],
    weights: &mut [f32],
    velocity: &mut [f32],
) {
    let n = gradient.len();
    assert!(weights.len() == n && velocity.len() == n, "sgd");
    struct Step<'a>(Sgd, f32, &'a [f32], &'a mut [f32], &'a mut [f32]);
    impl Kernel for Step<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            let Self(c, decay, gradient, weights, velocity) = self;
            for ((w, &g), velocity) in weights.iter_mut().zip(gradient).zip(velocity) {
                *velocity = c.momentum * *velocity - c.rate * g;
                let step = if c.nesterov { c.momentum * *velocity - c.rate * g } else { *velocity };
                *w = (*w - decay * *w) + step;
            }
        }
    }
    isa.run(Step(constants, decay, gradient, weights, velocity));
}
