//! Per-channel moments and the affine maps of batch normalization, on `[positions, c]`.
//!
//! *Idea*: each image gives its channel means and sums of squared deviations (two passes over data in cache); the engine
//! combines them over images in `f64` by Chan, Golub & LeVeque 1983, "Algorithms for Computing the Sample Variance",
//! equation 2.1, which does not cancel where a mean is large against its deviation.
//! ```text
//! for vectors of channels:                      # what belongs to the channel in registers
//!     for p in positions:  the formula
//! ```
//! *Exactness*: channels stand side by side, so a lane is a plain loop over positions, and no multiplication is fused with an
//! addition: same bits on every instruction set, as the twins in [`crate::scalar::norm`].
//!
//! *Departures*: sums over positions run in four chains (position modulo 4), added pairwise, so that an addition's latency is
//! not the limit; the twin does the same.

use crate::dispatch::{Instructions, Kernel};
use crate::isa::Isa;

/// Chains of a sum over positions.
pub const CHAINS: usize = 4;

/// Runs a body for every vector of channels: with whole vectors where they fit, else with the first `count` lanes.
macro_rules! for_channels {
    ($isa:ident, $c:expr, |$first:ident, $load:ident, $store:ident| $body:block) => {
        let mut $first = 0;
        while $first + I::LANES <= $c {
            #[allow(unused_macros, reason = "not every kernel stores")]
            macro_rules! $load {
                ($slice:expr, $at:expr) => {{
                    let values = &$slice[$at..][..I::LANES];
                    // SAFETY: `values` holds `LANES` values.
                    unsafe { $isa.load(values.as_ptr()) }
                }};
            }
            #[allow(unused_macros, reason = "not every kernel stores")]
            macro_rules! $store {
                ($slice:expr, $at:expr, $value:expr) => {{
                    let value = $value;
                    let values = &mut $slice[$at..][..I::LANES];
                    // SAFETY: `values` holds `LANES` values.
                    unsafe { $isa.store(values.as_mut_ptr(), value) }
                }};
            }
            $body
            $first += I::LANES;
        }
        if $first < $c {
            let count = $c - $first;
            #[allow(unused_macros, reason = "not every kernel stores")]
            macro_rules! $load {
                ($slice:expr, $at:expr) => {{
                    let values = &$slice[$at..][..count];
                    // SAFETY: `values` holds `count < LANES` values.
                    unsafe { $isa.load_first(values.as_ptr(), count) }
                }};
            }
            #[allow(unused_macros, reason = "not every kernel stores")]
            macro_rules! $store {
                ($slice:expr, $at:expr, $value:expr) => {{
                    let value = $value;
                    let values = &mut $slice[$at..][..count];
                    // SAFETY: `values` holds `count < LANES` values.
                    unsafe { $isa.store_first(values.as_mut_ptr(), value, count) }
                }};
            }
            $body
        }
    };
}

/// Channel means and sums of squared deviations of one image `[positions, c]`.
pub fn moments(isa: Instructions, x: &[f32], mean: &mut [f32], deviation: &mut [f32]) {
    assert!(mean.len() == deviation.len() && x.len().is_multiple_of(mean.len()), "moments");
    struct Moments<'a>(&'a [f32], &'a mut [f32], &'a mut [f32]);
    impl Kernel for Moments<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, isa: I) {
            let Self(x, means, deviations) = self;
            let c = means.len();
            let positions = x.len() / c;
            let share = isa.splat(1.0 / positions as f32);
            for_channels!(isa, c, |first, load, store| {
                let mut sums = [isa.zero(); CHAINS];
                let mut position = 0;
                while position < positions {
                    for chain in 0..CHAINS.min(positions - position) {
                        sums[chain] = isa.add(sums[chain], load!(x, (position + chain) * c + first));
                    }
                    position += CHAINS;
                }
                let mean = isa.mul(pairwise(isa, sums), share);
                let mut sums = [isa.zero(); CHAINS];
                let mut position = 0;
                while position < positions {
                    for chain in 0..CHAINS.min(positions - position) {
                        let distance = isa.sub(load!(x, (position + chain) * c + first), mean);
                        sums[chain] = isa.add(sums[chain], isa.mul(distance, distance));
                    }
                    position += CHAINS;
                }
                store!(means, first, mean);
                store!(deviations, first, pairwise(isa, sums));
            });
        }
    }
    isa.run(Moments(x, mean, deviation));
}

#[inline(always)]
fn pairwise<I: Isa>(isa: I, [a, b, c, d]: [I::F32; CHAINS]) -> I::F32 {
    isa.add(isa.add(a, b), isa.add(c, d))
}

/// `y = x * scale[c] + shift[c]`, then a ReLU if `relu`.
pub fn scale_shift(isa: Instructions, x: &[f32], scale: &[f32], shift: &[f32], relu: bool, y: &mut [f32]) {
    let c = scale.len();
    assert!(c == shift.len() && x.len() == y.len() && x.len().is_multiple_of(c), "scale_shift");
    struct ScaleShift<'a>(&'a [f32], &'a [f32], &'a [f32], f32, &'a mut [f32]);
    impl Kernel for ScaleShift<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, isa: I) {
            let Self(x, scales, shifts, floor, y) = self;
            let c = scales.len();
            let floor = isa.splat(floor);
            for_channels!(isa, c, |first, load, store| {
                let (scale, shift) = (load!(scales, first), load!(shifts, first));
                for position in 0..x.len() / c {
                    let value = isa.add(isa.mul(load!(x, position * c + first), scale), shift);
                    store!(y, position * c + first, isa.max(value, floor));
                }
            });
        }
    }
    isa.run(ScaleShift(x, scale, shift, if relu { 0.0 } else { f32::NEG_INFINITY }, y));
}

/// Adds to `sum` the channel sums of `dy`, and to `product` those of `dy * (x - mean)`, over one image `[positions, c]`.
/// If a ReLU followed, `y` is its output, and `dy` is first set to 0 where that is not positive.
pub fn gradient_sums(
    isa: Instructions,
    (x, mean): (&[f32], &[f32]),
    y: Option<&[f32]>,
    dy: &mut [f32],
    (sum, product): (&mut [f32], &mut [f32]),
) {
    let c = mean.len();
    assert!(
        x.len() == dy.len() && x.len().is_multiple_of(c) && sum.len() == c && product.len() == c,
        "gradient_sums"
    );
    assert!(y.is_none_or(|y| y.len() == x.len()), "y");
    struct Sums<'a>(&'a [f32], &'a [f32], Option<&'a [f32]>, &'a mut [f32], &'a mut [f32], &'a mut [f32]);
    impl Kernel for Sums<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, isa: I) {
            let Self(x, means, y, dy, sum, product) = self;
            let c = means.len();
            let positions = x.len() / c;
            for_channels!(isa, c, |first, load, store| {
                let mean = load!(means, first);
                let mut sums = [isa.zero(); CHAINS];
                let mut products = [isa.zero(); CHAINS];
                let mut position = 0;
                while position < positions {
                    for chain in 0..CHAINS.min(positions - position) {
                        let at = (position + chain) * c + first;
                        let mut gradient = load!(dy, at);
                        if let Some(y) = y {
                            gradient = isa.select_greater(load!(y, at), isa.zero(), gradient, isa.zero());
                            store!(dy, at, gradient);
                        }
                        sums[chain] = isa.add(sums[chain], gradient);
                        let distance = isa.sub(load!(x, at), mean);
                        products[chain] = isa.add(products[chain], isa.mul(gradient, distance));
                    }
                    position += CHAINS;
                }
                store!(sum, first, isa.add(load!(sum, first), pairwise(isa, sums)));
                store!(product, first, isa.add(load!(product, first), pairwise(isa, products)));
            });
        }
    }
    isa.run(Sums(x, mean, y, dy, sum, product));
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
        fn run<I: Isa>(self, isa: I) {
            let Self(x, dy, f, dx, accumulate) = self;
            let c = f.mean.len();
            for_channels!(isa, c, |first, load, store| {
                let (scale, distance) = (load!(f.gradient, first), load!(f.distance, first));
                let (mean, constant) = (load!(f.mean, first), load!(f.constant, first));
                for at in (0..x.len() / c).map(|position| position * c + first) {
                    let far = isa.mul(isa.sub(load!(x, at), mean), distance);
                    let gradient = isa.add(isa.add(isa.mul(load!(dy, at), scale), far), constant);
                    let gradient = if accumulate { isa.add(load!(dx, at), gradient) } else { gradient };
                    store!(dx, at, gradient);
                }
            });
        }
    }
    isa.run(Backward(x, dy, factors, dx, accumulate));
}
