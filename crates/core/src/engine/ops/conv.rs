//! Convolution of any kernel, stride and padding; a dense layer is the 1 x 1 case on a 1 x 1 image.
//!
//! Forward and both gradients are the offset product of `kernels::gemm`; its table says which offsets are which.

use seamripper_kernels::gemm::{Gemm, Panels, gemm};
use seamripper_kernels::{Instructions, elementwise};

use super::{Input, Op, Step, values};
use crate::engine::buffers::{Memory, Shard, Slot};
use crate::graph::{Parameter, Weights};

/// Zeros around an image: `[h, w, c]` inside `[bordered_h, bordered_w, c]`, `before` rows and columns from its corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Border {
    pub(in crate::engine) input: [usize; 3],
    pub(in crate::engine) bordered: [usize; 2],
    pub(in crate::engine) before: [usize; 2],
}

impl Border {
    /// Whether there is no border.
    pub(in crate::engine) fn is_none(&self) -> bool {
        self.bordered == [self.input[0], self.input[1]]
    }

    /// Calls `visit(offset in the image, offset in the bordered image, count)` for every row of the image.
    fn rows(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let [h, w, c] = self.input;
        for row in 0..h {
            visit(row * w * c, ((row + self.before[0]) * self.bordered[1] + self.before[1]) * c, w * c);
        }
    }

    fn lengths(&self) -> (usize, usize) {
        (self.input.iter().product(), self.bordered[0] * self.bordered[1] * self.input[2])
    }

    /// Copies images into bordered ones, whose border is left as it is (zero).
    pub(in crate::engine) fn copy_in(&self, images: &[f32], bordered: &mut [f32]) {
        let (length, bordered_length) = self.lengths();
        for (image, bordered) in images.chunks_exact(length).zip(bordered.chunks_exact_mut(bordered_length)) {
            self.rows(|from, to, count| bordered[to..][..count].copy_from_slice(&image[from..][..count]));
        }
    }

    /// Copies, or adds, the inside of bordered images to images.
    pub(in crate::engine) fn copy_out(&self, bordered: &[f32], images: &mut [f32], accumulate: bool) {
        let (length, bordered_length) = self.lengths();
        for (image, bordered) in images.chunks_exact_mut(length).zip(bordered.chunks_exact(bordered_length)) {
            self.rows(|to, from, count| {
                let (to, from) = (&mut image[to..][..count], &bordered[from..][..count]);
                if !accumulate {
                    to.copy_from_slice(from);
                    return;
                }
                for (to, from) in to.iter_mut().zip(from) {
                    *to += from;
                }
            });
        }
    }
}

/// The geometry of a convolution.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Geometry {
    /// `[kh, kw]`
    pub(in crate::engine) kernel: [usize; 2],
    /// `[down, right]`
    pub(in crate::engine) stride: [usize; 2],
    /// `[h, w]` of the output in memory.
    pub(in crate::engine) output: [usize; 2],
    /// `[h, w]` of the output that is computed.
    pub(in crate::engine) needed: [usize; 2],
    /// Output channels.
    pub(in crate::engine) filters: usize,
}

/// The op.
#[derive(Debug)]
pub(in crate::engine) struct Conv {
    op: usize,
    input: [Input; 1],
    output: Slot,
    geometry: Geometry,
    border: Border,
    kernel: Parameter,
    bias: Option<Parameter>,
    /// Corner of each output position's window in the bordered input, image after image.
    corners: Vec<u32>,
    /// Offset of each output position in the output.
    positions: Vec<u32>,
    /// Offset of each tap from its window's corner.
    taps: Vec<u32>,
    /// Offset of each tap in the weights.
    tap_rows: Vec<u32>,
    /// Images taken together in a product.
    together: usize,
    back: Backward,
    panels: Panels,
    bias_values: Vec<f32>,
}

/// What the input gradient needs.
#[derive(Debug)]
struct Backward {
    /// `[h, w]` of the bordered, stretched output gradient.
    bordered: [usize; 2],
    /// Place of output position (0, 0) in it.
    before: [usize; 2],
    /// Corner of each input position's window in it.
    corners: Vec<u32>,
    /// Offset of each input position in the input.
    positions: Vec<u32>,
    /// Offset of each flipped tap `(kh, kw, out_c)`.
    taps: Vec<u32>,
    /// `[kh * kw * out_c, in_c]`, flipped.
    panels: Panels,
    flipped: Vec<f32>,
}

/// Offsets `(image, row, column)` of the top-left corners of a grid of windows.
fn grid(
    images: usize,
    length: usize,
    size: [usize; 2],
    stride: [usize; 2],
    width: usize,
    c: usize,
) -> Vec<u32> {
    let mut offsets = Vec::with_capacity(images * size[0] * size[1]);
    for image in 0..images {
        for row in 0..size[0] {
            for column in 0..size[1] {
                offsets.push((image * length + (row * stride[0] * width + column * stride[1]) * c) as u32);
            }
        }
    }
    offsets
}

impl Conv {
    pub(in crate::engine) fn new(
        isa: Instructions,
        (op, input, output): (usize, Input, Slot),
        geometry: Geometry,
        border: Border,
        needed_input: [usize; 2],
        images: usize,
        (kernel, bias): (Parameter, Option<Parameter>),
    ) -> Self {
        let Geometry { kernel: [kh, kw], stride, output: [oh, ow], needed, filters } = geometry;
        let [h, w, c] = border.input;
        let [bordered_h, bordered_w] = border.bordered;
        let before = [kh - 1 - border.before[0], kw - 1 - border.before[1]];
        let bordered = [h + kh - 1, w + kw - 1];
        let back = Backward {
            bordered,
            before,
            corners: grid(
                images,
                bordered[0] * bordered[1] * filters,
                needed_input,
                [1, 1],
                bordered[1],
                filters,
            ),
            positions: grid(images, h * w * c, needed_input, [1, 1], w, c),
            taps: grid(1, 0, [kh, kw], [1, 1], bordered[1], filters)
                .iter()
                .flat_map(|&corner| (0..filters as u32).map(move |filter| corner + filter))
                .collect(),
            panels: Panels::new(isa),
            flipped: vec![0.0; kernel.len()],
        };
        Self {
            op,
            input: [input],
            output,
            corners: grid(images, bordered_h * bordered_w * c, needed, stride, bordered_w, c),
            positions: grid(images, oh * ow * filters, needed, [1, 1], ow, filters),
            taps: grid(1, 0, [kh, kw], [1, 1], bordered_w, c)
                .iter()
                .flat_map(|&corner| (0..c as u32).map(move |channel| corner + channel))
                .collect(),
            tap_rows: (0..(kh * kw * c) as u32).map(|tap| tap * filters as u32).collect(),
            together: (256 / (needed[0] * needed[1])).clamp(1, images),
            back,
            panels: Panels::new(isa),
            bias_values: Vec::new(),
            geometry,
            border,
            kernel,
            bias,
        }
    }

    /// Ranges of images taken together.
    fn groups(&self, images: usize) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        let together = self.together;
        (0..images.div_ceil(together)).map(move |group| group * together..images.min((group + 1) * together))
    }

    /// The part of a table of positions that belongs to `images`.
    fn part(table: &[u32], size: [usize; 2], images: &std::ops::Range<usize>) -> std::ops::Range<usize> {
        let each = size[0] * size[1];
        debug_assert!(images.end * each <= table.len());
        images.start * each..images.end * each
    }

    /// Whether the output gradient can be read where it is.
    fn plain_backward(&self) -> bool {
        self.geometry.kernel == [1, 1] && self.geometry.stride == [1, 1] && self.border.is_none()
    }

    /// `w[kh, kw, c, f]` to `[kh', kw', f, c]` with both spatial axes flipped.
    fn flip(&mut self, weights: &[f32]) {
        let (filters, c) = (self.geometry.filters, self.border.input[2]);
        let places = self.geometry.kernel[0] * self.geometry.kernel[1];
        for place in 0..places {
            let from = &weights[(places - 1 - place) * c * filters..][..c * filters];
            let to = &mut self.back.flipped[place * c * filters..][..c * filters];
            for channel in 0..c {
                for filter in 0..filters {
                    to[filter * c + channel] = from[channel * filters + filter];
                }
            }
        }
        self.back.panels.pack(&self.back.flipped, c);
    }

    /// Adds the weight and bias gradients of `images` to `own`.
    fn backward_weights(&self, step: &Step, shard: &Shard, memory: &mut Memory, own: &mut [f32]) {
        let (dw, db) = own.split_at_mut(self.kernel.len());
        let x = if self.border.is_none() { &shard.values[self.input[0].slot] } else { &memory.floats };
        let dy = &shard.gradients[self.output];
        let panels = memory.panels.get_or_insert_with(|| Panels::new(step.isa));
        for images in self.groups(shard.images) {
            let part = Self::part(&self.corners, self.geometry.needed, &images);
            panels.pack_rows(dy, &self.positions[part.clone()], self.geometry.filters);
            let (rows, steps) = (&self.taps[..], &self.corners[part.clone()]);
            let out_rows = &self.tap_rows;
            gemm(
                step.isa,
                Gemm { a: x, rows, steps, b: panels, bias: None, out: dw, out_rows, accumulate: true },
            );
            if self.bias.is_some() {
                for &position in &self.positions[part] {
                    elementwise::add_to(step.isa, &dy[position as usize..][..self.geometry.filters], db);
                }
            }
        }
    }

    /// Computes the input gradient.
    fn backward_input(&self, step: &Step, shard: &Shard, memory: &mut Memory, dx: &mut [f32]) {
        let [input] = self.input;
        let Geometry { stride, output: [_, ow], needed, filters, .. } = self.geometry;
        let back = &self.back;
        let dy = &shard.gradients[self.output];
        let needed_input = back.positions.len() / (self.positions.len() / (needed[0] * needed[1]));
        for images in self.groups(shard.images) {
            let out_part = images.start * needed_input..images.end * needed_input;
            let in_part = 0..images.len() * needed_input;
            let product = if self.plain_backward() {
                (dy, Self::part(&self.positions, needed, &images))
            } else {
                let length = back.bordered[0] * back.bordered[1] * filters;
                for (place, image) in images.clone().enumerate() {
                    for row in 0..needed[0] {
                        for column in 0..needed[1] {
                            let from = ((image * self.geometry.output[0] + row) * ow + column) * filters;
                            let to = place * length
                                + ((row * stride[0] + back.before[0]) * back.bordered[1]
                                    + column * stride[1]
                                    + back.before[1])
                                    * filters;
                            memory.bordered[to..][..filters].copy_from_slice(&dy[from..][..filters]);
                        }
                    }
                }
                (&memory.bordered, in_part)
            };
            let (a, part) = product;
            let rows = if self.plain_backward() { &self.positions[part] } else { &back.corners[part] };
            let out_rows = &back.positions[out_part];
            gemm(
                step.isa,
                Gemm {
                    a,
                    rows,
                    steps: &back.taps,
                    b: &back.panels,
                    bias: None,
                    out: dx,
                    out_rows,
                    accumulate: input.accumulate,
                },
            );
        }
    }
}

impl Op for Conv {
    fn prepare(&mut self, _: &Step, weights: &Weights) {
        self.panels.pack(values(&self.kernel, weights), self.geometry.filters);
        if self.input[0].gradient {
            self.flip(values(&self.kernel, weights));
        }
        if let Some(bias) = &self.bias {
            self.bias_values.clear();
            self.bias_values.extend_from_slice(values(bias, weights));
        }
    }

    fn memory(&self, _: &Step, images: usize) -> Memory {
        let (_, bordered) = self.border.lengths();
        let back = self.back.bordered[0] * self.back.bordered[1] * self.geometry.filters;
        Memory {
            floats: if self.border.is_none() { Vec::new() } else { vec![0.0; images * bordered] },
            bordered: if self.input[0].gradient && !self.plain_backward() {
                vec![0.0; self.together * back]
            } else {
                Vec::new()
            },
            ..Memory::default()
        }
    }

    fn forward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        let mut out = shard.take_value(self.output);
        let mut memory = std::mem::take(&mut shard.memory[self.op]);
        let x = &shard.values[input.slot];
        let a = if self.border.is_none() {
            x
        } else {
            self.border.copy_in(&x[..shard.images * input.length], &mut memory.floats);
            &memory.floats
        };
        let part = Self::part(&self.corners, self.geometry.needed, &(0..shard.images));
        gemm(
            step.isa,
            Gemm {
                a,
                rows: &self.corners[part.clone()],
                steps: &self.taps,
                b: &self.panels,
                bias: self.bias.is_some().then_some(&self.bias_values[..]),
                out: &mut out,
                out_rows: &self.positions[part],
                accumulate: false,
            },
        );
        shard.memory[self.op] = memory;
        shard.values[self.output] = out;
    }

    fn backward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        let mut memory = std::mem::take(&mut shard.memory[self.op]);
        let mut own = std::mem::take(&mut shard.weights[self.op]);
        if !own.is_empty() {
            self.backward_weights(step, shard, &mut memory, &mut own);
        }
        if input.gradient {
            let mut dx = shard.take_gradient(input.slot);
            self.backward_input(step, shard, &mut memory, &mut dx);
            shard.gradients[input.slot] = dx;
        }
        shard.weights[self.op] = own;
        shard.memory[self.op] = memory;
    }

    fn gradient_len(&self) -> usize {
        self.kernel.len() + self.geometry.filters
    }

    fn finish_gradient(&self, own: &[f32], gradient: &mut [f32]) {
        let (dw, db) = own.split_at(self.kernel.len());
        gradient[self.kernel.range()].copy_from_slice(dw);
        if let Some(bias) = &self.bias {
            gradient[bias.range()].copy_from_slice(db);
        }
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.input
    }
}
