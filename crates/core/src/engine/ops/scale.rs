//! `y = gamma x + beta` per channel.
//!
//! ```text
//! backward:  dx = gamma dy;   dgamma = sum dy x;   dbeta = sum dy
//! ```

use seamripper_kernels::norm::{Factors, gradient_sums, normalize_backward, scale_shift};

use super::{Input, Op, Step, values};
use crate::engine::buffers::{Shard, Slot};
use crate::graph::{Parameter, Weights};

/// The op.
#[derive(Debug)]
pub(in crate::engine) struct Scale {
    op: usize,
    input: [Input; 1],
    output: Slot,
    gamma: Parameter,
    beta: Option<Parameter>,
    factor: Vec<f32>,
    /// 0 without a beta.
    offset: Vec<f32>,
    zeros: Vec<f32>,
}

impl Scale {
    pub(in crate::engine) fn new(
        (op, input, output): (usize, Input, Slot),
        gamma: Parameter,
        beta: Option<Parameter>,
    ) -> Self {
        let zeros = vec![0.0; gamma.len()];
        let (factor, offset) = (zeros.clone(), zeros.clone());
        Self { op, input: [input], output, gamma, beta, factor, offset, zeros }
    }
}

impl Op for Scale {
    fn prepare(&mut self, _: &Step, weights: &Weights) {
        self.factor.copy_from_slice(values(&self.gamma, weights));
        if let Some(beta) = &self.beta {
            self.offset.copy_from_slice(values(beta, weights));
        }
    }

    fn forward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        let span = shard.span(input.length);
        let mut array = shard.take_value(self.output);
        let x = &shard.value(input.slot)[shard.value_span(input.slot, input.length)];
        scale_shift(step.isa, x, &self.factor, &self.offset, false, &mut array[span]);
        shard.put_value(self.output, array);
    }

    fn backward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        let span = shard.span(input.length);
        let mut dy = shard.take_gradient(self.output);
        if let Some(mut own) =
            shard.weights.get_mut(self.op).filter(|own| !own.is_empty()).map(std::mem::take)
        {
            let (gamma, beta) = own.split_at_mut(self.factor.len());
            let x = &shard.value(input.slot)[shard.value_span(input.slot, input.length)];
            gradient_sums(step.isa, (x, &self.zeros), None, &mut dy[span.clone()], (beta, gamma));
            shard.weights[self.op] = own;
        }
        if input.gradient {
            let mut dx = shard.take_gradient(input.slot);
            let zeros = &self.zeros[..];
            let factors = Factors { gradient: &self.factor, distance: zeros, mean: zeros, constant: zeros };
            // Neither the distance nor the mean has a part in it, so that any finite numbers serve as `x`.
            let dy = &dy[span.clone()];
            normalize_backward(step.isa, dy, dy, factors, &mut dx[span], input.accumulate);
            shard.put_gradient(input.slot, dx);
        }
        shard.put_gradient(self.output, dy);
    }

    fn gradient_len(&self) -> usize {
        2 * self.factor.len()
    }

    fn finish_gradient(&self, own: &[f32], gradient: &mut [f32]) {
        let (gamma, beta) = own.split_at(self.factor.len());
        gradient[self.gamma.range()].copy_from_slice(gamma);
        if let Some(parameter) = &self.beta {
            gradient[parameter.range()].copy_from_slice(beta);
        }
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.input
    }
}
