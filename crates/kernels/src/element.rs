//! The numbers that products are made of: `f32`, or pairs of `bf16` whose products are added in `f32`.
//!
//! A kernel that sums products is generic over an [`Element`]; with [`Bf16`] a step of its sum is a *pair* of taps, and an
//! offset points at the first of two neighbours in memory.
//!
//! *Exactness* of `bf16`: a product of two `bf16` numbers is exact in `f32`; the sums are `f32`. What is lost is lost in
//! rounding the factors to 8 bits ([`BF16_ERROR`], to nearest, ties to even). Whether a CPU's own instruction flushes
//! subnormal numbers or rounds between the two sums of a pair differs; `sum_bound` covers both.
//!
//! *Departure*: on Zen 5 the three fused convolutions of the 45,770-parameter network take 12.5 us an image with `bf16`, 20.7 us with
//! `f32`. AVX-512 BF16 adds two products of a pair in one instruction, twice the products of a fused multiply-add;
//! elsewhere a pair is split into two `f32` by shifts, which is slower than `f32` and there so that a model that was
//! measured in `bf16` can be run anywhere.

use crate::dispatch::{Instructions, Kernel};
use crate::isa::Isa;

/// Largest relative error of [`round_to_bf16`].
pub const BF16_ERROR: f32 = 1.0 / 256.0;

/// A kind of number that sums of products are computed from.
pub trait Element: Copy + Send + Sync + std::fmt::Debug + 'static {
    /// What arrays hold.
    type Stored: Copy + Default + Send + Sync + std::fmt::Debug;
    /// Neighbours in memory that make a step of a sum.
    const PER_STEP: usize;

    /// A step's values, in every lane.
    ///
    /// # Safety
    /// `from` must be valid for reading [`Self::PER_STEP`] values.
    unsafe fn splat<I: Isa>(isa: I, from: *const Self::Stored) -> I::F32;

    /// A step's two weights as one packed value; only the first where a step has one.
    fn pack(first: f32, second: f32) -> f32;

    /// `sum` and the products of a step.
    fn mul_add<I: Isa>(isa: I, a: I::F32, b: I::F32, sum: I::F32) -> I::F32;

    /// Runs `kernel` with this element's instructions.
    fn run<K: Kernel>(isa: Instructions, kernel: K) -> K::Output;
}

/// Plain `f32`.
#[derive(Clone, Copy, Debug)]
pub struct F32;

impl Element for F32 {
    type Stored = f32;
    const PER_STEP: usize = 1;

    #[inline(always)]
    unsafe fn splat<I: Isa>(isa: I, from: *const f32) -> I::F32 {
        // SAFETY: the caller vouches for one readable value.
        isa.splat(unsafe { *from })
    }

    #[inline(always)]
    fn pack(first: f32, _: f32) -> f32 {
        first
    }

    #[inline(always)]
    fn mul_add<I: Isa>(isa: I, a: I::F32, b: I::F32, sum: I::F32) -> I::F32 {
        isa.mul_add(a, b, sum)
    }

    fn run<K: Kernel>(isa: Instructions, kernel: K) -> K::Output {
        isa.run(kernel)
    }
}

/// Pairs of `bf16`, the upper halves of `f32`.
#[derive(Clone, Copy, Debug)]
pub struct Bf16;

impl Element for Bf16 {
    type Stored = u16;
    const PER_STEP: usize = 2;

    #[inline(always)]
    unsafe fn splat<I: Isa>(isa: I, from: *const u16) -> I::F32 {
        // SAFETY: the caller vouches for two readable values; the read needs no alignment.
        isa.splat(f32::from_bits(unsafe { from.cast::<u32>().read_unaligned() }))
    }

    #[inline(always)]
    fn pack(first: f32, second: f32) -> f32 {
        f32::from_bits(u32::from(round_to_bf16(first)) | u32::from(round_to_bf16(second)) << 16)
    }

    #[inline(always)]
    fn mul_add<I: Isa>(isa: I, a: I::F32, b: I::F32, sum: I::F32) -> I::F32 {
        isa.dot_bf16(a, b, sum)
    }

    fn run<K: Kernel>(isa: Instructions, kernel: K) -> K::Output {
        isa.run_bf16(kernel)
    }
}

/// The nearest `bf16`, ties to even; NaN stays NaN.
#[inline(always)]
pub fn round_to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    (if x.is_nan() { 0x7fc0 } else { rounded }) as u16
}

/// The `f32` a `bf16` stands for.
#[inline(always)]
pub fn from_bf16(x: u16) -> f32 {
    f32::from_bits(u32::from(x) << 16)
}

/// [`round_to_bf16`] of every value.
pub fn to_bf16(isa: Instructions, x: &[f32], rounded: &mut [u16]) {
    assert_eq!(x.len(), rounded.len(), "to_bf16");
    struct Round<'a>(&'a [f32], &'a mut [u16]);
    impl Kernel for Round<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            for (to, &x) in self.1.iter_mut().zip(self.0) {
                *to = round_to_bf16(x);
            }
        }
    }
    isa.run(Round(x, rounded));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_goes_to_the_nearest_and_to_even() {
        for (x, expected) in [
            (1.0, 1.0),
            (1.0 + 1.0 / 256.0, 1.0),               // half-way: even is below
            (1.0 + 3.0 / 256.0, 1.0 + 2.0 / 128.0), // half-way: even is above
            (1.0 + 1.1 / 256.0, 1.0 + 1.0 / 128.0),
            (-0.0, -0.0),
            (f32::INFINITY, f32::INFINITY),
            (f32::MAX, f32::INFINITY),
        ] {
            assert_eq!(from_bf16(round_to_bf16(x)).to_bits(), expected.to_bits(), "{x}");
        }
        assert!(from_bf16(round_to_bf16(f32::NAN)).is_nan());
        assert!(
            from_bf16(round_to_bf16(f32::from_bits(0x7f80_0001))).is_nan(),
            "a NaN whose payload is cut off"
        );
    }

    #[test]
    fn rounding_keeps_its_bound_on_every_instruction_set() {
        let x: Vec<f32> = (0..4001).map(|i| (i as f32 - 2000.0) * 0.001_37).collect();
        for isa in Instructions::available() {
            let mut rounded = vec![0; x.len()];
            to_bf16(isa, &x, &mut rounded);
            for (&x, &rounded) in x.iter().zip(&rounded) {
                assert_eq!(rounded, round_to_bf16(x), "{}", isa.name());
                assert!((from_bf16(rounded) - x).abs() <= BF16_ERROR * x.abs(), "{x}");
            }
        }
    }
}
