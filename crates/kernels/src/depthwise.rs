//! Convolution with one filter a channel (depthwise), and the gradient of its filters.
//!
//! *Idea*: neither side is copied; a [`Plane`] says where positions lie, so that the input gradient is the same sum of the
//! output's gradient (flipped kernel, one phase of the stride at a time). Lanes are channels.
//! ```text
//! for rows, blocks of up to 3 x 3 taps, vectors of channels:          # forward: the weights in registers
//!     for p in columns:  out[p, c] = start + sum over taps t of x[window p at t, c] * w[t, c]
//! for rows, blocks of up to 3 x 3 taps, vectors of channels:          # gradient: the sums in registers
//!     for p in columns:  dw[t, c] += x[window p at t, c] * dy[p, c];    db[c] += dy[p, c]
//! ```
//! A place outside the image counts as 0 and is not read: rows and columns at the border leave taps out.
//!
//! *Exactness*: each output is a chain of multiply-adds from its start on, block by block, in an order of the taps that only
//! depends on whether its window reaches outside to the left or right. It keeps within [`crate::sum_bound`] of
//! [`crate::scalar::depthwise`] and does not depend on which positions are taken together. The gradients keep within it too;
//! they are summed row by row.
//!
//! *Departures*: with a stride to the right of 1 or 2, [`TILE`] neighbours are taken together, so that a loaded input serves
//! all of their windows: 18 loads for 36 multiply-adds of a 3 x 3 kernel instead of 36. Microseconds an image, padding `same`,
//! without and with it (`examples/kernels.rs` on one core of an AMD EPYC, Zen 5, not quite alone; best of many):
//!
//! | 3 x 3 on | AVX-512 forward | its gradient | AVX2 forward | its gradient |
//! |---|---|---|---|---|
//! | 28 x 28 x 32 | 4.46, 3.14 | 2.91, 2.53 | 6.47, 4.40 | 4.99, 4.33 |
//! | 14 x 14 x 128 | 4.95, 3.76 | 3.53, 2.71 | 6.58, 4.87 | 5.76, 4.50 |
//! | 28 x 28 x 32, stride 2 | 1.29, 1.03 | 1.01, 0.99 | 1.76, 1.50 | 1.59, 1.47 |
//!
//! At stride 1 that is 44 to 52 % of the peak of multiply-adds forward and 60 to 65 % in the gradient with AVX-512, 67 to 76 %
//! with AVX2.
//!
//! *Reference*: Howard et al. 2017, "MobileNets", section 3.1, for the layer.

use std::ops::Range;

use crate::SLACK;
use crate::dispatch::{Instructions, Kernel};
use crate::isa::Isa;

/// Neighbouring positions taken together: with nine weights or sums they fit in 16 registers.
const TILE: usize = 4;

/// Most rows and columns of taps in a block.
const BLOCK: usize = 3;

/// Where the positions of images lie, in values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plane {
    /// The first position of the first image.
    pub start: usize,
    /// From a position to the one on its right.
    pub column: usize,
    /// From a position to the one below.
    pub row: usize,
    /// From an image to the next.
    pub image: usize,
}

/// Windows over images, one filter a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of images.
    pub images: usize,
    /// Channels, of input and output.
    pub channels: usize,
    /// `[h, w]` of the input; what is outside counts as 0.
    pub input: [usize; 2],
    /// Where the input lies.
    pub from: Plane,
    /// `[kh, kw]`
    pub kernel: [usize; 2],
    /// `[down, right]`
    pub stride: [usize; 2],
    /// How far the first window begins above and to the left of the input.
    pub before: [isize; 2],
    /// `[h, w]` of the output.
    pub output: [usize; 2],
    /// Where the output lies.
    pub to: Plane,
}

impl Plane {
    /// Rows of `width` positions of `channels` values, `height` of them an image.
    pub fn packed([height, width, channels]: [usize; 3]) -> Self {
        Self { start: 0, column: channels, row: width * channels, image: height * width * channels }
    }

    /// The first place behind all values of `images` images of `[h, w]` positions; `None` if that is no number.
    fn end(&self, images: usize, [h, w]: [usize; 2], channels: usize) -> Option<usize> {
        if images == 0 || h == 0 || w == 0 {
            return Some(0);
        }
        let steps = [(images - 1, self.image), (h - 1, self.row), (w - 1, self.column)];
        steps.iter().try_fold(self.start.checked_add(channels)?, |end, &(count, step)| {
            end.checked_add(count.checked_mul(step)?)
        })
    }
}

impl Shape {
    /// Number of taps.
    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Panics unless `x` holds the input and [`SLACK`] more values; `y` likewise the output, with `slack` more.
    fn check(&self, x: &[f32], y: &[f32], slack: usize) {
        // No difference of places overflows.
        let most = isize::MAX as usize / 4;
        for axis in 0..2 {
            let reach = self.output[axis].checked_mul(self.stride[axis]);
            assert!(reach.is_some_and(|reach| reach < most) && self.kernel[axis] < most, "too many places");
            assert!(self.before[axis].unsigned_abs() < most && self.input[axis] < most, "too many places");
        }
        assert!(self.channels > 0 && !self.stride.contains(&0) && !self.kernel.contains(&0), "a shape of 0");
        let fits = |end: Option<usize>, slack: usize, length: usize| {
            end.and_then(|end| end.checked_add(slack)).is_some_and(|end| end <= length)
        };
        assert!(fits(self.from.end(self.images, self.input, self.channels), SLACK, x.len()), "the input");
        assert!(fits(self.to.end(self.images, self.output, self.channels), slack, y.len()), "the output");
    }

    /// The kernel rows (`axis` 0) or columns (1) from `first` to `last` at which the window of output row or column `place`
    /// lies inside the input.
    #[inline(always)]
    fn inside(&self, axis: usize, place: usize) -> Range<usize> {
        let start = (place * self.stride[axis]) as isize - self.before[axis];
        let limit = |at: isize| at.clamp(0, self.kernel[axis] as isize) as usize;
        limit(-start)..limit(self.input[axis] as isize - start)
    }

    /// The output columns whose windows have their columns `taps` inside the input.
    #[inline(always)]
    fn whole(&self, taps: &Range<usize>) -> Range<usize> {
        let stride = self.stride[1] as isize;
        let first = (self.before[1] - taps.start as isize).max(0) + stride - 1;
        let end = self.input[1] as isize + self.before[1] - taps.end as isize + stride;
        let limit = |count: isize| (count.max(0) / stride).min(self.output[1] as isize) as usize;
        let (first, end) = (limit(first), limit(end));
        first..end.max(first)
    }
}

/// What the sums of the forward pass start from.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// 0
    Zero,
    /// `[channels]`
    Bias(&'a [f32]),
    /// What is in the output.
    Output,
}

/// What the forward pass reads besides its input.
#[derive(Clone, Copy, Debug)]
pub struct Filters<'a> {
    /// `[kh, kw, channels]`, and [`SLACK`] more values.
    pub weights: &'a [f32],
    /// What the sums start from.
    pub start: Start<'a>,
    /// Whether negative results become 0.
    pub relu: bool,
}

/// The convolution of `x`, which has [`SLACK`] more values than its images, written to `out`.
///
/// # Panics
/// If the shapes do not agree or something lies outside its array.
pub fn depthwise(isa: Instructions, shape: &Shape, x: &[f32], filters: Filters<'_>, out: &mut [f32]) {
    shape.check(x, out, 0);
    assert_eq!(filters.weights.len(), shape.taps() * shape.channels + SLACK, "weights");
    assert!(!matches!(filters.start, Start::Bias(bias) if bias.len() != shape.channels), "bias");
    isa.run(Checked { shape, x, work: Forward { filters, out } });
}

/// Adds to `dw` `[kh, kw, channels]` and `db` `[channels]` the gradients of weights and bias. `x` and the output's gradient `dy`
/// have [`SLACK`] more values than their images.
///
/// # Panics
/// If the shapes do not agree or something lies outside its array.
pub fn depthwise_gradient(
    isa: Instructions,
    shape: &Shape,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
    db: &mut [f32],
) {
    shape.check(x, dy, SLACK);
    assert!(dw.len() == shape.taps() * shape.channels && db.len() == shape.channels, "gradients");
    isa.run(Checked { shape, x, work: Gradient { dy, dw, db } });
}

/// One row of outputs and a block of taps.
#[derive(Clone, Debug)]
struct Line {
    /// Of the input row at the block's first row of taps, and of the first output, channel 0.
    from: usize,
    to: usize,
    /// The block's first row and column of taps.
    tap: [usize; 2],
    /// The columns whose windows have all columns of the block inside the input.
    whole: Range<usize>,
    /// Whether it is the first block of the row's taps.
    first: bool,
    /// Whether it is the last.
    last: bool,
}

/// What is done with the channels from `first` on of a line and a block of `N x M` taps.
trait Work {
    /// `S` is the stride to the right, or 0 if neighbours are not to be taken together; `W` the inputs of [`TILE`] of them.
    fn vector<I: Isa, const N: usize, const M: usize, const S: usize, const W: usize, const WHOLE: bool>(
        &mut self,
        isa: I,
        input: Input<'_>,
        line: &Line,
        first: usize,
    );
}

/// The input, whose rows and columns have been checked to lie in `x` with [`SLACK`] more values.
#[derive(Clone, Copy)]
struct Input<'a> {
    shape: &'a Shape,
    x: &'a [f32],
}

/// Work whose arrays have been checked.
struct Checked<'a, K> {
    shape: &'a Shape,
    x: &'a [f32],
    work: K,
}

impl<K: Work> Kernel for Checked<'_, K> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        for image in 0..self.shape.images {
            for row in 0..self.shape.output[0] {
                self.row(isa, image, row);
            }
        }
    }
}

impl<K: Work> Checked<'_, K> {
    /// All blocks of the taps of one row that lie inside the input, in columns of blocks.
    #[inline(always)]
    fn row<I: Isa>(&mut self, isa: I, image: usize, row: usize) {
        let Shape { from, kernel, stride, before, to, .. } = *self.shape;
        let down = self.shape.inside(0, row);
        let (mut begin, mut right) = (down.start, 0);
        loop {
            let columns = if kernel[1] - right >= BLOCK { BLOCK } else { 1 };
            let rows = match down.end - begin {
                rows if columns == BLOCK => rows.min(BLOCK),
                rows if rows < BLOCK => rows.min(1),
                _ => BLOCK,
            };
            let y = (row * stride[0] + begin) as isize - before[0];
            let line = Line {
                from: from.start + image * from.image + y.max(0) as usize * from.row,
                to: to.start + image * to.image + row * to.row,
                tap: [begin, right],
                whole: self.shape.whole(&(right..right + columns)),
                first: begin == down.start && right == 0,
                last: begin + rows == down.end && (rows == 0 || right + columns == kernel[1]),
            };
            match (rows, columns, stride[1]) {
                (3, 3, 1) => self.channels::<I, 3, 3, 1, 6>(isa, &line),
                (2, 3, 1) => self.channels::<I, 2, 3, 1, 6>(isa, &line),
                (1, 3, 1) => self.channels::<I, 1, 3, 1, 6>(isa, &line),
                (3, 3, 2) => self.channels::<I, 3, 3, 2, 9>(isa, &line),
                (2, 3, 2) => self.channels::<I, 2, 3, 2, 9>(isa, &line),
                (1, 3, 2) => self.channels::<I, 1, 3, 2, 9>(isa, &line),
                (3, 3, _) => self.channels::<I, 3, 3, 0, 3>(isa, &line),
                (2, 3, _) => self.channels::<I, 2, 3, 0, 3>(isa, &line),
                (1, 3, _) => self.channels::<I, 1, 3, 0, 3>(isa, &line),
                (3, 1, _) => self.channels::<I, 3, 1, 0, 1>(isa, &line),
                (1, 1, _) => self.channels::<I, 1, 1, 0, 1>(isa, &line),
                // The windows lie outside altogether.
                _ => self.channels::<I, 0, 0, 0, 0>(isa, &line),
            }
            if line.last {
                break;
            }
            begin += rows;
            if begin == down.end {
                (begin, right) = (down.start, right + columns);
            }
        }
    }

    #[inline(always)]
    fn channels<I: Isa, const N: usize, const M: usize, const S: usize, const W: usize>(
        &mut self,
        isa: I,
        line: &Line,
    ) {
        const { assert!(I::LANES <= SLACK) };
        let input = Input { shape: self.shape, x: self.x };
        let mut first = 0;
        while first + I::LANES <= self.shape.channels {
            self.work.vector::<I, N, M, S, W, true>(isa, input, line, first);
            first += I::LANES;
        }
        if first < self.shape.channels {
            self.work.vector::<I, N, M, S, W, false>(isa, input, line, first);
        }
    }
}

/// Calls `$outputs!(T, visitor, column)` for all outputs of a line, `T` at a time.
macro_rules! for_columns {
    ($line:ident, $columns:expr, $outputs:ident) => {
        let whole = $line.whole.clone();
        let mut column = whole.start;
        while S > 0 && column + TILE <= whole.end {
            $outputs!(TILE, tile::<I, N, M, S, W>, column);
            column += TILE;
        }
        while column < whole.end {
            $outputs!(1, one::<I, N, M>, column);
            column += 1;
        }
        for column in (0..whole.start).chain(whole.end..$columns) {
            $outputs!(1, edge::<I, N, M>, column);
        }
    };
}

impl Input<'_> {
    /// Where row `n` of a block begins for output `column`: the channels from `first` on of its first tap, wherever that lies.
    #[inline(always)]
    fn place(&self, line: &Line, first: usize, column: usize, n: usize) -> *const f32 {
        let Shape { from, stride, before, .. } = *self.shape;
        let left = (column * stride[1] + line.tap[1]) as isize - before[1];
        let place = line.from + n * from.row + first;
        self.x.as_ptr().wrapping_add(place).wrapping_offset(left * from.column as isize)
    }

    /// Calls `visit(t, n, m, x)` for the inputs `x` that meet row `n` and column `m` of a block of `N x M` taps in the window of
    /// output `column + t` of [`TILE`], taps in their order for each output. `W` is the number of inputs side by side.
    ///
    /// # Safety
    /// `line.from` must be the place of an input row that `N - 1` others follow, `first` a channel, and the columns of the block
    /// must lie inside the input for all outputs. `S` must be the stride.
    #[inline(always)]
    unsafe fn tile<I: Isa, const N: usize, const M: usize, const S: usize, const W: usize>(
        self,
        isa: I,
        (line, first, column): (&Line, usize, usize),
        mut visit: impl FnMut(usize, usize, usize, I::F32),
    ) {
        const { assert!(W == (TILE - 1) * S + M) };
        let pitch = self.shape.from.column;
        for n in 0..N {
            let row = self.place(line, first, column, n);
            // SAFETY: the caller vouches for rows, columns and channel; `x` holds the channels of each of these positions, and
            // `SLACK >= LANES` more values.
            let xs: [I::F32; W] = core::array::from_fn(|j| unsafe { isa.load(row.add(j * pitch)) });
            for m in 0..M {
                for t in 0..TILE {
                    visit(t, n, m, xs[t * S + m]);
                }
            }
        }
    }

    /// As [`Input::tile`] for one output, of any stride.
    ///
    /// # Safety
    /// As there, but `S` does not matter.
    #[inline(always)]
    unsafe fn one<I: Isa, const N: usize, const M: usize>(
        self,
        isa: I,
        (line, first, column): (&Line, usize, usize),
        mut visit: impl FnMut(usize, usize, usize, I::F32),
    ) {
        let pitch = self.shape.from.column;
        for n in 0..N {
            let row = self.place(line, first, column, n);
            for m in 0..M {
                // SAFETY: as in `tile`.
                visit(0, n, m, unsafe { isa.load(row.add(m * pitch)) });
            }
        }
    }

    /// As [`Input::one`] where columns of the window may lie outside; those that do not in their order.
    ///
    /// # Safety
    /// As there, but for the columns.
    #[inline(always)]
    unsafe fn edge<I: Isa, const N: usize, const M: usize>(
        self,
        isa: I,
        (line, first, column): (&Line, usize, usize),
        mut visit: impl FnMut(usize, usize, usize, I::F32),
    ) {
        let Shape { input, from, stride, before, .. } = *self.shape;
        let left = (column * stride[1] + line.tap[1]) as isize - before[1];
        for m in 0..M {
            if left.wrapping_add(m as isize) as usize >= input[1] {
                continue;
            }
            for n in 0..N {
                let row = self.place(line, first, column, n);
                // SAFETY: as in `tile`; the column was compared with the input's width.
                visit(0, n, m, unsafe { isa.load(row.wrapping_add(m * from.column)) });
            }
        }
    }
}

/// The forward pass.
struct Forward<'a> {
    filters: Filters<'a>,
    out: &'a mut [f32],
}

impl Work for Forward<'_> {
    #[inline(always)]
    fn vector<I: Isa, const N: usize, const M: usize, const S: usize, const W: usize, const WHOLE: bool>(
        &mut self,
        isa: I,
        input: Input<'_>,
        line: &Line,
        first: usize,
    ) {
        let Shape { channels, kernel, output, to, .. } = *input.shape;
        let count = if WHOLE { I::LANES } else { channels - first };
        let floor = isa.splat(if self.filters.relu && line.last { 0.0 } else { f32::NEG_INFINITY });
        let weights: [[I::F32; M]; N] = core::array::from_fn(|n| {
            core::array::from_fn(|m| {
                let tap = (line.tap[0] + n) * kernel[1] + line.tap[1] + m;
                let weights = self.filters.weights.as_ptr();
                // SAFETY: the block's taps are taps of the kernel, `first` is a channel, and `weights` holds the channels of all
                // taps and `SLACK >= LANES` more values.
                unsafe { isa.load(weights.add(tap * channels + first)) }
            })
        });
        let start = match self.filters.start {
            Start::Zero if line.first => Some(isa.zero()),
            Start::Bias(bias) if line.first => {
                let lanes = &bias[first..][..count];
                // SAFETY: `lanes` holds `count <= LANES` values.
                Some(unsafe { isa.load_first(lanes.as_ptr(), count) })
            }
            _ => None,
        };
        macro_rules! outputs {
            ($count:expr, $visitor:ident::<$($parameter:tt),*>, $column:expr) => {{
                const T: usize = $count;
                let at = line.to + $column * to.column + first;
                let out: [*mut f32; T] = core::array::from_fn(|t| {
                    // SAFETY: `Shape::check` found the channels of every output in `out`, `count` of them from `first` on.
                    unsafe { self.out.as_mut_ptr().add(at + t * to.column) }
                });
                let mut sums = [isa.zero(); T];
                for t in 0..T {
                    // SAFETY: `out` is valid for `count` values, and `count <= LANES`.
                    sums[t] = start.unwrap_or_else(|| unsafe { isa.load_first(out[t], count) });
                }
                // SAFETY: `Checked::row` found the rows of the block inside the input, `Shape::whole` the columns.
                unsafe {
                    input.$visitor::<$($parameter),*>(isa, (line, first, $column), |t, n, m, x| {
                        sums[t] = isa.mul_add(x, weights[n][m], sums[t]);
                    });
                }
                for t in 0..T {
                    // SAFETY: as for the load.
                    unsafe { isa.store_first(out[t], isa.max(sums[t], floor), count) };
                }
            }};
        }
        for_columns!(line, output[1], outputs);
    }
}

/// The weights' gradient.
struct Gradient<'a> {
    dy: &'a [f32],
    dw: &'a mut [f32],
    db: &'a mut [f32],
}

impl Work for Gradient<'_> {
    #[inline(always)]
    fn vector<I: Isa, const N: usize, const M: usize, const S: usize, const W: usize, const WHOLE: bool>(
        &mut self,
        isa: I,
        input: Input<'_>,
        line: &Line,
        first: usize,
    ) {
        let Shape { channels, kernel, output, to, .. } = *input.shape;
        let count = if WHOLE { I::LANES } else { channels - first };
        let mut sums = [[isa.zero(); M]; N];
        let mut sum = isa.zero();
        macro_rules! outputs {
            ($count:expr, $visitor:ident::<$($parameter:tt),*>, $column:expr) => {{
                const T: usize = $count;
                let at = line.to + $column * to.column + first;
                let dy: [I::F32; T] = core::array::from_fn(|t| {
                    // SAFETY: `Shape::check` found the channels of every output in `dy`, with `SLACK >= LANES` more values.
                    unsafe { isa.load(self.dy.as_ptr().add(at + t * to.column)) }
                });
                for dy in dy {
                    sum = isa.add(sum, dy);
                }
                // SAFETY: as in the forward pass.
                unsafe {
                    input.$visitor::<$($parameter),*>(isa, (line, first, $column), |t, n, m, x| {
                        sums[n][m] = isa.mul_add(x, dy[t], sums[n][m]);
                    });
                }
            }};
        }
        for_columns!(line, output[1], outputs);
        for n in 0..N {
            for m in 0..M {
                let tap = (line.tap[0] + n) * kernel[1] + line.tap[1] + m;
                add_first(isa, &mut self.dw[tap * channels + first..][..count], sums[n][m]);
            }
        }
        if line.first {
            add_first(isa, &mut self.db[first..][..count], sum);
        }
    }
}

/// Adds the first lanes of `sum` to `to`.
#[inline(always)]
fn add_first<I: Isa>(isa: I, to: &mut [f32], sum: I::F32) {
    assert!(to.len() <= I::LANES);
    // SAFETY: `to` holds `to.len() <= LANES` values.
    unsafe {
        let before = isa.load_first(to.as_ptr(), to.len());
        isa.store_first(to.as_mut_ptr(), isa.add(before, sum), to.len());
    }
}
