//! `y = a + b + …`, a residual connection.

use seamripper_kernels::elementwise::{add, add_to};

use super::{Input, Op, Step};
use crate::engine::buffers::{Shard, Slot};

/// A sum of two or more slots.
#[derive(Debug)]
pub(in crate::engine) struct Add {
    pub(in crate::engine) inputs: Vec<Input>,
    pub(in crate::engine) output: Slot,
}

impl Op for Add {
    fn forward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let count = shard.images * self.inputs[0].length;
        let mut y = shard.take_value(self.output);
        let input = |index: usize| &shard.values[self.inputs[index].slot][..count];
        add(step.isa, input(0), input(1), &mut y[..count]);
        for index in 2..self.inputs.len() {
            add_to(step.isa, input(index), &mut y[..count]);
        }
        shard.values[self.output] = y;
    }

    fn backward(&self, step: &Step, _: usize, shard: &mut Shard) {
        for input in self.inputs.iter().filter(|input| input.gradient) {
            let count = shard.images * input.length;
            let mut dx = shard.take_gradient(input.slot);
            let dy = &shard.gradients[self.output][..count];
            if input.accumulate {
                add_to(step.isa, dy, &mut dx[..count]);
            } else {
                dx[..count].copy_from_slice(dy);
            }
            shard.gradients[input.slot] = dx;
        }
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.inputs
    }
}
