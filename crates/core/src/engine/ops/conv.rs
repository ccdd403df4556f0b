//! Convolution of any kernel, stride and padding; a dense layer is the 1 x 1 case on a 1 x 1 image.
//!
//! The forward pass is `kernels::gemm`, the weight gradient `kernels::gemm_gradient`, and the input gradient the product of
//! [`super::conv_input`]; few filters and three columns go by `kernels::conv_rows`. A bordered copy of the input is made for a few images at a time, forward and again backward: it
//! stays in the first-level cache, where one of the whole shard would not stay in the second.
//!
//! At inference a batch normalization that follows is folded in: `w' = w s`, `b' = (b - mean) s + beta` with
//! `s = gamma / sqrt(variance + epsilon)`. A ReLU that follows is part of the product.

use std::ops::Range;

use seamripper_kernels::conv_rows::{Reads, Rows, conv_rows, conv_rows_gradient};
use seamripper_kernels::gemm::{Gemm, gemm};
use seamripper_kernels::gemm_gradient::{GemmGradient, gemm_gradient};
use seamripper_kernels::panels::{Run, runs};
use seamripper_kernels::{Aligned, Instructions, SLACK, elementwise, parallel};

use super::border::grid;
use super::conv_input::InputGradient;
use super::conv_weights::{ConvWeights, Packed, round};
use super::{Border, Input, Op, Step};
use crate::engine::buffers::{Memory, Shard, Slot};
use crate::graph::Weights;

/// The geometry of a convolution.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Geometry {
    /// `[kh, kw]`
    pub(in crate::engine) kernel: [usize; 2],
    /// `[down, right]`
    pub(in crate::engine) stride: [usize; 2],
    /// `[down, right]` between taps; other than 1 for [`super::Grouped`] only.
    pub(in crate::engine) dilation: [usize; 2],
    /// `[h, w]` of the output in memory.
    pub(in crate::engine) output: [usize; 2],
    /// `[h, w]` of the output that is computed.
    pub(in crate::engine) needed: [usize; 2],
    /// Output channels.
    pub(in crate::engine) filters: usize,
}

/// What a convolution is made from besides its geometry.
#[derive(Debug)]
pub(in crate::engine) struct Options {
    pub(in crate::engine) isa: Instructions,
    pub(in crate::engine) weights: ConvWeights,
    /// Whether a ReLU follows.
    pub(in crate::engine) relu: bool,
    /// `[h, w]` of the input of which a gradient is wanted.
    pub(in crate::engine) needed_input: [usize; 2],
    /// Most images at a time.
    pub(in crate::engine) images: usize,
    /// Whether there is one image, which all threads may work on.
    pub(in crate::engine) alone: bool,
}

/// The op.
#[derive(Debug)]
pub(in crate::engine) struct Conv {
    op: usize,
    input: [Input; 1],
    output: Slot,
    geometry: Geometry,
    border: Border,
    relu: bool,
    /// Corner of each output position's window in the bordered input, image after image of a group.
    corners: Vec<u32>,
    /// Offset of each output position in the output.
    positions: Vec<u32>,
    /// Where the taps of a window lie.
    runs: Vec<Run>,
    /// Images taken together in a product.
    together: usize,
    /// Rows of the output that a thread computes at a time; all of them unless there is one image only.
    piece: usize,
    back: InputGradient,
    weights: ConvWeights,
}

/// Output positions of the images taken together, at least: enough for whole tiles.
const POSITIONS: usize = 256;

/// Multiply-adds that are worth handing to another thread.
const WORTH: usize = 1 << 20;

/// Pieces that the output of one image is computed in by several threads, `products` multiply-adds a position: some tiles of the product
/// each. From the shape alone, so that no bit depends on the number of threads.
fn pieces(needed: [usize; 2], products: usize) -> usize {
    let positions = needed[0] * needed[1];
    (positions / 24).min(positions * products / WORTH).clamp(1, 8)
}

impl Conv {
    pub(in crate::engine) fn new(
        (op, input, output): (usize, Input, Slot),
        geometry: Geometry,
        border: Border,
        options: Options,
    ) -> Self {
        let Geometry { kernel: [kh, kw], stride, output: [oh, ow], needed, filters, .. } = geometry;
        let [bordered_h, bordered_w] = border.bordered;
        let c = border.input[2];
        let Options { isa, mut weights, relu, needed_input, images, alone } = options;
        if !weights.bf16() && Rows::serve(isa, [kh, kw], stride, filters) {
            let input = [bordered_h, bordered_w, c];
            let (out_size, out_memory) = (needed, [oh, ow]);
            weights.by_rows(isa, Rows { input, kernel_rows: kh, out_size, out_memory, filters });
        }
        let together = (POSITIONS / (needed[0] * needed[1])).clamp(1, images);
        Self {
            op,
            input: [input],
            output,
            corners: grid(together, bordered_h * bordered_w * c, needed, stride, bordered_w, c),
            positions: grid(together, oh * ow * filters, needed, [1, 1], ow, filters),
            runs: runs(kh, kw * c, bordered_w * c),
            together,
            piece: if alone { needed[0].div_ceil(pieces(needed, kh * kw * c * filters)) } else { needed[0] },
            back: InputGradient::new(isa, &geometry, &border, needed_input, together),
            weights,
            geometry,
            border,
            relu,
        }
    }

    /// Ranges of `images` taken together.
    fn groups(&self, images: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
        let together = self.together;
        images.clone().step_by(together).map(move |first| first..images.end.min(first + together))
    }

    /// Values of an output image in memory.
    fn output_len(&self) -> usize {
        self.geometry.output[0] * self.geometry.output[1] * self.geometry.filters
    }

    /// Output positions of `images` that are computed.
    fn count(&self, images: &Range<usize>) -> usize {
        images.len() * self.geometry.needed[0] * self.geometry.needed[1]
    }

    /// The input of `images`, with its border, and [`SLACK`] more values.
    fn bordered<'a>(&self, images: &Range<usize>, x: &'a [f32], copy: &'a mut Aligned) -> &'a [f32] {
        let (length, bordered) = self.border.lengths();
        if self.border.is_none() {
            return &x[images.start * length..images.end * length + SLACK];
        }
        self.border.copy_in(&x[images.start * length..images.end * length], copy);
        &copy[..images.len() * bordered + SLACK]
    }

    /// Computes one group of images.
    fn product(&self, step: &Step, images: &Range<usize>, x: &[f32], out: &mut [f32], halves: &mut Vec<u16>) {
        let count = self.count(images);
        let out = &mut out[images.start * self.output_len()..images.end * self.output_len()];
        let (rows, out_rows) = (&self.corners[..count], &self.positions[..count]);
        let (runs, bias) = (&self.runs[..], Some(&self.weights.bias_values[..]));
        let (relu, accumulate) = (self.relu, false);
        match self.weights.packed() {
            Packed::F32(b) if self.piece < self.geometry.needed[0] => {
                let [columns, width] =
                    [self.geometry.needed[1], self.geometry.output[1] * self.geometry.filters];
                let end = self.geometry.needed[0] * width;
                parallel::for_each_chunk(&mut out[..end], self.piece * width, |start, out| {
                    let (first, count) = (start / width * columns, out.len() / width * columns);
                    // Offsets in a piece are those in the first rows.
                    let (rows, out_rows) = (&rows[first..first + count], &out_rows[..count]);
                    gemm(step.isa, Gemm { a: x, rows, runs, b, bias, relu, out, out_rows, accumulate });
                });
            }
            Packed::F32(b) => {
                gemm(step.isa, Gemm { a: x, rows, runs, b, bias, relu, out, out_rows, accumulate })
            }
            Packed::Rows(rows, weights) => {
                conv_rows(step.isa, rows, images.len(), Reads { x, weights, bias, relu, accumulate }, out);
            }
            Packed::Bf16(b) => {
                let a = round(step.isa, x, halves);
                gemm(step.isa, Gemm { a, rows, runs, b, bias, relu, out, out_rows, accumulate });
            }
        }
    }

    /// Adds the weight and bias gradients of one group of images, `dy` their output's gradient and [`SLACK`] more values.
    fn weight_gradient(&self, step: &Step, images: &Range<usize>, x: &[f32], dy: &[f32], own: &mut [f32]) {
        let (dw, db) = own.split_at_mut(self.weights.kernel.len());
        let count = self.count(images);
        let (corners, rows) = (&self.corners[..count], &self.positions[..count]);
        let filters = self.geometry.filters;
        if let Packed::Rows(rows, _) = self.weights.packed() {
            conv_rows_gradient(step.isa, rows, images.len(), (x, dy), dw);
        } else {
            gemm_gradient(step.isa, GemmGradient { x, corners, runs: &self.runs, dy, rows, filters }, dw);
        }
        if self.weights.bias.is_some() {
            for &row in rows {
                elementwise::add_to(step.isa, &dy[row as usize..][..filters], db);
            }
        }
    }
}

impl Op for Conv {
    fn prepare(&mut self, _: &Step, weights: &Weights) {
        let run = self.geometry.kernel[1] * self.border.input[2];
        let kernel = self.weights.prepare(weights, run);
        if self.input[0].gradient {
            self.back.pack(kernel);
        }
    }

    fn memory(&self, _: &Step, _: usize) -> Memory {
        let (_, bordered) = self.border.lengths();
        let copies = if self.border.is_none() { 0 } else { self.together * bordered + SLACK };
        Memory {
            floats: Aligned::zeros(copies),
            bordered: Aligned::zeros(if self.input[0].gradient {
                self.back.scratch(self.together)
            } else {
                0
            }),
            ..Memory::default()
        }
    }

    fn forward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let mut out = shard.take_value(self.output);
        let mut memory = std::mem::take(&mut shard.memory[self.op]);
        for images in self.groups(shard.active.clone()) {
            let x = self.bordered(&images, shard.value(self.input[0].slot), &mut memory.floats);
            self.product(step, &images, x, &mut out, &mut memory.halves);
        }
        shard.memory[self.op] = memory;
        shard.put_value(self.output, out);
    }

    fn backward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        let mut memory = std::mem::take(&mut shard.memory[self.op]);
        let mut own = std::mem::take(&mut shard.weights[self.op]);
        let mut dy = shard.take_gradient(self.output);
        if self.relu {
            let y = &shard.value(self.output)[shard.span(self.output_len())];
            let span = shard.gradient_span(self.output, self.output_len());
            elementwise::mask_positive(step.isa, y, &mut dy[span]);
        }
        let start = shard.gradient_start(self.output);
        for images in self.groups(shard.active.clone()) {
            let dy = &dy[(images.start - start) * self.output_len()
                ..(images.end - start) * self.output_len() + SLACK];
            if !own.is_empty() {
                let x = self.bordered(&images, shard.value(input.slot), &mut memory.floats);
                self.weight_gradient(step, &images, x, dy, &mut own);
            }
            if input.gradient {
                let dy = &dy[..dy.len() - SLACK];
                let dx = &mut shard.gradient_mut(input.slot)
                    [images.start * input.length..images.end * input.length];
                self.back.run(step.isa, images.len(), dy, &mut memory.bordered, dx, input.accumulate);
            }
        }
        shard.put_gradient(self.output, dy);
        shard.weights[self.op] = own;
        shard.memory[self.op] = memory;
    }

    fn gradient_len(&self) -> usize {
        self.weights.gradient_len()
    }

    fn finish_gradient(&self, own: &[f32], gradient: &mut [f32]) {
        self.weights.finish_gradient(own, gradient);
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.input
    }
}
