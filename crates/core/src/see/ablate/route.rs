//! Where a network is cut to replace a layer's responses, and the two engines before and behind.

use seamripper_kernels::parallel;

use super::predict;
use crate::engine::{Engine, Wants};
use crate::graph::{Activation, Graph, Layer, NodeId, Part, Source, Weights};
use crate::see::{FilterLayer, Model};

/// Bytes of kept values that a chunk of images may have.
const KEPT_BYTES: usize = 64 << 20;

/// Batches of a chunk, at most.
const BATCHES: usize = 8;

/// From images to what is kept, and from there to predictions.
pub(super) struct Route {
    /// Computes what is kept; `None` if that is the images themselves.
    head: Option<Engine>,
    tail: Engine,
    /// Values of an image that are kept.
    length: usize,
    batch: usize,
    classes: usize,
    how: How,
    /// Changed copies of what is kept, of a batch.
    changed: Vec<f32>,
}

/// How a channel is replaced.
enum How {
    /// In what is kept, of so many channels.
    Kept(usize),
    /// By a gate in the tail, whose weights these are.
    Gate(Box<(Part, Weights)>),
}

/// The output of the cut for a chunk of images.
pub(super) struct Kept {
    /// How many images.
    pub(super) images: usize,
    /// `[images, length]`
    values: Vec<f32>,
}

impl Route {
    pub(super) fn new(model: &Model<'_>, layer: &FilterLayer, batch: usize) -> Self {
        let graph = model.graph;
        let (cut, part, how) = match cut_behind(graph, layer.response) {
            Some((cut, tail)) => (Some(cut), tail, How::Kept(layer.filters())),
            None => {
                let (cut, rest) = rest_before(graph, layer.response);
                let inside = layer.response - cut.map_or(0, |cut| cut + 1);
                let gated = rest.graph.gated(Source::Node(inside));
                let weights = gated.weights(&rest.graph, &rest.weights(graph, model.weights));
                (cut, rest, How::Gate(Box::new((gated, weights))))
            }
        };
        let mut tail = match &how {
            How::Kept(_) => Engine::new(&part.graph, model.isa, batch, Wants::INFERENCE),
            How::Gate(gate) => Engine::new(&gate.0.graph, model.isa, batch, Wants::INFERENCE),
        };
        match &how {
            How::Kept(_) => tail.load(&part.weights(graph, model.weights)),
            How::Gate(gate) => tail.load(&gate.1),
        }
        let head = cut.map(|cut| {
            let head = graph.head(cut);
            let mut engine = Engine::new(&head.graph, model.isa, batch, Wants::INFERENCE);
            engine.load(&head.weights(graph, model.weights));
            engine
        });
        let length = part.graph.input.iter().product();
        Self { head, tail, length, batch, classes: graph.outputs(), how, changed: Vec::new() }
    }

    /// Images that are kept at a time.
    pub(super) fn chunk(&self) -> usize {
        let batches = KEPT_BYTES / (4 * self.length * self.batch);
        self.batch * batches.clamp(1, BATCHES)
    }

    /// Computes what is kept of a chunk of images.
    pub(super) fn keep(&mut self, model: &Model<'_>, pixels: &[u8]) -> Kept {
        let images = pixels.len() / model.image_len();
        let mut values = vec![0.0; images * self.length];
        let batches = pixels.chunks(self.batch * model.image_len());
        for (pixels, kept) in batches.zip(values.chunks_mut(self.batch * self.length)) {
            let input = model.values(pixels);
            match &mut self.head {
                Some(head) => {
                    head.run_forward(&input);
                    head.copy_logits(kept);
                }
                None => kept.copy_from_slice(&input),
            }
        }
        Kept { images, values }
    }

    /// The predicted class of every image with nothing replaced.
    pub(super) fn open(&mut self, kept: &Kept) -> Vec<usize> {
        if let How::Gate(gate) = &self.how {
            self.tail.load(&gate.1);
        }
        let batches = kept.values.chunks(self.batch * self.length);
        batches.flat_map(|values| predict(&mut self.tail, values, self.classes)).collect()
    }

    /// Calls `predicted(image, class)` for every image that the replacement of channels by values may change.
    pub(super) fn run(
        &mut self,
        kept: &Kept,
        replaced: &[(usize, f32)],
        mut predicted: impl FnMut(usize, usize),
    ) {
        match &self.how {
            How::Kept(channels) => {
                let changed = changed_images(&kept.values, self.length, *channels, replaced);
                self.changed.resize(self.batch * self.length, 0.0);
                for images in changed.chunks(self.batch) {
                    let values = &mut self.changed[..images.len() * self.length];
                    parallel::for_each_chunk(values, self.length, |place, values| {
                        let image = images[place / self.length];
                        values.copy_from_slice(&kept.values[image * self.length..][..self.length]);
                        for &(channel, value) in replaced {
                            values.iter_mut().skip(channel).step_by(*channels).for_each(|x| *x = value);
                        }
                    });
                    let classes = predict(&mut self.tail, values, self.classes);
                    images.iter().zip(classes).for_each(|(&image, class)| predicted(image, class));
                }
            }
            How::Gate(gate) => {
                let (part, open) = &**gate;
                let mut weights = open.clone();
                for &(channel, value) in replaced {
                    part.set_gate(&mut weights, channel, Some(value));
                }
                self.tail.load(&weights);
                let batches = kept.values.chunks(self.batch * self.length);
                let classes = batches.flat_map(|values| predict(&mut self.tail, values, self.classes));
                classes.enumerate().for_each(|(image, class)| predicted(image, class));
            }
        }
    }
}

/// The images in which a channel is not what it would be replaced by.
fn changed_images(values: &[f32], length: usize, channels: usize, replaced: &[(usize, f32)]) -> Vec<usize> {
    let changes = |image: &[f32]| {
        let differs = |&(channel, value): &(usize, f32)| {
            image.iter().skip(channel).step_by(channels).any(|&x| x != value)
        };
        replaced.iter().any(differs)
    };
    let images = values.chunks_exact(length).enumerate();
    images.filter(|(_, image)| changes(image)).map(|(image, _)| image).collect()
}

/// The last node from `response` on that can be cut and in which a constant response is the same constant, with what is
/// behind it.
pub(super) fn cut_behind(graph: &Graph, response: NodeId) -> Option<(NodeId, Part)> {
    let mut found = graph.tail(response).map(|tail| (response, tail));
    let mut last = response;
    while let Some(pool) = sole_reader(graph, last).filter(|&reader| is_pool(graph, reader)) {
        found = graph.tail(pool).map(|tail| (pool, tail)).or(found);
        last = pool;
    }
    found
}

/// The one node that reads `node`.
fn sole_reader(graph: &Graph, node: NodeId) -> Option<NodeId> {
    let reads = |&id: &NodeId| graph.nodes[id].inputs.contains(&Source::Node(node));
    let mut readers = (node + 1..graph.nodes.len()).filter(reads);
    readers.next().filter(|_| readers.next().is_none())
}

/// Whether a node is a pool and nothing more.
fn is_pool(graph: &Graph, node: NodeId) -> bool {
    let node = &graph.nodes[node];
    let pool = matches!(
        node.layer,
        Layer::MaxPool { .. } | Layer::AvgPool { .. } | Layer::GlobalMaxPool | Layer::GlobalAvgPool
    );
    pool && node.activation == Activation::Identity
}

/// The last node before `response` that can be cut, with what is behind it; without one, the whole graph.
pub(super) fn rest_before(graph: &Graph, response: NodeId) -> (Option<NodeId>, Part) {
    let cut = (0..response).rev().find_map(|node| graph.tail(node).map(|tail| (node, tail)));
    match cut {
        Some((node, tail)) => (Some(node), tail),
        None => {
            let parameters = (0..graph.parameters.len()).map(Some).collect();
            (None, Part { graph: graph.clone(), parameters })
        }
    }
}
