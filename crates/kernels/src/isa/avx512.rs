//! AVX-512 (F, BW, VL): 16 lanes, 32 registers (Intel Skylake-X 2017, AMD Zen 4 2022, and later).

use core::arch::x86_64::*;

use super::Isa;

/// Proof of AVX-512 F, BW and VL, and FMA; with `BF16`, of AVX-512 BF16 too (Intel Cooper Lake 2020, AMD Zen 4 2022).
#[derive(Clone, Copy, Debug)]
pub struct Avx512<const BF16: bool>(());

impl Avx512<false> {
    /// The proof, if the CPU qualifies.
    pub(crate) fn new() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma"))
        .then_some(Self(()))
    }

    /// The proof that the CPU has AVX-512 BF16 besides.
    pub(crate) fn with_bf16(self) -> Option<Avx512<true>> {
        is_x86_feature_detected!("avx512bf16").then_some(Avx512(()))
    }

    /// Runs `kernel` compiled for this instruction set.
    pub(crate) fn run<K: crate::Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,fma")]
        fn inner<K: crate::Kernel>(isa: Avx512<false>, kernel: K) -> K::Output {
            kernel.run(isa)
        }
        // SAFETY: `self` proves that the CPU has these features.
        unsafe { inner(self, kernel) }
    }
}

impl Avx512<true> {
    /// Runs `kernel` compiled for this instruction set.
    pub(crate) fn run<K: crate::Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16,avx2,fma")]
        fn inner<K: crate::Kernel>(isa: Avx512<true>, kernel: K) -> K::Output {
            kernel.run(isa)
        }
        // SAFETY: `self` proves that the CPU has these features.
        unsafe { inner(self, kernel) }
    }
}

impl<const BF16: bool> Isa for Avx512<BF16> {
    type F32 = __m512;
    type Table = [__m512; 2];
    type Index = __m512i;
    const LANES: usize = 16;
    const REGISTERS: usize = 32;
    const FAST_LOOK_UP: bool = true;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    fn select_greater(self, a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), no, yes) }
    }
    #[inline(always)]
    fn upper_half(self, x: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe {
            let mask = _mm512_set1_epi32(0xffff_0000_u32 as i32);
            _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(x), mask))
        }
    }
    #[inline(always)]
    fn lower_half(self, x: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_castps_si512(x))) }
    }
    #[inline(always)]
    fn dot_bf16(self, a: __m512, b: __m512, sum: __m512) -> __m512 {
        if BF16 {
            // SAFETY: `self` proves AVX-512 BF16; a vector of 16 pairs has the bits of one of 16 `f32`.
            let pairs = |x| unsafe { core::mem::transmute::<__m512, __m512bh>(x) };
            // SAFETY: as above.
            return unsafe { _mm512_dpbf16_ps(sum, pairs(a), pairs(b)) };
        }
        let first = self.mul_add(self.lower_half(a), self.lower_half(b), sum);
        self.mul_add(self.upper_half(a), self.upper_half(b), first)
    }
    #[inline(always)]
    unsafe fn load_table(self, from: *const f32) -> [__m512; 2] {
        // SAFETY: the caller vouches for 32 readable values.
        unsafe { [self.load(from), self.load(from.add(16))] }
    }
    #[inline(always)]
    unsafe fn load_index(self, from: *const u8) -> __m512i {
        // SAFETY: `self` proves AVX-512 F; the caller vouches for 16 readable bytes.
        unsafe { _mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast())) }
    }
    #[inline(always)]
    fn shift_index(self, index: __m512i, by: usize) -> __m512i {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_add_epi32(index, _mm512_set1_epi32(by as i32)) }
    }
    #[inline(always)]
    fn look_up(self, [first, second]: [__m512; 2], index: __m512i) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_permutex2var_ps(first, index, second) }
    }
    #[inline(always)]
    fn prefetch(self, from: *const f32) {
        // SAFETY: a prefetch reads nothing that the program could see, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }
    #[inline(always)]
    fn prefetch_to_write(self, to: *const f32) {
        // SAFETY: as above.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(to.cast()) }
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: `self` proves AVX-512 F; the caller vouches for the pointer.
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, x: __m512) {
        // SAFETY: `self` proves AVX-512 F; the caller vouches for the pointer.
        unsafe { _mm512_storeu_ps(to, x) }
    }
    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8, x: __m512) {
        // SAFETY: `self` proves AVX-512 F; the caller vouches for sixteen writable bytes.
        unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(x))) }
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, x: __m512, count: usize) {
        if count == Self::LANES {
            // SAFETY: the caller vouches for `LANES` writable values.
            return unsafe { self.store(to, x) };
        }
        // SAFETY: `self` proves AVX-512 F; the caller vouches for the first `count` values, and no others are written.
        unsafe { _mm512_mask_storeu_ps(to, first(count), x) }
    }
    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, count: usize) -> __m512 {
        // SAFETY: `self` proves AVX-512 F; the caller vouches for the first `count` values, and no others are read.
        unsafe { _mm512_maskz_loadu_ps(first(count), from) }
    }
}

/// The first `count` of 16 lanes.
#[inline(always)]
fn first(count: usize) -> __mmask16 {
    ((1_u32 << count) - 1) as __mmask16
}
