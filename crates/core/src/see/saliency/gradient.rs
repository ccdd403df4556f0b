//! Gradients of a target with respect to the image.

use super::Target;
use crate::engine::{Engine, Executor, ReluRule, Wants};
use crate::random::{Purpose, Stream};
use crate::see::Model;

/// Images at a time: four shards of the engine, so that two cores have two each.
const BATCH: usize = 64;

/// A compiled model that gives gradients of images, a batch at a time.
#[derive(Debug)]
pub struct Gradient {
    engine: Engine,
    classes: usize,
    length: usize,
    logits: Vec<f32>,
    logit_gradient: Vec<f32>,
}

impl Gradient {
    /// For images of `model`; `rule` other than [`ReluRule::Gradient`] gives guided backpropagation or deconvolution.
    pub fn new(model: &Model<'_>, rule: ReluRule) -> Self {
        let wants = Wants { input_gradient: true, relu: rule, ..Wants::INFERENCE };
        Self {
            engine: model.engine(BATCH, wants),
            classes: model.graph.outputs(),
            length: model.image_len(),
            logits: Vec::new(),
            logit_gradient: Vec::new(),
        }
    }

    /// Images it takes at a time; more are cut into pieces.
    pub fn batch(&self) -> usize {
        BATCH
    }

    /// `d target / d x` of each image: `values` and the result are `[n, h, w, c]`, `targets` `[n]`. The logits `[n, k]` are
    /// then in [`Gradient::logits`].
    ///
    /// # Panics
    /// If there is not one target an image.
    pub fn of(&mut self, values: &[f32], targets: &[Target]) -> Vec<f32> {
        assert_eq!(values.len(), targets.len() * self.length, "one target an image");
        let mut gradients = Vec::with_capacity(values.len());
        self.logits.clear();
        for (values, targets) in values.chunks(BATCH * self.length).zip(targets.chunks(BATCH)) {
            self.engine.run_forward(values);
            let begin = self.logits.len();
            self.logits.resize(begin + targets.len() * self.classes, 0.0);
            self.engine.copy_logits(&mut self.logits[begin..]);
            self.logit_gradient.resize(targets.len() * self.classes, 0.0);
            for (row, target) in self.logit_gradient.chunks_exact_mut(self.classes).zip(targets) {
                target.write(row);
            }
            let input =
                self.engine.backward(&self.logit_gradient).input.expect("compiled with an input gradient");
            gradients.extend_from_slice(input.data());
        }
        gradients
    }

    /// Logits `[n, k]` of the images of the last call of [`Gradient::of`].
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }
}

/// `x d target / d x`, `[n, h, w, c]` (Shrikumar et al. 2016, "Not Just a Black Box").
pub fn input_x_gradient(gradient: &mut Gradient, values: &[f32], targets: &[Target]) -> Vec<f32> {
    let mut products = gradient.of(values, targets);
    products.iter_mut().zip(values).for_each(|(product, &x)| *product *= x);
    products
}

/// The mean gradient of `image` `[h, w, c]` with each of `noises` `[samples, h, w, c]` added (Smilkov et al. 2017,
/// "SmoothGrad", equation 2).
pub fn smooth_gradient(gradient: &mut Gradient, image: &[f32], target: Target, noises: &[f32]) -> Vec<f32> {
    let samples = noises.len() / image.len();
    let noisy: Vec<f32> = noises
        .chunks_exact(image.len())
        .flat_map(|noise| image.iter().zip(noise).map(|(x, n)| x + n))
        .collect();
    let gradients = gradient.of(&noisy, &vec![target; samples]);
    let mut mean = vec![0.0_f64; image.len()];
    for one in gradients.chunks_exact(image.len()) {
        mean.iter_mut().zip(one).for_each(|(sum, &g)| *sum += f64::from(g));
    }
    mean.into_iter().map(|sum| (sum / samples as f64) as f32).collect()
}

/// Normal noise for [`smooth_gradient`], `[samples, …length]`, of standard deviation `deviation`; the same for every image.
pub fn noise(seed: u64, samples: usize, length: usize, deviation: f64) -> Vec<f32> {
    let mut stream = Stream::new(seed, Purpose::Smooth, 0, 0);
    (0..samples * length).map(|_| (deviation * stream.normal()) as f32).collect()
}
