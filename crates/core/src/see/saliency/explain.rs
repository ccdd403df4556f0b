//! One image, one target, any method: the choices that users need not make.

use std::collections::HashMap;

use super::occlusion::BATCH;
use super::{
    Cam, CamRule, Gradient, Method, Steps, Target, default_cam_layer, input_x_gradient, integrated_gradients,
    noise, per_pixel, perturbed, resized, rise_masks, smooth_gradient,
};
use crate::engine::ReluRule;
use crate::see::{FilterLayer, Model, Running};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What an image shows where nothing is, in values of the first layer, `[h, w, c]`: where integrated gradients begin, what
    /// covers and hides.
    pub baseline: Vec<f32>,
    /// Noisy copies of SmoothGrad.
    pub samples: usize,
    /// Standard deviation of their noise, as a share of the image's range (section 3.2 of the paper: 10 to 20 %).
    pub deviation: f64,
    /// Masks of RISE.
    pub masks: usize,
    /// The layer of class activation maps; [`default_cam_layer`] if `None`.
    pub layer: Option<FilterLayer>,
    /// Names the random draws.
    pub seed: u64,
}

impl Options {
    /// A black baseline, 32 noisy copies of 15 %, 1,000 masks.
    pub fn new(model: &Model<'_>) -> Self {
        Self::on(model.values(&vec![0; model.image_len()]))
    }

    /// The same for a model whose first layer reads `baseline` `[h, w, c]` for a black image.
    pub fn on(baseline: Vec<f32>) -> Self {
        Self { baseline, samples: 32, deviation: 0.15, masks: 1000, layer: None, seed: 0 }
    }
}

/// What a map says of itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// Of integrated gradients: gradients computed, completeness error as a share of `|f(x) - f(b)|`, whether it is small
    /// enough.
    Completeness {
        /// Gradients computed.
        steps: usize,
        /// The error's share.
        error: f64,
        /// Whether it is at most [`super::COMPLETENESS`].
        complete: bool,
    },
    /// Of class activation maps: the layer, and its places each way.
    Layer {
        /// Its name.
        name: String,
        /// `[h, w]`
        places: [usize; 2],
    },
}

/// A map and what is to be known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// `[h, w]` of the image.
    pub map: Vec<f32>,
    /// What it says of itself.
    pub note: Option<Note>,
}

/// Makes maps of one model, with what it has compiled for one kept for the next.
#[derive(Debug)]
pub struct Explainer<'a> {
    model: Model<'a>,
    options: Options,
    gradients: HashMap<u8, Gradient>,
    cam: Option<Cam>,
    running: Option<Running>,
    noise: Vec<f32>,
    masks: Vec<f32>,
}

impl<'a> Explainer<'a> {
    /// Nothing is compiled yet.
    pub fn new(model: Model<'a>, options: Options) -> Self {
        let (gradients, noise, masks) = (HashMap::new(), Vec::new(), Vec::new());
        Self { model, options, gradients, cam: None, running: None, noise, masks }
    }

    /// The model.
    pub fn model(&self) -> &Model<'a> {
        &self.model
    }

    /// What was chosen.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Whether `method` makes a map of this model.
    pub fn can(&self, method: Method) -> bool {
        !method.needs_convolution() || self.layer().is_some()
    }

    fn layer(&self) -> Option<FilterLayer> {
        self.options.layer.clone().or_else(|| default_cam_layer(&self.model))
    }

    fn gradient(&mut self, rule: ReluRule) -> &mut Gradient {
        self.gradients.entry(rule as u8).or_insert_with(|| Gradient::new(&self.model, rule))
    }

    /// The map of `image` `[h, w, c]`, values of the first layer.
    ///
    /// # Panics
    /// If the method cannot be used with this model ([`Explainer::can`]).
    pub fn explain(&mut self, method: Method, image: &[f32], target: Target) -> Explanation {
        let [h, w, c] = self.model.graph.input;
        let plain = |values: &[f32]| Explanation { map: per_pixel(values, c), note: None };
        match method {
            Method::Gradient => plain(&self.gradient(ReluRule::Gradient).of(image, &[target])),
            Method::GuidedBackprop => plain(&self.gradient(ReluRule::Guided).of(image, &[target])),
            Method::Deconvolution => plain(&self.gradient(ReluRule::Deconvolution).of(image, &[target])),
            Method::InputXGradient => {
                plain(&input_x_gradient(self.gradient(ReluRule::Gradient), image, &[target]))
            }
            Method::SmoothGrad => plain(&self.smooth(image, target)),
            Method::IntegratedGradients => {
                let baseline = self.options.baseline.clone();
                let gradient = self.gradient(ReluRule::Gradient);
                let made = integrated_gradients(gradient, image, &baseline, target, Steps::Adaptive);
                let note = Note::Completeness {
                    steps: made.steps,
                    error: made.relative_error(),
                    complete: made.is_complete(),
                };
                Explanation { map: per_pixel(&made.map, c), note: Some(note) }
            }
            Method::GradCam => self.class_activation(image, target, CamRule::GradCam),
            Method::GradCamPlusPlus => self.class_activation(image, target, CamRule::GradCamPlusPlus),
            Method::LayerCam => self.class_activation(image, target, CamRule::LayerCam),
            Method::Occlusion | Method::Rise => {
                if method == Method::Rise && self.masks.is_empty() {
                    self.masks = rise_masks(self.options.seed, self.options.masks, [h, w]);
                }
                let model = self.running.get_or_insert_with(|| Running::new(&self.model, BATCH));
                perturbed(model, &self.options.baseline, &self.masks, method, image, target)
            }
        }
    }

    fn smooth(&mut self, image: &[f32], target: Target) -> Vec<f32> {
        let Options { seed, samples, deviation, .. } = self.options;
        if self.noise.is_empty() {
            self.noise = noise(seed, samples, image.len(), 1.0);
        }
        let (low, high) =
            image.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
        let deviation = deviation as f32 * (high - low).max(0.0);
        let noise: Vec<f32> = self.noise.iter().map(|z| deviation * z).collect();
        smooth_gradient(self.gradient(ReluRule::Gradient), image, target, &noise)
    }

    fn class_activation(&mut self, image: &[f32], target: Target, rule: CamRule) -> Explanation {
        let layer = self.layer().expect("a layer with places");
        let cam = self.cam.get_or_insert_with(|| Cam::of_node(&self.model, layer.response));
        cam.run(image, target);
        let [h, w, _] = layer.output;
        let [height, width, _] = self.model.graph.input;
        let map = resized(&cam.map(layer.response, layer.output, rule), [h, w], [height, width]);
        Explanation { map, note: Some(Note::Layer { name: layer.name, places: [h, w] }) }
    }
}
