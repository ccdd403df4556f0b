//! Class activation maps: the channels of a layer, weighted by what the target thinks of them.
//!
//! With `a` the responses `[h, w, c]` of the layer to the image and `g` the target's gradient there:
//! ```text
//! Grad-CAM     relu(sum_c mean_hw(g_c) a_c)
//! Grad-CAM++   relu(sum_c (sum_hw alpha relu(g)) a_c),  alpha = g^2 / (2 g^2 + sum_hw(a_c) g^3 + 1e-6)
//! LayerCAM     relu(sum_c relu(g) a)
//! ```
//! *Exactness*: within 1e-4 of pytorch-grad-cam (golden file `captum`).
//!
//! *Reference*: Selvaraju et al. 2017, "Grad-CAM", equations 1 and 2; Chattopadhay et al. 2018, "Grad-CAM++", equation 19 with
//! the derivatives of a network whose target is an exponential; Jiang et al. 2021, "LayerCAM", equation 6.

use super::Target;
use crate::engine::{Engine, Executor, Wants};
use crate::graph::NodeId;
use crate::see::{FilterLayer, Model, filter_layers};

/// Added to the divisor of Grad-CAM++, as in pytorch-grad-cam.
const EPSILON: f64 = 1e-6;

/// Places that a layer should have for a map of it to say where something is.
const PLACES: usize = 49;

/// How channels are weighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CamRule {
    /// By the mean gradient.
    GradCam,
    /// By second and third derivatives.
    GradCamPlusPlus,
    /// Each place by its own gradient.
    LayerCam,
}

/// The layer a map is made of unless another is asked for: the last convolution with at least 7 × 7 places, else that with
/// the most. `None` without a convolution.
pub fn default_cam_layer(model: &Model<'_>) -> Option<FilterLayer> {
    let places = |layer: &FilterLayer| layer.output[0] * layer.output[1];
    let convolutions =
        || filter_layers(model.graph).into_iter().filter(|layer| layer.is_convolution(model.graph));
    convolutions().rfind(|layer| places(layer) >= PLACES).or_else(|| convolutions().max_by_key(places))
}

/// A compiled model that gives responses and gradients of its layers for one image at a time.
#[derive(Debug)]
pub struct Cam {
    engine: Engine,
    classes: usize,
    /// `[k]` of the last image.
    logits: Vec<f32>,
}

impl Cam {
    /// For images of `model`.
    pub fn new(model: &Model<'_>) -> Self {
        let wants = Wants { input_gradient: true, taps: true, ..Wants::INFERENCE };
        Self { engine: model.engine(1, wants), classes: model.graph.outputs(), logits: Vec::new() }
    }

    /// The same for one `node` alone, [`Self::response`] and [`Self::map`] of which are all that can be asked: what comes before it is fused, and
    /// the gradient goes no further back.
    pub fn of_node(model: &Model<'_>, node: NodeId) -> Self {
        let wants = Wants { tap: Some(node), ..Wants::INFERENCE };
        Self { engine: model.engine(1, wants), classes: model.graph.outputs(), logits: Vec::new() }
    }

    /// Runs `image` `[h, w, c]` forward and back from `target`.
    pub fn run(&mut self, image: &[f32], target: Target) {
        self.engine.run_forward(image);
        self.logits.resize(self.classes, 0.0);
        self.engine.copy_logits(&mut self.logits);
        let mut logit_gradient = vec![0.0; self.classes];
        target.write(&mut logit_gradient);
        self.engine.backward(&logit_gradient);
    }

    /// Logits `[k]` of the image run last.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// What `node` gave for the image run last, `[h, w, c]`; `None` if there is no such node.
    pub fn value(&self, node: NodeId) -> Option<&[f32]> {
        self.engine.tap_of(node, 0)
    }

    /// What `node` gave for the image run last, and the target's gradient there, each `[h, w, c]`.
    pub fn response(&self, node: NodeId) -> (Vec<f32>, Vec<f32>) {
        let value = self.engine.tap(node).expect("compiled with taps");
        let gradient = self.engine.tap_gradient(node).expect("compiled with gradients");
        (value.into_data(), gradient.into_data())
    }

    /// The map `[h, w]` of `node`, whose output is `[h, w, c]`, for the image run last.
    pub fn map(&self, node: NodeId, [h, w, c]: [usize; 3], rule: CamRule) -> Vec<f32> {
        let (a, g) = self.response(node);
        let channel = |values: &[f32], channel: usize| -> Vec<f64> {
            values.iter().skip(channel).step_by(c).map(|&value| f64::from(value)).collect()
        };
        let mut map = vec![0.0_f64; h * w];
        for index in 0..c {
            let (a, g) = (channel(&a, index), channel(&g, index));
            let weight = match rule {
                CamRule::GradCam => g.iter().sum::<f64>() / (h * w) as f64,
                CamRule::GradCamPlusPlus => {
                    let total: f64 = a.iter().sum();
                    let alpha = |g: f64| g * g / (2.0 * g * g + total * g * g * g + EPSILON);
                    g.iter().map(|&g| alpha(g) * g.max(0.0)).sum()
                }
                CamRule::LayerCam => 1.0,
            };
            for ((sum, &a), &g) in map.iter_mut().zip(&a).zip(&g) {
                *sum += a * if rule == CamRule::LayerCam { g.max(0.0) } else { weight };
            }
        }
        map.into_iter().map(|value| value.max(0.0) as f32).collect()
    }
}

/// `map` `[h, w]` drawn at `[height, width]`: bilinear between the centers of its cells, the outer ones continued to the border
/// (what OpenCV's `resize` and PyTorch's `interpolate` do).
pub fn resized(map: &[f32], [h, w]: [usize; 2], [height, width]: [usize; 2]) -> Vec<f32> {
    let place = |index: usize, from: usize, to: usize| {
        let exact = ((index as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, from as f64 - 1.0);
        (exact as usize, (exact as usize + 1).min(from - 1), exact.fract())
    };
    let mut drawn = Vec::with_capacity(height * width);
    for row in 0..height {
        let (above, below, down) = place(row, h, height);
        for column in 0..width {
            let (left, right, over) = place(column, w, width);
            let at = |row: usize, column: usize| f64::from(map[row * w + column]);
            let upper = at(above, left) * (1.0 - over) + at(above, right) * over;
            let lower = at(below, left) * (1.0 - over) + at(below, right) * over;
            drawn.push((upper * (1.0 - down) + lower * down) as f32);
        }
    }
    drawn
}
