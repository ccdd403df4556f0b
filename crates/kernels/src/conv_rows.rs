//! Convolution with a kernel three columns wide, stride 1 and few filters: a pixel is loaded once for three taps.
//!
//! *Idea*: where all filters fit in one vector, [`crate::gemm`] multiplies each pixel it loads only once, and loading is the
//! limit. Neighbouring outputs of a row share pixels:
//! ```text
//! forward:    for kh, c:  w0, w1, w2 = w[kh, 0..3, c];  for q in 0..T + 2:  x = pixel q;  out[q] += x w0, out[q - 1] += x w1, out[q - 2] += x w2
//! gradient:   for q:      d0, d1, d2 = dy[q], dy[q - 1], dy[q - 2];  for c:  x = pixel q;  dw[c, 0..3] += x d0, x d1, x d2
//! ```
//! *Exactness*: sums in another order than `gemm`'s (kernel row, channel, column), each output for itself; within
//! [`crate::sum_bound`] of [`crate::scalar::gemm`] and [`crate::scalar::gemm_gradient`].
//!
//! *Gain* against `gemm` and `gemm_gradient`, 3 x 3 on 28 x 28 x 16 to 16 filters, AVX-512 on Zen 5, share of the multiply-add
//! peak: forward 79 % to 95 %, gradient 69 % to 89 %.
//!
//! *Departures*: rows are cut into tiles of 16, 14, 8, 4, 2 and 1 outputs, so that rows of 28 and 32 are two tiles.
//!
//! *Reference*: Zhang, Franchetti & Low 2018, "High Performance Zero-Memory Overhead Direct Convolutions", for convolving
//! without a matrix.

use crate::SLACK;
use crate::dispatch::{Instructions, Kernel};
use crate::isa::Isa;
use crate::panels::Panels;

/// Columns of the kernel.
pub const COLUMNS: usize = 3;
/// Channels whose gradients are in registers together.
const CHANNELS: usize = 8;
/// Rows of outputs whose gradient is summed before the next channels are taken.
const ROWS: usize = 4;

/// How images lie.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    /// `[h, w, c]` of an input image with its border.
    pub input: [usize; 3],
    /// Rows of the kernel.
    pub kernel_rows: usize,
    /// `[h, w]` of the output that is computed.
    pub out_size: [usize; 2],
    /// `[h, w]` of the output in memory.
    pub out_memory: [usize; 2],
    /// At most the lanes of the instruction set.
    pub filters: usize,
}

impl Rows {
    /// Whether these kernels serve a convolution `[kh, kw]` on this instruction set.
    pub fn serve(isa: Instructions, kernel: [usize; 2], stride: [usize; 2], filters: usize) -> bool {
        kernel[1] == COLUMNS && stride == [1, 1] && filters <= isa.lanes()
    }

    fn input_len(&self) -> usize {
        self.input.iter().product()
    }

    fn output_len(&self) -> usize {
        self.out_memory[0] * self.out_memory[1] * self.filters
    }

    /// Reorders a kernel `[kh, 3, c, filters]` to `[kh, c, 3, filters]`, as [`conv_rows`] wants it packed.
    pub fn reorder(&self, kernel: &[f32], reordered: &mut Vec<f32>) {
        let (c, filters) = (self.input[2], self.filters);
        reordered.clear();
        for rows in kernel.chunks_exact(COLUMNS * c * filters) {
            for channel in 0..c {
                for column in 0..COLUMNS {
                    reordered.extend_from_slice(&rows[(column * c + channel) * filters..][..filters]);
                }
            }
        }
    }

    fn check(&self, isa: Instructions, images: usize, x: usize, out: usize) {
        let [h, w, _] = self.input;
        assert!(self.filters <= isa.lanes(), "filters in one vector");
        assert!(
            self.out_size[0] + self.kernel_rows <= h + 1 && self.out_size[1] + COLUMNS <= w + 1,
            "{self:?}"
        );
        assert!(self.out_size[0] <= self.out_memory[0] && self.out_size[1] <= self.out_memory[1], "{self:?}");
        assert!(x >= images * self.input_len() && out >= images * self.output_len(), "images");
    }
}

/// What [`conv_rows`] reads.
#[derive(Clone, Copy, Debug)]
pub struct Reads<'a> {
    /// `[images, h, w, c]`
    pub x: &'a [f32],
    /// `[kh * c * 3, filters]`, see [`Rows::reorder`].
    pub weights: &'a Panels,
    /// `[filters]`; 0 if absent.
    pub bias: Option<&'a [f32]>,
    /// Whether negative results become 0.
    pub relu: bool,
    /// Add to what is in the output instead of overwriting it.
    pub accumulate: bool,
}

/// Computes `out` `[images, oh, ow, filters]`; what lies outside of `out_size` is left as it is.
///
/// # Panics
/// If the shapes do not agree.
pub fn conv_rows(isa: Instructions, rows: &Rows, images: usize, reads: Reads<'_>, out: &mut [f32]) {
    rows.check(isa, images, reads.x.len(), out.len());
    assert_eq!(reads.weights.shape(), [rows.kernel_rows * rows.input[2] * COLUMNS, rows.filters], "weights");
    assert_eq!(reads.weights.lanes(), isa.lanes(), "panels packed for another instruction set");
    assert!(reads.bias.is_none_or(|bias| bias.len() == rows.filters), "bias");
    isa.run(Forward { rows, images, reads, out });
}

struct Forward<'a> {
    rows: &'a Rows,
    images: usize,
    reads: Reads<'a>,
    out: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        let [oh, ow] = self.rows.out_size;
        for (image, row) in (0..self.images * oh).map(|row| (row / oh, row % oh)) {
            let mut column = 0;
            if I::REGISTERS >= 32 {
                // A row of 28 is two tiles of 14, not 16, 8 and 4.
                while ow - column >= 16 && (ow - column) % 14 != 0 {
                    self.tile::<I, 16>(isa, [image, row, column]);
                    column += 16;
                }
                while ow - column >= 14 {
                    self.tile::<I, 14>(isa, [image, row, column]);
                    column += 14;
                }
            }
            while ow - column >= 8 {
                self.tile::<I, 8>(isa, [image, row, column]);
                column += 8;
            }
            while ow - column >= 4 {
                self.tile::<I, 4>(isa, [image, row, column]);
                column += 4;
            }
            while ow - column >= 2 {
                self.tile::<I, 2>(isa, [image, row, column]);
                column += 2;
            }
            if ow > column {
                self.tile::<I, 1>(isa, [image, row, column]);
            }
        }
    }
}

impl Forward<'_> {
    /// `T` outputs of a row.
    #[inline(always)]
    fn tile<I: Isa, const T: usize>(&mut self, isa: I, [image, row, column]: [usize; 3]) {
        let Rows { input: [_, w, c], kernel_rows, out_memory: [_, out_width], filters, .. } = *self.rows;
        let initial = match self.reads.bias {
            // SAFETY: `bias` holds `filters <= LANES` values (`conv_rows`).
            Some(bias) => unsafe { isa.load_first(bias.as_ptr(), filters) },
            None => isa.zero(),
        };
        let mut sums = [initial; T];
        let corner = image * self.rows.input_len() + (row * w + column) * c;
        let panel = self.reads.weights.panel(0);
        // SAFETY: `Rows::check` says that the windows of all computed outputs lie inside their image: row + kernel_rows <= h and
        // column + T + 2 <= w. The panel holds a vector for each of the `kernel_rows * c * 3` taps.
        unsafe {
            let mut weights = panel.as_ptr();
            for kernel_row in 0..kernel_rows {
                let line = self.reads.x.as_ptr().add(corner + kernel_row * w * c);
                for channel in 0..c {
                    let taps: [I::F32; COLUMNS] =
                        core::array::from_fn(|tap| isa.load(weights.add(tap * I::LANES)));
                    weights = weights.add(COLUMNS * I::LANES);
                    let line = line.add(channel);
                    let pixel = |q: usize| isa.splat(*line.add(q * c));
                    // Written out at both ends: with a condition inside, the loop is not unrolled.
                    let x = pixel(0);
                    sums[0] = isa.mul_add(x, taps[0], sums[0]);
                    if T == 1 {
                        sums[0] = isa.mul_add(pixel(1), taps[1], sums[0]);
                        sums[0] = isa.mul_add(pixel(2), taps[2], sums[0]);
                        continue;
                    }
                    let x = pixel(1);
                    let second = 1.min(T - 1);
                    sums[second] = isa.mul_add(x, taps[0], sums[second]);
                    sums[0] = isa.mul_add(x, taps[1], sums[0]);
                    for q in 2..T {
                        let x = pixel(q);
                        sums[q] = isa.mul_add(x, taps[0], sums[q]);
                        sums[q - 1] = isa.mul_add(x, taps[1], sums[q - 1]);
                        sums[q - 2] = isa.mul_add(x, taps[2], sums[q - 2]);
                    }
                    let x = pixel(T);
                    sums[T - 1] = isa.mul_add(x, taps[1], sums[T - 1]);
                    sums[T.max(2) - 2] = isa.mul_add(x, taps[2], sums[T.max(2) - 2]);
                    sums[T - 1] = isa.mul_add(pixel(T + 1), taps[2], sums[T - 1]);
                }
            }
        }
        let to = image * self.rows.output_len() + (row * out_width + column) * filters;
        for (index, sum) in sums.into_iter().enumerate() {
            let out = &mut self.out[to + index * filters..][..filters];
            // SAFETY: `out` holds `filters <= LANES` values.
            unsafe {
                let mut sum = sum;
                if self.reads.accumulate {
                    sum = isa.add(isa.load_first(out.as_ptr(), filters), sum);
                }
                if self.reads.relu {
                    sum = isa.max(sum, isa.zero());
                }
                isa.store_first(out.as_mut_ptr(), sum, filters);
            }
        }
    }
}

/// Adds the gradient of the weights to `dw`, `[kh, 3, c, filters]`, from `dy` `[images, oh, ow, filters]` and [`SLACK`] more
/// values.
///
/// # Panics
/// If the shapes do not agree.
pub fn conv_rows_gradient(
    isa: Instructions,
    rows: &Rows,
    images: usize,
    (x, dy): (&[f32], &[f32]),
    dw: &mut [f32],
) {
    rows.check(isa, images, x.len(), dy.len());
    assert!(dy.len() >= images * rows.output_len() + SLACK, "dy needs slack");
    assert_eq!(dw.len(), rows.kernel_rows * COLUMNS * rows.input[2] * rows.filters, "dw");
    isa.run(Gradient { rows, images, x, dy, dw });
}

struct Gradient<'a> {
    rows: &'a Rows,
    images: usize,
    x: &'a [f32],
    dy: &'a [f32],
    dw: &'a mut [f32],
}

impl Kernel for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        let ([oh, _], c) = (self.rows.out_size, self.rows.input[2]);
        for image in 0..self.images {
            for first in (0..oh).step_by(ROWS) {
                let lines = first..oh.min(first + ROWS);
                for kernel_row in 0..self.rows.kernel_rows {
                    let mut channel = 0;
                    if I::REGISTERS >= 32 {
                        while c - channel >= CHANNELS {
                            self.channels::<I, CHANNELS>(isa, image, lines.clone(), kernel_row, channel);
                            channel += CHANNELS;
                        }
                    }
                    while c - channel >= 4 {
                        self.channels::<I, 4>(isa, image, lines.clone(), kernel_row, channel);
                        channel += 4;
                    }
                    while c > channel {
                        self.channels::<I, 1>(isa, image, lines.clone(), kernel_row, channel);
                        channel += 1;
                    }
                }
            }
        }
    }
}

impl Gradient<'_> {
    /// The gradient of `C` channels from some rows of outputs of an image.
    #[inline(always)]
    fn channels<I: Isa, const C: usize>(
        &mut self,
        isa: I,
        image: usize,
        lines: std::ops::Range<usize>,
        kernel_row: usize,
        channel: usize,
    ) {
        let Rows { input: [_, w, c], out_size: [_, ow], out_memory: [_, out_width], filters, .. } =
            *self.rows;
        let mut sums = [[isa.zero(); COLUMNS]; C];
        for line in lines {
            let x = image * self.rows.input_len() + (line + kernel_row) * w * c + channel;
            let dy = image * self.rows.output_len() + line * out_width * filters;
            // SAFETY: as in `Forward::tile`, with the whole row for a tile; behind the last of `dy` lie `SLACK` values.
            unsafe {
                let (x, dy) = (self.x.as_ptr().add(x), self.dy.as_ptr().add(dy));
                let mut add = |q: usize, window: [I::F32; COLUMNS]| {
                    for channel in 0..C {
                        let x = isa.splat(*x.add(q * c + channel));
                        for tap in 0..COLUMNS {
                            sums[channel][tap] = isa.mul_add(x, window[tap], sums[channel][tap]);
                        }
                    }
                };
                let load = |q: usize| if q < ow { isa.load(dy.add(q * filters)) } else { isa.zero() };
                let [mut last, mut before] = [isa.zero(); 2];
                // Three at a time, so that nothing is moved from register to register.
                let mut q = 0;
                while q + COLUMNS <= ow {
                    let [a, b, c] = [0, 1, 2].map(|ahead| isa.load(dy.add((q + ahead) * filters)));
                    add(q, [a, last, before]);
                    add(q + 1, [b, a, last]);
                    add(q + 2, [c, b, a]);
                    [last, before] = [c, b];
                    q += COLUMNS;
                }
                while q < ow + COLUMNS - 1 {
                    let here = load(q);
                    add(q, [here, last, before]);
                    [last, before] = [here, last];
                    q += 1;
                }
            }
        }
        for (index, sums) in sums.into_iter().enumerate() {
            for (tap, sum) in sums.into_iter().enumerate() {
                let at = ((kernel_row * COLUMNS + tap) * c + channel + index) * filters;
                let dw = &mut self.dw[at..][..filters];
                // SAFETY: `dw` holds `filters <= LANES` values.
                unsafe {
                    let sum = isa.add(isa.load_first(dw.as_ptr(), filters), sum);
                    isa.store_first(dw.as_mut_ptr(), sum, filters);
                }
            }
        }
    }
}
