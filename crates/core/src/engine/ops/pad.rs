//! Zeros around an image, as a layer of its own.

use super::{Border, Input, Op, Step};
use crate::engine::buffers::{Shard, Slot};

/// The op.
#[derive(Debug)]
pub(in crate::engine) struct Pad {
    pub(in crate::engine) input: [Input; 1],
    pub(in crate::engine) output: Slot,
    pub(in crate::engine) border: Border,
}

impl Op for Pad {
    fn forward(&self, _: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        let (length, bordered) = self.border.lengths();
        let span = shard.span(bordered);
        let mut array = shard.take_value(self.output);
        let y = &mut array[span];
        y.fill(0.0);
        self.border.copy_in(&shard.value(input.slot)[shard.value_span(input.slot, length)], y);
        shard.put_value(self.output, array);
    }

    fn backward(&self, _: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        if !input.gradient {
            return;
        }
        let (length, bordered) = self.border.lengths();
        let mut array = shard.take_gradient(input.slot);
        let dx = &mut array[shard.span(length)];
        self.border.copy_out(&shard.gradient(self.output)[shard.span(bordered)], dx, input.accumulate);
        shard.put_gradient(input.slot, array);
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.input
    }
}
