//! No intrinsics: arrays of four lanes, which compilers turn into whatever the target always has.

use super::Isa;

/// Needs no proof.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

impl Portable {
    #[inline(always)]
    fn zip(a: [f32; 4], b: [f32; 4], op: impl Fn(f32, f32) -> f32) -> [f32; 4] {
        core::array::from_fn(|lane| op(a[lane], b[lane]))
    }
}

impl Isa for Portable {
    type F32 = [f32; 4];
    super::look_up_by_loop!();
    const LANES: usize = 4;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 4] {
        [x; 4]
    }
    #[inline(always)]
    fn add(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        Self::zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        Self::zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        Self::zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        core::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    }
    #[inline(always)]
    fn max(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        Self::zip(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn select_greater(self, a: [f32; 4], b: [f32; 4], yes: [f32; 4], no: [f32; 4]) -> [f32; 4] {
        core::array::from_fn(|lane| if a[lane] > b[lane] { yes[lane] } else { no[lane] })
    }
    #[inline(always)]
    fn upper_half(self, x: [f32; 4]) -> [f32; 4] {
        x.map(|lane| f32::from_bits(lane.to_bits() & 0xffff_0000))
    }
    #[inline(always)]
    fn lower_half(self, x: [f32; 4]) -> [f32; 4] {
        x.map(|lane| f32::from_bits(lane.to_bits() << 16))
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> [f32; 4] {
        // SAFETY: the caller vouches for four readable values; an array of f32 has their alignment.
        unsafe { from.cast::<[f32; 4]>().read() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, x: [f32; 4]) {
        // SAFETY: the caller vouches for four writable values.
        unsafe { to.cast::<[f32; 4]>().write(x) }
    }
    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8, x: [f32; 4]) {
        // SAFETY: the caller vouches for four writable bytes.
        unsafe { to.cast::<[u8; 4]>().write(x.map(|lane| lane as u8)) }
    }
}
