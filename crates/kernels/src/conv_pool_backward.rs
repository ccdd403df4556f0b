//! Gradients of [`crate::conv_pool`]: only the winner of each pool window, and only where the ReLU let it through.
//!
//! *Idea*: one live position per window and channel, so the gradients are sums over short lists.
//! ```text
//! for f in filters:     for (corner, g) live in f:              dw[f, taps] += g * x[corner + taps]
//! for p in positions:   for (f, g) live at p:        dx[corner of p + taps] += g * w[f, taps]
//! ```
//! Weights stand here with the taps innermost ([`Taps`]): a kernel row's `kw * in_c` taps are contiguous in `x` as well, so
//! the vectors run along the taps. A row is padded to whole vectors; the padding's products are thrown away or 0.
//!
//! *Exactness*: sums in the order image, window for `dw`, image, position, filter for `dx`; within [`crate::sum_bound`] of
//! the twin [`crate::scalar::conv_pool_backward`].
//!
//! *Departures*:
//! 1. The taps are taken in blocks of up to eight vectors in the outer loop: a block's `dw` is in registers while a filter's
//!    list runs, its `dx` while a position's list runs, and what the lists point to stays in the first-level cache.
//! 2. `dx` has lists of its own, by position. With one list by filter every product was a load, an addition and a store of
//!    `dx`, and the stores were the limit: 14.0 us an image for the second convolution of the 45,770-parameter network
//!    with all of its windows live, AVX-512.
//!    Lists by position, and weights laid out so that a block of taps is contiguous over filters (a filter's 512 taps
//!    apart they fell into the same sets of the first-level cache): 9.9 us. What limits now is loading, one vector for
//!    each product; sums in twice as many chains of additions changed nothing.
//! 3. Where rows of taps are far shorter than a vector (the first layer of a grey image), the lanes are filters instead:
//!    [`narrow`].
//! 4. A dense gradient would multiply by the zeros of the losers: 9 times the work for a 3 x 3 pool.

mod lists;
mod narrow;

use crate::SLACK;
use crate::conv_pool::Shape;
use crate::dispatch::{Instructions, Kernel};
use crate::isa::Isa;

pub use lists::Scratch;
use lists::{AtPosition, OfFilter};

/// The layout in which a gradient of weights is summed. Taps are `kh` runs of `kw * in_c`, each rounded up to whole vectors,
/// in blocks of eight vectors (the last may be smaller): `[blocks, filters, taps of the block]`. Where the kernel for
/// [`narrow`] images serves, it is `[kh * kw * in_c, filters]`.
#[derive(Clone, Copy, Debug)]
pub struct Taps {
    rows: usize,
    used: usize,
    run: usize,
    filters: usize,
    /// Taps in a block.
    block: usize,
    narrow: bool,
}

impl Taps {
    /// The layout for a convolution on this instruction set; `dx` says whether the gradient of the input is wanted too.
    pub fn new(isa: Instructions, shape: &Shape, dx: bool) -> Self {
        let used = shape.kernel[1] * shape.input[2];
        let narrow = !dx && narrow::serves(isa, shape);
        let run = if narrow { used } else { used.next_multiple_of(isa.lanes()) };
        let block = BLOCK * isa.lanes();
        Self { rows: shape.kernel[0], used, run, filters: shape.filters, block, narrow }
    }

    /// Values in the layout.
    pub fn len(&self) -> usize {
        self.filters * self.rows * self.run
    }

    /// Whether it holds no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `visit(place in the layout, place in [kh * kw * in_c, filters])` for every weight.
    fn for_each(&self, mut visit: impl FnMut(usize, usize)) {
        let length = self.rows * self.run;
        for first in (0..length).step_by(self.block) {
            let width = self.block.min(length - first);
            for tap in first..first + width {
                let (row, place) = (tap / self.run, tap % self.run);
                if place >= self.used {
                    continue;
                }
                for filter in 0..self.filters {
                    let here = first * self.filters + filter * width + tap - first;
                    visit(here, (row * self.used + place) * self.filters + filter);
                }
            }
        }
    }

    /// From `[kh * kw * in_c, filters]` to this layout, whose padding is left as it is (zero).
    pub fn transpose(&self, weights: &[f32], transposed: &mut [f32]) {
        assert_eq!(transposed.len(), self.len(), "transposed");
        self.for_each(|here, there| transposed[here] = weights[there]);
    }

    /// Adds a gradient in this layout to one of `[kh * kw * in_c, filters]`.
    pub fn add_back(&self, gradient: &[f32], weights: &mut [f32]) {
        assert_eq!(gradient.len(), self.len(), "gradient");
        if self.narrow {
            weights.iter_mut().zip(gradient).for_each(|(to, from)| *to += from);
        } else {
            self.for_each(|here, there| weights[there] += gradient[here]);
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

/// Unless they are empty, adds the gradient of the weights (layout `taps`) to `dw` and that of the bias to `db`; unless
/// `dx` is empty, adds that of the input to it (`[n, h, w, c]` and [`SLACK`] more values, which may be written with zeros added).
/// `weights` ([`Taps::transpose`]) is read only for `dx`.
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
    assert!(dw.is_empty() || dw.len() == taps.len(), "dw");
    assert!(db.len() == if dw.is_empty() { 0 } else { shape.filters }, "db");
    assert!(dx.is_empty() || weights.len() == taps.len(), "weights");
    assert!(images * shape.input_len() <= u32::MAX as usize, "offsets fit in 32 bits");
    if taps.narrow {
        assert!(dx.is_empty(), "taps made without a gradient of the input");
        if dw.is_empty() {
            return;
        }
        narrow::weight_gradient(isa, shape, &forward, (dw, db), &mut scratch.patches);
        return;
    }
    let windows = shape.out_size[0] * shape.out_size[1];
    // Enough images together that a filter's list is worth loading its gradient for.
    let together = ENTRIES.div_ceil(windows.max(1)).clamp(1, images.max(1));
    let mut first = 0;
    while first < images {
        let range = first..images.min(first + together);
        scratch.collect(shape, &forward, range.clone(), db, !dx.is_empty());
        isa.run(Accumulate { shape, taps, x: forward.x, weights, scratch, dw, dx });
        first = range.end;
    }
}

/// Vectors of taps in a block.
const BLOCK: usize = 8;
/// Windows of which a filter's list is made.
const ENTRIES: usize = 16;

struct Accumulate<'a> {
    shape: &'a Shape,
    taps: &'a Taps,
    x: &'a [f32],
    weights: &'a [f32],
    scratch: &'a Scratch,
    dw: &'a mut [f32],
    dx: &'a mut [f32],
}

impl Kernel for Accumulate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        let vectors = self.taps.rows * self.taps.run / I::LANES;
        let mut first = 0;
        while first < vectors {
            first += match vectors - first {
                BLOCK.. => self.block::<I, BLOCK>(isa, first),
                7 => self.block::<I, 7>(isa, first),
                6 => self.block::<I, 6>(isa, first),
                5 => self.block::<I, 5>(isa, first),
                4 => self.block::<I, 4>(isa, first),
                3 => self.block::<I, 3>(isa, first),
                2 => self.block::<I, 2>(isa, first),
                _ => self.block::<I, 1>(isa, first),
            };
        }
    }
}

impl Accumulate<'_> {
    /// Vectors `first..first + B` of the taps of every filter; returns `B`.
    #[inline(always)]
    fn block<I: Isa, const B: usize>(&mut self, isa: I, first: usize) -> usize {
        let [_, w, c] = self.shape.input;
        let per_row = self.taps.run / I::LANES;
        // Where each vector of the block lies relative to a window's corner.
        let places: [usize; B] = core::array::from_fn(|vector| {
            let vector = first + vector;
            vector / per_row * w * c + vector % per_row * I::LANES
        });
        let block = first * I::LANES * self.taps.filters..(first + B) * I::LANES * self.taps.filters;
        for (filter, live) in self.scratch.filters().enumerate() {
            if live.is_empty() || self.dw.is_empty() {
                continue;
            }
            let dw = self.dw[block.clone()][filter * B * I::LANES..][..B * I::LANES].as_mut_ptr();
            // SAFETY: `dw` is valid for `B` vectors. A live corner is the window of a convolution that lies inside its
            // image (`Shape::fits`; `Scratch::collect` checks the winner), so corner + place + LANES exceeds the image by
            // less than a vector, which `SLACK` covers behind the last image.
            unsafe {
                let mut sums: [I::F32; B] =
                    core::array::from_fn(|vector| isa.load(dw.add(vector * I::LANES)));
                let x = self.x.as_ptr();
                for &OfFilter { corner, gradient } in live {
                    let (x, gradient) = (x.add(corner as usize), isa.splat(gradient));
                    for vector in 0..B {
                        sums[vector] = isa.mul_add(gradient, isa.load(x.add(places[vector])), sums[vector]);
                    }
                }
                for vector in 0..B {
                    isa.store(dw.add(vector * I::LANES), sums[vector]);
                }
            }
        }
        if self.dx.is_empty() {
            return B;
        }
        let weights = self.weights[block].as_ptr();
        for (corner, live) in self.scratch.positions() {
            if live.is_empty() {
                continue;
            }
            // SAFETY: as above for `dx`, which is as long as `x`; a live filter is one of `filters`, each of which has `B`
            // vectors in the block.
            unsafe {
                let dx = self.dx.as_mut_ptr().add(corner as usize);
                let mut sums: [I::F32; B] = core::array::from_fn(|vector| isa.load(dx.add(places[vector])));
                for &AtPosition { filter, gradient } in live {
                    let weights = weights.add(filter as usize * B * I::LANES);
                    let gradient = isa.splat(gradient);
                    for vector in 0..B {
                        let weights = isa.load(weights.add(vector * I::LANES));
                        sums[vector] = isa.mul_add(gradient, weights, sums[vector]);
                    }
                }
                for vector in 0..B {
                    isa.store(dx.add(places[vector]), sums[vector]);
                }
            }
        }
        B
    }
}
