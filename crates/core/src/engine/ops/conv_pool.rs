//! Convolution with stride 1, bias, optional ReLU and a 2 x 2 or 3 x 3 max-pool as one kernel.

use seamripper_kernels::conv_pool::{Reads, Shape, Window, conv_pool};
use seamripper_kernels::conv_pool_backward::{Forward, Taps, conv_pool_backward};
use seamripper_kernels::element::{Bf16, F32, to_bf16};
use seamripper_kernels::panels::{Panels, Run};
use seamripper_kernels::{Aligned, Instructions, SLACK};

use super::{Border, Folded, Input, Op, Step, values};
use crate::engine::buffers::{Memory, Shard, Slot};
use crate::graph::{Parameter, Weights};

/// What the op is made from besides its shape.
#[derive(Debug)]
pub(in crate::engine) struct Options {
    pub(in crate::engine) isa: Instructions,
    /// A batch normalization between convolution and pool to fold in.
    pub(in crate::engine) folded: Option<Folded>,
    /// Whether a ReLU stands between convolution and pool.
    pub(in crate::engine) relu: bool,
    /// Whether products are of `bf16`.
    pub(in crate::engine) bf16: bool,
    /// Whether there will be a backward pass.
    pub(in crate::engine) gradients: bool,
    /// Most images at a time.
    pub(in crate::engine) images: usize,
}

/// The fused op; see the kernel's module for the idea.
#[derive(Debug)]
pub(in crate::engine) struct ConvPool {
    op: usize,
    input: [Input; 1],
    output: Slot,
    relu: bool,
    gradients: bool,
    shape: Shape,
    border: Border,
    runs: Vec<Run>,
    windows: Vec<Window>,
    kernel: Parameter,
    bias: Option<Parameter>,
    folded: Option<Folded>,
    taps: Taps,
    weights: Packed,
    transposed: Aligned,
    kernel_values: Vec<f32>,
    bias_values: Vec<f32>,
}

/// Packed weights.
#[derive(Debug)]
enum Packed {
    F32(Panels<F32>),
    Bf16(Panels<Bf16>),
}

impl ConvPool {
    pub(in crate::engine) fn new(
        (op, input, output): (usize, Input, Slot),
        shape: Shape,
        border: Border,
        (kernel, bias): (Parameter, Option<Parameter>),
        options: Options,
    ) -> Self {
        let Options { isa, folded, relu, bf16, gradients, images } = options;
        let taps = Taps::new(isa, &shape, input.gradient);
        Self {
            op,
            input: [input],
            output,
            relu,
            gradients,
            runs: shape.runs(),
            windows: shape.windows(images),
            border,
            kernel,
            bias,
            folded,
            taps,
            weights: if bf16 { Packed::Bf16(Panels::new(isa)) } else { Packed::F32(Panels::new(isa)) },
            transposed: Aligned::zeros(if input.gradient { taps.len() } else { 0 }),
            kernel_values: Vec::new(),
            bias_values: vec![0.0; shape.filters],
            shape,
        }
    }

    /// The active images' input, with its border, and [`SLACK`] more values.
    fn bordered<'a>(&self, shard: &'a Shard, copy: &'a mut Aligned) -> &'a [f32] {
        let [input] = self.input;
        if self.border.is_none() {
            return &shard.values[input.slot][shard.slack_span(input.length)];
        }
        self.border.copy_in(&shard.values[input.slot][shard.span(input.length)], copy);
        &copy[..shard.active.len() * self.shape.input_len() + SLACK]
    }

    fn product(&self, step: &Step, x: &[f32], y: &mut [f32], winner: &mut [u8], halves: &mut Vec<u16>) {
        let (runs, windows, bias, relu) =
            (&self.runs[..], &self.windows[..], &self.bias_values[..], self.relu);
        match &self.weights {
            Packed::F32(weights) => {
                conv_pool(step.isa, &self.shape, Reads { x, runs, windows, weights, bias, relu }, y, winner);
            }
            Packed::Bf16(weights) => {
                halves.resize(x.len(), 0);
                let count = x.len() - SLACK;
                to_bf16(step.isa, &x[..count], &mut halves[..count]);
                halves[count..].fill(0);
                let reads = Reads { x: &halves[..], runs, windows, weights, bias, relu };
                conv_pool(step.isa, &self.shape, reads, y, winner);
            }
        }
    }
}

impl Op for ConvPool {
    fn prepare(&mut self, _: &Step, weights: &Weights) {
        self.bias_values.fill(0.0);
        if let Some(bias) = &self.bias {
            self.bias_values.copy_from_slice(values(bias, weights));
        }
        let mut kernel = values(&self.kernel, weights);
        if let Some(folded) = &self.folded {
            self.kernel_values.clear();
            self.kernel_values.extend_from_slice(kernel);
            folded.fold(weights, &mut self.kernel_values, &mut self.bias_values);
            kernel = &self.kernel_values;
        }
        let run = self.shape.kernel[1] * self.shape.input[2];
        match &mut self.weights {
            Packed::F32(panels) => panels.pack(kernel, self.shape.filters, run),
            Packed::Bf16(panels) => panels.pack(kernel, self.shape.filters, run),
        }
        if self.input[0].gradient {
            self.taps.transpose(kernel, &mut self.transposed);
        }
    }

    fn memory(&self, step: &Step, images: usize) -> Memory {
        let bordered = if self.border.is_none() { 0 } else { step.block * self.shape.input_len() + SLACK };
        Memory {
            bytes: vec![0; if self.gradients { images * self.shape.output_len() } else { 0 }],
            floats: Aligned::zeros(bordered),
            bordered: Aligned::zeros(if self.input[0].gradient { bordered } else { 0 }),
            ..Memory::default()
        }
    }

    fn forward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let span = shard.span(self.shape.output_len());
        let mut y = shard.take_value(self.output);
        let mut memory = std::mem::take(&mut shard.memory[self.op]);
        let x = self.bordered(shard, &mut memory.floats);
        let winner = if self.gradients { &mut memory.bytes[span.clone()] } else { &mut [] };
        self.product(step, x, &mut y[span], winner, &mut memory.halves);
        shard.memory[self.op] = memory;
        shard.values[self.output] = y;
    }

    fn backward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        let span = shard.span(self.shape.output_len());
        let mut memory = std::mem::take(&mut shard.memory[self.op]);
        let mut own = std::mem::take(&mut shard.weights[self.op]);
        let mut array = if input.gradient { shard.take_gradient(input.slot) } else { Aligned::default() };
        let taps = if own.is_empty() { 0 } else { self.taps.len() };
        let (dw, db) = own.split_at_mut(taps);
        let forward = Forward {
            x: self.bordered(shard, &mut memory.floats),
            out: &shard.values[self.output][span.clone()],
            winner: &memory.bytes[span.clone()],
            out_gradient: &shard.gradients[self.output][span],
            relu: self.relu,
        };
        let direct = self.border.is_none();
        let dx: &mut [f32] = match (input.gradient, direct) {
            (false, _) => &mut [],
            (true, true) => &mut array[shard.slack_span(input.length)],
            (true, false) => &mut memory.bordered[..shard.active.len() * self.shape.input_len() + SLACK],
        };
        if input.gradient && !(direct && input.accumulate) {
            let values = dx.len() - SLACK;
            dx[..values].fill(0.0);
        }
        let (shape, taps, weights) = (&self.shape, &self.taps, &self.transposed);
        conv_pool_backward(step.isa, shape, taps, forward, weights, &mut memory.scratch, (dw, db, dx));
        if input.gradient {
            if !direct {
                let images = shard.span(input.length);
                self.border.copy_out(&memory.bordered, &mut array[images], input.accumulate);
            }
            shard.gradients[input.slot] = array;
        }
        shard.memory[self.op] = memory;
        shard.weights[self.op] = own;
    }

    fn gradient_len(&self) -> usize {
        self.taps.len() + self.shape.filters
    }

    fn finish_gradient(&self, own: &[f32], gradient: &mut [f32]) {
        let (dw, db) = own.split_at(self.taps.len());
        self.taps.add_back(dw, &mut gradient[self.kernel.range()]);
        if let Some(bias) = &self.bias {
            gradient[bias.range()].copy_from_slice(db);
        }
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.input
    }
}
