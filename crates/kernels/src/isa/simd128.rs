//! WebAssembly simd128: 4 lanes. Present when the module was built for it; built for relaxed-simd as well, it fuses
//! multiplications with additions where the CPU can.

use core::arch::wasm32::*;

use super::Isa;

/// A module built with simd128 only loads where it exists.
#[derive(Clone, Copy, Debug)]
pub struct Simd128;

impl Isa for Simd128 {
    type F32 = v128;
    super::look_up_by_loop!();
    const LANES: usize = 4;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, x: f32) -> v128 {
        f32x4_splat(x)
    }
    #[inline(always)]
    fn add(self, a: v128, b: v128) -> v128 {
        f32x4_add(a, b)
    }
    #[inline(always)]
    fn sub(self, a: v128, b: v128) -> v128 {
        f32x4_sub(a, b)
    }
    #[inline(always)]
    fn mul(self, a: v128, b: v128) -> v128 {
        f32x4_mul(a, b)
    }
    #[inline(always)]
    fn mul_add(self, a: v128, b: v128, c: v128) -> v128 {
        #[cfg(target_feature = "relaxed-simd")]
        return f32x4_relaxed_madd(a, b, c);
        #[cfg(not(target_feature = "relaxed-simd"))]
        f32x4_add(f32x4_mul(a, b), c)
    }
    #[inline(always)]
    fn max(self, a: v128, b: v128) -> v128 {
        f32x4_pmax(b, a)
    }
    #[inline(always)]
    fn select_greater(self, a: v128, b: v128, yes: v128, no: v128) -> v128 {
        v128_bitselect(yes, no, f32x4_gt(a, b))
    }
    #[inline(always)]
    fn upper_half(self, x: v128) -> v128 {
        v128_and(x, u32x4_splat(0xffff_0000))
    }
    #[inline(always)]
    fn lower_half(self, x: v128) -> v128 {
        i32x4_shl(x, 16)
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> v128 {
        // SAFETY: the caller vouches for the pointer; v128_load needs no alignment.
        unsafe { v128_load(from.cast()) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, x: v128) {
        // SAFETY: the caller vouches for the pointer; v128_store needs no alignment.
        unsafe { v128_store(to.cast(), x) }
    }
    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8, x: v128) {
        let mut lanes = [0.0_f32; 4];
        // SAFETY: `lanes` holds four values; the caller vouches for four writable bytes.
        unsafe {
            self.store(lanes.as_mut_ptr(), x);
            to.cast::<[u8; 4]>().write(lanes.map(|lane| lane as u8));
        }
    }
}
