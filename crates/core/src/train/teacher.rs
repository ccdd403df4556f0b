//! Distillation: another model's probabilities beside the labels.
//!
//! *Idea*: what a better model thinks an image resembles says more than its label does. The teacher is shown the same images as the
//! network, changed copies included, and is not trained.
//! ```text
//! loss = (1 - weight) loss(logits, target) + weight T^2 cross_entropy(softmax(logits / T), softmax(teacher / T))
//! ```
//! *Reference*: Hinton, Vinyals & Dean 2015, "Distilling the Knowledge in a Neural Network", section 2; Beyer et al. 2022, "Knowledge
//! distillation: A good teacher is patient and consistent", for the same changed copies.

use seamripper_kernels::Instructions;

use super::TrainError;
use crate::engine::{Engine, Lesson, Wants};
use crate::graph::{ModelFile, Preprocessing};
use crate::recipe;

/// A model that is asked about every batch.
#[derive(Debug)]
pub(super) struct Teacher {
    engine: Engine,
    weight: f64,
    temperature: f64,
    /// Its class for each of the network's.
    order: Vec<usize>,
    own: Vec<f32>,
    logits: Vec<f32>,
}

impl Teacher {
    /// `model` for images of `size` with `classes` that are prepared by `preprocessing`, up to `batch` at a time.
    pub(super) fn new(
        isa: Instructions,
        options: &recipe::Teacher,
        model: &ModelFile,
        (size, classes, preprocessing): ([usize; 3], &[String], &Preprocessing),
        batch: usize,
    ) -> Result<Self, TrainError> {
        if model.graph.input != size {
            return Err(TrainError::TeacherSize { expected: size, found: model.graph.input });
        }
        let place = |name: &String| model.classes.iter().position(|class| class == name);
        let order: Vec<usize> = classes.iter().filter_map(place).collect();
        if order.len() != classes.len() || model.classes.len() != classes.len() {
            let missing = classes.iter().filter(|name| !model.classes.contains(name)).cloned().collect();
            return Err(TrainError::TeacherClasses { missing, found: model.classes.to_vec() });
        }
        // How pictures became images is not compared: both read the same images.
        let values = |own: &Preprocessing| Preprocessing { fit: None, resize: None, ..own.clone() };
        if values(&model.preprocessing) != values(preprocessing) {
            let (expected, found) = (preprocessing.to_string(), model.preprocessing.to_string());
            return Err(TrainError::TeacherPreprocessing { expected, found });
        }
        let mut engine = Engine::new(&model.graph, isa, batch, Wants::INFERENCE);
        engine.load(&model.weights);
        let logits = vec![0.0; batch * classes.len()];
        let recipe::Teacher { weight, temperature, .. } = *options;
        Ok(Self { engine, weight, temperature, order, own: logits.clone(), logits })
    }

    /// What it says of a batch of images, `[n, h, w, c]`.
    pub(super) fn lesson(&mut self, images: &[f32]) -> Lesson<'_> {
        self.engine.run_forward(images);
        let (k, n) = (self.order.len(), self.engine.images());
        self.engine.copy_logits(&mut self.own[..n * k]);
        for (own, logits) in self.own.chunks_exact(k).zip(self.logits.chunks_exact_mut(k)).take(n) {
            for (logit, &class) in logits.iter_mut().zip(&self.order) {
                *logit = own[class];
            }
        }
        Lesson { logits: &self.logits[..n * k], weight: self.weight, temperature: self.temperature }
    }
}
