//! NEON: 4 lanes, 32 registers (every 64-bit Arm).

use core::arch::aarch64::*;

use super::Isa;

/// Proof of NEON.
#[derive(Clone, Copy, Debug)]
pub struct Neon(());

impl Neon {
    /// The proof, if the CPU qualifies.
    pub(crate) fn new() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }

    /// Runs `kernel` compiled for this instruction set.
    pub(crate) fn run<K: crate::Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "neon")]
        fn inner<K: crate::Kernel>(isa: Neon, kernel: K) -> K::Output {
            kernel.run(isa)
        }
        // SAFETY: `self` proves that the CPU has NEON.
        unsafe { inner(self, kernel) }
    }
}

impl Isa for Neon {
    type F32 = float32x4_t;
    super::look_up_by_loop!();
    const LANES: usize = 4;
    const REGISTERS: usize = 32;

    #[inline(always)]
    fn splat(self, x: f32) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vdupq_n_f32(x) }
    }
    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vaddq_f32(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vsubq_f32(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vmulq_f32(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vfmaq_f32(c, a, b) }
    }
    #[inline(always)]
    fn max(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        self.select_greater(a, b, a, b)
    }
    #[inline(always)]
    fn select_greater(
        self,
        a: float32x4_t,
        b: float32x4_t,
        yes: float32x4_t,
        no: float32x4_t,
    ) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vbslq_f32(vcgtq_f32(a, b), yes, no) }
    }
    #[inline(always)]
    fn upper_half(self, x: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x), vdupq_n_u32(0xffff_0000))) }
    }
    #[inline(always)]
    fn lower_half(self, x: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vreinterpretq_f32_u32(vshlq_n_u32::<16>(vreinterpretq_u32_f32(x))) }
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> float32x4_t {
        // SAFETY: `self` proves NEON; the caller vouches for the pointer.
        unsafe { vld1q_f32(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, x: float32x4_t) {
        // SAFETY: `self` proves NEON; the caller vouches for the pointer.
        unsafe { vst1q_f32(to, x) }
    }
    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8, x: float32x4_t) {
        let mut lanes = [0.0_f32; 4];
        // SAFETY: `lanes` holds four values; the caller vouches for four writable bytes.
        unsafe {
            self.store(lanes.as_mut_ptr(), x);
            to.cast::<[u8; 4]>().write(lanes.map(|lane| lane as u8));
        }
    }
}
