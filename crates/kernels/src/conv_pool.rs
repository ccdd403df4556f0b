//! Convolution, bias, ReLU and max-pool in one kernel: what the pool throws away is never written.
//!
//! *Idea*: for each group of pool windows and one or two vectors of output channels,
//! ```text
//! sums[g, r, c] = bias + sum over taps of x[window g + (r, c) + tap] * w[tap]       # all p p of a window in registers
//! out[g], winner[g] = the largest of sums[g], relu; its place (r, c)
//! ```
//! *Exactness*: each convolution sum is the multiply-add chain of [`crate::gemm`]; the first of equal sums wins, as in
//! the twin [`crate::scalar::conv_pool`]. Because max and ReLU commute, pooling before the ReLU changes nothing.
//!
//! *Departures* from the loop above:
//! 1. Only the rows of pooled output that are asked for (`out_size`) are computed: where a later valid pool drops a
//!    border, nothing before it is computed for that border (in the 45,770-parameter network a quarter of the first
//!    convolution).
//! 2. A group is as many windows as fill the registers with two vectors of channels: one of 3 x 3 or three of 2 x 2
//!    where there are 32. Where there are 16, a row of two or of three windows, and the best sums so far wait in
//!    memory for the next row. A window left over is a group of its own.
//! 3. Windows are taken image after image and channels in the inner loop, so that an image stays in the first-level
//!    cache while the weights stream from the second.
//! 4. The columns of a window share a row's pointer, and offsets come from tables. A first version, with sums through memory,
//!    a pointer for each position and places computed by division, reached about half of the multiply-add peak on Zen 5;
//!    this one 84 % (5 x 5, pool 3, 28 x 28 x 1 to 128), 97 % (2 x 2, pool 2, 8 x 8 x 128 to 64) and 97 % (2 x 2, pool 2,
//!    3 x 3 x 64 to 32). What the first lacks is comparing: 8 of 9 sums of 25 products each.
//! 5. At inference no winner is looked for.

use crate::dispatch::{Instructions, Kernel};
use crate::element::{Element, F32};
use crate::gemm::reach;
use crate::isa::Isa;
use crate::panels::{Panels, Run, runs};

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

/// A winner at row `r` and column `c` of its pool window is the byte `r * WINNER_ROW + c`.
pub const WINNER_ROW: usize = 8;

/// Where a pool window's input begins and where its output goes.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub(crate) corner: u32,
    pub(crate) out: u32,
}

impl Shape {
    /// Where the taps of a convolution window lie.
    pub fn runs(&self) -> Vec<Run> {
        let [_, w, c] = self.input;
        runs(self.kernel[0], self.kernel[1] * c, w * c)
    }

    /// The pool windows of `images` images.
    pub fn windows(&self, images: usize) -> Vec<Window> {
        let ([oh, ow], [_, w, c]) = (self.out_size, self.input);
        let place = |image: usize, row: usize, column: usize| Window {
            corner: (image * self.input_len() + (row * w + column) * self.pool * c) as u32,
            out: (image * self.output_len() + (row * self.out_width + column) * self.filters) as u32,
        };
        (0..images)
            .flat_map(|image| (0..oh * ow).map(move |window| place(image, window / ow, window % ow)))
            .collect()
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
pub struct Reads<'a, E: Element = F32> {
    /// `[n, h, w, c]`, and one more value where a step of the element is a pair.
    pub x: &'a [E::Stored],
    /// [`Shape::runs`]
    pub runs: &'a [Run],
    /// [`Shape::windows`] of at least `n` images.
    pub windows: &'a [Window],
    /// `[kh * kw * c, filters]`
    pub weights: &'a Panels<E>,
    /// `[filters]`
    pub bias: &'a [f32],
    /// Whether negative results become 0.
    pub relu: bool,
}

/// Computes `out[n, oh, ow, filters]` and, unless empty, `winner` (same shape: where in its pool window the
/// largest sum is, [`WINNER_ROW`]). Positions outside of `shape.out_size` are left as they are.
///
/// # Panics
/// If the shapes do not agree.
pub fn conv_pool<E: Element>(
    isa: Instructions,
    shape: &Shape,
    reads: Reads<'_, E>,
    out: &mut [f32],
    winner: &mut [u8],
) {
    let images = out.len() / shape.output_len();
    assert!(shape.fits(), "{shape:?}");
    assert_eq!(out.len(), images * shape.output_len(), "out");
    assert!(winner.is_empty() || winner.len() == out.len(), "winner");
    let [kh, kw] = shape.kernel;
    assert_eq!(reads.runs.len(), kh, "runs");
    assert_eq!(reads.weights.shape(), [kh * kw * shape.input[2], shape.filters], "weights");
    assert!(reads.runs.iter().all(|run| run.count as usize == kw * shape.input[2]), "runs");
    assert_eq!(reads.weights.lanes(), isa.lanes(), "panels packed for another instruction set");
    assert_eq!(reads.bias.len(), shape.filters, "bias");
    let windows = &reads.windows[..images * shape.out_size[0] * shape.out_size[1]];
    let [_, w, c] = shape.input;
    let reach = reach::<E>(reads.runs) + (shape.pool - 1) * (w + 1) * c;
    let last = |of: fn(&Window) -> u32| windows.iter().map(of).max().map_or(0, |last| last as usize);
    assert!(windows.is_empty() || last(|window| window.corner) + reach <= reads.x.len(), "x");
    assert!(windows.is_empty() || last(|window| window.out) + shape.filters <= out.len(), "windows");
    E::run(isa, ConvPool { shape, reads: Reads { windows, ..reads }, out, winner });
}

struct ConvPool<'a, E: Element> {
    shape: &'a Shape,
    reads: Reads<'a, E>,
    out: &'a mut [f32],
    winner: &'a mut [u8],
}

impl<E: Element> Kernel for ConvPool<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        match (I::REGISTERS >= 32, self.shape.pool, self.winner.is_empty()) {
            (true, 2, true) => self.windows::<I, 2, 3, 2, false>(isa),
            (true, 2, false) => self.windows::<I, 2, 3, 2, true>(isa),
            (true, _, true) => self.windows::<I, 3, 1, 3, false>(isa),
            (true, _, false) => self.windows::<I, 3, 1, 3, true>(isa),
            (false, 2, true) => self.windows::<I, 2, 3, 1, false>(isa),
            (false, 2, false) => self.windows::<I, 2, 3, 1, true>(isa),
            (false, _, true) => self.windows::<I, 3, 2, 1, false>(isa),
            (false, _, false) => self.windows::<I, 3, 2, 1, true>(isa),
        }
    }
}

impl<E: Element> ConvPool<'_, E> {
    /// `P` = pool, `G` = windows in a group, `R` = rows of a window at a time, `W` = whether winners are wanted.
    #[inline(always)]
    fn windows<I: Isa, const P: usize, const G: usize, const R: usize, const W: bool>(&mut self, isa: I) {
        let windows = self.reads.windows.len();
        let each = self.shape.out_size[0] * self.shape.out_size[1];
        // An image's windows; small outputs share a group with the next image.
        let at_once = each.max(G.div_ceil(each.max(1)) * each);
        let mut first = 0;
        while first < windows {
            let end = windows.min(first + at_once);
            let mut channel = 0;
            while channel < self.shape.filters {
                if self.shape.filters - channel > I::LANES {
                    self.strip::<I, P, G, R, W, 2>(isa, first..end, channel);
                    channel += 2 * I::LANES;
                } else {
                    self.strip::<I, P, G, R, W, 1>(isa, first..end, channel);
                    channel += I::LANES;
                }
            }
            first = end;
        }
    }

    /// The `V` vectors of channels from `channel` on, for a range of windows.
    #[inline(always)]
    fn strip<I: Isa, const P: usize, const G: usize, const R: usize, const W: bool, const V: usize>(
        &mut self,
        isa: I,
        windows: std::ops::Range<usize>,
        channel: usize,
    ) {
        let mut window = windows.start;
        while window + G <= windows.end {
            self.group::<I, P, G, R, W, V>(isa, window, channel);
            window += G;
        }
        while window < windows.end {
            self.group::<I, P, 1, R, W, V>(isa, window, channel);
            window += 1;
        }
    }

    #[inline(always)]
    fn group<I: Isa, const P: usize, const G: usize, const R: usize, const W: bool, const V: usize>(
        &mut self,
        isa: I,
        window: usize,
        channel: usize,
    ) {
        let columns = (V * I::LANES).min(self.shape.filters - channel);
        let mut initial = [isa.zero(); V];
        for (vector, lanes) in self.reads.bias[channel..][..columns].chunks(I::LANES).enumerate() {
            // SAFETY: `lanes` holds `lanes.len() <= LANES` values.
            initial[vector] = unsafe { isa.load_first(lanes.as_ptr(), lanes.len()) };
        }
        let windows: [Window; G] = core::array::from_fn(|g| self.reads.windows[window + g]);
        let mut best = [[isa.zero(); V]; G];
        let mut winner = [[isa.zero(); V]; G];
        for first in (0..P).step_by(R) {
            // SAFETY: `conv_pool` checked that every window with all its positions and taps lies inside `x`; the panel has a
            // row for each step, in which `V` vectors follow `channel % width`.
            let sums = unsafe { self.sums::<I, P, G, R, V>(isa, windows, first, channel, initial) };
            for g in 0..G {
                for vector in 0..V {
                    for place in 0..R * P {
                        let sum = sums[g][place / P][place % P][vector];
                        if first + place == 0 {
                            best[g][vector] = sum;
                            continue;
                        }
                        let at = (first + place / P) * WINNER_ROW + place % P;
                        if W {
                            let at = isa.splat(at as f32);
                            winner[g][vector] =
                                isa.select_greater(sum, best[g][vector], at, winner[g][vector]);
                        }
                        best[g][vector] = isa.max(sum, best[g][vector]);
                    }
                }
            }
        }
        let floor = isa.splat(if self.reads.relu { 0.0 } else { f32::NEG_INFINITY });
        for g in 0..G {
            for vector in 0..V {
                let skipped = vector * I::LANES;
                let count = I::LANES.min(columns - skipped);
                let start = windows[g].out as usize + channel + skipped;
                let out = &mut self.out[start..][..count];
                // SAFETY: `out` holds `count <= LANES` values.
                unsafe { isa.store_first(out.as_mut_ptr(), isa.max(best[g][vector], floor), count) };
                if !W {
                    continue;
                }
                let to = &mut self.winner[start..][..count];
                if count == I::LANES {
                    // SAFETY: `to` holds `LANES` bytes.
                    unsafe { isa.store_bytes(to.as_mut_ptr(), winner[g][vector]) };
                } else {
                    let mut bytes = [0_u8; 16];
                    // SAFETY: `bytes` holds 16 bytes, the widest vector.
                    unsafe { isa.store_bytes(bytes.as_mut_ptr(), winner[g][vector]) };
                    to.copy_from_slice(&bytes[..count]);
                }
            }
        }
    }

    /// The convolution at rows `first..first + R` of `G` windows, `[g][row][column][vector]`.
    ///
    /// # Safety
    /// Every position plus every tap must be an index of `x`, and the panel must hold `V` vectors from `channel % width`
    /// on for each step.
    #[inline(always)]
    unsafe fn sums<I: Isa, const P: usize, const G: usize, const R: usize, const V: usize>(
        &self,
        isa: I,
        windows: [Window; G],
        first: usize,
        channel: usize,
        initial: [I::F32; V],
    ) -> [[[[I::F32; V]; P]; R]; G] {
        let [_, w, c] = self.shape.input;
        let width = self.reads.weights.width();
        let mut sums = [[[initial; P]; R]; G];
        // SAFETY: the caller vouches for all offsets and for the panel.
        unsafe {
            let mut b = self.reads.weights.panel(channel / width).as_ptr().add(channel % width);
            let rows: [[*const E::Stored; R]; G] = core::array::from_fn(|g| {
                core::array::from_fn(|row| {
                    self.reads.x.as_ptr().add(windows[g].corner as usize + (first + row) * w * c)
                })
            });
            for run in self.reads.runs {
                let mut columns: [usize; P] = core::array::from_fn(|column| run.start as usize + column * c);
                for _ in 0..(run.count as usize).div_ceil(E::PER_STEP) {
                    let weights: [I::F32; V] =
                        core::array::from_fn(|vector| isa.load(b.add(vector * I::LANES)));
                    for g in 0..G {
                        for row in 0..R {
                            for column in 0..P {
                                let x = E::splat(isa, rows[g][row].add(columns[column]));
                                for vector in 0..V {
                                    let sum = &mut sums[g][row][column][vector];
                                    *sum = E::mul_add(isa, x, weights[vector], *sum);
                                }
                            }
                        }
                    }
                    b = b.add(width);
                    for column in &mut columns {
                        *column += E::PER_STEP;
                    }
                }
            }
        }
        sums
    }
}
