//! Training as a film: what is kept of the first convolution after every epoch.
//!
//! *Idea*: a frame has every filter's kernel as an image, and what a few images that stay the same excite: of each the channels
//! that answer most, chosen anew in every frame and named. Values are kept as 8 bits with a range for each picture, which is
//! what a screen shows of them: 40 KB a frame for 128 filters of 5 x 5 and 8 x 8 responses of 24 x 24.
//!
//! *Exactness*: a value read back is within half a step of [`Picture::step`] of what it was.

use serde::{Deserialize, Serialize};

use super::{FilterLayer, Model, filter_layers};
use crate::engine::{Engine, Executor, Wants};
use crate::graph::{Graph, Role};

/// Responses kept of an image.
pub const CHANNELS: usize = 8;

/// Values `[h, w, c]` in 8 bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// `[h, w, c]`
    pub size: [usize; 3],
    /// The smallest value.
    pub low: f32,
    /// From one code to the next; 0 if all values are equal.
    pub step: f32,
    /// A value is `low + step code`.
    pub codes: Vec<u8>,
}

impl Picture {
    /// Rounds `values` `[h, w, c]` to 256 levels between the smallest and the largest. What is not finite counts as 0.
    pub fn new(size: [usize; 3], values: impl Iterator<Item = f32> + Clone) -> Self {
        let values = values.map(|value| if value.is_finite() { value } else { 0.0 });
        let (low, high) = values
            .clone()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        // Divided first: the range of finite numbers need not be finite.
        let step = (high / 255.0 - low / 255.0).max(0.0);
        let code = |value: f32| if step > 0.0 { (value / step - low / step).round() as u8 } else { 0 };
        let codes: Vec<u8> = values.map(code).collect();
        Self { size, low: if codes.is_empty() { 0.0 } else { low }, step, codes }
    }

    /// The values, `[h, w, c]`.
    pub fn values(&self) -> impl Iterator<Item = f32> {
        let value = |&code: &u8| (self.low + self.step * f32::from(code)).clamp(f32::MIN, f32::MAX);
        self.codes.iter().map(value)
    }
}

/// What one filter answers to one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The filter.
    pub channel: usize,
    /// Its mean response to the image.
    pub mean: f32,
    /// `[h, w, 1]`: its response, after batch normalization and activation.
    pub response: Picture,
}

/// What is kept of one epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Epochs behind it; 0 is before training.
    pub epoch: u64,
    /// The kernel of every filter, `[kh, kw, in_c / groups]` each.
    pub filters: Vec<Picture>,
    /// For each image the filters of the largest mean response, largest first; fewer if the layer has fewer.
    pub answers: Vec<Vec<Answer>>,
}

/// Makes frames of one network.
#[derive(Debug)]
pub struct Camera {
    layer: FilterLayer,
    images: usize,
    /// What the first layer reads, `[n, h, w, c]`.
    values: Vec<f32>,
}

impl Camera {
    /// Looks at the first convolution of `model`, with `pixels` `[n, h, w, c]` of a few images. `None` without a convolution.
    ///
    /// # Panics
    /// If these are not whole images.
    pub fn new(model: &Model<'_>, pixels: &[u8]) -> Option<Self> {
        let layer = filter_layers(model.graph).into_iter().find(|layer| layer.is_convolution(model.graph))?;
        assert!(pixels.len().is_multiple_of(model.image_len()), "whole images");
        Some(Self { layer, images: pixels.len() / model.image_len(), values: model.values(pixels) })
    }

    /// The layer that is looked at.
    pub fn layer(&self) -> &FilterLayer {
        &self.layer
    }

    /// The frame of `model`, which is the network as it is after `epoch` epochs.
    ///
    /// # Panics
    /// If `model` is of another network than the one the camera was made for.
    pub fn frame(&self, model: &Model<'_>, epoch: u64) -> Frame {
        Frame { epoch, filters: self.filters(model), answers: self.answers(model) }
    }

    fn filters(&self, model: &Model<'_>) -> Vec<Picture> {
        let Graph { nodes, parameters, .. } = model.graph;
        let own = nodes[self.layer.node].parameters.iter().map(|&index| &parameters[index]);
        let kernel =
            own.into_iter().find(|own| own.role == Role::Kernel).expect("a convolution has a kernel");
        let &[kh, kw, depth, filters] = &kernel.shape[..] else { panic!("{}: four axes", kernel.name) };
        let values = model.weights.of(kernel);
        let picture = |filter: usize| {
            Picture::new([kh, kw, depth], values.iter().skip(filter).step_by(filters).copied())
        };
        (0..filters).map(picture).collect()
    }

    fn answers(&self, model: &Model<'_>) -> Vec<Vec<Answer>> {
        let part = model.graph.head(self.layer.response);
        let wants = Wants { taps: true, ..Wants::INFERENCE };
        let mut engine = Engine::new(&part.graph, model.isa, self.images, wants);
        engine.load(&part.weights(model.graph, model.weights));
        engine.run_forward(&self.values);
        let responses = engine.tap(part.graph.nodes.len() - 1).expect("compiled with taps");
        let [h, w, c] = self.layer.output;
        responses.data().chunks_exact(h * w * c).map(|image| answers(image, [h, w, c])).collect()
    }
}

/// The channels of `image` `[h, w, c]` with the largest mean; the first of equals first.
fn answers(image: &[f32], [h, w, c]: [usize; 3]) -> Vec<Answer> {
    let mut sums = vec![0.0_f64; c];
    for place in image.chunks_exact(c) {
        sums.iter_mut().zip(place).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    let mut channels: Vec<usize> = (0..c).collect();
    channels.sort_by(|&a, &b| sums[b].total_cmp(&sums[a]));
    channels.truncate(CHANNELS);
    let answer = |channel: usize| Answer {
        channel,
        mean: (sums[channel] / (h * w) as f64) as f32,
        response: Picture::new([h, w, 1], image.iter().skip(channel).step_by(c).copied()),
    };
    channels.into_iter().map(answer).collect()
}
