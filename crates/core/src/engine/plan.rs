//! Compiles a graph for a batch size: which ops, which of them fused, which outputs needed, where each array lives.
//!
//! *Idea*: nodes are lowered in order. A node's value lives in a slot; flatten and, at inference, dropout are the same
//! slot under another shape. Convolution, ReLU and a max-pool that nobody else reads become one op ([`fused_pool`]).
//! Then the needed part of every slot is found backwards ([`needed`]): a valid pool of 7 x 7 by 2 reads 6 x 6, so the
//! convolution before it computes no more, and so on. With taps nothing is fused or left out.

use seamripper_kernels::Instructions;
use seamripper_kernels::conv_pool::Shape;
use seamripper_kernels::elementwise::Function;
use seamripper_kernels::pool::Windows;

use super::SHARD;
use super::buffers::{Shard, Slot, array};
use super::ops::{
    Activate, Add, BatchNorm, Border, Conv, ConvPool, Dropout, Geometry, Input, NormParameters, Op, Pool,
    PoolKind, Step, function,
};
use crate::graph::{
    Activation, Graph, Layer, Node, NodeId, Padding, Parameter, Role, Source, window_padding,
};

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
}

impl Wants {
    /// For the forward pass alone.
    pub const INFERENCE: Self =
        Self { training: false, weight_gradients: false, input_gradient: false, taps: false };
    /// For fitting weights.
    pub const TRAINING: Self =
        Self { training: true, weight_gradients: true, input_gradient: false, taps: false };
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
    pub(super) wants: Wants,
}

/// What a node is lowered to, before arrays and needs are known.
enum Lowered {
    ConvPool { conv: NodeId, pool: usize, relu: bool },
    Layer(NodeId),
    Activation(Function),
}

/// One lowered op and the slots it reads and writes.
struct Draft {
    what: Lowered,
    inputs: Vec<Slot>,
    output: Slot,
}

/// A graph in slots, not yet in ops.
struct Drafts {
    drafts: Vec<Draft>,
    slots: Vec<[usize; 3]>,
    outputs: Vec<Option<Slot>>,
}

impl Plan {
    pub(super) fn new(graph: &Graph, isa: Instructions, images: usize, wants: Wants) -> Self {
        let Drafts { drafts, slots, outputs } = lower(graph, wants);
        let needed = needed(graph, &drafts, &slots, wants);
        let gradients = gradients(graph, &drafts, slots.len(), wants);
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
                })
                .collect();
            let place =
                Place { graph, isa, images: images.min(SHARD), wants, slots: &slots, needed: &needed, op };
            ops.push(place.build(draft, inputs));
        }
        // The last reader of a slot is the first to write its gradient; the others add.
        for op in ops.iter_mut().rev() {
            for input in op.inputs_mut().iter_mut().filter(|input| input.gradient) {
                input.accumulate = begun[input.slot];
                begun[input.slot] = true;
            }
        }
        Self { ops, slots, gradients, outputs, wants }
    }

    /// Fresh memory for a shard whose first image is `first` in the batch and that holds up to `images`.
    pub(super) fn shard(&self, step: &Step, first: usize, images: usize) -> Shard {
        let length = |slot: &[usize; 3]| slot.iter().product::<usize>();
        let weights = |op: &dyn Op| if self.wants.weight_gradients { op.gradient_len() } else { 0 };
        Shard {
            first,
            images: 0,
            values: self.slots.iter().map(|slot| array(images, length(slot))).collect(),
            gradients: (self.slots.iter().zip(&self.gradients))
                .map(|(slot, &wanted)| if wanted { array(images, length(slot)) } else { Vec::new() })
                .collect(),
            memory: self.ops.iter().map(|op| op.memory(step, images)).collect(),
            weights: self.ops.iter().map(|op| vec![0.0; weights(&**op)]).collect(),
            loss: 0.0,
        }
    }
}

fn lower(graph: &Graph, wants: Wants) -> Drafts {
    let mut result = Drafts { drafts: Vec::new(), slots: vec![graph.input], outputs: Vec::new() };
    let mut fused_into: Vec<Option<NodeId>> = vec![None; graph.nodes.len()];
    if !wants.taps {
        for id in 0..graph.nodes.len() {
            if let Some(pool) = fused_pool(graph, id) {
                fused_into[pool] = Some(id);
            }
        }
    }
    for (id, node) in graph.nodes.iter().enumerate() {
        if fused_into.contains(&Some(id)) {
            result.outputs.push(None);
            continue;
        }
        let conv = fused_into[id];
        let sources = conv.map_or(&node.inputs, |conv| &graph.nodes[conv].inputs);
        let inputs: Vec<Slot> = sources.iter().map(|&source| result.slot(source)).collect();
        let slot = match (&node.layer, conv) {
            (_, Some(conv)) => {
                let relu = graph.nodes[conv].activation == Activation::Relu;
                let (size, _) = pool_size(&node.layer).expect("a fused node is a pool");
                result.push(Lowered::ConvPool { conv, pool: size[0], relu }, inputs, node.output)
            }
            (Layer::Flatten, _) => result.alias(inputs[0], node.output),
            (Layer::Dropout { rate }, _) if !wants.training || *rate == 0.0 => inputs[0],
            (Layer::Activation, _) => inputs[0],
            _ => result.push(Lowered::Layer(id), inputs, node.output),
        };
        let slot = match node.activation {
            Activation::Identity => slot,
            activation => result.push(Lowered::Activation(function(activation)), vec![slot], node.output),
        };
        result.outputs.push(Some(slot));
    }
    result
}

impl Drafts {
    fn slot(&self, source: Source) -> Slot {
        match source {
            Source::Input => 0,
            Source::Node(id) => self.outputs[id].expect("only a pool reads a fused convolution"),
        }
    }

    fn push(&mut self, what: Lowered, inputs: Vec<Slot>, shape: [usize; 3]) -> Slot {
        let output = self.slots.len();
        self.slots.push(shape);
        self.drafts.push(Draft { what, inputs, output });
        output
    }

    /// The same array under another shape.
    fn alias(&mut self, slot: Slot, shape: [usize; 3]) -> Slot {
        // A shape matters to those who read the slot by rows and columns; a flat reader takes the values in order, and
        // `Place::input_shape` asks the graph, so one array serves both.
        debug_assert_eq!(self.slots[slot].iter().product::<usize>(), shape.iter().product::<usize>());
        slot
    }
}

/// The max-pool that convolution `id` can be fused with: stride 1, ReLU or nothing between them, nobody else reads the
/// convolution, and the pool's windows are 2 x 2 or 3 x 3 side by side, all inside the image.
fn fused_pool(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let node = &graph.nodes[id];
    let Layer::Conv2d { stride: [1, 1], .. } = node.layer else { return None };
    if !matches!(node.activation, Activation::Identity | Activation::Relu) {
        return None;
    }
    let readers: Vec<NodeId> = (0..graph.nodes.len())
        .filter(|&reader| graph.nodes[reader].inputs.contains(&Source::Node(id)))
        .collect();
    let [reader] = readers[..] else { return None };
    let Layer::MaxPool { size, stride, padding } = graph.nodes[reader].layer else { return None };
    let [h, w, _] = node.output;
    let inside = padding == Padding::Valid || (h.is_multiple_of(size[0]) && w.is_multiple_of(size[1]));
    (size == stride && (size == [2, 2] || size == [3, 3]) && inside).then_some(reader)
}

fn pool_size(layer: &Layer) -> Option<([usize; 2], [usize; 2])> {
    match *layer {
        Layer::MaxPool { size, stride, .. } | Layer::AvgPool { size, stride, .. } => Some((size, stride)),
        _ => None,
    }
}

/// `[h, w]` of the part of each slot that somebody reads. Only a convolution or a fused pool computes a part.
fn needed(graph: &Graph, drafts: &[Draft], slots: &[[usize; 3]], wants: Wants) -> Vec<[usize; 2]> {
    let whole = |slot: Slot| [slots[slot][0], slots[slot][1]];
    if wants.taps {
        return (0..slots.len()).map(whole).collect();
    }
    let mut needed = vec![[0, 0]; slots.len()];
    if let Some(last) = drafts.last() {
        needed[last.output] = whole(last.output);
    }
    for draft in drafts.iter().rev() {
        let out = needed[draft.output];
        // Rows of the input that `out` rows of windows reach.
        let reach = |axis: usize, size: usize, stride: usize, before: usize| {
            (out[axis].saturating_sub(1) * stride + size).saturating_sub(before)
        };
        for &input in &draft.inputs {
            let [h, w] = whole(input);
            let part = match draft.what {
                Lowered::ConvPool { conv, pool, .. } => {
                    let (kernel, before, _) = conv_window(graph, conv);
                    let conv_out =
                        |axis: usize| (out[axis] * pool + kernel[axis] - 1).saturating_sub(before[axis]);
                    [conv_out(0), conv_out(1)]
                }
                Lowered::Layer(id) => match graph.nodes[id].layer {
                    Layer::Conv2d { .. } => {
                        let (kernel, before, stride) = conv_window(graph, id);
                        [0, 1].map(|axis| reach(axis, kernel[axis], stride[axis], before[axis]))
                    }
                    Layer::MaxPool { size, stride, padding } | Layer::AvgPool { size, stride, padding } => {
                        let (before, _) = window_padding([h, w], size, stride, padding);
                        [0, 1].map(|axis| reach(axis, size[axis], stride[axis], before[axis]))
                    }
                    _ => [h, w],
                },
                Lowered::Activation(_) if slots[input] == slots[draft.output] => out,
                Lowered::Activation(_) => [h, w],
            };
            needed[input] = [needed[input][0].max(part[0].min(h)), needed[input][1].max(part[1].min(w))];
        }
    }
    needed
}

/// Kernel, rows and columns before the image, and stride of convolution `id`.
fn conv_window(graph: &Graph, id: NodeId) -> ([usize; 2], [usize; 2], [usize; 2]) {
    let node = &graph.nodes[id];
    let Layer::Conv2d { kernel, stride, padding, .. } = node.layer else {
        panic!("{} is no convolution", node.name)
    };
    let [h, w, _] = graph.shape(node.inputs[0]);
    (kernel, window_padding([h, w], kernel, stride, padding).0, stride)
}

/// Which slots have a gradient: those from which a wanted one is reached backwards.
fn gradients(graph: &Graph, drafts: &[Draft], slots: usize, wants: Wants) -> Vec<bool> {
    let mut wanted = vec![false; slots];
    wanted[0] = wants.input_gradient;
    for draft in drafts {
        let parameters = match draft.what {
            Lowered::ConvPool { .. } => true,
            Lowered::Layer(id) => !graph.nodes[id].parameters.is_empty(),
            Lowered::Activation(_) => false,
        };
        wanted[draft.output] =
            draft.inputs.iter().any(|&slot| wanted[slot]) || (parameters && wants.weight_gradients);
    }
    wanted
}

/// Everything an op is made from.
struct Place<'a> {
    graph: &'a Graph,
    isa: Instructions,
    images: usize,
    wants: Wants,
    slots: &'a [[usize; 3]],
    needed: &'a [[usize; 2]],
    op: usize,
}

impl Place<'_> {
    fn build(&self, draft: &Draft, inputs: Vec<Input>) -> Box<dyn Op> {
        let (op, output) = (self.op, draft.output);
        let input = inputs[0];
        match draft.what {
            Lowered::Activation(function) => Box::new(Activate { input: [input], output, function }),
            Lowered::ConvPool { conv, pool, relu } => self.conv_pool(conv, pool, relu, input, output),
            Lowered::Layer(id) => {
                let node = &self.graph.nodes[id];
                match node.layer {
                    Layer::Conv2d { .. } | Layer::Dense { .. } => self.conv(node, input, output),
                    Layer::MaxPool { size, stride, padding } => {
                        self.pool(node, PoolKind::Max, (size, stride, padding), input, output)
                    }
                    Layer::AvgPool { size, stride, padding } => {
                        self.pool(node, PoolKind::Average, (size, stride, padding), input, output)
                    }
                    Layer::GlobalMaxPool => self.global(node, PoolKind::Max, input, output),
                    Layer::GlobalAvgPool => self.global(node, PoolKind::Average, input, output),
                    Layer::BatchNorm { epsilon, momentum } => {
                        let parameters = NormParameters {
                            gamma: self.parameter(node, Role::Gamma).expect("gamma"),
                            beta: self.parameter(node, Role::Beta).expect("beta"),
                            moving_mean: self.parameter(node, Role::MovingMean).expect("moving mean"),
                            moving_variance: self
                                .parameter(node, Role::MovingVariance)
                                .expect("moving variance"),
                        };
                        let training = self.wants.training;
                        Box::new(BatchNorm::new(
                            (op, input, output),
                            (epsilon, momentum),
                            training,
                            parameters,
                        ))
                    }
                    Layer::Dropout { rate } => {
                        Box::new(Dropout { op, node: id, input: [input], output, rate })
                    }
                    Layer::Add => Box::new(Add { inputs, output }),
                    Layer::Activation | Layer::Flatten => unreachable!("{} needs no op", node.name),
                }
            }
        }
    }

    fn parameter(&self, node: &Node, role: Role) -> Option<Parameter> {
        node.parameters.iter().map(|&index| &self.graph.parameters[index]).find(|p| p.role == role).cloned()
    }

    fn kernel_and_bias(&self, node: &Node) -> (Parameter, Option<Parameter>) {
        (self.parameter(node, Role::Kernel).expect("kernel"), self.parameter(node, Role::Bias))
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

    fn conv_pool(&self, id: NodeId, pool: usize, relu: bool, input: Input, output: Slot) -> Box<dyn Op> {
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
        let parameters = self.kernel_and_bias(node);
        Box::new(ConvPool::new(self.isa, (self.op, input, output), shape, border, relu, parameters))
    }

    fn conv(&self, node: &Node, input: Input, output: Slot) -> Box<dyn Op> {
        let shape = self.graph.shape(node.inputs[0]);
        let [oh, ow, filters] = node.output;
        let (geometry, before) = match node.layer {
            Layer::Conv2d { kernel, stride, padding, .. } => {
                let (before, _) = window_padding([shape[0], shape[1]], kernel, stride, padding);
                let needed = self.needed[output];
                (Geometry { kernel, stride, output: [oh, ow], needed, filters }, before)
            }
            _ => {
                let ones = [1, 1];
                (Geometry { kernel: ones, stride: ones, output: ones, needed: ones, filters }, [0, 0])
            }
        };
        let border = Self::border(shape, geometry.kernel, geometry.stride, before, geometry.output);
        // A dense layer reads a flat image, whatever shape its array has.
        let needed_input =
            if matches!(node.layer, Layer::Dense { .. }) { [1, 1] } else { self.needed[input.slot] };
        let parameters = self.kernel_and_bias(node);
        Box::new(Conv::new(
            self.isa,
            (self.op, input, output),
            geometry,
            border,
            needed_input,
            self.images,
            parameters,
        ))
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
