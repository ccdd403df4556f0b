//! What each op of a compiled graph computes and moves, from shapes alone.
//!
//! *Idea*: the drafts of [`super::lower`] and the needed regions say it before any op exists:
//! ```text
//! convolution, forward:    2 x computed positions x taps of a filter x filters   (a multiply-add is 2; bias, ReLU: not counted)
//!     weight gradient:     the same;   input gradient: 2 x (position, tap) pairs of the needed input x filters
//! with a fused pool:       backward one position a window instead of all; dead ones are skipped, so that is an upper limit
//! everything else:         an addition, multiplication, comparison or function of one value is 1
//! ```
//! Bytes are those that must move: each value and gradient an op reads or writes counts once a pass over it, the weights once a
//! block of images. What caches save or borders copy is not in them.

use super::buffers::Slot;
use super::lower::{Draft, Drafts, Lowered, conv_window, gradients, lower, needed, pool_side};
use super::ops::Input;
use super::plan::Wants;
use crate::graph::{Graph, Layer, NodeId};

/// Bytes of a value.
const VALUE: u64 = 4;

/// What one direction of an op computes and moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    /// Floating-point operations an image.
    pub(super) flop: u64,
    /// Bytes of values and gradients an image.
    pub(super) bytes: u64,
    /// Bytes of weights and their gradients a block of images.
    pub(super) block_bytes: u64,
    /// Whether `flop` is an upper limit.
    pub(super) at_most: bool,
}

/// What an op is called and costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// The layers it stands for: `conv1 + relu + max_pool1`, `out: batch_norm + relu`.
    pub(super) name: String,
    /// The kind of op: `conv + max_pool`.
    pub(super) kernel: &'static str,
    /// Forward and backward.
    pub(super) work: [Work; 2],
}

/// The cost of every op, in the order of the plan; `inputs` are those of its ops.
pub(super) fn costs(graph: &Graph, wants: Wants, inputs: &[Vec<Input>]) -> Vec<Cost> {
    let Drafts { drafts, slots, outputs } = lower(graph, wants);
    assert_eq!(drafts.len(), inputs.len(), "ops of the same graph");
    let tap = wants.tap.and_then(|node| outputs[node]);
    let needed = needed(graph, &drafts, &slots, wants, tap);
    let gradients = gradients(graph, &drafts, slots.len(), wants, tap);
    let place = Place { graph, wants, slots: &slots, needed: &needed, outputs: &outputs };
    (drafts.iter().zip(inputs))
        .map(|(draft, inputs)| {
            let [forward, backward] = place.work(draft, inputs);
            let backward = if gradients[draft.output] { backward } else { Work::default() };
            Cost { name: place.name(draft), kernel: place.kernel(draft), work: [forward, backward] }
        })
        .collect()
}

/// Everything a cost follows from.
struct Place<'a> {
    graph: &'a Graph,
    wants: Wants,
    slots: &'a [[usize; 3]],
    needed: &'a [[usize; 2]],
    outputs: &'a [Option<Slot>],
}

impl Place<'_> {
    fn name(&self, draft: &Draft) -> String {
        // A name of one's own does not say what the layer is.
        let name = |id: NodeId| match &self.graph.nodes[id] {
            node if node.name.starts_with(node.kind()) => node.name.clone(),
            node => format!("{}: {}", node.name, node.kind()),
        };
        let relu = |relu: bool| relu.then(|| "relu".to_owned());
        let parts: Vec<String> = match draft.what {
            Lowered::Conv { conv, norm, relu: r, pool } => {
                [Some(name(conv)), norm.map(name), relu(r), pool.map(name)].into_iter().flatten().collect()
            }
            Lowered::Layer { node, relu: r } => [Some(name(node)), relu(r)].into_iter().flatten().collect(),
            Lowered::Activation(_) => {
                let id = self.outputs.iter().position(|&output| output == Some(draft.output));
                let id = id.expect("an activation is the output of a node");
                let node = &self.graph.nodes[id];
                vec![match node.layer {
                    Layer::Activation => name(id),
                    _ => format!("{} of {}", node.activation.name(), node.name),
                }]
            }
        };
        parts.join(" + ")
    }

    fn kernel(&self, draft: &Draft) -> &'static str {
        match draft.what {
            Lowered::Conv { pool: Some(_), .. } => "conv + max_pool",
            Lowered::Conv { conv, .. } => match self.graph.convolution(conv) {
                None => "dense",
                Some(conv) if conv.groups == 1 => "conv",
                Some(convolution) if convolution.is_depthwise(self.channels(conv)) => "depthwise",
                Some(_) => "grouped conv",
            },
            Lowered::Layer { node, .. } => self.graph.nodes[node].kind(),
            Lowered::Activation(_) => "activation",
        }
    }

    /// Channels that a node reads.
    fn channels(&self, id: NodeId) -> usize {
        self.graph.shape(self.graph.nodes[id].inputs[0])[2]
    }

    /// Values of an image in a slot.
    fn length(&self, slot: Slot) -> u64 {
        self.slots[slot].iter().product::<usize>() as u64
    }

    /// Values of the part of a slot that somebody reads.
    fn needed_length(&self, slot: Slot) -> u64 {
        (self.needed[slot][0] * self.needed[slot][1] * self.slots[slot][2]) as u64
    }

    /// Forward and backward.
    fn work(&self, draft: &Draft, inputs: &[Input]) -> [Work; 2] {
        let out = self.length(draft.output);
        match draft.what {
            Lowered::Conv { conv, relu, pool, .. } => {
                let pool = pool.map(|pool| pool_side(self.graph, pool)[0] as u64);
                self.conv(conv, (relu, pool), inputs[0], draft.output)
            }
            Lowered::Activation(_) => element_wise(out, (1, 2), (1, 3), inputs),
            Lowered::Layer { node, relu } => {
                let mask = u64::from(relu);
                match self.graph.nodes[node].layer {
                    Layer::MaxPool { size, .. } => self.pool(size, true, inputs[0], draft.output),
                    Layer::AvgPool { size, .. } => self.pool(size, false, inputs[0], draft.output),
                    Layer::GlobalMaxPool | Layer::GlobalAvgPool => {
                        let [h, w, _] = self.slots[inputs[0].slot];
                        let max = matches!(self.graph.nodes[node].layer, Layer::GlobalMaxPool);
                        self.pool([h, w], max, inputs[0], draft.output)
                    }
                    // Statistics (4 a value) and normalizing (2) both read x; so do, backward, sums (4) and gradient (5).
                    Layer::BatchNorm { .. } => {
                        let forward = if self.wants.trains(node) { (6, 3) } else { (2, 2) };
                        let backward = if inputs[0].gradient { (9, 5) } else { (4, 2) };
                        let forward = (forward.0 + mask, forward.1);
                        element_wise(out, forward, (backward.0 + mask, backward.1 + 2 * mask), inputs)
                    }
                    // The mask is written and read again.
                    Layer::Dropout { .. } | Layer::DropPath { .. } => {
                        element_wise(out, (1, 4), (1, 3), inputs)
                    }
                    Layer::Add => {
                        let terms = inputs.len() as u64;
                        let wanted =
                            inputs.iter().filter(|input| input.gradient && !input.handed_on).count() as u64;
                        let backward = (mask, 2 * wanted + 2 * mask);
                        element_wise(out, (terms - 1 + mask, terms + 1), backward, inputs)
                    }
                    Layer::Concat
                    | Layer::Slice { .. }
                    | Layer::Shuffle { .. }
                    | Layer::Pad { .. }
                    | Layer::Resize { .. } => element_wise(out, (0, 2), (0, 2), inputs),
                    Layer::Multiply => {
                        let wanted = inputs.iter().filter(|input| input.gradient).count() as u64;
                        element_wise(out, (1, 3), (wanted, 3 * wanted), inputs)
                    }
                    // As batch normalization at inference.
                    Layer::Scale { .. } => element_wise(out, (2, 2), (5, 4), inputs),
                    // Mean, variance and normalizing; backward them again, four sums and the gradient.
                    Layer::LayerNorm { .. } => element_wise(out, (8, 2), (20, 3), inputs),
                    Layer::Conv2d { .. }
                    | Layer::Depthwise { .. }
                    | Layer::Dense { .. }
                    | Layer::Activation
                    | Layer::Flatten => {
                        unreachable!("not lowered to a layer of its own")
                    }
                }
            }
        }
    }

    /// A convolution or dense layer, alone or with a pool of side `pool`.
    fn conv(&self, id: NodeId, (relu, pool): (bool, Option<u64>), input: Input, output: Slot) -> [Work; 2] {
        let node = &self.graph.nodes[id];
        let shape = self.graph.shape(node.inputs[0]);
        let filters = node.output[2] as u64;
        let (taps, pairs, read, written) = if let Some(conv) = self.graph.convolution(id) {
            // Those that a filter reads.
            let channels = shape[2] / conv.groups;
            let (_, before, stride) = conv_window(self.graph, id);
            let kernel = conv.kernel;
            let pairs: usize = [0, 1]
                .map(|axis| {
                    let taps = (0..conv.kernel[axis]).map(|tap| tap * conv.dilation[axis]);
                    pairs(self.needed[input.slot][axis], taps, before[axis], stride[axis])
                })
                .iter()
                .product();
            let (read, written) = (self.needed_length(input.slot), self.needed_length(output));
            ((kernel[0] * kernel[1] * channels) as u64, (pairs * channels) as u64, read, written)
        } else {
            let units: u64 = shape.iter().product::<usize>() as u64;
            (units, units, units, filters)
        };
        let (kernel, bias) = (taps * filters, filters);
        let training = self.wants.weight_gradients && id >= self.wants.frozen;
        let (dw, dx) = (u64::from(training), u64::from(input.gradient));
        let dx_bytes = dx * VALUE * read * (1 + u64::from(input.accumulate));
        let block_bytes = VALUE * (dw * 2 * (kernel + bias) + dx * kernel);
        let forward = Work {
            flop: 2 * written * pool.map_or(1, |side| side * side) * taps,
            bytes: VALUE * (read + written),
            block_bytes: VALUE * (kernel + bias),
            at_most: false,
        };
        let Some(_) = pool else {
            let flop = 2 * (dw * written * taps + dx * pairs * filters);
            let masked = if relu { 3 * written } else { written };
            return [
                forward,
                Work { flop, bytes: VALUE * (dw * read + masked) + dx_bytes, block_bytes, at_most: false },
            ];
        };
        // Winners are a byte each.
        let winners = if training || self.wants.input_gradient { written } else { 0 };
        let backward = Work {
            flop: 2 * (dw + dx) * written * taps,
            bytes: VALUE * (dw * read + written + if relu { written } else { 0 }) + winners + dx_bytes,
            block_bytes,
            at_most: true,
        };
        [Work { bytes: forward.bytes + winners, ..forward }, backward]
    }

    /// A pool that is not fused; the winners of a max-pool are kept as four bytes each.
    fn pool(&self, size: [usize; 2], max: bool, input: Input, output: Slot) -> [Work; 2] {
        let out = self.length(output);
        let each = (size[0] * size[1]) as u64;
        let winners = if max { out } else { 0 };
        let forward = Work {
            flop: out * each,
            bytes: VALUE * (self.needed_length(input.slot) + out + winners),
            ..Work::default()
        };
        let gradient = u64::from(input.gradient);
        let written = self.length(input.slot) * (1 + u64::from(input.accumulate)) * VALUE;
        let backward = Work {
            flop: gradient * out * if max { 1 } else { each },
            bytes: gradient * (written + VALUE * (out + winners)),
            ..Work::default()
        };
        [forward, backward]
    }
}

/// Operations a value and arrays read or written, forward and backward; adding to a gradient reads it too.
fn element_wise(length: u64, forward: (u64, u64), backward: (u64, u64), inputs: &[Input]) -> [Work; 2] {
    let added = inputs.iter().filter(|input| input.gradient && input.accumulate).count() as u64;
    let work = |(flop, arrays): (u64, u64)| Work {
        flop: length * flop,
        bytes: VALUE * length * arrays,
        ..Work::default()
    };
    [work(forward), work((backward.0 + added, backward.1 + added))]
}

/// Pairs of an input position among the first `needed` of an axis and one of the `taps` that reads it in a window of any start: the
/// positions whose place has the same remainder by the stride meet the same taps.
fn pairs(needed: usize, taps: impl Iterator<Item = usize> + Clone, before: usize, stride: usize) -> usize {
    let met = |at: usize| taps.clone().filter(|tap| tap % stride == (at + before) % stride).count();
    (0..needed).map(met).sum()
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn positions_meet_the_taps_of_their_remainder() {
        assert_eq!(pairs(7, 0..3, 0, 1), 21);
        // of 3 taps by 2: places 0, 2, … meet taps 0 and 2, places 1, 3, … meet tap 1
        assert_eq!(pairs(5, 0..3, 0, 2), 2 + 1 + 2 + 1 + 2);
        assert_eq!(pairs(5, 0..3, 1, 2), 1 + 2 + 1 + 2 + 1);
        // a 1 x 1 kernel by 2 reads every other place
        assert_eq!(pairs(5, 0..1, 0, 2), 3);
        // taps 0 and 2 of a dilated kernel, by 2: places 0, 2, … meet both, the others none
        assert_eq!(pairs(5, [0, 2].into_iter(), 0, 2), 6);
    }
}
