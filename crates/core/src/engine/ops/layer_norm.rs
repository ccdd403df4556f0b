//! Layer normalization over the channels of each place; `kernels::layer_norm` has the formulas.

use seamripper_kernels::layer_norm::{Parameters, layer_norm, layer_norm_backward};

use super::{Input, Op, Step, values};
use crate::engine::buffers::{Shard, Slot};
use crate::graph::{Parameter, Weights};

/// The op.
#[derive(Debug)]
pub(in crate::engine) struct LayerNorm {
    op: usize,
    input: [Input; 1],
    output: Slot,
    epsilon: f32,
    gamma: Parameter,
    beta: Parameter,
    factor: Vec<f32>,
    offset: Vec<f32>,
}

impl LayerNorm {
    pub(in crate::engine) fn new(
        (op, input, output): (usize, Input, Slot),
        epsilon: f32,
        (gamma, beta): (Parameter, Parameter),
    ) -> Self {
        let zeros = || vec![0.0; gamma.len()];
        let (factor, offset) = (zeros(), zeros());
        Self { op, input: [input], output, epsilon, gamma, beta, factor, offset }
    }

    fn parameters(&self) -> Parameters<'_> {
        Parameters { gamma: &self.factor, beta: &self.offset, epsilon: self.epsilon }
    }
}

impl Op for LayerNorm {
    fn prepare(&mut self, _: &Step, weights: &Weights) {
        self.factor.copy_from_slice(values(&self.gamma, weights));
        self.offset.copy_from_slice(values(&self.beta, weights));
    }

    fn forward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        let span = shard.span(input.length);
        let mut array = shard.take_value(self.output);
        let x = &shard.value(input.slot)[shard.value_span(input.slot, input.length)];
        layer_norm(step.isa, x, self.parameters(), &mut array[span]);
        shard.put_value(self.output, array);
    }

    fn backward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        let span = shard.span(input.length);
        let mut own = shard.weights.get_mut(self.op).map(std::mem::take).unwrap_or_default();
        let mut array = shard.take_gradient(input.slot);
        let arrays = (
            &shard.value(input.slot)[shard.value_span(input.slot, input.length)],
            &shard.gradient(self.output)[span.clone()],
        );
        let dx = input.gradient.then(|| (&mut array[span], input.accumulate));
        let sums = (!own.is_empty()).then(|| own.split_at_mut(self.factor.len()));
        layer_norm_backward(step.isa, arrays, self.parameters(), dx, sums);
        shard.put_gradient(input.slot, array);
        if let Some(weights) = shard.weights.get_mut(self.op) {
            *weights = own;
        }
    }

    fn gradient_len(&self) -> usize {
        2 * self.factor.len()
    }

    fn finish_gradient(&self, own: &[f32], gradient: &mut [f32]) {
        let (gamma, beta) = own.split_at(self.factor.len());
        gradient[self.gamma.range()].copy_from_slice(gamma);
        gradient[self.beta.range()].copy_from_slice(beta);
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.input
    }
}
