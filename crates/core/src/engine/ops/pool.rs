//! Max and average pooling of any geometry; a global pool has a window as large as the image.

use seamripper_kernels::pool::{Windows, avg_pool, avg_pool_backward, max_pool, max_pool_backward};

use super::{Input, Op, Step};
use crate::engine::buffers::{Memory, Shard, Slot};

/// What is taken of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum PoolKind {
    Max,
    Average,
}

/// A pool that is not fused with a convolution.
#[derive(Debug)]
pub(in crate::engine) struct Pool {
    pub(in crate::engine) op: usize,
    pub(in crate::engine) input: [Input; 1],
    pub(in crate::engine) output: Slot,
    pub(in crate::engine) kind: PoolKind,
    pub(in crate::engine) windows: Windows,
}

impl Pool {
    fn out_length(&self) -> usize {
        self.windows.output[0] * self.windows.output[1] * self.windows.input[2]
    }
}

impl Op for Pool {
    fn memory(&self, _: &Step, images: usize) -> Memory {
        let winners = if self.kind == PoolKind::Max { images * self.out_length() } else { 0 };
        Memory { offsets: vec![0; winners], ..Memory::default() }
    }

    fn forward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let span = shard.span(self.out_length());
        let mut y = shard.take_value(self.output);
        let mut winner = std::mem::take(&mut shard.memory[self.op].offsets);
        let x = &shard.value(self.input[0].slot)[shard.span(self.input[0].length)];
        match self.kind {
            PoolKind::Max => max_pool(step.isa, &self.windows, x, &mut y[span.clone()], &mut winner[span]),
            PoolKind::Average => avg_pool(step.isa, &self.windows, x, &mut y[span]),
        }
        shard.memory[self.op].offsets = winner;
        shard.put_value(self.output, y);
    }

    fn backward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        if !input.gradient {
            return;
        }
        let mut array = shard.take_gradient(input.slot);
        let dx = &mut array[shard.span(input.length)];
        if !input.accumulate {
            dx.fill(0.0);
        }
        let span = shard.span(self.out_length());
        let dy = &shard.gradient(self.output)[span.clone()];
        match self.kind {
            PoolKind::Max => max_pool_backward(&self.windows, dy, &shard.memory[self.op].offsets[span], dx),
            PoolKind::Average => avg_pool_backward(step.isa, &self.windows, dy, dx),
        }
        shard.put_gradient(input.slot, array);
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.input
    }
}
