//! Batch normalization (Ioffe & Szegedy 2015, algorithms 1 and 2).
//!
//! ```text
//! forward:   mean, variance over all images and positions (the shards meet);  y = gamma (x - mean) / s + beta
//! backward:  S = sum dy,  P = sum dy (x - mean)                 (the shards meet);  s = sqrt(variance + epsilon)
//!            dx = gamma / s (dy - S / N - (x - mean) P / (N s^2));   dgamma = P / s;   dbeta = S
//! ```
//! At inference the running averages take the place of the batch's statistics and nothing meets; after a convolution the op
//! is then [`Folded`] into it. A ReLU that follows is part of the op: `dy` is first set to 0 where `y` is not positive.

use seamripper_kernels::Aligned;
use seamripper_kernels::norm::{Factors, gradient_sums, moments, normalize_backward, scale_shift};

use super::{Input, Op, Step, values};
use crate::engine::buffers::{Memory, Shard, Slot};
use crate::graph::{Parameter, Weights};

/// Its four parameters.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Parameters {
    pub(in crate::engine) gamma: Parameter,
    pub(in crate::engine) beta: Parameter,
    pub(in crate::engine) moving_mean: Parameter,
    pub(in crate::engine) moving_variance: Parameter,
}

impl Parameters {
    /// `x s + t` is the normalization by the running averages; returns `(s, t)` of `channel`.
    fn affine(&self, weights: &Weights, epsilon: f32, channel: usize) -> (f32, f32) {
        let value = |parameter: &Parameter| values(parameter, weights)[channel];
        let scale = value(&self.gamma) / (value(&self.moving_variance) + epsilon).sqrt();
        (scale, value(&self.beta) - value(&self.moving_mean) * scale)
    }
}

/// A batch normalization at inference that a convolution before it takes over.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Folded {
    pub(in crate::engine) epsilon: f32,
    pub(in crate::engine) parameters: Parameters,
}

impl Folded {
    /// Changes `kernel` `[taps, filters]` and `bias` `[filters]` so that their convolution gives what normalizing gave.
    pub(super) fn fold(&self, weights: &Weights, kernel: &mut [f32], bias: &mut [f32]) {
        let filters = bias.len();
        for filter in 0..filters {
            let (scale, shift) = self.parameters.affine(weights, self.epsilon, filter);
            bias[filter] = bias[filter] * scale + shift;
            for weight in kernel.iter_mut().skip(filter).step_by(filters) {
                *weight *= scale;
            }
        }
    }
}

/// The op.
#[derive(Debug)]
pub(in crate::engine) struct BatchNorm {
    op: usize,
    input: [Input; 1],
    output: Slot,
    epsilon: f32,
    momentum: f32,
    training: bool,
    relu: bool,
    parameters: Parameters,
    gamma: Vec<f32>,
    beta: Vec<f32>,
    mean: Vec<f32>,
    variance: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
    distance: Vec<f32>,
    constant: Vec<f32>,
}

impl BatchNorm {
    pub(in crate::engine) fn new(
        (op, input, output): (usize, Input, Slot),
        (epsilon, momentum): (f32, f32),
        (training, relu): (bool, bool),
        parameters: Parameters,
    ) -> Self {
        let zeros = || vec![0.0; parameters.gamma.len()];
        Self {
            op,
            input: [input],
            output,
            epsilon,
            momentum,
            training,
            relu,
            gamma: zeros(),
            beta: zeros(),
            mean: zeros(),
            variance: zeros(),
            scale: zeros(),
            shift: zeros(),
            distance: zeros(),
            constant: zeros(),
            parameters,
        }
    }

    fn channels(&self) -> usize {
        self.gamma.len()
    }

    fn inverse(&self, channel: usize) -> f32 {
        1.0 / (self.variance[channel] + self.epsilon).sqrt()
    }

    /// `y = x scale + shift` for the present mean and variance.
    fn set_scale(&mut self) {
        for channel in 0..self.channels() {
            self.scale[channel] = self.gamma[channel] * self.inverse(channel);
            self.shift[channel] = self.beta[channel] - self.mean[channel] * self.scale[channel];
        }
    }

    /// Positions in the whole batch.
    fn count(&self, step: &Step) -> f64 {
        (step.images * (self.input[0].length / self.channels())) as f64
    }
}

impl Op for BatchNorm {
    fn prepare(&mut self, _: &Step, weights: &Weights) {
        self.gamma.copy_from_slice(values(&self.parameters.gamma, weights));
        self.beta.copy_from_slice(values(&self.parameters.beta, weights));
        if !self.training {
            self.mean.copy_from_slice(values(&self.parameters.moving_mean, weights));
            self.variance.copy_from_slice(values(&self.parameters.moving_variance, weights));
            self.set_scale();
        }
    }

    fn memory(&self, _: &Step, images: usize) -> Memory {
        let c = self.channels();
        Memory {
            floats: Aligned::zeros(2 * images * c),
            bordered: Aligned::zeros(2 * c),
            ..Memory::default()
        }
    }

    fn phases(&self) -> usize {
        if self.training { 2 } else { 1 }
    }

    fn forward(&self, step: &Step, phase: usize, shard: &mut Shard) {
        let [input] = self.input;
        if self.training && phase == 0 {
            let mut memory = std::mem::take(&mut shard.memory[self.op]);
            let images = shard.value(input.slot)[shard.span(input.length)].chunks_exact(input.length);
            let sums = memory.floats[shard.span(2 * self.channels())].chunks_exact_mut(2 * self.channels());
            for (x, sums) in images.zip(sums) {
                let (mean, deviation) = sums.split_at_mut(self.channels());
                moments(step.isa, x, mean, deviation);
            }
            shard.memory[self.op] = memory;
            return;
        }
        let span = shard.span(input.length);
        let mut y = shard.take_value(self.output);
        let x = &shard.value(input.slot)[span];
        let span = shard.value_span(self.output, input.length);
        scale_shift(step.isa, x, &self.scale, &self.shift, self.relu, &mut y[span]);
        shard.put_value(self.output, y);
    }

    fn meet_forward(&mut self, _: &Step, shards: &[Shard]) {
        let c = self.channels();
        let each = (self.input[0].length / c) as f64;
        for channel in 0..c {
            let (mut count, mut mean, mut deviation) = (0.0, 0.0, 0.0);
            for shard in shards {
                for sums in shard.memory[self.op].floats.chunks_exact(2 * c).take(shard.images) {
                    let distance = f64::from(sums[channel]) - mean;
                    let total = count + each;
                    mean += distance * each / total;
                    deviation += f64::from(sums[c + channel]) + distance * distance * count * each / total;
                    count = total;
                }
            }
            self.mean[channel] = mean as f32;
            self.variance[channel] = (deviation / count) as f32;
        }
        self.set_scale();
    }

    fn backward(&self, step: &Step, phase: usize, shard: &mut Shard) {
        let [input] = self.input;
        let span = shard.span(input.length);
        if phase + 1 == self.phases() {
            let mut memory = std::mem::take(&mut shard.memory[self.op]);
            let mut dy = shard.take_gradient(self.output);
            if shard.active.start == 0 {
                memory.bordered.fill(0.0);
            }
            let (sum, product) = memory.bordered.split_at_mut(self.channels());
            for image in shard.active.clone() {
                let span = image * input.length..(image + 1) * input.length;
                let y = self.relu.then(|| &shard.value(self.output)[span.clone()]);
                let x = &shard.value(input.slot)[span.clone()];
                gradient_sums(step.isa, (x, &self.mean), y, &mut dy[span], (&mut *sum, &mut *product));
            }
            shard.put_gradient(self.output, dy);
            let last = shard.active.end == shard.images;
            if let Some(own) = shard.weights.get_mut(self.op).filter(|own| last && !own.is_empty()) {
                for channel in 0..self.channels() {
                    own[channel] += product[channel] * self.inverse(channel);
                    own[self.channels() + channel] += sum[channel];
                }
            }
            shard.memory[self.op] = memory;
        }
        if phase == 0 && input.gradient {
            let mut dx = shard.take_gradient(input.slot);
            let zeros;
            let (distance, constant) = if self.training {
                (&self.distance, &self.constant)
            } else {
                zeros = vec![0.0; self.channels()];
                (&zeros, &zeros)
            };
            let factors = Factors { gradient: &self.scale, distance, mean: &self.mean, constant };
            normalize_backward(
                step.isa,
                &shard.value(input.slot)[span.clone()],
                &shard.gradient(self.output)[span.clone()],
                factors,
                &mut dx[shard.gradient_span(input.slot, input.length)],
                input.accumulate,
            );
            shard.put_gradient(input.slot, dx);
        }
    }

    fn meet_backward(&mut self, step: &Step, shards: &[Shard]) {
        let c = self.channels();
        let count = self.count(step);
        for channel in 0..c {
            let total = |offset: usize| -> f64 {
                shards
                    .iter()
                    .filter(|shard| shard.images > 0)
                    .map(|shard| f64::from(shard.memory[self.op].bordered[offset + channel]))
                    .sum()
            };
            let scale = f64::from(self.scale[channel]);
            let inverse = f64::from(self.inverse(channel));
            self.constant[channel] = (-scale * total(0) / count) as f32;
            self.distance[channel] = (-scale * inverse * inverse * total(c) / count) as f32;
        }
    }

    fn gradient_len(&self) -> usize {
        2 * self.channels()
    }

    fn finish_gradient(&self, own: &[f32], gradient: &mut [f32]) {
        let (gamma, beta) = own.split_at(self.channels());
        gradient[self.parameters.gamma.range()].copy_from_slice(gamma);
        gradient[self.parameters.beta.range()].copy_from_slice(beta);
    }

    fn update_moving(&self, weights: &mut Weights) {
        self.average_moving(weights, 1.0 - self.momentum);
    }

    fn average_moving(&self, weights: &mut Weights, share: f32) {
        if !self.training {
            return;
        }
        for (parameter, batch) in
            [(&self.parameters.moving_mean, &self.mean), (&self.parameters.moving_variance, &self.variance)]
        {
            for (moving, &batch) in weights.values[parameter.range()].iter_mut().zip(batch) {
                *moving = *moving * (1.0 - share) + batch * share;
            }
        }
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.input
    }
}
