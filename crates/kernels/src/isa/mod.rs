//! What a kernel may ask of an instruction set.
//!
//! A value of a type that implements [`Isa`] is the proof that the CPU has it: it can only be made by
//! [`crate::Instructions`] after detection. Kernels are generic over it and contain no intrinsic and no `cfg`.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
pub(crate) mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) mod simd128;

/// Values in a table.
pub const TABLE: usize = 32;

/// The part of [`Isa`] that looks values up, for instruction sets that have no instruction for it.
macro_rules! look_up_by_loop {
    () => {
        type Table = *const f32;
        type Index = [u8; Self::LANES];

        #[inline(always)]
        unsafe fn load_table(self, from: *const f32) -> *const f32 {
            from
        }
        #[inline(always)]
        unsafe fn load_index(self, from: *const u8) -> Self::Index {
            // SAFETY: the caller vouches for `LANES` readable bytes.
            unsafe { from.cast::<Self::Index>().read() }
        }
        #[inline(always)]
        fn shift_index(self, index: Self::Index, by: usize) -> Self::Index {
            index.map(|place| place.wrapping_add(by as u8))
        }
        #[inline(always)]
        fn look_up(self, table: *const f32, index: Self::Index) -> Self::F32 {
            // SAFETY: a place is below `TABLE`, and who loaded the table vouches for as many values.
            let lanes = index.map(|place| unsafe { *table.add(usize::from(place) % $crate::isa::TABLE) });
            // SAFETY: `lanes` holds `LANES` values.
            unsafe { self.load(lanes.as_ptr()) }
        }
    };
}
pub(crate) use look_up_by_loop;

/// Vectors of `LANES` `f32` values and the operations kernels are made of.
pub trait Isa: Copy + Send + Sync {
    /// A vector register.
    type F32: Copy;
    /// Values in a vector.
    const LANES: usize;
    /// Vector registers; decides how large a tile a kernel holds.
    const REGISTERS: usize;

    /// A table of [`TABLE`] values.
    type Table: Copy;
    /// A place in a table for every lane.
    type Index: Copy;
    /// Whether a look-up is a few instructions; else it is a loop.
    const FAST_LOOK_UP: bool = false;

    /// All lanes `x`.
    fn splat(self, x: f32) -> Self::F32;
    /// Lane-wise `a + b`.
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Lane-wise `a - b`.
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Lane-wise `a * b`.
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Lane-wise `a * b + c`, rounded once where the CPU can, else twice.
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// Lane-wise larger of the two; `b` where either is NaN.
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Lane-wise `if a > b { yes } else { no }`.
    fn select_greater(self, a: Self::F32, b: Self::F32, yes: Self::F32, no: Self::F32) -> Self::F32;

    /// Each lane's bits with the lower half cleared: of a pair of `bf16` the second, as `f32`.
    fn upper_half(self, x: Self::F32) -> Self::F32;
    /// Each lane's lower half moved up: of a pair of `bf16` the first, as `f32`.
    fn lower_half(self, x: Self::F32) -> Self::F32;
    /// Lane-wise `sum` and the two products of a pair of `bf16`; see [`crate::element`] for what is exact.
    #[inline(always)]
    fn dot_bf16(self, a: Self::F32, b: Self::F32, sum: Self::F32) -> Self::F32 {
        let first = self.mul_add(self.lower_half(a), self.lower_half(b), sum);
        self.mul_add(self.upper_half(a), self.upper_half(b), first)
    }

    /// Asks for the cache line at `from`, which may be anywhere.
    #[inline(always)]
    fn prefetch(self, _from: *const f32) {}
    /// Asks for the cache line at `to`, which will be written.
    #[inline(always)]
    fn prefetch_to_write(self, _to: *const f32) {}

    /// Reads `LANES` values.
    ///
    /// # Safety
    /// `from` must be valid for reading `LANES` values.
    unsafe fn load(self, from: *const f32) -> Self::F32;
    /// Writes `LANES` values.
    ///
    /// # Safety
    /// `to` must be valid for writing `LANES` values.
    unsafe fn store(self, to: *mut f32, x: Self::F32);
    /// Writes the lanes, whole numbers in `0.0..=255.0`, as bytes.
    ///
    /// # Safety
    /// `to` must be valid for writing `LANES` bytes.
    unsafe fn store_bytes(self, to: *mut u8, x: Self::F32);

    /// Reads a table.
    ///
    /// # Safety
    /// `from` must be valid for reading [`TABLE`] values as long as the table is used.
    unsafe fn load_table(self, from: *const f32) -> Self::Table;
    /// Reads `LANES` places in a table.
    ///
    /// # Safety
    /// `from` must be valid for reading `LANES` bytes.
    unsafe fn load_index(self, from: *const u8) -> Self::Index;
    /// Every place `by` further.
    fn shift_index(self, index: Self::Index, by: usize) -> Self::Index;
    /// What stands at each lane's place, modulo [`TABLE`].
    fn look_up(self, table: Self::Table, index: Self::Index) -> Self::F32;

    /// All lanes zero.
    #[inline(always)]
    fn zero(self) -> Self::F32 {
        self.splat(0.0)
    }

    /// Writes the first `count` lanes.
    ///
    /// # Safety
    /// `to` must be valid for writing `count` values, and `count <= LANES`.
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, x: Self::F32, count: usize) {
        if count == Self::LANES {
            // SAFETY: the caller vouches for `LANES` writable values.
            return unsafe { self.store(to, x) };
        }
        let mut lanes = [0.0; 16];
        // SAFETY: `lanes` holds 16 values, the widest vector; `count <= LANES <= 16` and the caller vouches for `to`.
        unsafe {
            self.store(lanes.as_mut_ptr(), x);
            to.copy_from_nonoverlapping(lanes.as_ptr(), count);
        }
    }

    /// Reads the first `count` lanes; the others are 0.
    ///
    /// # Safety
    /// `from` must be valid for reading `count` values, and `count <= LANES`.
    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, count: usize) -> Self::F32 {
        if count == Self::LANES {
            // SAFETY: the caller vouches for `LANES` readable values.
            return unsafe { self.load(from) };
        }
        let mut lanes = [0.0; 16];
        // SAFETY: as in `store_first`.
        unsafe {
            lanes.as_mut_ptr().copy_from_nonoverlapping(from, count);
            self.load(lanes.as_ptr())
        }
    }
}
