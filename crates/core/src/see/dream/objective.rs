//! What an image is made to excite, and how far an image does.

use serde::{Deserialize, Serialize};

use seamripper_kernels::elementwise::Function;
use seamripper_kernels::parallel;

use crate::engine::{Engine, Executor, Wants, function};
use crate::graph::{Graph, NodeId};
use crate::sample::ImageSet;
use crate::see::{FilterLayer, Model};

/// Images at a time: four shards of the engine.
const BATCH: usize = 64;

/// Bytes that the values and gradients of a batch may have; a batch of large images is smaller for it.
const BATCH_BYTES: usize = 1 << 30;

/// Which positions of a filter count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// All: the mean of the channel.
    Mean,
    /// The middle one.
    Center,
}

/// A channel of a node's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// The node whose output, after its activation, is meant.
    pub node: NodeId,
    /// The channel.
    pub channel: usize,
    /// Which positions count.
    pub place: Place,
}

impl Unit {
    /// The response of a filter.
    pub fn filter(layer: &FilterLayer, channel: usize, place: Place) -> Self {
        Self { node: layer.response, channel, place }
    }

    /// The logit of a class.
    pub fn class(graph: &Graph, class: usize) -> Self {
        Self { node: graph.nodes.len() - 1, channel: class, place: Place::Mean }
    }
}

/// What an image is made to excite: the sum of one unit or several. Two filters at once show how they interact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    /// Added up; of any layers.
    pub units: Vec<Unit>,
}

impl From<Unit> for Objective {
    fn from(unit: Unit) -> Self {
        Self { units: vec![unit] }
    }
}

impl From<[Unit; 2]> for Objective {
    fn from(units: [Unit; 2]) -> Self {
        Self { units: units.to_vec() }
    }
}

/// Everything up to a node, compiled.
#[derive(Debug)]
struct Head {
    node: NodeId,
    engine: Engine,
    /// `[h, w, c]` of the node.
    output: [usize; 3],
    /// The node's activation, which the engine leaves out.
    function: Function,
    /// `[n, h, w, c]` before the activation.
    before: Vec<f32>,
    /// Its gradient; 0 between passes.
    slope: Vec<f32>,
}

impl Head {
    fn new(model: &Model<'_>, node: NodeId, batch: usize, wants: Wants) -> Self {
        let (part, activation) = model.graph.before_activation(node);
        let weights = part.weights(model.graph, model.weights);
        let head = Model { graph: &part.graph, weights: &weights, ..*model };
        let output = model.graph.nodes[node].output;
        let length = batch * output.iter().product::<usize>();
        Self {
            node,
            engine: head.engine(batch, wants),
            output,
            function: function(activation),
            before: vec![0.0; length],
            slope: vec![0.0; if wants.input_gradient { length } else { 0 }],
        }
    }

    /// Values `[h w c]` of an image.
    fn len(&self) -> usize {
        self.output.iter().product()
    }

    fn run(&mut self, values: &[f32], images: usize) {
        self.engine.run_forward(values);
        let count = images * self.len();
        self.engine.copy_logits(&mut self.before[..count]);
    }

    /// Indices of `unit` in an image's values.
    fn places(output: [usize; 3], unit: Unit) -> impl Iterator<Item = usize> + Clone {
        let [h, w, c] = output;
        let positions = match unit.place {
            Place::Mean => 0..h * w,
            Place::Center => h / 2 * w + w / 2..h / 2 * w + w / 2 + 1,
        };
        positions.map(move |position| position * c + unit.channel)
    }

    /// The unit's value in image `image` of the last pass.
    fn value(&self, image: usize, unit: Unit) -> f32 {
        let before = &self.before[image * self.len()..][..self.len()];
        let places = Self::places(self.output, unit);
        let count = places.clone().count();
        places.map(|at| f64::from(self.function.value(before[at]))).sum::<f64>() as f32 / count as f32
    }
}

/// Adds the gradient of `unit` to `slope`, from `before`, both `[h w c]`. A unit that is silent everywhere has none; it gets
/// that of the position nearest to being heard (lucid's redirected ReLU, for the last activation only).
fn add_slope(function: Function, output: [usize; 3], unit: Unit, before: &[f32], slope: &mut [f32]) {
    let places = Head::places(output, unit);
    let share = 1.0 / places.clone().count() as f32;
    let mut silent = true;
    for at in places.clone() {
        let derivative = function.derivative(before[at]);
        silent &= derivative == 0.0;
        slope[at] += derivative * share;
    }
    let nearest = places.reduce(|best, at| if before[at] > before[best] { at } else { best });
    // A bounded activation is silent above its bound too: there nothing is missing.
    if let Some(nearest) = nearest.filter(|&at| silent && before[at] <= 0.0) {
        slope[nearest] += share;
    }
}

/// Compiled heads of the layers that some objectives need.
#[derive(Debug)]
pub(crate) struct Heads {
    heads: Vec<Head>,
    /// `[h w c]` of an image.
    image: usize,
    batch: usize,
}

impl Heads {
    pub(crate) fn new(model: &Model<'_>, objectives: &[Objective], gradients: bool) -> Self {
        let mut nodes: Vec<NodeId> =
            objectives.iter().flat_map(|objective| &objective.units).map(|unit| unit.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let values = |node: NodeId| model.graph.nodes[node].output.iter().product::<usize>();
        let of_image: usize = (0..=nodes.last().copied().unwrap_or(0)).map(values).sum();
        let batch = (BATCH_BYTES / (8 * of_image.max(1))).clamp(1, BATCH);
        let wants = Wants { input_gradient: gradients, ..Wants::INFERENCE };
        let heads = nodes.iter().map(|&node| Head::new(model, node, batch, wants)).collect();
        Self { heads, image: model.image_len(), batch }
    }

    /// Most images at a time.
    pub(crate) fn batch(&self) -> usize {
        self.batch
    }

    /// `[n]`: each image's own objective; `values` are `[n, h, w, c]`. Writes the gradients `[n, h, w, c]` if there is room
    /// for them.
    pub(crate) fn run(
        &mut self,
        values: &[f32],
        objectives: &[Objective],
        mut gradients: Option<&mut [f32]>,
    ) -> Vec<f32> {
        let length = self.image;
        let mut sums = vec![0.0; objectives.len()];
        if let Some(gradients) = gradients.as_deref_mut() {
            gradients.fill(0.0);
        }
        for head in &mut self.heads {
            let here = |index: &usize| objectives[*index].units.iter().any(|unit| unit.node == head.node);
            let images: Vec<usize> = (0..objectives.len()).filter(here).collect();
            let gathered: Vec<f32> =
                images.iter().flat_map(|&image| &values[image * length..][..length]).copied().collect();
            if images.is_empty() {
                continue;
            }
            head.run(&gathered, images.len());
            let units =
                |image: usize| objectives[image].units.iter().copied().filter(|unit| unit.node == head.node);
            for (row, &image) in images.iter().enumerate() {
                sums[image] += units(image).map(|unit| head.value(row, unit)).sum::<f32>();
            }
            let Some(gradients) = gradients.as_deref_mut() else { continue };
            let (output, function, row_len) = (head.output, head.function, head.len());
            let slope = &mut head.slope[..images.len() * row_len];
            for (row, &image) in images.iter().enumerate() {
                let range = row * row_len..(row + 1) * row_len;
                for unit in units(image) {
                    add_slope(function, output, unit, &head.before[range.clone()], &mut slope[range.clone()]);
                }
            }
            let input = head.engine.backward(slope).input.expect("compiled with an input gradient");
            for (row, &image) in images.iter().enumerate() {
                let from = &input.data()[row * length..][..length];
                gradients[image * length..][..length].iter_mut().zip(from).for_each(|(sum, g)| *sum += g);
                for at in units(image).flat_map(|unit| Head::places(output, unit)) {
                    slope[row * row_len + at] = 0.0;
                }
            }
        }
        sums
    }
}

/// The image of a set that excites most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Largest {
    /// The objective's value.
    pub value: f32,
    /// The image's index; the first of equals.
    pub image: usize,
}

/// For every objective the image of `images` with the largest value.
///
/// # Panics
/// If there is no image.
pub fn largest(model: &Model<'_>, images: &ImageSet, objectives: &[Objective]) -> Vec<Largest> {
    assert!(!images.is_empty(), "images to choose from");
    let mut heads = Heads::new(model, objectives, false);
    let mut best = vec![Largest { value: f32::NEG_INFINITY, image: 0 }; objectives.len()];
    let indices: Vec<usize> = (0..images.len()).collect();
    for batch in indices.chunks(heads.batch) {
        let values = model.values_of(images, batch);
        for head in &mut heads.heads {
            head.run(&values, batch.len());
        }
        let head = |node: NodeId| heads.heads.iter().find(|head| head.node == node).expect("one a node");
        parallel::for_each(&mut best, |index, best| {
            for (row, &image) in batch.iter().enumerate() {
                let units = objectives[index].units.iter();
                let value = units.map(|&unit| head(unit.node).value(row, unit)).sum();
                if value > best.value {
                    *best = Largest { value, image };
                }
            }
        });
    }
    best
}
