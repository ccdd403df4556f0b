//! Output channels that are input channels: a slice of them, or all in another order.

use super::{Input, Op, Step};
use crate::engine::buffers::{Shard, Slot};

/// A choice of channels.
#[derive(Debug)]
pub(in crate::engine) struct Channels {
    input: [Input; 1],
    output: Slot,
    /// The input channel of each output channel; none occurs twice.
    from: Vec<usize>,
    /// Channels of the input.
    channels: usize,
}

impl Channels {
    /// Channel `from[i]` of an input with `channels` channels as output channel `i`.
    pub(in crate::engine) fn new(input: Input, output: Slot, from: Vec<usize>, channels: usize) -> Self {
        Self { input: [input], output, from, channels }
    }

    /// Values of an output image.
    fn out_length(&self) -> usize {
        self.input[0].length / self.channels * self.from.len()
    }
}

impl Op for Channels {
    fn forward(&self, _: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        let span = shard.span(self.out_length());
        let mut array = shard.take_value(self.output);
        let x = &shard.value(input.slot)[shard.value_span(input.slot, input.length)];
        let places = array[span].chunks_exact_mut(self.from.len());
        for (x, y) in x.chunks_exact(self.channels).zip(places) {
            for (y, &from) in y.iter_mut().zip(&self.from) {
                *y = x[from];
            }
        }
        shard.put_value(self.output, array);
    }

    fn backward(&self, _: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        if !input.gradient {
            return;
        }
        let mut array = shard.take_gradient(input.slot);
        let dx = &mut array[shard.span(input.length)];
        if !input.accumulate {
            dx.fill(0.0);
        }
        let dy = &shard.gradient(self.output)[shard.span(self.out_length())];
        for (dx, dy) in dx.chunks_exact_mut(self.channels).zip(dy.chunks_exact(self.from.len())) {
            for (&dy, &from) in dy.iter().zip(&self.from) {
                dx[from] += dy;
            }
        }
        shard.put_gradient(input.slot, array);
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.input
    }
}
