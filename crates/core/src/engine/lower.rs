//! From nodes to drafts of ops: which nodes become one, which outputs are needed, which gradients exist.
//!
//! *Idea*: nodes are taken in order. A node's value lives in a slot; flatten and, at inference, dropout are the same slot under
//! another shape. With taps every node keeps its own; else a convolution or dense layer takes what follows it, if nobody
//! else reads what is between:
//! ```text
//! conv [batch_norm, at inference or frozen] [relu] [max_pool 2x2 or 3x3, whole windows side by side, after one group]
//! batch_norm, add: [relu]
//! ```
//! Then the needed part of every slot is found backwards ([`needed`]): a valid pool of 7 x 7 by 2 reads 6 x 6, so the
//! convolution before it computes no more, and so on.

use seamripper_kernels::elementwise::Function;

use super::buffers::Slot;
use super::ops::function;
use super::plan::{ReluRule, Wants};
use crate::graph::{Activation, Convolution, Graph, Layer, NodeId, Padding, Source, window_padding};

/// What nodes are lowered to, before arrays and needs are known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lowered {
    /// A convolution or dense layer, and what follows it.
    Conv { conv: NodeId, norm: Option<NodeId>, relu: bool, pool: Option<NodeId> },
    /// Any other layer; a ReLU that follows.
    Layer { node: NodeId, relu: bool },
    /// An activation of its own.
    Activation(Function),
}

/// One lowered op and the slots it reads and writes.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) what: Lowered,
    pub(super) inputs: Vec<Slot>,
    pub(super) output: Slot,
}

/// A graph in slots, not yet in ops.
pub(super) struct Drafts {
    pub(super) drafts: Vec<Draft>,
    /// `[h, w, c]` of each slot; slot 0 is the image.
    pub(super) slots: Vec<[usize; 3]>,
    /// The slot that holds each node's output; `None` if another node took it.
    pub(super) outputs: Vec<Option<Slot>>,
}

/// What a node takes with it.
struct Chain {
    norm: Option<NodeId>,
    relu: bool,
    pool: Option<NodeId>,
    /// The last node of the chain, whose output it is.
    last: NodeId,
    /// An activation at its end that the op does not compute.
    pending: Activation,
}

pub(super) fn lower(graph: &Graph, wants: Wants) -> Drafts {
    let mut result =
        Drafts { drafts: Vec::new(), slots: vec![graph.input], outputs: vec![None; graph.nodes.len()] };
    let readers = sole_readers(graph);
    let mut taken = vec![false; graph.nodes.len()];
    for (id, node) in graph.nodes.iter().enumerate() {
        if taken[id] {
            continue;
        }
        let inputs: Vec<Slot> = node.inputs.iter().map(|&source| result.slot(source)).collect();
        let chain = chain(graph, &readers, id, wants);
        let slot = match node.layer {
            Layer::Flatten | Layer::Activation => inputs[0],
            Layer::Dropout { rate } | Layer::DropPath { rate } if !wants.trains(id) || rate == 0.0 => {
                inputs[0]
            }
            Layer::Conv2d { .. } | Layer::Depthwise { .. } | Layer::Dense { .. } => {
                let Chain { norm, relu, pool, last, .. } = chain;
                let what = Lowered::Conv { conv: id, norm, relu, pool };
                result.push(what, inputs, graph.nodes[last].output)
            }
            _ => {
                let what = Lowered::Layer { node: id, relu: chain.relu };
                result.push(what, inputs, graph.nodes[chain.last].output)
            }
        };
        let slot = match chain.pending {
            Activation::Identity => slot,
            activation => {
                let what = Lowered::Activation(function(activation));
                result.push(what, vec![slot], graph.nodes[chain.last].output)
            }
        };
        let mut at = id;
        while at != chain.last {
            at = readers[at].expect("a chain is made of sole readers");
            taken[at] = true;
        }
        result.outputs[chain.last] = Some(slot);
    }
    result
}

/// The only node that reads each node's output; `None` where there are none or several.
fn sole_readers(graph: &Graph) -> Vec<Option<NodeId>> {
    let mut readers: Vec<Vec<NodeId>> = vec![Vec::new(); graph.nodes.len()];
    for (id, node) in graph.nodes.iter().enumerate() {
        for source in &node.inputs {
            if let Source::Node(from) = *source {
                readers[from].push(id);
            }
        }
    }
    readers.into_iter().map(|readers| <[NodeId; 1]>::try_from(readers).ok().map(|[reader]| reader)).collect()
}

/// What follows node `id` and can be one op with it.
fn chain(graph: &Graph, readers: &[Option<NodeId>], id: NodeId, wants: Wants) -> Chain {
    let nodes = &graph.nodes;
    let mut chain = Chain { norm: None, relu: false, pool: None, last: id, pending: nodes[id].activation };
    let conv = is_conv2d(graph, id) || matches!(nodes[id].layer, Layer::Dense { .. });
    let sums = matches!(nodes[id].layer, Layer::BatchNorm { .. })
        || (matches!(nodes[id].layer, Layer::Add) && nodes[id].inputs.len() == 2);
    if wants.taps || wants.relu != ReluRule::Gradient || !(conv || sums) {
        return chain;
    }
    let inference = |norm: NodeId| norm < wants.frozen || !wants.training && !wants.weight_gradients;
    loop {
        if chain.pending == Activation::Relu {
            (chain.relu, chain.pending) = (true, Activation::Identity);
        }
        let Some(next) = readers[chain.last]
            .filter(|_| chain.pending == Activation::Identity && wants.tap != Some(chain.last))
        else {
            return chain;
        };
        match nodes[next].layer {
            Layer::BatchNorm { .. } if conv && inference(next) && !chain.relu && chain.norm.is_none() => {
                chain.norm = Some(next);
            }
            Layer::Activation if !chain.relu => {}
            _ => break,
        }
        (chain.last, chain.pending) = (next, nodes[next].activation);
    }
    if let Some(pool) = readers[chain.last]
        .filter(|&pool| conv && !wants.fast(graph, id) && fits_pool(graph, id, chain.last, pool))
    {
        (chain.pool, chain.last) = (Some(pool), pool);
    }
    chain
}

/// Whether `pool`, which reads `before`, can be one op with convolution `conv`: stride 1, one group, windows of 2 x 2 or
/// 3 x 3 side by side, all inside the image, and no activation after the pool.
fn fits_pool(graph: &Graph, conv: NodeId, before: NodeId, pool: NodeId) -> bool {
    let Some(Convolution { stride: [1, 1], groups: 1, dilation: [1, 1], .. }) = graph.convolution(conv)
    else {
        return false;
    };
    let Layer::MaxPool { size, stride, padding } = graph.nodes[pool].layer else { return false };
    let [h, w, _] = graph.nodes[before].output;
    let inside = match padding {
        Padding::Valid => true,
        Padding::Same => h.is_multiple_of(size[0]) && w.is_multiple_of(size[1]),
        Padding::Explicit { before, after } => before == [0, 0] && after == [0, 0],
    };
    size == stride
        && (size == [2, 2] || size == [3, 3])
        && inside
        && graph.nodes[pool].activation == Activation::Identity
}

impl Drafts {
    fn slot(&self, source: Source) -> Slot {
        match source {
            Source::Input => 0,
            Source::Node(id) => self.outputs[id].expect("only its chain reads a node without a slot"),
        }
    }

    fn push(&mut self, what: Lowered, inputs: Vec<Slot>, shape: [usize; 3]) -> Slot {
        let output = self.slots.len();
        self.slots.push(shape);
        self.drafts.push(Draft { what, inputs, output });
        output
    }
}

/// Whether node `id` is a convolution, not a dense layer.
pub(super) fn is_conv2d(graph: &Graph, id: NodeId) -> bool {
    graph.convolution(id).is_some()
}

/// `[h, w]` of a pool's windows.
pub(super) fn pool_side(graph: &Graph, pool: NodeId) -> [usize; 2] {
    match graph.nodes[pool].layer {
        Layer::MaxPool { size, .. } => size,
        _ => unreachable!("only a max-pool is taken by a convolution"),
    }
}

/// `[h, w]` of the part of each slot that somebody reads. Only a convolution or a fused pool computes a part.
pub(super) fn needed(
    graph: &Graph,
    drafts: &[Draft],
    slots: &[[usize; 3]],
    wants: Wants,
    tap: Option<Slot>,
) -> Vec<[usize; 2]> {
    let whole = |slot: Slot| [slots[slot][0], slots[slot][1]];
    if wants.taps {
        return (0..slots.len()).map(whole).collect();
    }
    let mut needed = vec![[0, 0]; slots.len()];
    if let Some(last) = drafts.last() {
        needed[last.output] = whole(last.output);
    }
    if let Some(slot) = tap {
        needed[slot] = whole(slot);
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
                Lowered::Conv { conv, pool, .. } if is_conv2d(graph, conv) => {
                    let (kernel, before, stride) = conv_window(graph, conv);
                    let pool = pool.map_or([1, 1], |pool| pool_side(graph, pool));
                    [0, 1].map(|axis| {
                        let out = out[axis] * pool[axis];
                        (out.saturating_sub(1) * stride[axis] + kernel[axis]).saturating_sub(before[axis])
                    })
                }
                Lowered::Layer { node, .. } => match graph.nodes[node].layer {
                    Layer::MaxPool { size, stride, padding } | Layer::AvgPool { size, stride, padding } => {
                        let (before, _) = window_padding([h, w], size, stride, padding);
                        [0, 1].map(|axis| reach(axis, size[axis], stride[axis], before[axis]))
                    }
                    _ => [h, w],
                },
                Lowered::Activation(_) if slots[input] == slots[draft.output] => out,
                Lowered::Conv { .. } | Lowered::Activation(_) => [h, w],
            };
            needed[input] = [needed[input][0].max(part[0].min(h)), needed[input][1].max(part[1].min(w))];
        }
    }
    needed
}

/// What the windows of convolution `id` span, rows and columns before the image, and stride.
pub(super) fn conv_window(graph: &Graph, id: NodeId) -> ([usize; 2], [usize; 2], [usize; 2]) {
    let node = &graph.nodes[id];
    let Some(conv) = graph.convolution(id) else { panic!("{} is no convolution", node.name) };
    let (span, Convolution { stride, padding, .. }) = (conv.span(), conv);
    let [h, w, _] = graph.shape(node.inputs[0]);
    (span, window_padding([h, w], span, stride, padding).0, stride)
}

/// Which slots have a gradient: those from which a wanted one is reached backwards; `tap` is the slot of [`Wants::tap`].
pub(super) fn gradients(
    graph: &Graph,
    drafts: &[Draft],
    slots: usize,
    wants: Wants,
    tap: Option<Slot>,
) -> Vec<bool> {
    let mut wanted = vec![false; slots];
    wanted[0] = wants.input_gradient || tap == Some(0);
    for draft in drafts {
        let parameters = match draft.what {
            Lowered::Conv { conv, .. } => conv >= wants.frozen,
            Lowered::Layer { node, .. } => node >= wants.frozen && !graph.nodes[node].parameters.is_empty(),
            Lowered::Activation(_) => false,
        };
        wanted[draft.output] = draft.inputs.iter().any(|&slot| wanted[slot])
            || (parameters && wants.weight_gradients)
            || tap == Some(draft.output);
    }
    wanted
}
