//! Max and average pooling of any size, stride and padding, `[h, w, c]`; a global pool is a window of the whole image.
//!
//! Plain loops with the channels innermost, compiled for the instruction set; the same bits on each.

use crate::dispatch::{Instructions, Kernel};
use crate::isa::Isa;

/// How windows lie on an image.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// `[h, w, c]`
    pub input: [usize; 3],
    /// `[h, w]` of a window.
    pub size: [usize; 2],
    /// `[down, right]`
    pub stride: [usize; 2],
    /// Rows above and columns left of the image that windows may cover.
    pub before: [usize; 2],
    /// `[h, w]` of the output in memory.
    pub output: [usize; 2],
}

impl Windows {
    /// Rows of the image that window row `row` covers.
    #[inline(always)]
    fn rows(&self, row: usize) -> std::ops::Range<usize> {
        Self::span(row * self.stride[0], self.size[0], self.before[0], self.input[0])
    }

    /// Columns of the image that window column `column` covers.
    #[inline(always)]
    fn columns(&self, column: usize) -> std::ops::Range<usize> {
        Self::span(column * self.stride[1], self.size[1], self.before[1], self.input[1])
    }

    #[inline(always)]
    fn span(start: usize, size: usize, before: usize, length: usize) -> std::ops::Range<usize> {
        start.saturating_sub(before)..(start + size).saturating_sub(before).min(length)
    }

    fn lengths(&self) -> (usize, usize) {
        (self.input.iter().product(), self.output[0] * self.output[1] * self.input[2])
    }

    /// Calls `visit(output offset, input offset)` for every output position and every input position of its window.
    #[inline(always)]
    fn for_each(&self, mut visit: impl FnMut(usize, usize, bool)) {
        let [_, w, c] = self.input;
        for row in 0..self.output[0] {
            for column in 0..self.output[1] {
                let mut first = true;
                for y in self.rows(row) {
                    for x in self.columns(column) {
                        visit((row * self.output[1] + column) * c, (y * w + x) * c, first);
                        first = false;
                    }
                }
            }
        }
    }

    /// How many image positions each window covers, `[oh, ow]`.
    #[inline(always)]
    fn covered(&self, row: usize, column: usize) -> f32 {
        (self.rows(row).len() * self.columns(column).len()) as f32
    }
}

/// Largest of each window; `winner` gets its offset in the image. The first of equals wins.
pub fn max_pool(isa: Instructions, windows: &Windows, x: &[f32], y: &mut [f32], winner: &mut [u32]) {
    let (input, output) = windows.lengths();
    assert!(x.len() / input == y.len() / output && winner.len() == y.len(), "max_pool");
    struct Max<'a>(&'a Windows, &'a [f32], &'a mut [f32], &'a mut [u32]);
    impl Kernel for Max<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            let Self(windows, x, y, winner) = self;
            let (input, output) = windows.lengths();
            let c = windows.input[2];
            for ((x, y), winner) in
                x.chunks_exact(input).zip(y.chunks_exact_mut(output)).zip(winner.chunks_exact_mut(output))
            {
                windows.for_each(
                    #[inline(always)]
                    |to, from, first| {
                        let (y, winner, x) = (&mut y[to..][..c], &mut winner[to..][..c], &x[from..][..c]);
                        for channel in 0..c {
                            if first || x[channel] > y[channel] {
                                y[channel] = x[channel];
                                winner[channel] = (from + channel) as u32;
                            }
                        }
                    },
                );
            }
        }
    }
    isa.run(Max(windows, x, y, winner));
}

/// Adds `dy` to `dx` at the winners.
pub fn max_pool_backward(windows: &Windows, dy: &[f32], winner: &[u32], dx: &mut [f32]) {
    let (input, output) = windows.lengths();
    for ((dx, dy), winner) in
        dx.chunks_exact_mut(input).zip(dy.chunks_exact(output)).zip(winner.chunks_exact(output))
    {
        for (&dy, &winner) in dy.iter().zip(winner) {
            dx[winner as usize] += dy;
        }
    }
}

/// Mean of each window over the positions inside the image.
pub fn avg_pool(isa: Instructions, windows: &Windows, x: &[f32], y: &mut [f32]) {
    let (input, output) = windows.lengths();
    assert_eq!(x.len() / input, y.len() / output, "avg_pool");
    struct Avg<'a>(&'a Windows, &'a [f32], &'a mut [f32]);
    impl Kernel for Avg<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            let Self(windows, x, y) = self;
            let (input, output) = windows.lengths();
            let c = windows.input[2];
            y.fill(0.0);
            for (x, y) in x.chunks_exact(input).zip(y.chunks_exact_mut(output)) {
                windows.for_each(
                    #[inline(always)]
                    |to, from, _| {
                        for (y, &x) in y[to..][..c].iter_mut().zip(&x[from..][..c]) {
                            *y += x;
                        }
                    },
                );
                for row in 0..windows.output[0] {
                    for column in 0..windows.output[1] {
                        let count = windows.covered(row, column);
                        for y in &mut y[(row * windows.output[1] + column) * c..][..c] {
                            *y /= count;
                        }
                    }
                }
            }
        }
    }
    isa.run(Avg(windows, x, y));
}

/// Adds to `dx` each window's share of `dy`.
pub fn avg_pool_backward(isa: Instructions, windows: &Windows, dy: &[f32], dx: &mut [f32]) {
    let (input, output) = windows.lengths();
    assert_eq!(dx.len() / input, dy.len() / output, "avg_pool_backward");
    struct Backward<'a>(&'a Windows, &'a [f32], &'a mut [f32]);
    impl Kernel for Backward<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: Isa>(self, _: I) {
            let Self(windows, dy, dx) = self;
            let (input, output) = windows.lengths();
            let [_, ow] = windows.output;
            let c = windows.input[2];
            for (dy, dx) in dy.chunks_exact(output).zip(dx.chunks_exact_mut(input)) {
                windows.for_each(
                    #[inline(always)]
                    |from, to, _| {
                        let count = windows.covered(from / c / ow, from / c % ow);
                        for (dx, &dy) in dx[to..][..c].iter_mut().zip(&dy[from..][..c]) {
                            *dx += dy / count;
                        }
                    },
                );
            }
        }
    }
    isa.run(Backward(windows, dy, dx));
}
