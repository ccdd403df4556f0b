//! Convolution in groups: each block of filters reads its own block of channels. Also, with one group or more, convolution whose
//! taps are not neighbours (dilation).
//!
//! A group is a product of its own: a window's taps are runs of the group's channels, one for each kernel row and column, and
//! filters follow those of the groups before. The input's gradient is added tap by tap to a bordered image,
//! `dx[window of p at tap] += dy[p] w[tap]^T`, whatever the stride. Images are taken one at a time.

use seamripper_kernels::element::{Bf16, F32};
use seamripper_kernels::gemm::{Gemm, gemm};
use seamripper_kernels::gemm_gradient::{GemmGradient, gemm_gradient};
use seamripper_kernels::panels::{Panels, Run};
use seamripper_kernels::{Aligned, Instructions, SLACK, elementwise};

use super::border::grid;
use super::conv::{Geometry, Options};
use super::conv_weights::{ConvWeights, round};
use super::{Border, Input, Op, Step};
use crate::engine::buffers::{Memory, Shard, Slot};
use crate::graph::Weights;

/// The op.
#[derive(Debug)]
pub(in crate::engine) struct Grouped {
    op: usize,
    input: [Input; 1],
    output: Slot,
    relu: bool,
    geometry: Geometry,
    border: Border,
    /// Corner of each output position's window in the bordered image.
    corners: Vec<u32>,
    /// Offset of each output position in the output.
    positions: Vec<u32>,
    /// Where the channels of the first group's taps lie in a window.
    runs: Vec<Run>,
    /// The channels of an output position.
    filters: [Run; 1],
    weights: ConvWeights,
    groups: Vec<Group>,
    /// One group's weights on their way.
    matrix: Vec<f32>,
}

/// What the forward pass multiplies with.
#[derive(Debug)]
enum Products {
    F32(Panels<F32>),
    Bf16(Panels<Bf16>),
}

/// The weights of one group.
#[derive(Debug)]
struct Group {
    /// `[taps * channels, filters]`
    forward: Products,
    /// `[filters, channels]` for each tap; none if the input's gradient is not wanted.
    back: Vec<Panels<F32>>,
}

impl Grouped {
    pub(in crate::engine) fn new(
        (op, input, output): (usize, Input, Slot),
        geometry: Geometry,
        (border, groups): (Border, usize),
        options: Options,
    ) -> Self {
        let Geometry { kernel: [kh, kw], stride, dilation, output: [_, ow], needed, filters } = geometry;
        let (c, width) = (border.input[2], border.bordered[1]);
        let Options { isa, weights, relu, .. } = options;
        let tap = move |row: usize, column: usize| row * dilation[0] * width + column * dilation[1];
        let taps = (0..kh).flat_map(|row| (0..kw).map(move |column| tap(row, column)));
        let count = (c / groups) as u32;
        let runs: Vec<Run> = taps.map(|tap| Run { start: (tap * c) as u32, count }).collect();
        let backs = if input.gradient { runs.len() } else { 0 };
        Self {
            op,
            input: [input],
            output,
            relu,
            corners: grid(1, 0, needed, stride, width, c),
            positions: grid(1, 0, needed, [1, 1], ow, filters),
            filters: [Run { start: 0, count: (filters / groups) as u32 }],
            groups: (0..groups).map(|_| Group::new(isa, &weights, backs)).collect(),
            runs,
            geometry,
            border,
            weights,
            matrix: Vec::new(),
        }
    }

    /// Channels and filters of a group.
    fn each(&self) -> [usize; 2] {
        let groups = self.groups.len();
        [self.border.input[2] / groups, self.geometry.filters / groups]
    }

    /// Values of an output image in memory.
    fn output_len(&self) -> usize {
        self.geometry.output[0] * self.geometry.output[1] * self.geometry.filters
    }

    /// One image of `x` with its border, and [`SLACK`] more values.
    fn bordered<'a>(&self, image: usize, x: &'a [f32], copy: &'a mut Aligned) -> &'a [f32] {
        let (length, bordered) = self.border.lengths();
        if self.border.is_none() {
            return &x[image * length..(image + 1) * length + SLACK];
        }
        self.border.copy_in(&x[image * length..(image + 1) * length], copy);
        &copy[..bordered + SLACK]
    }

    /// One image of one group.
    fn product(&self, isa: Instructions, index: usize, x: &[f32], halves: &[u16], out: &mut [f32]) {
        let [channels, filters] = self.each();
        let (rows, runs, out_rows) = (&self.corners[..], &self.runs[..], &self.positions[..]);
        let bias = Some(&self.weights.bias_values[index * filters..][..filters]);
        let (relu, accumulate) = (self.relu, false);
        let out = &mut out[index * filters..];
        match &self.groups[index].forward {
            Products::F32(b) => {
                let a = &x[index * channels..];
                gemm(isa, Gemm { a, rows, runs, b, bias, relu, out, out_rows, accumulate });
            }
            Products::Bf16(b) => {
                let a = &halves[index * channels..];
                gemm(isa, Gemm { a, rows, runs, b, bias, relu, out, out_rows, accumulate });
            }
        }
    }

    /// Adds one image's gradient to the bordered `dx`.
    fn input_gradient(&self, isa: Instructions, dy: &[f32], dx: &mut [f32]) {
        let [channels, filters] = self.each();
        for (index, group) in self.groups.iter().enumerate() {
            for (b, run) in group.back.iter().zip(&self.runs) {
                let (a, rows, runs) = (&dy[index * filters..], &self.positions[..], &self.filters[..]);
                let out = &mut dx[run.start as usize + index * channels..];
                let (out_rows, accumulate) = (&self.corners[..], true);
                gemm(isa, Gemm { a, rows, runs, b, bias: None, relu: false, out, out_rows, accumulate });
            }
        }
    }
}

impl Group {
    fn new(isa: Instructions, weights: &ConvWeights, backs: usize) -> Self {
        let forward =
            if weights.bf16() { Products::Bf16(Panels::new(isa)) } else { Products::F32(Panels::new(isa)) };
        Self { forward, back: (0..backs).map(|_| Panels::new(isa)).collect() }
    }

    /// Packs `matrix`, `[taps, channels, filters]`.
    fn pack(&mut self, matrix: &[f32], [channels, filters]: [usize; 2]) {
        match &mut self.forward {
            Products::F32(panels) => panels.pack(matrix, filters, channels),
            Products::Bf16(panels) => panels.pack(matrix, filters, channels),
        }
        for (tap, panels) in matrix.chunks_exact(channels * filters).zip(&mut self.back) {
            let transposed: Vec<f32> =
                (0..filters).flat_map(|filter| tap.iter().skip(filter).step_by(filters)).copied().collect();
            panels.pack(&transposed, channels, filters);
        }
    }
}

impl Op for Grouped {
    fn prepare(&mut self, _: &Step, weights: &Weights) {
        let [channels, filters] = self.each();
        let kernel = self.weights.folded(weights);
        for (index, group) in self.groups.iter_mut().enumerate() {
            self.matrix.clear();
            for row in kernel.chunks_exact(self.geometry.filters) {
                self.matrix.extend_from_slice(&row[index * filters..][..filters]);
            }
            group.pack(&self.matrix, [channels, filters]);
        }
    }

    fn memory(&self, _: &Step, _: usize) -> Memory {
        let bordered = self.border.lengths().1 + SLACK;
        Memory {
            floats: Aligned::zeros(if self.border.is_none() { 0 } else { bordered }),
            bordered: Aligned::zeros(if self.input[0].gradient { bordered } else { 0 }),
            ..Memory::default()
        }
    }

    fn forward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let mut y = shard.take_value(self.output);
        let mut memory = std::mem::take(&mut shard.memory[self.op]);
        for image in shard.active.clone() {
            let x = self.bordered(image, shard.value(self.input[0].slot), &mut memory.floats);
            let out = &mut y[image * self.output_len()..][..self.output_len()];
            let halves = if self.weights.bf16() { round(step.isa, x, &mut memory.halves) } else { &[][..] };
            for index in 0..self.groups.len() {
                self.product(step.isa, index, x, halves, out);
            }
        }
        shard.memory[self.op] = memory;
        shard.put_value(self.output, y);
    }

    fn backward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        let [channels, filters] = self.each();
        let mut memory = std::mem::take(&mut shard.memory[self.op]);
        let mut own = std::mem::take(&mut shard.weights[self.op]);
        let mut array = shard.take_gradient(self.output);
        if self.relu {
            let span = shard.span(self.output_len());
            elementwise::mask_positive(step.isa, &shard.value(self.output)[span.clone()], &mut array[span]);
        }
        for image in shard.active.clone() {
            let dy = &array[image * self.output_len()..(image + 1) * self.output_len() + SLACK];
            if !own.is_empty() {
                let (dw, db) = own.split_at_mut(self.weights.kernel.len());
                let x = self.bordered(image, shard.value(input.slot), &mut memory.floats);
                let length = dw.len() / self.groups.len();
                for (index, dw) in dw.chunks_exact_mut(length).enumerate() {
                    let (x, dy) = (&x[index * channels..], &dy[index * filters..]);
                    let (corners, runs, rows) = (&self.corners[..], &self.runs[..], &self.positions[..]);
                    gemm_gradient(step.isa, GemmGradient { x, corners, runs, dy, rows, filters }, dw);
                }
                for &row in &self.positions {
                    elementwise::add_to(step.isa, &dy[row as usize..][..self.geometry.filters], db);
                }
            }
            if input.gradient {
                memory.bordered.fill(0.0);
                self.input_gradient(step.isa, dy, &mut memory.bordered);
                let dx = &mut shard.gradient_mut(input.slot)[image * input.length..][..input.length];
                self.border.copy_out(&memory.bordered, dx, input.accumulate);
            }
        }
        shard.put_gradient(self.output, array);
        shard.weights[self.op] = own;
        shard.memory[self.op] = memory;
    }

    fn gradient_len(&self) -> usize {
        self.weights.kernel.len() + self.geometry.filters
    }

    fn finish_gradient(&self, own: &[f32], gradient: &mut [f32]) {
        let [_, filters] = self.each();
        let (dw, db) = own.split_at(self.weights.kernel.len());
        let kernel = &mut gradient[self.weights.kernel.range()];
        // From `[groups, taps * channels, filters]` to `[taps * channels, groups * filters]`.
        let rows = kernel.len() / self.geometry.filters;
        for (index, from) in dw.chunks_exact(filters).enumerate() {
            let to = index % rows * self.geometry.filters + index / rows * filters;
            kernel[to..][..filters].copy_from_slice(from);
        }
        if let Some(bias) = &self.weights.bias {
            gradient[bias.range()].copy_from_slice(db);
        }
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.input
    }
}
