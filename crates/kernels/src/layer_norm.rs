//! Normalization of each position over its channels, `[positions, c]` (Ba, Kiros & Hinton 2016, "Layer Normalization").
//!
//! *Idea*
//! ```text
//! for p in positions:  mean, variance of x[p, :];  s = 1 / sqrt(variance + epsilon);  u = (x[p, :] - mean) s
//!     forward:         y[p, :] = gamma u + beta
//!     backward:        g = gamma dy[p, :];  dx[p, :] = s (g - mean(g) - u mean(g u));  dgamma += u dy[p, :];  dbeta += dy[p, :]
//! ```
//! *Exactness*: sums over channels run in [`LANES`] chains (channel modulo `LANES`), added one after the other, and no
//! multiplication is fused with an addition: the same bits on every instruction set, and as the loops compiled for none, which
//! are the twin (`tests.rs`). The variance is that of differences from the mean, which does not cancel.

use crate::dispatch::{Instructions, Kernel};
use crate::isa::Isa;

/// Chains of a sum over channels.
pub const LANES: usize = 16;

/// The sum of `value` of the elements of `a` and `b`, in [`LANES`] chains.
#[inline(always)]
fn sum(a: &[f32], b: &[f32], value: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (whole_a, rest_a) = a.as_chunks::<LANES>();
    let (whole_b, rest_b) = b.as_chunks::<LANES>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        for lane in 0..LANES {
            sums[lane] += value(a[lane], b[lane]);
        }
    }
    for (lane, (&a, &b)) in rest_a.iter().zip(rest_b).enumerate() {
        sums[lane] += value(a, b);
    }
    sums.iter().sum()
}

/// Mean, and `1 / sqrt(variance + epsilon)`.
#[inline(always)]
fn moments(x: &[f32], epsilon: f32) -> (f32, f32) {
    let count = x.len() as f32;
    let mean = sum(x, x, |x, _| x) / count;
    let variance = sum(x, x, |x, _| (x - mean) * (x - mean)) / count;
    (mean, 1.0 / (variance + epsilon).sqrt())
}

/// Factor, offset and what is added to the variance.
#[derive(Clone, Copy, Debug)]
pub struct Parameters<'a> {
    /// `[c]`
    pub gamma: &'a [f32],
    /// `[c]`
    pub beta: &'a [f32],
    /// Above 0.
    pub epsilon: f32,
}

/// Normalizes `x` `[positions, c]` to `y`.
///
/// # Panics
/// If lengths do not fit.
pub fn layer_norm(isa: Instructions, x: &[f32], parameters: Parameters<'_>, y: &mut [f32]) {
    let c = parameters.gamma.len();
    assert!(x.len() == y.len() && x.len().is_multiple_of(c) && parameters.beta.len() == c, "layer_norm");
    struct Forward<'a>(&'a [f32], Parameters<'a>, &'a mut [f32]);
    impl Kernel for Forward<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            let Self(x, Parameters { gamma, beta, epsilon }, y) = self;
            for (x, y) in x.chunks_exact(gamma.len()).zip(y.chunks_exact_mut(gamma.len())) {
                let (mean, scale) = moments(x, epsilon);
                for ((y, &x), (&gamma, &beta)) in y.iter_mut().zip(x).zip(gamma.iter().zip(beta)) {
                    *y = (x - mean) * scale * gamma + beta;
                }
            }
        }
    }
    isa.run(Forward(x, parameters, y));
}

/// From `dy` `[positions, c]` the gradient of `x`, written to `dx` or added to it, where one is wanted; those of gamma and beta
/// are added to `sums`, where they are.
///
/// # Panics
/// If lengths do not fit.
pub fn layer_norm_backward(
    isa: Instructions,
    (x, dy): (&[f32], &[f32]),
    parameters: Parameters<'_>,
    dx: Option<(&mut [f32], bool)>,
    sums: Option<(&mut [f32], &mut [f32])>,
) {
    let c = parameters.gamma.len();
    assert!(x.len() == dy.len() && x.len().is_multiple_of(c), "layer_norm_backward");
    assert!(dx.as_ref().is_none_or(|dx| dx.0.len() == x.len()), "layer_norm_backward: dx");
    assert!(
        sums.as_ref().is_none_or(|sums| sums.0.len() == c && sums.1.len() == c),
        "layer_norm_backward: sums"
    );
    struct Backward<'a> {
        arrays: (&'a [f32], &'a [f32]),
        parameters: Parameters<'a>,
        dx: Option<(&'a mut [f32], bool)>,
        sums: Option<(&'a mut [f32], &'a mut [f32])>,
    }
    impl Kernel for Backward<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            let Self { arrays: (x, dy), parameters: Parameters { gamma, epsilon, .. }, mut dx, mut sums } =
                self;
            let c = gamma.len();
            let (mut u, mut g) = (vec![0.0_f32; c], vec![0.0_f32; c]);
            for (position, (x, dy)) in x.chunks_exact(c).zip(dy.chunks_exact(c)).enumerate() {
                let (mean, scale) = moments(x, epsilon);
                for (u, &x) in u.iter_mut().zip(x) {
                    *u = (x - mean) * scale;
                }
                if let Some((dgamma, dbeta)) = &mut sums {
                    for ((dgamma, dbeta), (&u, &dy)) in
                        dgamma.iter_mut().zip(&mut **dbeta).zip(u.iter().zip(dy))
                    {
                        *dgamma += u * dy;
                        *dbeta += dy;
                    }
                }
                if let Some((dx, accumulate)) = &mut dx {
                    for (g, (&gamma, &dy)) in g.iter_mut().zip(gamma.iter().zip(dy)) {
                        *g = gamma * dy;
                    }
                    let (middle, slope) = (sum(&g, &g, |g, _| g), sum(&g, &u, |g, u| g * u));
                    let (middle, slope) = (middle / c as f32, slope / c as f32);
                    for (dx, (&g, &u)) in dx[position * c..][..c].iter_mut().zip(g.iter().zip(&u)) {
                        let gradient = (g - middle - u * slope) * scale;
                        *dx = if *accumulate { *dx + gradient } else { gradient };
                    }
                }
            }
        }
    }
    isa.run(Backward { arrays: (x, dy), parameters, dx, sums });
}
