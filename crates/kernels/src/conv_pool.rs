//! Convolution, bias, ReLU and max-pool in one kernel: what the pool throws away is never written.
//!
//! *Idea*: for each group of pool windows and two vectors of output channels,
//! ```text
//! best = -inf, winner = 0
//! for r in 0..p:                                   # rows of the pool window
//!     sums[g, c] = bias + sum over taps of x[window g + (r, c) + tap] * w[tap]      # in registers
//!     where sums[g, c] > best[g]: best[g], winner[g] = sums[g, c], r p + c
//! out[g] = relu(best[g])
//! ```
//! *Exactness*: each convolution sum is the multiply-add chain of [`crate::gemm`]; the first of equal sums wins, as in
//! the twin [`crate::scalar::conv_pool`]. Because max and ReLU commute, pooling before the ReLU changes nothing.
//!
//! *Departures* from the loop above:
//! 1. Only the rows of pooled output that are asked for (`out_size`) are computed: where a later valid pool drops a
//!    border, nothing before it is computed for that border (in the 45,770-parameter network a quarter of the first
//!    convolution).
//! 2. The group is as many windows side by side as fill a register tile: with 16 registers 2 windows of 3 columns or
//!    3 of 2; with 32 registers 3 of 3 or 4 of 2.
//! 3. Windows are taken image after image and channels in the inner loop, so that an image stays in the first-level
//!    cache while the weights stream from the second.

use crate::dispatch::{Instructions, Kernel};
use crate::gemm::{Panels, VECTORS, tile};
use crate::isa::Isa;

/// The arguments of [`conv_pool`] that depend on the network only.
#[derive(Clone, Debug)]
pub struct Shape {
    /// `[h, w, c]` of an input image (with its border, if the convolution pads).
    pub input: [usize; 3],
    /// `[kh, kw]` of the convolution; its stride is 1.
    pub kernel: [usize; 2],
    /// Side and stride of the pool: 2 or 3.
    pub pool: usize,
    /// Output channels.
    pub filters: usize,
    /// `[h, w]` of the pooled output that is computed.
    pub out_size: [usize; 2],
    /// Width of the pooled output's rows in memory; at least `out_size[1]`.
    pub out_width: usize,
    /// Height of a pooled output image in memory; at least `out_size[0]`.
    pub out_height: usize,
}

impl Shape {
    /// Offsets of the taps `(kh, kw, c)` in an input image.
    pub fn steps(&self) -> Vec<u32> {
        let [_, w, c] = self.input;
        let [kh, kw] = self.kernel;
        (0..kh).flat_map(|row| (0..kw * c).map(move |run| (row * w * c + run) as u32)).collect()
    }

    /// Values of an input image.
    pub fn input_len(&self) -> usize {
        self.input.iter().product()
    }

    /// Values of an output image in memory.
    pub fn output_len(&self) -> usize {
        self.out_height * self.out_width * self.filters
    }

    /// Whether every window that is computed lies inside the image.
    pub(crate) fn fits(&self) -> bool {
        let [h, w, _] = self.input;
        (2..=3).contains(&self.pool)
            && self.out_size[0] * self.pool + self.kernel[0] <= h + 1
            && self.out_size[1] * self.pool + self.kernel[1] <= w + 1
            && self.out_size[0] <= self.out_height
            && self.out_size[1] <= self.out_width
    }
}

/// What [`conv_pool`] reads.
#[derive(Clone, Copy, Debug)]
pub struct Reads<'a> {
    /// `[n, h, w, c]`
    pub x: &'a [f32],
    /// [`Shape::steps`]
    pub steps: &'a [u32],
    /// `[kh * kw * c, filters]`
    pub weights: &'a Panels,
    /// `[filters]`
    pub bias: &'a [f32],
    /// Whether negative results become 0.
    pub relu: bool,
}

/// Computes `out[n, oh, ow, filters]` and, unless empty, `winner` (same shape: row-major place of the largest sum in
/// its pool window). Positions outside of `shape.out_size` are left as they are.
///
/// # Panics
/// If the shapes do not agree.
pub fn conv_pool(isa: Instructions, shape: &Shape, reads: Reads<'_>, out: &mut [f32], winner: &mut [u8]) {
    let images = out.len() / shape.output_len();
    assert!(shape.fits(), "{shape:?}");
    assert_eq!(out.len(), images * shape.output_len(), "out");
    assert!(reads.x.len() >= images * shape.input_len(), "x");
    assert!(winner.is_empty() || winner.len() == out.len(), "winner");
    assert_eq!(reads.weights.shape(), [reads.steps.len(), shape.filters], "weights");
    assert_eq!(reads.weights.width(), VECTORS * isa.lanes(), "panels packed for another instruction set");
    assert_eq!(reads.bias.len(), shape.filters, "bias");
    let [kh, kw] = shape.kernel;
    let [_, w, c] = shape.input;
    let reach = ((kh - 1) * w + kw) * c;
    assert!(reads.steps.iter().all(|&step| (step as usize) < reach), "steps");
    // Sums of a tile of at most 9 rows, and the best and winner of at most 4 windows, 2 vectors each.
    let mut scratch = vec![0.0; (9 + 4 + 4) * VECTORS * isa.lanes()];
    isa.run(ConvPool { shape, reads, out, winner, images, scratch: &mut scratch });
}

struct ConvPool<'a> {
    shape: &'a Shape,
    reads: Reads<'a>,
    out: &'a mut [f32],
    winner: &'a mut [u8],
    images: usize,
    scratch: &'a mut [f32],
}

impl Kernel for ConvPool<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        match (I::REGISTERS >= 32, self.shape.pool) {
            (true, 2) => self.images::<I, 2, 4, 8>(isa),
            (true, _) => self.images::<I, 3, 3, 9>(isa),
            (false, 2) => self.images::<I, 2, 3, 6>(isa),
            (false, _) => self.images::<I, 3, 2, 6>(isa),
        }
    }
}

impl ConvPool<'_> {
    /// `P` = pool, `G` = windows in a group, `M = P * G` = rows of the tile.
    #[inline(always)]
    fn images<I: Isa, const P: usize, const G: usize, const M: usize>(&mut self, isa: I) {
        let [oh, ow] = self.shape.out_size;
        let [_, w, c] = self.shape.input;
        let (filters, pool) = (self.shape.filters, self.shape.pool);
        let windows = self.images * oh * ow;
        // Small outputs share a group with the next image; at least one group is taken at a time.
        let at_once = (oh * ow).max(G.div_ceil(oh * ow) * oh * ow);
        let width = VECTORS * I::LANES;
        let place = |window: usize| {
            let (image, window) = (window / (oh * ow), window % (oh * ow));
            let (row, column) = (window / ow, window % ow);
            (
                image * self.shape.input_len() + (row * pool * w + column * pool) * c,
                image * self.shape.output_len() + (row * self.shape.out_width + column) * filters,
            )
        };
        let mut first = 0;
        while first < windows {
            let end = windows.min(first + at_once);
            for panel in 0..filters.div_ceil(width) {
                let columns = width.min(filters - panel * width);
                let mut window = first;
                while window < end {
                    // A short group repeats its last window and stores it again.
                    let group: [(usize, usize); G] =
                        core::array::from_fn(|g| place((window + g).min(end - 1)));
                    self.group::<I, P, G, M>(isa, group, panel, columns);
                    window += G;
                }
            }
            first = end;
        }
    }

    #[inline(always)]
    fn group<I: Isa, const P: usize, const G: usize, const M: usize>(
        &mut self,
        isa: I,
        group: [(usize, usize); G],
        panel: usize,
        columns: usize,
    ) {
        let [_, w, c] = self.shape.input;
        let first = panel * VECTORS * I::LANES;
        let mut initial = [isa.zero(); VECTORS];
        for (vector, lanes) in self.reads.bias[first..first + columns].chunks(I::LANES).enumerate() {
            // SAFETY: `lanes` holds `lanes.len() <= LANES` values.
            initial[vector] = unsafe { isa.load_first(lanes.as_ptr(), lanes.len()) };
        }
        let (sums, state) = self.scratch.split_at_mut(M * VECTORS * I::LANES);
        let (best, winner) = state.split_at_mut(G * VECTORS * I::LANES);
        for place in 0..G * VECTORS {
            // SAFETY: `best` holds `G * VECTORS` vectors.
            unsafe { isa.store(best.as_mut_ptr().add(place * I::LANES), isa.splat(f32::NEG_INFINITY)) };
        }
        // The bound is read from memory so that the loop is compiled once, with all registers for its tile.
        for row in 0..self.shape.pool {
            let corners: [usize; M] = core::array::from_fn(|m| group[m / P].0 + (row * w + m % P) * c);
            // SAFETY: `fits` says that window plus kernel lies inside the image, and `conv_pool` checked that the taps
            // reach no further than the kernel and that `x` holds all images; the panel has `steps.len()` rows.
            let tile = unsafe {
                tile(isa, self.reads.x, corners, self.reads.steps, self.reads.weights.panel(panel), initial)
            };
            // SAFETY: `sums` holds `M * VECTORS` vectors, `best` and `winner` `G * VECTORS` each (`split_at_mut` above;
            // the scratch is as long as all three).
            unsafe {
                for m in 0..M {
                    for vector in 0..VECTORS {
                        isa.store(sums.as_mut_ptr().add((m * VECTORS + vector) * I::LANES), tile[m][vector]);
                    }
                }
                for place in 0..G * VECTORS {
                    let (g, vector) = (place / VECTORS, place % VECTORS);
                    let best = best.as_mut_ptr().add(place * I::LANES);
                    let winner = winner.as_mut_ptr().add(place * I::LANES);
                    let (mut largest, mut index) = (isa.load(best), isa.load(winner));
                    for column in 0..P {
                        let sum =
                            isa.load(sums.as_ptr().add(((g * P + column) * VECTORS + vector) * I::LANES));
                        let here = isa.splat((row * P + column) as f32);
                        index = isa.select_greater(sum, largest, here, index);
                        largest = isa.max(sum, largest);
                    }
                    isa.store(best, largest);
                    isa.store(winner, index);
                }
            }
        }
        let floor = isa.splat(if self.reads.relu { 0.0 } else { f32::NEG_INFINITY });
        for place in 0..G * VECTORS {
            let (g, skipped) = (place / VECTORS, place % VECTORS * I::LANES);
            if skipped >= columns {
                continue;
            }
            let count = I::LANES.min(columns - skipped);
            let start = group[g].1 + first + skipped;
            let out = &mut self.out[start..][..count];
            // SAFETY: `best` and `winner` hold `G * VECTORS` vectors, `out` and `winners` `count <= LANES` values.
            unsafe {
                let value = isa.max(isa.load(best.as_ptr().add(place * I::LANES)), floor);
                let index = isa.load(winner.as_ptr().add(place * I::LANES));
                if count == I::LANES {
                    isa.store(out.as_mut_ptr(), value);
                } else {
                    isa.store_first(out.as_mut_ptr(), value, count);
                }
                if self.winner.is_empty() {
                    continue;
                }
                let winners = &mut self.winner[start..][..count];
                if count == I::LANES {
                    isa.store_bytes(winners.as_mut_ptr(), index);
                } else {
                    let mut bytes = [0_u8; 16];
                    isa.store_bytes(bytes.as_mut_ptr(), index);
                    winners.copy_from_slice(&bytes[..count]);
                }
            }
        }
    }
}
