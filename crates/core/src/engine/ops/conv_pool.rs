//! Convolution with stride 1, bias, optional ReLU and a 2 x 2 or 3 x 3 max-pool as one kernel.

use seamripper_kernels::conv_pool::{Reads, Shape, Window, conv_pool};
use seamripper_kernels::conv_pool_backward::{Forward, Taps, conv_pool_backward};
use seamripper_kernels::panels::Run;
use seamripper_kernels::{Aligned, Instructions, SLACK};

use super::conv_weights::{ConvWeights, Packed, round};
use super::{Border, Input, Op, Step};
use crate::engine::buffers::{Memory, Shard, Slot};
use crate::graph::Weights;

/// What the op is made from besides its shape.
#[derive(Debug)]
pub(in crate::engine) struct Options {
    pub(in crate::engine) isa: Instructions,
    pub(in crate::engine) weights: ConvWeights,
    /// Whether a ReLU stands between convolution and pool.
    pub(in crate::engine) relu: bool,
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
    taps: Taps,
    weights: ConvWeights,
    transposed: Aligned,
}

impl ConvPool {
    pub(in crate::engine) fn new(
        (op, input, output): (usize, Input, Slot),
        shape: Shape,
        border: Border,
        options: Options,
    ) -> Self {
        let Options { isa, weights, relu, gradients, images } = options;
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
            taps,
            weights,
            transposed: Aligned::zeros(if input.gradient { taps.len() } else { 0 }),
            shape,
        }
    }

    /// The active images' input, with its border, and [`SLACK`] more values.
    fn bordered<'a>(&self, shard: &'a Shard, copy: &'a mut Aligned) -> &'a [f32] {
        let [input] = self.input;
        if self.border.is_none() {
            return &shard.value(input.slot)[shard.slack_span(input.length)];
        }
        self.border.copy_in(&shard.value(input.slot)[shard.span(input.length)], copy);
        &copy[..shard.active.len() * self.shape.input_len() + SLACK]
    }

    fn product(&self, step: &Step, x: &[f32], y: &mut [f32], winner: &mut [u8], halves: &mut Vec<u16>) {
        let (runs, windows, bias, relu) =
            (&self.runs[..], &self.windows[..], &self.weights.bias_values[..], self.relu);
        match self.weights.packed() {
            Packed::F32(weights) => {
                conv_pool(step.isa, &self.shape, Reads { x, runs, windows, weights, bias, relu }, y, winner);
            }
            Packed::Rows(..) => unreachable!("only a convolution without a pool goes by rows"),
            Packed::Bf16(weights) => {
                let reads = Reads { x: round(step.isa, x, halves), runs, windows, weights, bias, relu };
                conv_pool(step.isa, &self.shape, reads, y, winner);
            }
        }
    }
}

impl Op for ConvPool {
    fn prepare(&mut self, _: &Step, weights: &Weights) {
        let kernel = self.weights.prepare(weights, self.shape.kernel[1] * self.shape.input[2]);
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
        shard.put_value(self.output, y);
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
            out: &shard.value(self.output)[span.clone()],
            winner: &memory.bytes[span.clone()],
            out_gradient: &shard.gradient(self.output)[span],
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
            shard.put_gradient(input.slot, array);
        }
        shard.memory[self.op] = memory;
        shard.weights[self.op] = own;
    }

    fn gradient_len(&self) -> usize {
        self.taps.len() + self.shape.filters
    }

    fn finish_gradient(&self, own: &[f32], gradient: &mut [f32]) {
        let (dw, db) = own.split_at(self.taps.len());
        self.taps.add_back(dw, &mut gradient[self.weights.kernel.range()]);
        if let Some(bias) = &self.weights.bias {
            gradient[bias.range()].copy_from_slice(db);
        }
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.input
    }
}
