//! What only predicts: all that occlusion, RISE, insertion and deletion ask of a model.
//!
//! So they work on an engine of ours, and on a model that can be run but whose weights cannot be read.

use seamripper_kernels::softmax;

use super::Model;
use crate::engine::{Engine, Wants};

/// A model of which only predictions are asked.
pub trait Classifier {
    /// `[h, w, c]` of an image.
    fn input(&self) -> [usize; 3];

    /// Classes.
    fn outputs(&self) -> usize;

    /// Logits `[n, k]` of images `[n, h, w, c]`, in values of the first layer.
    fn logits(&mut self, values: &[f32]) -> Vec<f32>;

    /// Probabilities `[n, k]`, likewise.
    fn probs(&mut self, values: &[f32]) -> Vec<f32> {
        let logits = self.logits(values);
        let mut probs = vec![0.0; logits.len()];
        softmax::softmax(&logits, self.outputs(), &mut probs);
        probs
    }
}

/// A model of ours, compiled for batches of one size.
#[derive(Debug)]
pub struct Running {
    engine: Engine,
    batch: usize,
    input: [usize; 3],
    outputs: usize,
}

impl Running {
    /// `model`, for up to `batch` images at a time.
    pub fn new(model: &Model<'_>, batch: usize) -> Self {
        let engine = model.engine(batch, Wants::INFERENCE);
        Self { engine, batch, input: model.graph.input, outputs: model.graph.outputs() }
    }
}

impl Classifier for Running {
    fn input(&self) -> [usize; 3] {
        self.input
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn logits(&mut self, values: &[f32]) -> Vec<f32> {
        let length: usize = self.input.iter().product();
        let mut logits = vec![0.0; values.len() / length * self.outputs];
        let rows = logits.chunks_mut(self.batch * self.outputs);
        for (values, logits) in values.chunks(self.batch * length).zip(rows) {
            self.engine.run_forward(values);
            self.engine.copy_logits(logits);
        }
        logits
    }
}
