//! The channels of several inputs side by side.

use seamripper_kernels::elementwise::add_to;

use super::{Input, Op, Step};
use crate::engine::buffers::{Shard, Slot};

/// A concatenation along the channels.
#[derive(Debug)]
pub(in crate::engine) struct Concat {
    inputs: Vec<Input>,
    output: Slot,
    /// First channel of each input in the output, and how many it has.
    channels: Vec<(usize, usize)>,
    /// Channels of the output.
    total: usize,
    /// Positions of an image.
    positions: usize,
}

impl Concat {
    /// Of inputs with so many channels at each of `positions`.
    pub(in crate::engine) fn new(inputs: Vec<Input>, output: Slot, positions: usize) -> Self {
        let mut total = 0;
        let mut channels = Vec::with_capacity(inputs.len());
        for input in &inputs {
            let count = input.length / positions;
            channels.push((total, count));
            total += count;
        }
        Self { inputs, output, channels, total, positions }
    }
}

impl Op for Concat {
    fn forward(&self, _: &Step, _: usize, shard: &mut Shard) {
        let span = shard.span(self.positions * self.total);
        let mut array = shard.take_value(self.output);
        let y = &mut array[span];
        for (input, &(first, count)) in self.inputs.iter().zip(&self.channels) {
            let x = &shard.value(input.slot)[shard.value_span(input.slot, input.length)];
            for (x, y) in x.chunks_exact(count).zip(y.chunks_exact_mut(self.total)) {
                y[first..first + count].copy_from_slice(x);
            }
        }
        shard.put_value(self.output, array);
    }

    fn backward(&self, step: &Step, _: usize, shard: &mut Shard) {
        for (input, &(first, count)) in
            self.inputs.iter().zip(&self.channels).filter(|(input, _)| input.gradient)
        {
            let mut array = shard.take_gradient(input.slot);
            let dx = &mut array[shard.span(input.length)];
            let dy = &shard.gradient(self.output)[shard.span(self.positions * self.total)];
            for (dx, dy) in dx.chunks_exact_mut(count).zip(dy.chunks_exact(self.total)) {
                let dy = &dy[first..first + count];
                if input.accumulate {
                    add_to(step.isa, dy, dx);
                } else {
                    dx.copy_from_slice(dy);
                }
            }
            shard.put_gradient(input.slot, array);
        }
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.inputs
    }
}
