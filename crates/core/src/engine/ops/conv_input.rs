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

use seamripper_kernels::conv_rows::{Reads, Rows, conv_rows};
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
    /// How the kernel for few channels sees it, if that serves.
    rows: Option<Rows>,
    flipped: Vec<f32>,
    reordered: Vec<f32>,
}

/// What a phase is along one axis.
#[derive(Debug)]
struct Span {
    /// The first kernel row.
    phase: usize,
    /// Kernel rows.
    taps: usize,
    /// Which of the phase's rows of the bordered input is the first one of the image.
    start: usize,
    /// That row in the image.
    input: usize,
    /// Rows of the image.
    count: usize,
}

impl Span {
    fn new(phase: usize, kernel: usize, stride: usize, border: usize, needed: usize) -> Self {
        let start = border.saturating_sub(phase).div_ceil(stride);
        let input = start * stride + phase - border;
        let count = needed.saturating_sub(input).div_ceil(stride);
        Self { phase, taps: kernel.saturating_sub(phase).div_ceil(stride), start, input, count }
    }

    /// Rows of zeros that the first window needs before the output's gradient.
    fn before(&self) -> usize {
        (self.taps.max(1) - 1).saturating_sub(self.start)
    }

    /// Rows of the output's gradient that the last window reaches, from its start.
    fn end(&self) -> usize {
        self.start + self.count.max(1)
    }
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
        let Geometry { kernel, stride, output, needed: computed, filters, .. } = *geometry;
        let [h, w, channels] = border.input;
        let spans = [0, 1].map(|axis| -> Vec<Span> {
            let span =
                |phase| Span::new(phase, kernel[axis], stride[axis], border.before[axis], needed[axis]);
            (0..stride[axis]).map(span).collect()
        });
        // Zeros before the output's gradient, and how far the last window reaches.
        let before = [0, 1].map(|axis| spans[axis].iter().map(Span::before).max().unwrap_or(0));
        let bordered = [0, 1].map(|axis| {
            let end = spans[axis].iter().map(|span| before[axis] + span.end()).max().unwrap_or(0);
            end.max(before[axis] + computed[axis])
        });
        let plain = before == [0, 0] && computed == output && bordered == output;
        let width = if plain { output[1] } else { bordered[1] };
        let length = if plain { output[0] } else { bordered[0] } * width * filters;
        let shifted = |offsets: Vec<u32>, by: usize| -> Vec<u32> {
            offsets.into_iter().map(|offset| offset + by as u32).collect()
        };
        let mut phases = Vec::new();
        for (down, right) in spans[0].iter().flat_map(|down| spans[1].iter().map(move |right| (down, right)))
        {
            let (count, taps) = ([down.count, right.count], [down.taps, right.taps]);
            let origin = [
                before[0] + down.start + 1 - down.taps.max(1),
                before[1] + right.start + 1 - right.taps.max(1),
            ];
            phases.push(Phase {
                first: [down.phase, right.phase],
                taps,
                each: count[0] * count[1],
                corners: shifted(
                    grid(images, length, count, [1, 1], width, filters),
                    (origin[0] * width + origin[1]) * filters,
                ),
                positions: shifted(
                    grid(images, h * w * channels, count, stride, w, channels),
                    (down.input * w + right.input) * channels,
                ),
                runs: runs(taps[0], taps[1] * filters, width * filters),
                panels: Panels::new(isa),
            });
        }
        // With stride 1 there is one phase, whose windows begin at the border's corner.
        let rows = Rows::serve(isa, kernel, stride, channels).then_some(Rows {
            input: [length / (width * filters), width, filters],
            kernel_rows: kernel[0],
            out_size: needed,
            out_memory: [h, w],
            filters: channels,
        });
        let border = Border { input: [computed[0], computed[1], filters], bordered, before };
        Self {
            phases,
            kernel,
            stride,
            channels,
            filters,
            border: (!plain).then_some(border),
            output,
            rows,
            flipped: Vec::new(),
            reordered: Vec::new(),
        }
    }

    /// Values of the bordered gradient of `images` images.
    pub(super) fn scratch(&self, images: usize) -> usize {
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
            if let Some(rows) = &self.rows {
                rows.reorder(&self.flipped, &mut self.reordered);
                phase.panels.pack(&self.reordered, channels, 1);
            } else {
                phase.panels.pack(&self.flipped, channels, phase.taps[1] * filters);
            }
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
        if let Some(rows) = &self.rows {
            let reads = Reads { x: a, weights: &self.phases[0].panels, bias: None, relu: false, accumulate };
            conv_rows(isa, rows, images, reads, dx);
            return;
        }
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
