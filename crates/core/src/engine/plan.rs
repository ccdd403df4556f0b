//! Compiles a graph for a batch size: which ops, which of them fused, which outputs needed, where each array lives.
//!
//! *Idea*: [`super::lower`] says which nodes become an op and what of its output is needed; here each draft gets its op, and
//! each slot an array for the images of a shard. A shard's images go through the ops a block at a time, as many as fit
//! with all their values in half of a second-level cache, so that an op finds in it what the one before has written.

use std::sync::Arc;

use seamripper_kernels::conv_pool::Shape;
use seamripper_kernels::elementwise::Function;
use seamripper_kernels::pool::Windows;
use seamripper_kernels::{Aligned, Instructions};

use super::SHARD;
use super::arrays::Places;
use super::buffers::{Arrays, Shard, Slot};
use super::lower::{Draft, Drafts, Lowered, conv_window, gradients, is_conv2d, lower, needed, pool_side};
use super::ops::{
    Activate, Add, BatchNorm, Border, Channels, Concat, Conv, ConvOptions, ConvPool, ConvPoolOptions,
    ConvWeights, Depthwise, Dropout, Folded, Geometry, Grouped, Input, LayerNorm, Multiply, NormParameters,
    Op, Pad, Pool, PoolKind, Resize, Scale, Step, Winograd,
};
use crate::graph::{Graph, Layer, Node, NodeId, Padding, Parameter, Role, window_padding};

/// Bytes of values and gradients that a block of images may have.
const BLOCK_BYTES: usize = 512 << 10;

/// What a compiled graph shall be able to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Dropout drops and batch normalization uses the batch's statistics.
    pub training: bool,
    /// Gradients of the weights.
    pub weight_gradients: bool,
    /// Gradient of the image.
    pub input_gradient: bool,
    /// The whole output of every node, and with gradients also theirs: nothing is fused or left out.
    pub taps: bool,
    /// The whole output of one node and its gradient, and no gradient before it: what comes before and after is fused as at
    /// inference. Not together with gradients, training or `taps`.
    pub tap: Option<NodeId>,
    /// Factors of the forward pass's products are rounded to `bf16`, 8 bits; sums stay `f32`. Twice as fast where the CPU has
    /// instructions for it ([`Instructions::has_bf16`]), slower elsewhere. Not for training.
    pub bf16: bool,
    /// What a ReLU does to the gradient that comes back to it. Another rule than the gradient's keeps every ReLU an operation
    /// of its own.
    pub relu: ReluRule,
    /// So many nodes, the first ones, run as at inference whatever is asked of the others: batch normalization by its running
    /// averages and folded where it can be, no dropout, and no gradient of their weights.
    pub frozen: usize,
}

/// What a ReLU `y = max(x, 0)` hands back for `dy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReluRule {
    /// The gradient: `dy` where `x > 0`, else 0.
    #[default]
    Gradient,
    /// Guided backpropagation: `max(dy, 0)` where `x > 0`, else 0 (Springenberg et al. 2014, "Striving for Simplicity").
    Guided,
    /// Deconvolution: `max(dy, 0)` everywhere (Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional Networks").
    Deconvolution,
}

impl Wants {
    /// For the forward pass alone.
    pub const INFERENCE: Self = Self {
        training: false,
        weight_gradients: false,
        input_gradient: false,
        taps: false,
        tap: None,
        bf16: false,
        relu: ReluRule::Gradient,
        frozen: 0,
    };
    /// For fitting weights.
    pub const TRAINING: Self = Self { training: true, weight_gradients: true, ..Self::INFERENCE };

    /// Whether the output of `node` is kept.
    pub(super) fn keeps(&self, node: NodeId) -> bool {
        self.taps || self.tap == Some(node)
    }

    /// Whether convolution `node` is computed with a quarter of the multiplications and larger errors: only in training.
    pub(super) fn fast(&self, graph: &Graph, node: NodeId) -> bool {
        self.trains(node) && self.weight_gradients && !self.taps && Winograd::serves(graph, node)
    }

    /// Whether `node` runs as in training.
    pub(super) fn trains(&self, node: NodeId) -> bool {
        self.training && node >= self.frozen
    }
}

/// A compiled graph.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) ops: Vec<Box<dyn Op>>,
    /// `[h, w, c]` of each slot; slot 0 is the image.
    pub(super) slots: Vec<[usize; 3]>,
    /// Whether each slot has a gradient.
    pub(super) gradients: Vec<bool>,
    /// The slot that holds each node's output; `None` if it was fused away.
    pub(super) outputs: Vec<Option<Slot>>,
    /// Whether each op has a backward pass.
    pub(super) backward: Vec<bool>,
    pub(super) wants: Wants,
    /// Images that go through a stretch of ops at a time, unless an op is better with more.
    pub(super) block: usize,
    /// Most images that go through any stretch at a time.
    pub(super) most: usize,
    /// Where values and gradients lie.
    pub(super) arrays: [Arc<Arrays>; 2],
}

impl Plan {
    pub(super) fn new(graph: &Graph, isa: Instructions, images: usize, wants: Wants) -> Self {
        let alone = !(wants.training || wants.weight_gradients || wants.input_gradient || wants.taps);
        assert!(wants.tap.is_none() || alone, "a tap, and other wants");
        let Drafts { drafts, slots, outputs } = lower(graph, wants);
        let tap = wants.tap.and_then(|node| outputs[node]);
        let needed = needed(graph, &drafts, &slots, wants, tap);
        let gradients = gradients(graph, &drafts, slots.len(), wants, tap);
        let bytes: usize = (slots.iter().zip(&gradients))
            .map(|(slot, &gradient)| 4 * slot.iter().product::<usize>() * if gradient { 2 } else { 1 })
            .sum();
        let block = (BLOCK_BYTES / bytes.max(1)).clamp(1, images.min(SHARD));
        let (drafts, slots) = (&drafts[..], &slots[..]);
        let together = |draft: &Draft| match draft.what {
            Lowered::Conv { conv, .. } if wants.fast(graph, conv) => {
                Winograd::images(graph.nodes[conv].output)
            }
            _ => 1,
        };
        let most = drafts.iter().map(together).fold(block, usize::max).min(images.min(SHARD));
        let places = Places { graph, wants, drafts, slots, gradients: &gradients, needed: &needed };
        let mut begun = vec![false; slots.len()];
        let mut ops: Vec<Box<dyn Op>> = Vec::with_capacity(drafts.len());
        for (op, draft) in drafts.iter().enumerate() {
            let inputs: Vec<Input> = draft
                .inputs
                .iter()
                .map(|&slot| Input {
                    slot,
                    length: slots[slot].iter().product(),
                    gradient: gradients[slot] && gradients[draft.output],
                    accumulate: false,
                    handed_on: places.hands_on(op),
                })
                .collect();
            let alone = images == 1 && !wants.training;
            let gradient = gradients[draft.output];
            let place =
                Place { graph, isa, images: most, alone, wants, slots, needed: &needed, gradient, op };
            ops.push(place.build(draft, inputs));
        }
        // The last reader of a slot is the first to write its gradient; the others add.
        for op in ops.iter_mut().rev() {
            for input in op.inputs_mut().iter_mut().filter(|input| input.gradient) {
                input.accumulate = begun[input.slot];
                begun[input.slot] = true;
            }
        }
        let arrays = places.arrays().map(Arc::new);
        // The op that writes the tap has no backward pass: it would change the gradient that is asked for.
        let backward =
            drafts.iter().map(|draft| gradients[draft.output] && Some(draft.output) != tap).collect();
        Self { ops, slots: slots.to_vec(), gradients, outputs, backward, wants, block, most, arrays }
    }

    /// Whether nothing is asked of a forward pass but logits: then a shard has memory for one block of images, and images go
    /// through it one block after the other.
    pub(super) fn passes_through(&self) -> bool {
        let Wants { training, weight_gradients, input_gradient, taps, tap, .. } = self.wants;
        !(training || weight_gradients || input_gradient || taps || tap.is_some())
    }

    /// Fresh memory for a shard whose first image is `first` in the batch and that holds up to `images`.
    pub(super) fn shard(&self, step: &Step, first: usize, images: usize) -> Shard {
        let weights =
            |(index, op): (usize, &dyn Op)| match self.wants.weight_gradients && self.backward[index] {
                true => op.gradient_len(),
                false => 0,
            };
        let memory = self.ops.iter().map(|op| op.memory(step, images)).collect();
        let ops = self.ops.iter().enumerate();
        let weights = ops.map(|(index, op)| Aligned::zeros(weights((index, &**op)))).collect();
        Shard::new(&self.arrays, (first, images, self.most), memory, weights)
    }
}

/// Everything an op is made from.
struct Place<'a> {
    graph: &'a Graph,
    isa: Instructions,
    images: usize,
    /// Whether the batch is one image.
    alone: bool,
    wants: Wants,
    slots: &'a [[usize; 3]],
    needed: &'a [[usize; 2]],
    /// Whether the op has a backward pass.
    gradient: bool,
    op: usize,
}

impl Place<'_> {
    fn build(&self, draft: &Draft, inputs: Vec<Input>) -> Box<dyn Op> {
        let (op, output) = (self.op, draft.output);
        let input = inputs[0];
        match draft.what {
            Lowered::Activation(function) => {
                let rule = if function == Function::Relu { self.wants.relu } else { ReluRule::Gradient };
                Box::new(Activate { input: [input], output, function, rule })
            }
            Lowered::Conv { conv, pool: Some(pool), .. } => {
                self.conv_pool(&draft.what, conv, pool_side(self.graph, pool)[0], input, output)
            }
            Lowered::Conv { conv, .. } => self.conv(&draft.what, conv, input, output),
            Lowered::Layer { node: id, relu } => {
                let node = &self.graph.nodes[id];
                match node.layer {
                    Layer::MaxPool { size, stride, padding } => {
                        self.pool(node, PoolKind::Max, (size, stride, padding), input, output)
                    }
                    Layer::AvgPool { size, stride, padding } => {
                        self.pool(node, PoolKind::Average, (size, stride, padding), input, output)
                    }
                    Layer::GlobalMaxPool => self.global(node, PoolKind::Max, input, output),
                    Layer::GlobalAvgPool => self.global(node, PoolKind::Average, input, output),
                    Layer::BatchNorm { epsilon, momentum } => {
                        let options = (self.wants.trains(id), relu);
                        let parameters = self.norm_parameters(node);
                        let place = (op, input, output);
                        Box::new(BatchNorm::new(place, (epsilon, momentum), options, parameters))
                    }
                    Layer::Dropout { rate } | Layer::DropPath { rate } => {
                        let whole = matches!(node.layer, Layer::DropPath { .. });
                        Box::new(Dropout { op, node: id, input: [input], output, rate, whole })
                    }
                    Layer::Add => Box::new(Add { inputs, output, relu }),
                    Layer::Concat => {
                        let [h, w, _] = node.output;
                        Box::new(Concat::new(inputs, output, h * w))
                    }
                    Layer::Multiply => {
                        Box::new(Multiply::new([inputs[0], inputs[1]], output, node.output[2]))
                    }
                    Layer::Scale { .. } => {
                        let (gamma, beta) = (self.gamma(node), self.parameter(node, Role::Beta));
                        Box::new(Scale::new((op, input, output), gamma, beta))
                    }
                    Layer::LayerNorm { epsilon } => {
                        let beta =
                            self.parameter(node, Role::Beta).expect("a layer normalization has a beta");
                        Box::new(LayerNorm::new((op, input, output), epsilon, (self.gamma(node), beta)))
                    }
                    Layer::Slice { first, channels } => {
                        let from = (first..first + channels).collect();
                        Box::new(Channels::new(input, output, from, self.graph.shape(node.inputs[0])[2]))
                    }
                    Layer::Shuffle { groups } => {
                        let c = node.output[2];
                        let from =
                            (0..c).map(|place| place % groups * (c / groups) + place / groups).collect();
                        Box::new(Channels::new(input, output, from, c))
                    }
                    Layer::Pad { before, .. } => {
                        let [h, w, _] = node.output;
                        let border =
                            Border { input: self.graph.shape(node.inputs[0]), bordered: [h, w], before };
                        Box::new(Pad { input: [input], output, border })
                    }
                    Layer::Resize { size, method } => {
                        let shape = self.graph.shape(node.inputs[0]);
                        Box::new(Resize::new(input, output, shape, size, method))
                    }
                    Layer::Conv2d { .. }
                    | Layer::Depthwise { .. }
                    | Layer::Dense { .. }
                    | Layer::Activation
                    | Layer::Flatten => {
                        unreachable!("{} is not lowered to a layer of its own", node.name)
                    }
                }
            }
        }
    }

    fn parameter(&self, node: &Node, role: Role) -> Option<Parameter> {
        node.parameters.iter().map(|&index| &self.graph.parameters[index]).find(|p| p.role == role).cloned()
    }

    fn gamma(&self, node: &Node) -> Parameter {
        self.parameter(node, Role::Gamma).expect("a layer that scales has a gamma")
    }

    fn norm_parameters(&self, node: &Node) -> NormParameters {
        let parameter = |role: Role| self.parameter(node, role).expect("a batch normalization has all four");
        NormParameters {
            gamma: parameter(Role::Gamma),
            beta: parameter(Role::Beta),
            moving_mean: parameter(Role::MovingMean),
            moving_variance: parameter(Role::MovingVariance),
        }
    }

    /// Kernel and bias of `node`, with the batch normalization that it takes over.
    fn conv_weights(&self, what: &Lowered, node: &Node) -> ConvWeights {
        let folded = match *what {
            Lowered::Conv { norm: Some(norm), .. } => Some(&self.graph.nodes[norm]),
            _ => None,
        };
        let folded = folded.and_then(|node| match node.layer {
            Layer::BatchNorm { epsilon, .. } => {
                Some(Folded { epsilon, parameters: self.norm_parameters(node) })
            }
            _ => None,
        });
        let kernel = self.parameter(node, Role::Kernel).expect("a convolution has a kernel");
        ConvWeights::new(self.isa, (kernel, self.parameter(node, Role::Bias)), folded, self.wants.bf16)
    }

    /// The border that lets every window of `[oh, ow]` outputs lie inside.
    fn border(
        input: [usize; 3],
        kernel: [usize; 2],
        stride: [usize; 2],
        before: [usize; 2],
        out: [usize; 2],
    ) -> Border {
        let length =
            |axis: usize| ((out[axis] - 1) * stride[axis] + kernel[axis]).max(before[axis] + input[axis]);
        Border { input, bordered: [length(0), length(1)], before }
    }

    fn conv_pool(&self, what: &Lowered, id: NodeId, pool: usize, input: Input, output: Slot) -> Box<dyn Op> {
        let node = &self.graph.nodes[id];
        let (kernel, before, stride) = conv_window(self.graph, id);
        let shape = self.graph.shape(node.inputs[0]);
        let border = Self::border(shape, kernel, stride, before, [node.output[0], node.output[1]]);
        let [out_height, out_width, _] = self.slots[output];
        let shape = Shape {
            input: [border.bordered[0], border.bordered[1], shape[2]],
            kernel,
            pool,
            filters: node.output[2],
            out_size: self.needed[output],
            out_width,
            out_height,
        };
        let options = ConvPoolOptions {
            isa: self.isa,
            weights: self.conv_weights(what, node),
            relu: matches!(what, Lowered::Conv { relu: true, .. }),
            gradients: self.gradient,
            images: self.images,
        };
        Box::new(ConvPool::new((self.op, input, output), shape, border, options))
    }

    fn conv(&self, what: &Lowered, id: NodeId, input: Input, output: Slot) -> Box<dyn Op> {
        let node = &self.graph.nodes[id];
        let mut shape = self.graph.shape(node.inputs[0]);
        let [oh, ow, filters] = node.output;
        let (geometry, before, span) = if let Some(conv) = self.graph.convolution(id) {
            let (span, before, stride) = conv_window(self.graph, id);
            let (kernel, dilation, needed) = (conv.kernel, conv.dilation, self.needed[output]);
            (Geometry { kernel, stride, dilation, output: [oh, ow], needed, filters }, before, span)
        } else {
            // A dense layer reads a flat image, whatever shape its array has.
            shape = [1, 1, shape.iter().product()];
            let ones = [1, 1];
            let (kernel, stride, dilation, output, needed) = (ones, ones, ones, ones, ones);
            (Geometry { kernel, stride, dilation, output, needed, filters }, [0, 0], ones)
        };
        let border = Self::border(shape, span, geometry.stride, before, geometry.output);
        let options = ConvOptions {
            isa: self.isa,
            weights: self.conv_weights(what, node),
            relu: matches!(what, Lowered::Conv { relu: true, .. }),
            needed_input: if is_conv2d(self.graph, id) { self.needed[input.slot] } else { [1, 1] },
            images: self.images,
            alone: self.alone,
        };
        let place = (self.op, input, output);
        if self.wants.fast(self.graph, id) {
            return Box::new(Winograd::new(place, geometry, border, options));
        }
        match self.graph.convolution(id).filter(|conv| conv.groups > 1 || conv.dilation != [1, 1]) {
            None => Box::new(Conv::new(place, geometry, border, options)),
            Some(conv) if conv.is_depthwise(shape[2]) && conv.dilation == [1, 1] => {
                Box::new(Depthwise::new(place, geometry, (shape, before), options))
            }
            Some(conv) => Box::new(Grouped::new(place, geometry, (border, conv.groups), options)),
        }
    }

    fn pool(
        &self,
        node: &Node,
        kind: PoolKind,
        (size, stride, padding): ([usize; 2], [usize; 2], Padding),
        input: Input,
        output: Slot,
    ) -> Box<dyn Op> {
        let shape = self.graph.shape(node.inputs[0]);
        let (before, _) = window_padding([shape[0], shape[1]], size, stride, padding);
        let windows =
            Windows { input: shape, size, stride, before, output: [node.output[0], node.output[1]] };
        Box::new(Pool { op: self.op, input: [input], output, kind, windows })
    }

    fn global(&self, node: &Node, kind: PoolKind, input: Input, output: Slot) -> Box<dyn Op> {
        let [h, w, _] = self.graph.shape(node.inputs[0]);
        self.pool(node, kind, ([h, w], [h, w], Padding::Valid), input, output)
    }
}
