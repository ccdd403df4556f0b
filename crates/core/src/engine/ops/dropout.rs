//! Inverted dropout (Srivastava et al. 2014): in training a share of the values is set to 0 and the others are divided by
//! what is left, so that nothing changes at inference, where the op does not exist. Stochastic depth (Huang et al. 2016) is the
//! same with one draw for all values of an image.

use seamripper_kernels::Aligned;
use seamripper_kernels::elementwise::{add_to, multiply};

use super::{Input, Op, Step};
use crate::engine::buffers::{Memory, Shard, Slot};
use crate::random::{Purpose, Stream};

/// Dropout in training.
#[derive(Debug)]
pub(in crate::engine) struct Dropout {
    pub(in crate::engine) op: usize,
    /// The graph's node, which names the draws.
    pub(in crate::engine) node: usize,
    pub(in crate::engine) input: [Input; 1],
    pub(in crate::engine) output: Slot,
    pub(in crate::engine) rate: f32,
    /// Whether an image is dropped as a whole.
    pub(in crate::engine) whole: bool,
}

impl Op for Dropout {
    fn memory(&self, _: &Step, images: usize) -> Memory {
        let length = images * self.input[0].length;
        Memory { floats: Aligned::zeros(length), bordered: Aligned::zeros(length), ..Memory::default() }
    }

    fn forward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        let kept = 1.0 / (1.0 - self.rate);
        // A mask is named by the node and the image's place in the batch, so it does not depend on the shards.
        for image in shard.active.clone() {
            let place = ((self.node as u64) << 32) | (shard.first + image) as u64;
            let mut stream = Stream::new(step.seed, Purpose::Dropout, step.step, place);
            let threshold = (f64::from(self.rate) * 4_294_967_296.0) as u64;
            let masks = &mut shard.memory[self.op].floats[image * input.length..][..input.length];
            if self.whole {
                masks.fill(if stream.bits() & 0xffff_ffff < threshold { 0.0 } else { kept });
                continue;
            }
            for pair in masks.chunks_mut(2) {
                let bits = stream.bits();
                for (mask, bits) in pair.iter_mut().zip([bits & 0xffff_ffff, bits >> 32]) {
                    *mask = if bits < threshold { 0.0 } else { kept };
                }
            }
        }
        let span = shard.span(input.length);
        let mut y = shard.take_value(self.output);
        multiply(
            step.isa,
            &shard.value(input.slot)[span.clone()],
            &shard.memory[self.op].floats[span.clone()],
            &mut y[span.clone()],
        );
        shard.put_value(self.output, y);
    }

    fn backward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        if !input.gradient {
            return;
        }
        let span = shard.span(input.length);
        let mut dx = shard.take_gradient(input.slot);
        let mut memory = std::mem::take(&mut shard.memory[self.op]);
        let dy = &shard.gradient(self.output)[span.clone()];
        if input.accumulate {
            multiply(step.isa, dy, &memory.floats[span.clone()], &mut memory.bordered[span.clone()]);
            add_to(step.isa, &memory.bordered[span.clone()], &mut dx[span.clone()]);
        } else {
            multiply(step.isa, dy, &memory.floats[span.clone()], &mut dx[span.clone()]);
        }
        shard.memory[self.op] = memory;
        shard.put_gradient(input.slot, dx);
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.input
    }
}
