//! Affine warps of `u8` images, bit-exact with OpenCV 4.11's `warpAffine` (bilinear, constant border).
//!
//! *Idea*: each destination pixel is looked up in the source, at a position held in 1024ths of a pixel:
//!
//! ```text
//! src_from_dst = invert(dst_from_src)                            f64
//! adelta[x], bdelta[x] = rint(1024 i0 x), rint(1024 i3 x)        once a column
//! X0, Y0 = rint(1024 (i1 y + i2)) + 16, rint(1024 (i4 y + i5)) + 16   once a row
//! column, fx = split (X0 + adelta[x]) >> 5 into a pixel and 32nds;  row, fy likewise with Y
//! dst[y, x] = the four neighbours, weighted with products of 32nds, rounded; outside the source is `border`
//! ```
//!
//! *Exactness*: [`Warp`] equals its twin [`scalar::warp_affine`] bit for bit on every instruction set (property tests
//! here), and both equal OpenCV 4.11 on every pixel of the golden folder `opencv-4.11` (test in `seamripper-core`).
//! OpenCV scales its weights to 2^15 and adds 2^14 before shifting by 15; all weights are multiples of 32 there, so
//! weights of 2^10, plus 2^9, shifted by 10, are the same number. A product beyond `i32`, and NaN, becomes `i32::MIN`
//! and sums wrap, which is what x86 makes of OpenCV's `saturate_cast<int>`; OpenCV on ARM saturates instead.
//! Other versions differ: OpenCV 5.0 interpolates in `f32` and changes a third of all pixels.
//!
//! *Departures* of [`Warp`] from the twin, with their gain at 28x28 on one core:
//! 1. The source is first copied into a framed table of *pairs*, each value beside the one below it, so that the four
//!    neighbours are one 32-bit load and nothing has to ask whether it is inside (x 4.2).
//! 2. Eight pixels at a time with AVX2: one gather, `pmaddubsw` with the 32nds of y, `pmaddwd` with those of x (x 3.7).
//!    For three channels one 16-byte load a pixel takes the place of the gather, and a register holds two pixels (x 1.2
//!    to 1.5 at 224x224x3). With one channel, loads one by one instead of the gather were no faster.
//!
//! Not ideal: building the table takes a third of the time at 28x28, and other instruction sets run portable code.
//!
//! *Reference*: OpenCV 4.11, `modules/imgproc/src/imgwarp.cpp`.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod fixed;
mod matrix;
mod pairs;
mod portable;
pub mod scalar;

pub use matrix::{Matrix, compose, invert, rotation_matrix_2d};

use crate::Instructions;
use fixed::Grid;
use pairs::Pairs;

/// The longest side the fast path takes, which is also the longest OpenCV takes; longer images run the twin.
pub const MAX_SIDE: usize = 32_766;

/// Pixels to read, `[h, w, c]`.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    /// `[h, w, c]`.
    pub size: [usize; 3],
    /// `h * w * c` values.
    pub pixels: &'a [u8],
}

/// Pixels to write, `[h, w, c]`.
#[derive(Debug)]
pub struct ImageMut<'a> {
    /// `[h, w, c]`.
    pub size: [usize; 3],
    /// `h * w * c` values.
    pub pixels: &'a mut [u8],
}

/// Which code runs a warp. All give the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarpIsa {
    /// No special instructions.
    Portable,
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
}

impl WarpIsa {
    /// All that this CPU has, the best first.
    pub fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        found.extend(avx2::Avx2::new().map(Self::Avx2));
        found.push(Self::Portable);
        found
    }

    /// The best this CPU has; `SEAMRIPPER_ISA=scalar` forces [`WarpIsa::Portable`].
    pub fn detect() -> Self {
        if Instructions::detect().is_ok_and(|isa| isa.name() == "scalar") {
            return Self::Portable;
        }
        Self::available()[0]
    }
}

/// Warps images and keeps its tables between calls: no allocation once it has seen the largest size.
#[derive(Clone, Debug)]
pub struct Warp {
    isa: WarpIsa,
    grid: Grid,
    pairs: Pairs,
}

impl Default for Warp {
    fn default() -> Self {
        Self::new(WarpIsa::detect())
    }
}

impl Warp {
    /// A warp that runs on `isa`.
    pub fn new(isa: WarpIsa) -> Self {
        Self { isa, grid: Grid::default(), pairs: Pairs::default() }
    }

    /// Writes `src` warped by `dst_from_src` to `dst`; pixels from outside `src` are `border`, in every channel.
    ///
    /// The two may differ in height and width. A singular matrix shows the source pixel that the inverse of OpenCV,
    /// all zeros then, points to. An empty `src` gives `border` everywhere; an empty `dst` gives nothing.
    ///
    /// # Panics
    /// If a slice is not as long as its size says, or the numbers of channels differ.
    pub fn affine(&mut self, src: Image<'_>, dst: ImageMut<'_>, dst_from_src: &Matrix, border: u8) {
        check(&src, &dst);
        let [src_h, src_w, c] = src.size;
        let [h, w, _] = dst.size;
        if src.pixels.is_empty() || dst.pixels.is_empty() {
            dst.pixels.fill(border);
            return;
        }
        if src_h.max(src_w).max(h).max(w) > MAX_SIDE || (src_h + 2) * (src_w + 3) * c > i32::MAX as usize {
            return scalar::warp_affine(src, dst, dst_from_src, border);
        }
        let src_from_dst = invert(dst_from_src);
        match self.isa {
            WarpIsa::Portable => {
                self.grid.fill(&src_from_dst, h, w);
                self.pairs.fill(src, border, pairs::interleave);
                portable::run(&self.grid, &self.pairs, dst);
            }
            #[cfg(target_arch = "x86_64")]
            WarpIsa::Avx2(isa) => isa.run(&mut self.grid, &mut self.pairs, &src_from_dst, src, dst, border),
        }
    }
}

/// [`Warp::affine`] for a single image, on the best instruction set.
///
/// # Panics
/// If a slice is not as long as its size says, or the numbers of channels differ.
pub fn warp_affine(src: Image<'_>, dst: ImageMut<'_>, dst_from_src: &Matrix, border: u8) {
    Warp::default().affine(src, dst, dst_from_src, border);
}

fn check(src: &Image<'_>, dst: &ImageMut<'_>) {
    assert_eq!(src.pixels.len(), src.size.iter().product::<usize>(), "source pixels of size {:?}", src.size);
    assert_eq!(
        dst.pixels.len(),
        dst.size.iter().product::<usize>(),
        "destination pixels of size {:?}",
        dst.size
    );
    assert_eq!(src.size[2], dst.size[2], "channels of source and destination");
}

#[cfg(test)]
mod tests;
