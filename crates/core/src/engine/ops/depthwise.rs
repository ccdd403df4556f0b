//! Convolution with one filter a channel. Sums are of `f32` products even where `bf16` is wanted: instructions for that add
//! products of neighbouring channels, which here belong to different sums.
//!
//! All three passes are `kernels::depthwise`, which reads images where they are. As in [`super::conv_input`], the gradient of
//! input rows and columns with the same remainder by the stride (a *phase*) is a convolution of stride 1 of the output's gradient
//! with a part of the kernel, flipped; here it is written straight to its places.

use seamripper_kernels::depthwise::{Filters, Plane, Shape, Start, depthwise, depthwise_gradient};
use seamripper_kernels::{Aligned, SLACK, elementwise};

use super::conv::{Geometry, Options};
use super::conv_weights::ConvWeights;
use super::{Input, Op, Step};
use crate::engine::buffers::{Shard, Slot};
use crate::graph::Weights;

/// The op.
#[derive(Debug)]
pub(in crate::engine) struct Depthwise {
    op: usize,
    input: [Input; 1],
    output: Slot,
    relu: bool,
    /// Of one image.
    shape: Shape,
    weights: ConvWeights,
    /// `[kh, kw, c]`, and slack.
    kernel: Aligned,
    /// Of the input gradient; none if it is not wanted.
    phases: Vec<Phase>,
}

/// Input positions with the same remainder by the stride.
#[derive(Debug)]
struct Phase {
    /// From the output's gradient to the input's, for one image.
    shape: Shape,
    /// Which taps of the kernel it has, in its own order.
    taps: Vec<usize>,
    kernel: Aligned,
}

impl Depthwise {
    /// For images `[h, w, c]` with `before` zeros above and to the left.
    pub(in crate::engine) fn new(
        (op, input, output): (usize, Input, Slot),
        geometry: Geometry,
        (image, before): ([usize; 3], [usize; 2]),
        options: Options,
    ) -> Self {
        let Geometry { kernel, stride, output: [oh, ow], needed, .. } = geometry;
        let [h, w, channels] = image;
        let shape = Shape {
            images: 1,
            channels,
            input: [h, w],
            from: Plane::packed(image),
            kernel,
            stride,
            before: before.map(|count| count as isize),
            output: needed,
            to: Plane::packed([oh, ow, channels]),
        };
        let phases = (0..stride[0]).flat_map(|p| (0..stride[1]).map(move |q| [p, q]));
        let phases = phases.map(|first| Phase::new(&shape, before, first, options.needed_input));
        Self {
            op,
            input: [input],
            output,
            relu: options.relu,
            weights: options.weights,
            kernel: Aligned::zeros(shape.taps() * channels + SLACK),
            phases: if input.gradient { phases.collect() } else { Vec::new() },
            shape,
        }
    }

    /// The shape for the active images.
    fn active(shape: &Shape, shard: &Shard) -> Shape {
        Shape { images: shard.active.len(), ..*shape }
    }
}

impl Phase {
    /// The inputs that meet kernel row and column `first` and every stride-th behind them, as far as `needed`.
    fn new(forward: &Shape, before: [usize; 2], first: [usize; 2], needed: [usize; 2]) -> Self {
        let Shape { channels, kernel, stride, from, to, .. } = *forward;
        let counts = [0, 1].map(|axis| kernel[axis].saturating_sub(first[axis]).div_ceil(stride[axis]));
        // The phase's first position at or behind the border: the `skipped` before it are zeros of the border.
        let skipped = [0, 1].map(|axis| before[axis].saturating_sub(first[axis]).div_ceil(stride[axis]));
        let start = [0, 1].map(|axis| skipped[axis] * stride[axis] + first[axis] - before[axis]);
        let output = [0, 1].map(|axis| needed[axis].saturating_sub(start[axis]).div_ceil(stride[axis]));
        let column = |m: usize| first[1] + (counts[1] - 1 - m) * stride[1];
        let taps: Vec<usize> = (0..counts[0])
            .map(|n| first[0] + (counts[0] - 1 - n) * stride[0])
            .flat_map(|row| (0..counts[1]).map(move |m| row * kernel[1] + column(m)))
            .collect();
        let shape = Shape {
            images: 1,
            channels,
            // Where no tap meets the phase, windows of one tap that see nothing leave zeros.
            input: if taps.is_empty() { [0, 0] } else { forward.output },
            from: to,
            kernel: counts.map(|count| count.max(1)),
            stride: [1, 1],
            before: [0, 1].map(|axis| counts[axis] as isize - 1 - skipped[axis] as isize),
            output,
            to: Plane {
                start: start[0] * from.row + start[1] * from.column,
                column: stride[1] * from.column,
                row: stride[0] * from.row,
                image: from.image,
            },
        };
        Self { taps, kernel: Aligned::zeros(shape.taps() * channels + SLACK), shape }
    }
}

impl Op for Depthwise {
    fn prepare(&mut self, _: &Step, weights: &Weights) {
        let kernel = self.weights.folded(weights);
        let channels = self.shape.channels;
        self.kernel[..kernel.len()].copy_from_slice(kernel);
        for Phase { taps, kernel: flipped, .. } in &mut self.phases {
            for (&tap, to) in taps.iter().zip(flipped.chunks_exact_mut(channels)) {
                to.copy_from_slice(&kernel[tap * channels..][..channels]);
            }
        }
    }

    fn forward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let mut y = shard.take_value(self.output);
        let x = &shard.value(self.input[0].slot)[shard.slack_span(self.input[0].length)];
        let start = Start::Bias(&self.weights.bias_values);
        let filters = Filters { weights: &self.kernel, start, relu: self.relu };
        let out = &mut y[shard.span(self.shape.to.image)];
        depthwise(step.isa, &Self::active(&self.shape, shard), x, filters, out);
        shard.put_value(self.output, y);
    }

    fn backward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        let mut own = std::mem::take(&mut shard.weights[self.op]);
        let mut array = shard.take_gradient(self.output);
        let span = shard.span(self.shape.to.image);
        if self.relu {
            let y = &shard.value(self.output)[span.clone()];
            elementwise::mask_positive(step.isa, y, &mut array[span]);
        }
        let dy = &array[shard.slack_span(self.shape.to.image)];
        if !own.is_empty() {
            let (dw, db) = own.split_at_mut(self.weights.kernel.len());
            let x = &shard.value(input.slot)[shard.slack_span(input.length)];
            depthwise_gradient(step.isa, &Self::active(&self.shape, shard), x, dy, dw, db);
        }
        if input.gradient {
            let mut dx = shard.take_gradient(input.slot);
            let start = if input.accumulate { Start::Output } else { Start::Zero };
            for phase in &self.phases {
                let filters = Filters { weights: &phase.kernel, start, relu: false };
                let out = &mut dx[shard.span(input.length)];
                depthwise(step.isa, &Self::active(&phase.shape, shard), dy, filters, out);
            }
            shard.put_gradient(input.slot, dx);
        }
        shard.put_gradient(self.output, array);
        shard.weights[self.op] = own;
    }

    fn gradient_len(&self) -> usize {
        self.weights.gradient_len()
    }

    fn finish_gradient(&self, own: &[f32], gradient: &mut [f32]) {
        self.weights.finish_gradient(own, gradient);
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.input
    }
}
