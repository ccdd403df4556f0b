//! Gradients of [`crate::conv_pool`]: only the winner of each pool window, and only where the ReLU let it through.
//!
//! *Idea*: one live position per window and channel, so the gradients are sums over a short list.
//! ```text
//! for f in filters:
//!     live = [(corner of the winner's window in x, dy)  for windows where out > 0]
//!     for (corner, g) in live:   dw[f, taps] += g * x[corner + taps];   dx[corner + taps] += g * w[f, taps]
//! ```
//! Weights stand here transposed, `[filters, kh, run]`: a kernel row's `kw * in_c` taps are contiguous in `x` as well, so
//! the vectors run along the taps ([`Taps`] pads a row to whole vectors; the padding's products are thrown away or 0).
//!
//! *Exactness*: sums in the order image, window; within [`crate::sum_bound`] of the twin
//! [`crate::scalar::conv_pool_backward`].
//!
//! *Departures*:
//! 1. Lists are made once for a few images and all filters, and the taps are taken in blocks of up to eight vectors in
//!    the outer loop, so that a block's `dw` (in registers while its list runs) and its part of `x` stay in the first-level
//!    cache.
//! 2. A dense gradient would multiply by the zeros of the losers: 9 times the work for a 3 x 3 pool.

use crate::SLACK;
use crate::conv_pool::Shape;
use crate::dispatch::{Instructions, Kernel};
use crate::isa::Isa;

/// The layout of transposed weights: `[filters, kh, run]`, `run` = `kw * in_c` rounded up to whole vectors.
#[derive(Clone, Copy, Debug)]
pub struct Taps {
    rows: usize,
    used: usize,
    run: usize,
    filters: usize,
}

impl Taps {
    /// The layout for a convolution on this instruction set.
    pub fn new(isa: Instructions, shape: &Shape) -> Self {
        let used = shape.kernel[1] * shape.input[2];
        Self { rows: shape.kernel[0], used, run: used.next_multiple_of(isa.lanes()), filters: shape.filters }
    }

    /// Values in the layout.
    pub fn len(&self) -> usize {
        self.filters * self.rows * self.run
    }

    /// Whether it holds no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// From `[kh * kw * in_c, filters]` to this layout, zeros in the padding.
    pub fn transpose(&self, weights: &[f32], transposed: &mut [f32]) {
        assert_eq!(transposed.len(), self.len(), "transposed");
        for (filter, rows) in transposed.chunks_exact_mut(self.rows * self.run).enumerate() {
            for (row, taps) in rows.chunks_exact_mut(self.run).enumerate() {
                for (tap, value) in taps[..self.used].iter_mut().enumerate() {
                    *value = weights[(row * self.used + tap) * self.filters + filter];
                }
                taps[self.used..].fill(0.0);
            }
        }
    }

    /// Adds a gradient in this layout to one of `[kh * kw * in_c, filters]`.
    pub fn add_back(&self, transposed: &[f32], weights: &mut [f32]) {
        assert_eq!(transposed.len(), self.len(), "transposed");
        for (filter, rows) in transposed.chunks_exact(self.rows * self.run).enumerate() {
            for (row, taps) in rows.chunks_exact(self.run).enumerate() {
                for (tap, value) in taps[..self.used].iter().enumerate() {
                    weights[(row * self.used + tap) * self.filters + filter] += value;
                }
            }
        }
    }
}

/// What the forward pass left behind, and the gradient of its output.
#[derive(Clone, Copy, Debug)]
pub struct Forward<'a> {
    /// `[n, h, w, c]` and [`SLACK`] more values.
    pub x: &'a [f32],
    /// `[n, oh, ow, filters]`
    pub out: &'a [f32],
    /// As `out`.
    pub winner: &'a [u8],
    /// As `out`.
    pub out_gradient: &'a [f32],
    /// Whether the forward pass ended in a ReLU.
    pub relu: bool,
}

/// Memory that [`conv_pool_backward`] uses, kept from call to call.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    live: Vec<Live>,
    counts: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Live {
    corner: u32,
    gradient: f32,
}

/// Adds the gradient of the weights (layout `taps`) to `dw` and that of the bias to `db`; unless `dx` is empty, adds
/// that of the input to it (`[n, h, w, c]` and [`SLACK`] more values, which may be written with zeros added).
/// `weights` (layout `taps`) is read only for `dx`.
///
/// # Panics
/// If the shapes do not agree.
pub fn conv_pool_backward(
    isa: Instructions,
    shape: &Shape,
    taps: &Taps,
    forward: Forward<'_>,
    weights: &[f32],
    scratch: &mut Scratch,
    gradients: (&mut [f32], &mut [f32], &mut [f32]),
) {
    let (dw, db, dx) = gradients;
    let images = forward.out.len() / shape.output_len();
    assert!(shape.fits(), "{shape:?}");
    assert_eq!(forward.out.len(), images * shape.output_len(), "out");
    assert_eq!(forward.out.len(), forward.winner.len(), "winner");
    assert_eq!(forward.out.len(), forward.out_gradient.len(), "out_gradient");
    assert!(forward.x.len() >= images * shape.input_len() + SLACK, "x needs slack");
    assert!(dx.is_empty() || dx.len() >= images * shape.input_len() + SLACK, "dx needs slack");
    assert_eq!(dw.len(), taps.len(), "dw");
    assert_eq!(db.len(), shape.filters, "db");
    assert!(dx.is_empty() || weights.len() == taps.len(), "weights");
    assert!(images * shape.input_len() <= u32::MAX as usize, "offsets fit in 32 bits");
    let windows = shape.out_size[0] * shape.out_size[1];
    // Enough images together that a filter's list is worth loading its gradient for.
    let together = 24_usize.div_ceil(windows.max(1)).clamp(1, images.max(1));
    let mut first = 0;
    while first < images {
        let range = first..images.min(first + together);
        collect(shape, &forward, range.clone(), scratch, db);
        isa.run(Accumulate {
            shape,
            taps,
            x: forward.x,
            weights,
            scratch,
            dw,
            dx,
            capacity: windows * range.len(),
        });
        first = range.end;
    }
}

/// Lists the live positions of every filter, `capacity` places a filter, and sums the bias gradient.
fn collect(
    shape: &Shape,
    forward: &Forward<'_>,
    images: std::ops::Range<usize>,
    scratch: &mut Scratch,
    db: &mut [f32],
) {
    let [oh, ow] = shape.out_size;
    let [_, w, c] = shape.input;
    let (filters, pool) = (shape.filters, shape.pool);
    let capacity = images.len() * oh * ow;
    scratch.live.resize(scratch.live.len().max(filters * capacity), Live::default());
    scratch.counts.clear();
    scratch.counts.resize(filters, 0);
    // As long as the window, so that a winner outside of it is caught here and not in the unchecked loop below.
    let inside: [u32; 9] = core::array::from_fn(|index| ((index / pool * w + index % pool) * c) as u32);
    let inside = &inside[..pool * pool];
    for image in images {
        for row in 0..oh {
            for column in 0..ow {
                let corner = (image * shape.input_len() + (row * pool * w + column * pool) * c) as u32;
                let start = image * shape.output_len() + (row * shape.out_width + column) * filters;
                let out = &forward.out[start..][..filters];
                let winner = &forward.winner[start..][..filters];
                let gradient = &forward.out_gradient[start..][..filters];
                let counts = &mut scratch.counts[..filters];
                for (filter, live) in scratch.live.chunks_exact_mut(capacity).take(filters).enumerate() {
                    // Written always, counted only if live: no branch to mispredict.
                    let count = &mut counts[filter];
                    live[*count as usize] =
                        Live { corner: corner + inside[winner[filter] as usize], gradient: gradient[filter] };
                    let alive = !forward.relu || out[filter] > 0.0;
                    db[filter] += if alive { gradient[filter] } else { 0.0 };
                    *count += u32::from(alive);
                }
            }
        }
    }
}

struct Accumulate<'a> {
    shape: &'a Shape,
    taps: &'a Taps,
    x: &'a [f32],
    weights: &'a [f32],
    scratch: &'a Scratch,
    dw: &'a mut [f32],
    dx: &'a mut [f32],
    capacity: usize,
}

impl Kernel for Accumulate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        let vectors = self.taps.rows * self.taps.run / I::LANES;
        let mut first = 0;
        while first < vectors {
            let block = match vectors - first {
                8.. => self.block::<I, 8>(isa, first),
                5..=7 => self.block::<I, 5>(isa, first),
                4 => self.block::<I, 4>(isa, first),
                2..=3 => self.block::<I, 2>(isa, first),
                _ => self.block::<I, 1>(isa, first),
            };
            first += block;
        }
    }
}

impl Accumulate<'_> {
    /// Vectors `first..first + B` of the taps of every filter; returns `B`.
    #[inline(always)]
    fn block<I: Isa, const B: usize>(&mut self, isa: I, first: usize) -> usize {
        let [_, w, c] = self.shape.input;
        let taps = self.taps;
        let per_row = taps.run / I::LANES;
        // Where each vector of the block lies relative to a window's corner.
        let places: [usize; B] = core::array::from_fn(|vector| {
            let vector = first + vector;
            vector / per_row * w * c + vector % per_row * I::LANES
        });
        for filter in 0..taps.filters {
            let live = &self.scratch.live[filter * self.capacity..][..self.scratch.counts[filter] as usize];
            if live.is_empty() {
                continue;
            }
            let start = filter * taps.rows * taps.run + first * I::LANES;
            let dw = self.dw[start..][..B * I::LANES].as_mut_ptr();
            // SAFETY: `dw` is valid for `B` vectors. A live corner is the window of a convolution that lies inside its
            // image (`Shape::fits`, winner < pool^2 by the bounds check of `inside`), so corner + place + LANES exceeds the
            // image by less than a vector, which `SLACK` covers behind the last image.
            unsafe {
                let mut sums: [I::F32; B] =
                    core::array::from_fn(|vector| isa.load(dw.add(vector * I::LANES)));
                for &Live { corner, gradient } in live {
                    let x = self.x.as_ptr().add(corner as usize);
                    let gradient = isa.splat(gradient);
                    for vector in 0..B {
                        sums[vector] = isa.mul_add(gradient, isa.load(x.add(places[vector])), sums[vector]);
                    }
                }
                for vector in 0..B {
                    isa.store(dw.add(vector * I::LANES), sums[vector]);
                }
            }
            if self.dx.is_empty() {
                continue;
            }
            let weights = self.weights[start..][..B * I::LANES].as_ptr();
            // SAFETY: as above, with `weights` in place of `dw` and `dx`, as long as `x`, in place of `x`.
            unsafe {
                let weights: [I::F32; B] =
                    core::array::from_fn(|vector| isa.load(weights.add(vector * I::LANES)));
                for &Live { corner, gradient } in live {
                    let dx = self.dx.as_mut_ptr().add(corner as usize);
                    let gradient = isa.splat(gradient);
                    for vector in 0..B {
                        let to = dx.add(places[vector]);
                        isa.store(to, isa.mul_add(gradient, weights[vector], isa.load(to)));
                    }
                }
            }
        }
        B
    }
}
