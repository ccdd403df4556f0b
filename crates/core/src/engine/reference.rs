//! The same graph in plain loops and `f64`: slow, and obviously right. The oracle of every other way to run a graph.

use super::ops::ends;
use crate::graph::{
    Activation, Convolution, Graph, Interpolation, Layer, Node, NodeId, Padding, Role, Source, window_padding,
};
use crate::random::{Purpose, Stream};

/// How layers that differ in training behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Running averages, no dropout.
    Inference,
    /// Statistics of the batch, and the dropout masks named by seed and step.
    Training {
        /// Of the run.
        seed: u64,
        /// Of the step.
        step: u64,
    },
}

/// The outputs of all nodes, `[n, h, w, c]` each, for images `[n, h, w, c]` and parameters laid out as the graph's weights.
pub fn forward_f64(graph: &Graph, weights: &[f64], images: &[f64], mode: Mode) -> Vec<Vec<f64>> {
    let n = images.len() / graph.input.iter().product::<usize>();
    let mut outputs: Vec<Vec<f64>> = Vec::with_capacity(graph.nodes.len());
    for (id, node) in graph.nodes.iter().enumerate() {
        let read = |source: Source| match source {
            Source::Input => images,
            Source::Node(id) => &outputs[id][..],
        };
        let place = Place { graph, node, id, weights, n, mode };
        let mut y = if node.layer.joins() {
            place.join(&node.inputs.iter().map(|&source| read(source)).collect::<Vec<_>>())
        } else {
            place.layer(read(node.inputs[0]))
        };
        for y in &mut y {
            *y = activation(node.activation, *y);
        }
        outputs.push(y);
    }
    outputs
}

struct Place<'a> {
    graph: &'a Graph,
    node: &'a Node,
    id: NodeId,
    weights: &'a [f64],
    n: usize,
    mode: Mode,
}

impl Place<'_> {
    fn parameter(&self, role: Role) -> Option<&[f64]> {
        let parameters = self.node.parameters.iter().map(|&index| &self.graph.parameters[index]);
        parameters.into_iter().find(|p| p.role == role).map(|p| &self.weights[p.range()])
    }

    fn layer(&self, x: &[f64]) -> Vec<f64> {
        let input = self.graph.shape(self.node.inputs[0]);
        match self.node.layer {
            Layer::Conv2d { .. } | Layer::Depthwise { .. } => {
                self.conv(x, input, &self.node.layer.convolution(input[2]).expect("a convolution"))
            }
            Layer::Dense { units, bias } => {
                let (stride, padding) = ([1, 1], Padding::Valid);
                let (kernel, groups, dilation) = ([1, 1], 1, [1, 1]);
                let conv = Convolution { filters: units, kernel, stride, padding, bias, groups, dilation };
                self.conv(x, [1, 1, input.iter().product()], &conv)
            }
            Layer::MaxPool { size, stride, padding } => self.pool(x, input, (size, stride, padding), true),
            Layer::AvgPool { size, stride, padding } => self.pool(x, input, (size, stride, padding), false),
            Layer::GlobalMaxPool => self.pool(x, input, ([input[0], input[1]], [1, 1], Padding::Valid), true),
            Layer::GlobalAvgPool => {
                self.pool(x, input, ([input[0], input[1]], [1, 1], Padding::Valid), false)
            }
            Layer::BatchNorm { epsilon, .. } => self.batch_norm(x, input[2], f64::from(epsilon)),
            Layer::Dropout { rate } => self.dropout(x, rate),
            Layer::DropPath { rate } => self.drop_path(x, rate),
            Layer::Activation | Layer::Flatten => x.to_vec(),
            Layer::Scale { .. } => self.scale(x),
            Layer::LayerNorm { epsilon } => self.layer_norm(x, input[2], f64::from(epsilon)),
            Layer::Slice { first, channels } => {
                x.chunks_exact(input[2]).flat_map(|x| &x[first..first + channels]).copied().collect()
            }
            Layer::Shuffle { groups } => {
                let each = input[2] / groups;
                let place = |x: &[f64], at: usize| x[at % groups * each + at / groups];
                x.chunks_exact(input[2]).flat_map(|x| (0..input[2]).map(|at| place(x, at))).collect()
            }
            Layer::Pad { before, .. } => self.pad(x, input, before),
            Layer::Resize { method, .. } => self.resize(x, input, method),
            Layer::Add | Layer::Concat | Layer::Multiply => unreachable!("a layer that joins"),
        }
    }

    /// Layers with several inputs.
    fn join(&self, inputs: &[&[f64]]) -> Vec<f64> {
        let [h, w, c] = self.node.output;
        let places = self.n * h * w;
        match self.node.layer {
            Layer::Concat => (0..places)
                .flat_map(|place| {
                    inputs.iter().flat_map(move |x| {
                        let count = x.len() / places;
                        x[place * count..(place + 1) * count].iter().copied()
                    })
                })
                .collect(),
            Layer::Multiply => {
                let factor = |at: usize| match inputs[1].len() {
                    length if length == inputs[0].len() => inputs[1][at],
                    _ => inputs[1][at / (h * w * c) * c + at % c],
                };
                inputs[0].iter().enumerate().map(|(at, x)| x * factor(at)).collect()
            }
            _ => (0..places * c).map(|at| inputs.iter().map(|x| x[at]).sum()).collect(),
        }
    }

    fn scale(&self, x: &[f64]) -> Vec<f64> {
        let gamma = self.parameter(Role::Gamma).expect("a scale has a gamma");
        let beta = |channel: usize| self.parameter(Role::Beta).map_or(0.0, |beta| beta[channel]);
        let c = gamma.len();
        x.iter().enumerate().map(|(at, x)| gamma[at % c] * x + beta(at % c)).collect()
    }

    fn layer_norm(&self, x: &[f64], c: usize, epsilon: f64) -> Vec<f64> {
        let of = |role| self.parameter(role).expect("layer norm has two parameters");
        let (gamma, beta) = (of(Role::Gamma), of(Role::Beta));
        let mut y = Vec::with_capacity(x.len());
        for x in x.chunks_exact(c) {
            let mean = x.iter().sum::<f64>() / c as f64;
            let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / c as f64;
            let unit = |channel: usize| (x[channel] - mean) / (variance + epsilon).sqrt();
            y.extend((0..c).map(|channel| gamma[channel] * unit(channel) + beta[channel]));
        }
        y
    }

    fn pad(&self, x: &[f64], [h, w, c]: [usize; 3], before: [usize; 2]) -> Vec<f64> {
        let [oh, ow, _] = self.node.output;
        let mut y = vec![0.0; self.n * oh * ow * c];
        for (at, &x) in x.iter().enumerate() {
            let (image, row, column) = (at / (h * w * c), at / (w * c) % h, at / c % w);
            y[((image * oh + row + before[0]) * ow + column + before[1]) * c + at % c] = x;
        }
        y
    }

    fn resize(&self, x: &[f64], [h, w, c]: [usize; 3], method: Interpolation) -> Vec<f64> {
        let [oh, ow, _] = self.node.output;
        let mut y = vec![0.0; self.n * oh * ow * c];
        for (at, y) in y.iter_mut().enumerate() {
            let (image, row, column) = (at / (oh * ow * c), at / (ow * c) % oh, at / c % ow);
            for (from_row, down) in ends(row, h, oh, method) {
                for (from_column, right) in ends(column, w, ow, method) {
                    *y += down * right * x[((image * h + from_row) * w + from_column) * c + at % c];
                }
            }
        }
        y
    }

    fn conv(&self, x: &[f64], [h, w, c]: [usize; 3], conv: &Convolution) -> Vec<f64> {
        let Convolution { kernel, stride, padding, groups, dilation, .. } = *conv;
        let weights = self.parameter(Role::Kernel).expect("kernel");
        let bias = self.parameter(Role::Bias);
        let [oh, ow, filters] = self.node.output;
        let (before, _) = window_padding([h, w], conv.span(), stride, padding);
        let mut y = Vec::with_capacity(self.n * oh * ow * filters);
        for image in x.chunks_exact(h * w * c) {
            for row in 0..oh {
                for column in 0..ow {
                    for filter in 0..filters {
                        let mut sum = bias.map_or(0.0, |bias| bias[filter]);
                        for kh in 0..kernel[0] {
                            for kw in 0..kernel[1] {
                                let y = row * stride[0] + kh * dilation[0];
                                let x = column * stride[1] + kw * dilation[1];
                                let inside = (before[0]..before[0] + h).contains(&y)
                                    && (before[1]..before[1] + w).contains(&x);
                                if inside {
                                    let first = filter / (filters / groups) * (c / groups);
                                    let pixel = ((y - before[0]) * w + x - before[1]) * c + first;
                                    let tap = (kh * kernel[1] + kw) * (c / groups);
                                    for channel in 0..c / groups {
                                        let weight = weights[(tap + channel) * filters + filter];
                                        sum += image[pixel + channel] * weight;
                                    }
                                }
                            }
                        }
                        y.push(sum);
                    }
                }
            }
        }
        y
    }

    fn pool(
        &self,
        x: &[f64],
        [h, w, c]: [usize; 3],
        (size, stride, padding): ([usize; 2], [usize; 2], Padding),
        max: bool,
    ) -> Vec<f64> {
        let [oh, ow, _] = self.node.output;
        let (before, _) = window_padding([h, w], size, stride, padding);
        let mut y = Vec::with_capacity(self.n * oh * ow * c);
        for image in x.chunks_exact(h * w * c) {
            for row in 0..oh {
                for column in 0..ow {
                    for channel in 0..c {
                        let mut window = Vec::new();
                        for r in 0..size[0] {
                            for s in 0..size[1] {
                                let (y, x) = (row * stride[0] + r, column * stride[1] + s);
                                if (before[0]..before[0] + h).contains(&y)
                                    && (before[1]..before[1] + w).contains(&x)
                                {
                                    window.push(image[((y - before[0]) * w + x - before[1]) * c + channel]);
                                }
                            }
                        }
                        y.push(if max {
                            window.iter().copied().fold(f64::NEG_INFINITY, f64::max)
                        } else {
                            window.iter().sum::<f64>() / window.len() as f64
                        });
                    }
                }
            }
        }
        y
    }

    fn batch_norm(&self, x: &[f64], c: usize, epsilon: f64) -> Vec<f64> {
        let of = |role| self.parameter(role).expect("batch norm has four parameters");
        let mut y = x.to_vec();
        for channel in 0..c {
            let values = || x.iter().skip(channel).step_by(c);
            let (mean, variance) = match self.mode {
                Mode::Inference => (of(Role::MovingMean)[channel], of(Role::MovingVariance)[channel]),
                Mode::Training { .. } => {
                    let count = (x.len() / c) as f64;
                    let mean = values().sum::<f64>() / count;
                    (mean, values().map(|x| (x - mean).powi(2)).sum::<f64>() / count)
                }
            };
            for y in y.iter_mut().skip(channel).step_by(c) {
                *y = of(Role::Gamma)[channel] * (*y - mean) / (variance + epsilon).sqrt()
                    + of(Role::Beta)[channel];
            }
        }
        y
    }

    fn drop_path(&self, x: &[f64], rate: f32) -> Vec<f64> {
        let Mode::Training { seed, step } = self.mode else { return x.to_vec() };
        let length = x.len() / self.n;
        let factor = |image: usize| {
            let place = ((self.id as u64) << 32) | image as u64;
            let bits = Stream::new(seed, Purpose::Dropout, step, place).bits() & 0xffff_ffff;
            let dropped = (bits as f64) < (f64::from(rate) * 4_294_967_296.0).floor();
            if dropped { 0.0 } else { 1.0 / f64::from(1.0 - rate) }
        };
        x.iter().enumerate().map(|(at, x)| x * factor(at / length)).collect()
    }

    fn dropout(&self, x: &[f64], rate: f32) -> Vec<f64> {
        let Mode::Training { seed, step } = self.mode else { return x.to_vec() };
        let length = x.len() / self.n;
        let mut y = x.to_vec();
        for (image, y) in y.chunks_exact_mut(length).enumerate() {
            let place = ((self.id as u64) << 32) | image as u64;
            let mut stream = Stream::new(seed, Purpose::Dropout, step, place);
            for pair in y.chunks_mut(2) {
                let bits = stream.bits();
                for (y, bits) in pair.iter_mut().zip([bits & 0xffff_ffff, bits >> 32]) {
                    let dropped = (bits as f64) < (f64::from(rate) * 4_294_967_296.0).floor();
                    *y = if dropped { 0.0 } else { *y / f64::from(1.0 - rate) };
                }
            }
        }
        y
    }
}

fn activation(activation: Activation, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    match activation {
        Activation::Identity => x,
        Activation::Relu => x.max(0.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::LeakyRelu(slope) => {
            if x > 0.0 {
                x
            } else {
                f64::from(slope) * x
            }
        }
        Activation::Elu => {
            if x > 0.0 {
                x
            } else {
                x.exp_m1()
            }
        }
        Activation::Gelu => {
            x * statrs::distribution::ContinuousCDF::cdf(&statrs::distribution::Normal::standard(), x)
        }
        Activation::Silu => x * sigmoid(x),
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Activation::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Activation::HardSigmoid => (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Activation::Clip(low, high) => x.clamp(f64::from(low), f64::from(high)),
    }
}
