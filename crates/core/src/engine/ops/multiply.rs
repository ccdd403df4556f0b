//! `y = a b`, where `b` has the shape of `a`, or is one factor for each channel of an image.
//!
//! ```text
//! backward, equal shapes:       da = dy b,   db = dy a
//! backward, factors [1, 1, c]:  da = dy b,   db = sum over positions of dy a
//! ```

use seamripper_kernels::elementwise::{add_to, multiply, multiply_to};
use seamripper_kernels::norm::{Factors, gradient_sums, normalize_backward, scale_shift};

use super::{Input, Op, Step};
use crate::engine::buffers::{Shard, Slot};

/// A product of two slots.
#[derive(Debug)]
pub(in crate::engine) struct Multiply {
    inputs: [Input; 2],
    output: Slot,
    /// Zero for each channel, for kernels that add something a channel.
    zeros: Vec<f32>,
}

impl Multiply {
    /// Of two slots with `channels` channels.
    pub(in crate::engine) fn new(inputs: [Input; 2], output: Slot, channels: usize) -> Self {
        Self { inputs, output, zeros: vec![0.0; channels] }
    }

    fn equal(&self) -> bool {
        self.inputs[0].length == self.inputs[1].length
    }

    /// Writes, or adds, `dy factor` to the gradient of input `index`; the arrays are those of the active images.
    fn product(&self, step: &Step, index: usize, other: usize, shard: &mut Shard) {
        let (to, factor) = (self.inputs[index], self.inputs[other]);
        let mut array = shard.take_gradient(to.slot);
        let dx = &mut array[shard.span(to.length)];
        let dy = &shard.gradient(self.output)[shard.span(self.inputs[0].length)];
        let factor = &shard.value(factor.slot)[shard.value_span(factor.slot, factor.length)];
        let product = if to.accumulate { multiply_to } else { multiply };
        product(step.isa, dy, factor, dx);
        shard.put_gradient(to.slot, array);
    }

    fn backward_of_factors(&self, step: &Step, shard: &mut Shard) {
        let [a, b] = self.inputs;
        let mut dy = shard.take_gradient(self.output);
        if a.gradient {
            let mut array = shard.take_gradient(a.slot);
            let from = shard.value_span(b.slot, b.length).start;
            for (place, image) in shard.active.clone().enumerate() {
                let factor = &shard.value(b.slot)[from + place * b.length..][..b.length];
                let zeros = &self.zeros[..];
                let factors = Factors { gradient: factor, distance: zeros, mean: zeros, constant: zeros };
                let span = image * a.length..(image + 1) * a.length;
                // Neither the distance nor the mean has a part in it, so that any finite numbers serve as `x`.
                let dy = &dy[span.clone()];
                normalize_backward(step.isa, dy, dy, factors, &mut array[span], a.accumulate);
            }
            shard.put_gradient(a.slot, array);
        }
        if b.gradient {
            let mut array = shard.take_gradient(b.slot);
            let from = shard.value_span(a.slot, a.length).start;
            let (mut sum, mut product) = (vec![0.0; b.length], vec![0.0; b.length]);
            for (place, image) in shard.active.clone().enumerate() {
                let x = &shard.value(a.slot)[from + place * a.length..][..a.length];
                product.fill(0.0);
                let dy = &mut dy[image * a.length..(image + 1) * a.length];
                gradient_sums(step.isa, (x, &self.zeros), None, dy, (&mut sum, &mut product));
                let db = &mut array[image * b.length..(image + 1) * b.length];
                if b.accumulate {
                    add_to(step.isa, &product, db);
                } else {
                    db.copy_from_slice(&product);
                }
            }
            shard.put_gradient(b.slot, array);
        }
        shard.put_gradient(self.output, dy);
    }
}

impl Op for Multiply {
    fn forward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [a, b] = self.inputs;
        let span = shard.span(a.length);
        let mut array = shard.take_value(self.output);
        let y = &mut array[span];
        let factor = &shard.value(b.slot)[shard.value_span(b.slot, b.length)];
        let x = &shard.value(a.slot)[shard.value_span(a.slot, a.length)];
        if self.equal() {
            multiply(step.isa, x, factor, y);
        } else {
            let images = x.chunks_exact(a.length).zip(y.chunks_exact_mut(a.length));
            for ((x, y), factor) in images.zip(factor.chunks_exact(b.length)) {
                scale_shift(step.isa, x, factor, &self.zeros, false, y);
            }
        }
        shard.put_value(self.output, array);
    }

    fn backward(&self, step: &Step, _: usize, shard: &mut Shard) {
        if !self.equal() {
            return self.backward_of_factors(step, shard);
        }
        for (index, other) in [(0, 1), (1, 0)] {
            if self.inputs[index].gradient {
                self.product(step, index, other, shard);
            }
        }
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.inputs
    }
}
