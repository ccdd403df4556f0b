//! Predictions of a model for a set of images.

use seamripper_kernels::{Instructions, softmax};

use crate::engine::{Engine, Wants};
use crate::graph::{Graph, Preprocessing, Weights};
use crate::predictions::Predictions;
use crate::sample::{ImageSet, Split};

/// Images at a time.
pub const PREDICT_BATCH: usize = 256;

/// A model, and how it is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Predictor<'a> {
    /// Where it runs.
    pub isa: Instructions,
    /// Its layers.
    pub graph: &'a Graph,
    /// Values of the graph's parameters.
    pub weights: &'a Weights,
    /// From pixels to input values.
    pub preprocessing: &'a Preprocessing,
    /// Whether factors are rounded to `bf16`: [`Wants::bf16`].
    pub bf16: bool,
}

impl Predictor<'_> {
    /// Class probabilities of every image of `set`; `progress` is told how many are done.
    ///
    /// # Panics
    /// If the images do not have the graph's input size or there are not as many classes as outputs.
    pub fn predict(&self, set: &ImageSet, split: Split, mut progress: impl FnMut(usize)) -> Predictions {
        assert_eq!(set.size(), self.graph.input, "image size");
        let k = self.graph.outputs();
        assert_eq!(set.classes().len(), k, "classes");
        let wants = Wants { bf16: self.bf16, ..Wants::INFERENCE };
        let mut engine = Engine::new(self.graph, self.isa, PREDICT_BATCH.min(set.len()), wants);
        engine.load(self.weights);
        let length: usize = self.graph.input.iter().product();
        let mut values = vec![0.0; PREDICT_BATCH * length];
        let mut done = 0;
        Predictions::of(set, split, PREDICT_BATCH, |images| {
            self.preprocessing.apply(images, &mut values[..images.len()]);
            let count = images.len() / length;
            let mut logits = vec![0.0; count * k];
            engine.run_forward(&values[..images.len()]);
            engine.copy_logits(&mut logits);
            let mut probs = vec![0.0; count * k];
            softmax::softmax(&logits, k, &mut probs);
            done += count;
            progress(done);
            probs
        })
    }
}
