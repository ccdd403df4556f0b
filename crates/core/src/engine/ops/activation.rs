//! `y = f(x)`, element by element.

use seamripper_kernels::elementwise::{Function, activate, activate_backward, add_to};

use super::{Input, Op, Step};
use crate::engine::buffers::{Shard, Slot};
use crate::engine::plan::ReluRule;

/// An activation with its own input and output.
#[derive(Debug)]
pub(in crate::engine) struct Activate {
    pub(in crate::engine) input: [Input; 1],
    pub(in crate::engine) output: Slot,
    pub(in crate::engine) function: Function,
    /// Of a ReLU; other functions have their gradient.
    pub(in crate::engine) rule: ReluRule,
}

impl Op for Activate {
    fn forward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let span = shard.span(self.input[0].length);
        let mut y = shard.take_value(self.output);
        activate(step.isa, self.function, &shard.value(self.input[0].slot)[span.clone()], &mut y[span]);
        shard.put_value(self.output, y);
    }

    fn backward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        if !input.gradient {
            return;
        }
        let span = shard.span(input.length);
        let mut dx = shard.take_gradient(input.slot);
        let (x, dy) = (&shard.value(input.slot)[span.clone()], &shard.gradient(self.output)[span.clone()]);
        let (isa, dx_span) = (step.isa, &mut dx[span]);
        if self.rule == ReluRule::Gradient {
            activate_backward(isa, self.function, x, dy, dx_span, input.accumulate);
        } else {
            let mut positive = vec![0.0; dy.len()];
            activate(isa, Function::Relu, dy, &mut positive);
            match self.rule {
                ReluRule::Deconvolution if input.accumulate => add_to(isa, &positive, dx_span),
                ReluRule::Deconvolution => dx_span.copy_from_slice(&positive),
                _ => activate_backward(isa, Function::Relu, x, &positive, dx_span, input.accumulate),
            }
        }
        shard.put_gradient(input.slot, dx);
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.input
    }
}
