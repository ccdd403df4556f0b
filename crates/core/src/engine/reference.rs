//! The same graph in plain loops and `f64`: slow, and obviously right. The oracle of every other way to run a graph.

use crate::graph::{Activation, Graph, Layer, Node, NodeId, Padding, Role, Source, window_padding};
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
        let mut y = place.layer(read(node.inputs[0]));
        for &source in node.inputs.iter().skip(1) {
            for (y, x) in y.iter_mut().zip(read(source)) {
                *y += x;
            }
        }
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
                let conv = self.node.layer.convolution(input[2]).expect("a convolution");
                self.conv(x, input, (conv.kernel, conv.stride, conv.padding), conv.groups)
            }
            Layer::Dense { .. } => {
                let flat = [1, 1, input.iter().product()];
                self.conv(x, flat, ([1, 1], [1, 1], Padding::Valid), 1)
            }
            Layer::MaxPool { size, stride, padding } => self.pool(x, input, (size, stride, padding), true),
            Layer::AvgPool { size, stride, padding } => self.pool(x, input, (size, stride, padding), false),
            Layer::GlobalMaxPool => self.pool(x, input, ([input[0], input[1]], [1, 1], Padding::Valid), true),
            Layer::GlobalAvgPool => {
                self.pool(x, input, ([input[0], input[1]], [1, 1], Padding::Valid), false)
            }
            Layer::BatchNorm { epsilon, .. } => self.batch_norm(x, input[2], f64::from(epsilon)),
            Layer::Dropout { rate } => self.dropout(x, rate),
            Layer::Activation | Layer::Flatten | Layer::Add => x.to_vec(),
        }
    }

    fn conv(
        &self,
        x: &[f64],
        [h, w, c]: [usize; 3],
        (kernel, stride, padding): ([usize; 2], [usize; 2], Padding),
        groups: usize,
    ) -> Vec<f64> {
        let weights = self.parameter(Role::Kernel).expect("kernel");
        let bias = self.parameter(Role::Bias);
        let [oh, ow, filters] = self.node.output;
        let (before, _) = window_padding([h, w], kernel, stride, padding);
        let mut y = Vec::with_capacity(self.n * oh * ow * filters);
        for image in x.chunks_exact(h * w * c) {
            for row in 0..oh {
                for column in 0..ow {
                    for filter in 0..filters {
                        let mut sum = bias.map_or(0.0, |bias| bias[filter]);
                        for kh in 0..kernel[0] {
                            for kw in 0..kernel[1] {
                                let (y, x) = (row * stride[0] + kh, column * stride[1] + kw);
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
    }
}
