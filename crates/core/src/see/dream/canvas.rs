//! The image as a sum of waves: from a spectrum to pixels, and gradients back.
//!
//! *Idea*: with `H` the Hartley matrix, `H[k, n] = (cos + sin)(2 pi k n / N) / sqrt(N)`, which is its own inverse,
//! ```text
//! wave[c]  = H_h (scale · spectrum[c]) H_w                   scale = max(frequency, 1 / longest side)^-decay / 4
//! color[p] = C wave[p]                                       three channels only; else color = wave
//! image    = sigmoid(color)
//! ```
//! The scale gives every frequency the share it has in natural images, so that steps of one size, as Adam takes them, draw no
//! noise. `C` is the root of the covariance of ImageNet's colors, for the same reason.
//!
//! *Departure*: lucid's spectrum is complex, of which half is redundant; the Hartley transform is the same thing in as many
//! real numbers as there are pixels, and its gradient is itself. It is a product
//! with a dense matrix: at 28 x 28, 2 % of the multiplications of a first layer of 128 filters of 5 x 5.
//!
//! *Reference*: Olah, Mordvintsev & Schubert 2017, "Feature Visualization", section on preconditioning; lucid's
//! `optvis/param/spatial.py` (`fft_image`) and `color.py` for the constants; Bracewell 1983, "Discrete Hartley transform".

use seamripper_kernels::Instructions;
use seamripper_kernels::elementwise::{Function, activate};
use seamripper_kernels::gemm::{Gemm, gemm};
use seamripper_kernels::panels::{Panels, Run};

/// Root of the covariance of ImageNet's colors, as in lucid's `color_correlation_svd_sqrt`: rows are red, green, blue.
const COLORS: [[f32; 3]; 3] = [[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]];

/// What lucid divides its waves by.
const DAMPING: f64 = 4.0;

/// Transforms of images of one size.
#[derive(Debug)]
pub(crate) struct Canvas {
    isa: Instructions,
    /// `[h, w, c]`
    size: [usize; 3],
    /// Hartley matrices along rows and along columns.
    across: Axis,
    down: Axis,
    /// `[h, w]`
    scale: Vec<f32>,
}

/// The transform along one axis.
#[derive(Debug)]
struct Axis {
    panels: Panels,
    length: usize,
}

impl Axis {
    fn new(isa: Instructions, length: usize) -> Self {
        let entry = |index: usize| {
            let turns = ((index / length) * (index % length) % length) as f64 / length as f64;
            let (sin, cos) = (std::f64::consts::TAU * turns).sin_cos();
            ((cos + sin) / (length as f64).sqrt()) as f32
        };
        let matrix: Vec<f32> = (0..length * length).map(entry).collect();
        let mut panels = Panels::new(isa);
        panels.pack(&matrix, length, length);
        Self { panels, length }
    }

    /// `out = x H`, both `[rows, length]`.
    fn apply(&self, isa: Instructions, x: &[f32], out: &mut [f32]) {
        let rows: Vec<u32> = (0..x.len() / self.length).map(|row| (row * self.length) as u32).collect();
        let runs = [Run { start: 0, count: self.length as u32 }];
        let product = Gemm {
            a: x,
            rows: &rows,
            runs: &runs,
            b: &self.panels,
            bias: None,
            relu: false,
            out,
            out_rows: &rows,
            accumulate: false,
        };
        gemm(isa, product);
    }
}

/// Cycles a pixel of row or column `index` of a spectrum.
fn frequency(index: usize, length: usize) -> f64 {
    index.min(length - index) as f64 / length as f64
}

impl Canvas {
    pub(crate) fn new(isa: Instructions, size: [usize; 3], decay: f64) -> Self {
        let [h, w, _] = size;
        let lowest = 1.0 / h.max(w) as f64;
        let scale = |index: usize| {
            let frequency = frequency(index / w, h).hypot(frequency(index % w, w));
            (frequency.max(lowest).powf(-decay) / DAMPING) as f32
        };
        let scale = (0..h * w).map(scale).collect();
        Self { isa, size, across: Axis::new(isa, w), down: Axis::new(isa, h), scale }
    }

    /// Values of a spectrum `[c, h, w]`, and of an image.
    pub(crate) fn len(&self) -> usize {
        self.size.iter().product()
    }

    /// `image` `[h, w, c]`, in `[0, 1]`, of `spectrum` `[c, h, w]`.
    pub(crate) fn draw(&self, spectrum: &[f32], image: &mut [f32]) {
        let [h, w, c] = self.size;
        let (mut scaled, mut waves) = (vec![0.0; h * w], vec![0.0; self.len()]);
        for (spectrum, wave) in spectrum.chunks_exact(h * w).zip(waves.chunks_exact_mut(h * w)) {
            for ((scaled, &value), &scale) in scaled.iter_mut().zip(spectrum).zip(&self.scale) {
                *scaled = value * scale;
            }
            self.transform(&scaled, wave);
        }
        let mut colors = vec![0.0; self.len()];
        let norm = norm();
        for (pixel, color) in colors.chunks_exact_mut(c).enumerate() {
            for (channel, color) in color.iter_mut().enumerate() {
                *color = if c == 3 {
                    (0..3).map(|from| COLORS[channel][from] / norm * waves[from * h * w + pixel]).sum()
                } else {
                    waves[channel * h * w + pixel]
                };
            }
        }
        activate(self.isa, Function::Sigmoid, &colors, image);
    }

    /// The gradient of the spectrum `[c, h, w]`, from the image and its gradient, both `[h, w, c]`.
    pub(crate) fn gradient(&self, image: &[f32], image_gradient: &[f32], gradient: &mut [f32]) {
        let [h, w, c] = self.size;
        let colors: Vec<f32> = image.iter().zip(image_gradient).map(|(&x, &dx)| x * (1.0 - x) * dx).collect();
        let norm = norm();
        let mut wave = vec![0.0; h * w];
        for (channel, gradient) in gradient.chunks_exact_mut(h * w).enumerate() {
            for (wave, color) in wave.iter_mut().zip(colors.chunks_exact(c)) {
                *wave = if c == 3 {
                    (0..3).map(|to| COLORS[to][channel] / norm * color[to]).sum()
                } else {
                    color[channel]
                };
            }
            self.transform(&wave, gradient);
            for (value, &scale) in gradient.iter_mut().zip(&self.scale) {
                *value *= scale;
            }
        }
    }

    /// `out = H_h plane H_w`, both `[h, w]`.
    fn transform(&self, plane: &[f32], out: &mut [f32]) {
        let [h, w, _] = self.size;
        let mut turned = vec![0.0; h * w];
        self.across.apply(self.isa, plane, out);
        transpose(out, [h, w], &mut turned);
        let mut both = vec![0.0; h * w];
        self.down.apply(self.isa, &turned, &mut both);
        transpose(&both, [w, h], out);
    }
}

/// The longest column of [`COLORS`], by which lucid divides.
fn norm() -> f32 {
    let length = |column: usize| COLORS.iter().map(|row| row[column] * row[column]).sum::<f32>().sqrt();
    (0..3).map(length).fold(0.0, f32::max)
}

/// `to` `[w, h]` from `from` `[h, w]`.
fn transpose(from: &[f32], [h, w]: [usize; 2], to: &mut [f32]) {
    for row in 0..h {
        for column in 0..w {
            to[column * h + row] = from[row * w + column];
        }
    }
}
