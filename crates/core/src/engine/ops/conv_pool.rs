//! Convolution with stride 1, bias, optional ReLU and a 2 x 2 or 3 x 3 max-pool as one kernel.

use seamripper_kernels::conv_pool::{Reads, Shape, conv_pool};
use seamripper_kernels::conv_pool_backward::{Forward, Taps, conv_pool_backward};
use seamripper_kernels::gemm::Panels;
use seamripper_kernels::{Instructions, SLACK};

use super::conv::Border;
use super::{Input, Op, Step, values};
use crate::engine::buffers::{Memory, Shard, Slot};
use crate::graph::{Parameter, Weights};

/// The fused op; see the kernel's module for the idea.
#[derive(Debug)]
pub(in crate::engine) struct ConvPool {
    op: usize,
    input: [Input; 1],
    output: Slot,
    relu: bool,
    shape: Shape,
    border: Border,
    steps: Vec<u32>,
    kernel: Parameter,
    bias: Option<Parameter>,
    taps: Taps,
    panels: Panels,
    transposed: Vec<f32>,
    bias_values: Vec<f32>,
}

impl ConvPool {
    pub(in crate::engine) fn new(
        isa: Instructions,
        (op, input, output): (usize, Input, Slot),
        shape: Shape,
        border: Border,
        relu: bool,
        (kernel, bias): (Parameter, Option<Parameter>),
    ) -> Self {
        let taps = Taps::new(isa, &shape);
        Self {
            op,
            input: [input],
            output,
            relu,
            steps: shape.steps(),
            border,
            kernel,
            bias,
            taps,
            panels: Panels::new(isa),
            transposed: vec![0.0; taps.len()],
            bias_values: vec![0.0; shape.filters],
            shape,
        }
    }
}

impl Op for ConvPool {
    fn prepare(&mut self, _: &Step, weights: &Weights) {
        let kernel = values(&self.kernel, weights);
        self.panels.pack(kernel, self.shape.filters);
        if self.input[0].gradient {
            self.taps.transpose(kernel, &mut self.transposed);
        }
        if let Some(bias) = &self.bias {
            self.bias_values.copy_from_slice(values(bias, weights));
        }
    }

    fn memory(&self, _: &Step, images: usize) -> Memory {
        let bordered = if self.border.is_none() { 0 } else { images * self.shape.input_len() + SLACK };
        Memory {
            bytes: vec![0; images * self.shape.output_len()],
            floats: vec![0.0; bordered],
            bordered: vec![0.0; bordered],
            ..Memory::default()
        }
    }

    fn forward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let count = shard.images * self.shape.output_len();
        let mut y = shard.take_value(self.output);
        let mut memory = std::mem::take(&mut shard.memory[self.op]);
        let x = &shard.values[self.input[0].slot];
        let x = if self.border.is_none() {
            x
        } else {
            self.border.copy_in(&x[..shard.images * self.input[0].length], &mut memory.floats);
            &memory.floats
        };
        let reads =
            Reads { x, steps: &self.steps, weights: &self.panels, bias: &self.bias_values, relu: self.relu };
        conv_pool(step.isa, &self.shape, reads, &mut y[..count], &mut memory.bytes[..count]);
        shard.memory[self.op] = memory;
        shard.values[self.output] = y;
    }

    fn backward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        let count = shard.images * self.shape.output_len();
        let mut memory = std::mem::take(&mut shard.memory[self.op]);
        let mut own = std::mem::take(&mut shard.weights[self.op]);
        let mut dx = if input.gradient { shard.take_gradient(input.slot) } else { Vec::new() };
        let (dw, db) = own.split_at_mut(self.taps.len());
        let forward = Forward {
            x: if self.border.is_none() { &shard.values[input.slot] } else { &memory.floats },
            out: &shard.values[self.output][..count],
            winner: &memory.bytes[..count],
            out_gradient: &shard.gradients[self.output][..count],
            relu: self.relu,
        };
        let direct = self.border.is_none();
        let target: &mut [f32] = match (input.gradient, direct) {
            (false, _) => &mut [],
            (true, true) => &mut dx,
            (true, false) => &mut memory.bordered,
        };
        if !(direct && input.accumulate) {
            target.fill(0.0);
        }
        let gradients = (dw, db, target);
        conv_pool_backward(
            step.isa,
            &self.shape,
            &self.taps,
            forward,
            &self.transposed,
            &mut memory.scratch,
            gradients,
        );
        if input.gradient {
            if !direct {
                self.border.copy_out(
                    &memory.bordered,
                    &mut dx[..shard.images * input.length],
                    input.accumulate,
                );
            }
            shard.gradients[input.slot] = dx;
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
