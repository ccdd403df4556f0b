//! Per-channel moments and the affine maps of batch normalization, on `[positions, c]`.
//!
//! *Idea*: each image gives its channel means and sums of squared deviations (two passes over data in cache); the engine
//! combines them over images in `f64` by Chan, Golub & LeVeque 1983, "Algorithms for Computing the Sample Variance",
//! equation 2.1, which does not cancel where a mean is large against its deviation.
//!
//! *Exactness*: channels stand side by side, so every lane is a plain loop over positions: same bits everywhere.

use crate::dispatch::{Instructions, Kernel};
use crate::isa::Isa;

/// Channel means and sums of squared deviations of one image `[positions, c]`.
pub fn moments(isa: Instructions, x: &[f32], mean: &mut [f32], deviation: &mut [f32]) {
    assert!(mean.len() == deviation.len() && x.len().is_multiple_of(mean.len()), "moments");
    struct Moments<'a>(&'a [f32], &'a mut [f32], &'a mut [f32]);
    impl Kernel for Moments<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            let Self(x, mean, deviation) = self;
            let c = mean.len();
            mean.fill(0.0);
            deviation.fill(0.0);
            for position in x.chunks_exact(c) {
                for (mean, &x) in mean.iter_mut().zip(position) {
                    *mean += x;
                }
            }
            let share = 1.0 / (x.len() / c) as f32;
            for mean in mean.iter_mut() {
                *mean *= share;
            }
            for position in x.chunks_exact(c) {
                for ((deviation, &mean), &x) in deviation.iter_mut().zip(&*mean).zip(position) {
                    let distance = x - mean;
                    *deviation += distance * distance;
                }
            }
        }
    }
    isa.run(Moments(x, mean, deviation));
}

/// `y = x * scale[c] + shift[c]`
pub fn scale_shift(isa: Instructions, x: &[f32], scale: &[f32], shift: &[f32], y: &mut [f32]) {
    assert!(
        scale.len() == shift.len() && x.len() == y.len() && x.len().is_multiple_of(scale.len()),
        "scale_shift"
    );
    struct ScaleShift<'a>(&'a [f32], &'a [f32], &'a [f32], &'a mut [f32]);
    impl Kernel for ScaleShift<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            let Self(x, scale, shift, y) = self;
            for (y, x) in y.chunks_exact_mut(scale.len()).zip(x.chunks_exact(scale.len())) {
                for (((y, &x), &scale), &shift) in y.iter_mut().zip(x).zip(scale).zip(shift) {
                    *y = x * scale + shift;
                }
            }
        }
    }
    isa.run(ScaleShift(x, scale, shift, y));
}

/// Adds to `sum` the channel sums of `dy`, and to `product` those of `dy * (x - mean)`, over one image `[positions, c]`.
pub fn gradient_sums(
    isa: Instructions,
    x: &[f32],
    dy: &[f32],
    mean: &[f32],
    sum: &mut [f32],
    product: &mut [f32],
) {
    let c = mean.len();
    assert!(
        x.len() == dy.len() && x.len().is_multiple_of(c) && sum.len() == c && product.len() == c,
        "gradient_sums"
    );
    struct Sums<'a>(&'a [f32], &'a [f32], &'a [f32], &'a mut [f32], &'a mut [f32]);
    impl Kernel for Sums<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            let Self(x, dy, mean, sum, product) = self;
            for (x, dy) in x.chunks_exact(mean.len()).zip(dy.chunks_exact(mean.len())) {
                for ((((sum, product), &x), &dy), &mean) in
                    sum.iter_mut().zip(product.iter_mut()).zip(x).zip(dy).zip(mean)
                {
                    *sum += dy;
                    *product += dy * (x - mean);
                }
            }
        }
    }
    isa.run(Sums(x, dy, mean, sum, product));
}

/// Per-channel factors of [`normalize_backward`].
#[derive(Clone, Copy, Debug)]
pub struct Factors<'a> {
    /// Of the output's gradient.
    pub gradient: &'a [f32],
    /// Of the input's distance from its mean.
    pub distance: &'a [f32],
    /// The input's mean.
    pub mean: &'a [f32],
    /// Added to everything.
    pub constant: &'a [f32],
}

/// `dx (+)= dy * gradient[c] + (x - mean[c]) * distance[c] + constant[c]`
pub fn normalize_backward(
    isa: Instructions,
    x: &[f32],
    dy: &[f32],
    factors: Factors<'_>,
    dx: &mut [f32],
    accumulate: bool,
) {
    let c = factors.mean.len();
    assert!(x.len() == dy.len() && x.len() == dx.len() && x.len().is_multiple_of(c), "normalize_backward");
    assert!([factors.gradient, factors.distance, factors.constant].iter().all(|f| f.len() == c), "factors");
    struct Backward<'a>(&'a [f32], &'a [f32], Factors<'a>, &'a mut [f32], bool);
    impl Kernel for Backward<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            let Self(x, dy, f, dx, accumulate) = self;
            let c = f.mean.len();
            for ((dx, x), dy) in dx.chunks_exact_mut(c).zip(x.chunks_exact(c)).zip(dy.chunks_exact(c)) {
                for channel in 0..c {
                    let gradient = dy[channel] * f.gradient[channel]
                        + (x[channel] - f.mean[channel]) * f.distance[channel]
                        + f.constant[channel];
                    dx[channel] = if accumulate { dx[channel] + gradient } else { gradient };
                }
            }
        }
    }
    isa.run(Backward(x, dy, factors, dx, accumulate));
}
