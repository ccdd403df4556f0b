//! The model that is looked at.

use seamripper_kernels::Instructions;

use crate::engine::{Engine, Executor, Wants};
use crate::graph::{Graph, Preprocessing, Weights};
use crate::sample::ImageSet;
use crate::tensor::Tensor;

/// A trained model and where it runs.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    /// Where it runs.
    pub isa: Instructions,
    /// Its layers.
    pub graph: &'a Graph,
    /// Values of the graph's parameters.
    pub weights: &'a Weights,
    /// From pixels to input values.
    pub preprocessing: &'a Preprocessing,
}

impl Model<'_> {
    /// What the first layer reads for whole images: `[n, h, w, c]`, as `pixels`.
    pub fn values(&self, pixels: &[u8]) -> Vec<f32> {
        let mut values = vec![0.0; pixels.len()];
        self.preprocessing.apply(pixels, &mut values);
        values
    }

    /// What the first layer reads for the images at `indices`, `[n, h, w, c]`.
    pub fn values_of(&self, set: &ImageSet, indices: &[usize]) -> Vec<f32> {
        indices.iter().flat_map(|&index| self.values(&set.image(index))).collect()
    }

    /// Number of values of an image.
    pub fn image_len(&self) -> usize {
        self.graph.input.iter().product()
    }

    /// An engine for up to `batch` images, with the weights loaded.
    pub fn engine(&self, batch: usize, wants: Wants) -> Engine {
        let mut engine = Engine::new(self.graph, self.isa, batch, wants);
        engine.load(self.weights);
        engine
    }

    /// Logits `[n, k]` of images `[n, h, w, c]`.
    pub fn logits(&self, values: &[f32]) -> Tensor {
        let count = values.len() / self.image_len();
        Engine::new(self.graph, self.isa, count, Wants::INFERENCE).forward(self.weights, values)
    }
}
