//! The gradient of a convolution's input, as convolutions of its output's gradient.
//!
//! *Idea*: input row `y` and output row `o` meet at kernel row `k = y - o stride`. Input rows with the same remainder `p` by the
//! stride (a *phase*) use the same kernel rows, `p, p + stride, …`, so that each phase is a convolution of stride 1 of the output's
//! gradient with a part of the kernel, flipped:
//! ```text
//! for (p, q) in phases:     dx[p + stride t, q + stride u] = sum over j, l of dy[t - j, u - l] w[p + stride j, q + stride l]
//! ```
//! *Departures*: the output's gradient is copied into a border of zeros, as wide as the largest phase reaches, for the images of a
//! group; nothing is copied where no window reaches outside. With stride 1 there is one phase. Stretching the output's
//! gradient with zeros instead would compute four times as much at stride 2.
//!
//! *Reference*: Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning", section 4.

use seamripper_kernels::element::F32;
use seamripper_kernels::gemm::{Gemm, gemm};
use seamripper_kernels::panels::{Panels, Run, runs};
use seamripper_kernels::{Aligned, Instructions};

use super::border::{Border, grid};
use super::conv::Geometry;

/// The input gradient of one convolution.
#[derive(Debug)]
pub(super) struct InputGradient {
    phases: Vec<Phase>,
    kernel: [usize; 2],
    stride: [usize; 2],
    channels: usize,
    filters: usize,
    /// The computed part of the output's gradient in its border; `None` if it is read where it is.
    border: Option<Border>,
    /// `[h, w]` of the output in memory.
    output: [usize; 2],
    flipped: Vec<f32>,
}

/// Input positions with the same remainder by the stride.
#[derive(Debug)]
struct Phase {
    /// The first kernel row and column.
    first: [usize; 2],
    /// Kernel rows and columns.
    taps: [usize; 2],
    /// Input positions of an image.
    each: usize,
    /// Corner of each position's window in the output's gradient, image after image.
    corners: Vec<u32>,
    /// Offset of each position in the input.
    positions: Vec<u32>,
    runs: Vec<Run>,
    /// `[taps * filters, channels]`
    panels: Panels<F32>,
}

impl InputGradient {
    /// For `needed` rows and columns of the input of up to `images` images.
    pub(super) fn new(
        isa: Instructions,
        geometry: &Geometry,
        border: &Border,
        needed: [usize; 2],
        images: usize,
    ) -> Self {
        let Geometry { kernel, stride, output, needed: computed, filters } = *geometry;
        let [h, w, channels] = border.input;
        // Zeros before the output's gradient, and how far the last input position reaches behind its start.
        let before = [0, 1].map(|axis| kernel[axis].div_ceil(stride[axis]) - 1);
        let end = [0, 1].map(|axis| (border.before[axis] + needed[axis] - 1) / stride[axis] + 1);
        let bordered = [0, 1].map(|axis| before[axis] + end[axis].max(computed[axis]));
        let plain = before == [0, 0] && computed == output && bordered == output;
        let width = if plain { output[1] } else { bordered[1] };
        let length = if plain { output[0] } else { bordered[0] } * width * filters;
        let mut phases = Vec::new();
        for (p, q) in (0..stride[0]).flat_map(|p| (0..stride[1]).map(move |q| (p, q))) {
            let first = [p, q];
            let taps = [0, 1].map(|axis| kernel[axis].saturating_sub(first[axis]).div_ceil(stride[axis]));
            // The phase's first input position at or behind the border, and how many follow.
            let start =
                [0, 1].map(|axis| border.before[axis].saturating_sub(first[axis]).div_ceil(stride[axis]));
            let input = [0, 1].map(|axis| start[axis] * stride[axis] + first[axis] - border.before[axis]);
            let count = [0, 1].map(|axis| needed[axis].saturating_sub(input[axis]).div_ceil(stride[axis]));
            let origin = |axis: usize| before[axis] + start[axis] + 1 - taps[axis].max(1);
            let shifted = |offsets: Vec<u32>, by: usize| -> Vec<u32> {
                offsets.into_iter().map(|offset| offset + by as u32).collect()
            };
            phases.push(Phase {
                first,
                taps,
                each: count[0] * count[1],
                corners: shifted(
                    grid(images, length, count, [1, 1], width, filters),
                    (origin(0) * width + origin(1)) * filters,
                ),
                positions: shifted(
                    grid(images, h * w * channels, count, stride, w, channels),
                    (input[0] * w + input[1]) * channels,
                ),
                runs: runs(taps[0], taps[1] * filters, width * filters),
                panels: Panels::new(isa),
            });
        }
        let border = Border { input: [computed[0], computed[1], filters], bordered, before };
        Self {
            phases,
            kernel,
            stride,
            channels,
            filters,
            border: (!plain).then_some(border),
            output,
            flipped: Vec::new(),
        }
    }

    /// Values of the bordered gradient of `images` images.
    pub(super) fn scratch(&self) -> usize {
        let images =
            self.phases.iter().map(|phase| phase.positions.len() / phase.each.max(1)).max().unwrap_or(1);
        self.border.map_or(0, |border| images * border.lengths().1)
    }

    /// Packs the kernel `[kh, kw, channels, filters]`.
    pub(super) fn pack(&mut self, kernel: &[f32]) {
        let (channels, filters) = (self.channels, self.filters);
        for phase in &mut self.phases {
            self.flipped.clear();
            for row in (0..phase.taps[0]).rev().map(|tap| phase.first[0] + tap * self.stride[0]) {
                for column in (0..phase.taps[1]).rev().map(|tap| phase.first[1] + tap * self.stride[1]) {
                    let place = (row * self.kernel[1] + column) * channels * filters;
                    let weights = &kernel[place..][..channels * filters];
                    for filter in 0..filters {
                        self.flipped.extend(weights.iter().skip(filter).step_by(filters));
                    }
                }
            }
            phase.panels.pack(&self.flipped, channels, phase.taps[1] * filters);
        }
    }

    /// Writes, or adds, the input's gradient `dx` `[images, h, w, channels]` from `dy` `[images, oh, ow, filters]`.
    pub(super) fn run(
        &self,
        isa: Instructions,
        images: usize,
        dy: &[f32],
        bordered: &mut Aligned,
        dx: &mut [f32],
        accumulate: bool,
    ) {
        let a = match &self.border {
            None => dy,
            Some(border) => {
                self.copy_in(border, images, dy, bordered);
                bordered
            }
        };
        for phase in &self.phases {
            let count = images * phase.each;
            if phase.taps.contains(&0) {
                // No window reaches these positions.
                if !accumulate {
                    for &position in &phase.positions[..count] {
                        dx[position as usize..][..self.channels].fill(0.0);
                    }
                }
                continue;
            }
            let (rows, out_rows) = (&phase.corners[..count], &phase.positions[..count]);
            let (runs, b, out) = (&phase.runs[..], &phase.panels, &mut *dx);
            gemm(isa, Gemm { a, rows, runs, b, bias: None, relu: false, out, out_rows, accumulate });
        }
    }

    /// Copies the computed part of `dy` into its border, which is left as it is (zero).
    fn copy_in(&self, border: &Border, images: usize, dy: &[f32], bordered: &mut [f32]) {
        let [oh, ow] = self.output;
        let [rows, columns, filters] = border.input;
        let (_, length) = border.lengths();
        for image in 0..images {
            for row in 0..rows {
                let from = &dy[(image * oh + row) * ow * filters..][..columns * filters];
                let to = (row + border.before[0]) * border.bordered[1] + border.before[1];
                bordered[image * length + to * filters..][..columns * filters].copy_from_slice(from);
            }
        }
    }
}
