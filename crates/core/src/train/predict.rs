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
        let (mut logits, mut probs) = (vec![0.0; PREDICT_BATCH * k], vec![0.0; PREDICT_BATCH * k]);
        let mut table = Vec::with_capacity(set.len() * k);
        for (done, images) in set.chunks(PREDICT_BATCH).enumerate() {
            self.preprocessing.apply(&images, &mut values[..images.len()]);
            let count = images.len() / length;
            engine.run_forward(&values[..images.len()]);
            engine.copy_logits(&mut logits[..count * k]);
            softmax::softmax(&logits[..count * k], k, &mut probs[..count * k]);
            table.extend(probs[..count * k].iter().map(|&p| f64::from(p)));
            progress(done * PREDICT_BATCH + count);
        }
        Predictions {
            classes: set.classes().to_vec(),
            ids: (0..set.len()).map(|index| set.ids().id(index)).collect(),
            splits: vec![split; set.len()],
            labels: set.labels().to_vec(),
            probs: table,
        }
    }
}
