//! `y = a + b + …`, a residual connection; a ReLU that follows is part of it.

use seamripper_kernels::elementwise::{add, add_relu, add_to, mask_positive};

use super::{Input, Op, Step};
use crate::engine::buffers::{Shard, Slot};

/// A sum of two or more slots.
#[derive(Debug)]
pub(in crate::engine) struct Add {
    pub(in crate::engine) inputs: Vec<Input>,
    pub(in crate::engine) output: Slot,
    /// Whether a ReLU follows; only of two slots.
    pub(in crate::engine) relu: bool,
}

impl Op for Add {
    fn forward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let span = shard.span(self.inputs[0].length);
        let mut y = shard.take_value(self.output);
        let input = |index: usize| {
            let Input { slot, length, .. } = self.inputs[index];
            &shard.value(slot)[shard.value_span(slot, length)]
        };
        let sum = if self.relu { add_relu } else { add };
        sum(step.isa, input(0), input(1), &mut y[span.clone()]);
        for index in 2..self.inputs.len() {
            add_to(step.isa, input(index), &mut y[span.clone()]);
        }
        shard.put_value(self.output, y);
    }

    fn backward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let span = shard.span(self.inputs[0].length);
        if self.relu {
            let mut dy = shard.take_gradient(self.output);
            mask_positive(step.isa, &shard.value(self.output)[span.clone()], &mut dy[span.clone()]);
            shard.put_gradient(self.output, dy);
        }
        for input in self.inputs.iter().filter(|input| input.gradient && !input.handed_on) {
            let mut dx = shard.take_gradient(input.slot);
            let dy = &shard.gradient(self.output)[span.clone()];
            if input.accumulate {
                add_to(step.isa, dy, &mut dx[span.clone()]);
            } else {
                dx[span.clone()].copy_from_slice(dy);
            }
            shard.put_gradient(input.slot, dx);
        }
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.inputs
    }
}
