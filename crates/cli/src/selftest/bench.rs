//! Models that are trained on the spot, and the tables they give.

use seamripper_core::graph::{Graph, Preprocessing, Weights};
use seamripper_core::predictions::Predictions;
use seamripper_core::recipe::Recipe;
use seamripper_core::sample::{ImageSet, Split};
use seamripper_core::see::{Model, penultimate};
use seamripper_core::tensor::Tensor;
use seamripper_core::train::{Predictor, Trainer};
use seamripper_kernels::Instructions;

use super::pool::Pool;
use crate::diag::Stop;

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Whether this is a quick one.
    pub quick: bool,
    /// Images to train on.
    pub train: usize,
    /// Images to fit scalings on.
    pub validation: usize,
    /// Images to audit.
    pub test: usize,
    /// Passes over the training images.
    pub epochs: usize,
    /// Images whose labels are changed.
    pub noisy: usize,
    /// Models that judge them.
    pub folds: usize,
    /// Tables without a failure.
    pub nulls: usize,
}

impl Scale {
    /// On real images.
    pub const FULL: Self = Self {
        quick: false,
        train: 20_000,
        validation: 20_000,
        test: 20_000,
        epochs: 4,
        noisy: 8_000,
        folds: 3,
        nulls: 4,
    };
    /// In under a minute, in a debug build too.
    pub const QUICK: Self = Self {
        quick: true,
        train: 8_000,
        validation: 4_000,
        test: 16_000,
        epochs: 5,
        noisy: 6_000,
        folds: 2,
        nulls: 4,
    };
}

/// What all plants share.
pub struct Bench {
    /// Where images come from.
    pub pool: Pool,
    /// How much is done.
    pub scale: Scale,
    /// Where models run.
    pub isa: Instructions,
}

/// One seed's images, and a model of them as they are.
pub struct Base {
    /// The seed.
    pub seed: u64,
    /// Images to train on.
    pub train: ImageSet,
    /// Images to fit scalings on.
    pub validation: ImageSet,
    /// Images to audit.
    pub test: ImageSet,
    /// The model.
    pub model: Trained,
    /// Its predictions of the test images.
    pub table: Predictions,
}

/// A model.
pub struct Trained {
    isa: Instructions,
    graph: Graph,
    weights: Weights,
    preprocessing: Preprocessing,
}

impl Bench {
    /// Deals the images and trains.
    pub fn base(&self, seed: u64) -> Result<Base, Stop> {
        let Scale { train, validation, test, .. } = self.scale;
        let [train, validation, test] = self.pool.deal([train, validation, test], seed);
        let model = self.fit(&train, seed)?;
        let table = model.predict(&test);
        Ok(Base { seed, train, validation, test, model, table })
    }

    /// Trains the small network on `train`.
    pub fn fit(&self, train: &ImageSet, seed: u64) -> Result<Trained, Stop> {
        let [h, w, c] = train.size();
        let wide = if self.scale.quick { [8, 16, 32] } else { [16, 32, 64] };
        let text = format!(
            r#"
            [data]
            source = "selftest"
            validation = 0.0
            [model]
            input = [{h}, {w}, {c}]
            layers = ["conv {} 5x5 relu", "max_pool 2", "conv {} 3x3 relu", "max_pool 2", "flatten", "dense {} relu", "dense {}"]
            [train]
            epochs = {}
            batch = 64
            optimizer = "adam"
            rate = 3e-3
            schedule = {{ cosine = {{ warmup = 0.2, floor = 0.02 }} }}
            seed = {seed}
            "#,
            wide[0],
            wide[1],
            wide[2],
            train.classes().len(),
            self.scale.epochs,
        );
        let problem = |error: &dyn std::fmt::Display| Stop::problem(format!("selftest: {error}"), None);
        let recipe = Recipe::from_toml(&text, "selftest").map_err(|error| problem(&error))?;
        let graph = recipe.graph().map_err(|error| problem(&error))?;
        let mut trainer =
            Trainer::new(self.isa, &recipe, &graph, train, None).map_err(|error| problem(&error))?;
        while !trainer.done() {
            trainer.step();
        }
        let weights = trainer.result().clone();
        drop(trainer);
        Ok(Trained { isa: self.isa, graph, weights, preprocessing: Preprocessing::new(c) })
    }
}

impl Trained {
    /// Predictions of a set.
    pub fn predict(&self, set: &ImageSet) -> Predictions {
        let Self { isa, graph, weights, preprocessing } = self;
        let predictor = Predictor { isa: *isa, graph, weights, preprocessing, bf16: false };
        predictor.predict(set, Split::Test, |_| {})
    }

    /// What the last layer reads, `[n, d]`.
    pub fn embeddings(&self, set: &ImageSet) -> Tensor {
        let Self { isa, graph, weights, preprocessing } = self;
        let model = Model { isa: *isa, graph, weights, preprocessing };
        let features = penultimate(&model, set, |_| {});
        Tensor::new([features.len(), features.width()], features.values().to_vec())
    }
}

/// The same images with other labels of the same classes.
pub fn relabelled(set: &ImageSet, labels: Vec<u32>) -> ImageSet {
    set.clone().labelled(labels, set.classes().clone())
}

/// The same images after `change(index, pixels)`.
pub fn changed(set: &ImageSet, mut change: impl FnMut(usize, &mut [u8])) -> ImageSet {
    let length = set.size().iter().product::<usize>();
    let mut pixels = set.pixels().into_owned();
    pixels.chunks_exact_mut(length).enumerate().for_each(|(index, image)| change(index, image));
    ImageSet::new(set.size(), pixels, set.labels().to_vec(), set.classes().clone(), set.ids().clone())
}

/// The rows of images of a class.
pub fn of_class(set: &ImageSet, class: u32) -> Vec<usize> {
    (0..set.len()).filter(|&row| set.labels()[row] == class).collect()
}
