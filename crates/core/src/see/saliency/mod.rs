//! Which pixels a prediction rests on: methods that give an image a map.
//!
//! Every method explains one number, the [`Target`]: a logit, or the difference of two. A map is worth what its checks say:
//! [`crate::see::trust`] has them.

mod cam;
mod explain;
mod gradient;
mod integrated;
mod occlusion;
mod perturbed;
mod rise;

pub use cam::{Cam, CamRule, default_cam_layer, resized};
pub use explain::{Explainer, Explanation, Note, Options};
pub use gradient::{Gradient, input_x_gradient, noise, smooth_gradient};
pub use integrated::{COMPLETENESS, Integrated, MOST_STEPS, Steps, integrated_gradients};
pub use occlusion::{Occlusion, occlusion};
pub use perturbed::{Perturber, perturbed};
pub use rise::{rise, rise_masks};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::nearest::nearest;

/// The number that is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The logit of a class.
    Logit(usize),
    /// The logit of one class less that of another: what speaks for the first against the second.
    Contrast {
        /// The class that is spoken for.
        class: usize,
        /// The class that is spoken against.
        against: usize,
    },
}

impl Target {
    /// Its gradient with respect to the logits `[k]`.
    fn write(self, logit_gradient: &mut [f32]) {
        logit_gradient.fill(0.0);
        match self {
            Self::Logit(class) => logit_gradient[class] = 1.0,
            Self::Contrast { class, against } => {
                logit_gradient[class] += 1.0;
                logit_gradient[against] -= 1.0;
            }
        }
    }

    /// Its value.
    pub fn of(self, logits: &[f32]) -> f32 {
        match self {
            Self::Logit(class) => logits[class],
            Self::Contrast { class, against } => logits[class] - logits[against],
        }
    }

    /// The class that is spoken for.
    pub fn class(self) -> usize {
        match self {
            Self::Logit(class) | Self::Contrast { class, .. } => class,
        }
    }
}

/// A way to make a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// `d target / d x` (Simonyan et al. 2013).
    Gradient,
    /// `x d target / d x` (Shrikumar et al. 2016).
    InputXGradient,
    /// The mean gradient over noisy copies of the image (Smilkov et al. 2017).
    #[serde(rename = "smoothgrad")]
    SmoothGrad,
    /// `(x - b)` times the mean gradient on the way from a baseline `b` to `x` (Sundararajan et al. 2017).
    IntegratedGradients,
    /// Channels of a layer, each weighted by its mean gradient (Selvaraju et al. 2017).
    GradCam,
    /// The same with weights for several places of one thing (Chattopadhay et al. 2018).
    #[serde(rename = "grad-cam++")]
    GradCamPlusPlus,
    /// Channels of a layer, each place weighted by its own positive gradient (Jiang et al. 2021).
    LayerCam,
    /// The gradient without what is negative at any ReLU (Springenberg et al. 2014). Known to fail the sanity check.
    GuidedBackprop,
    /// What is positive handed back through every ReLU (Zeiler & Fergus 2014). Known to fail the sanity check.
    Deconvolution,
    /// How far the target falls when a window is covered (Zeiler & Fergus 2014).
    Occlusion,
    /// The mean of random masks, weighted by the class' probability under them (Petsiuk et al. 2018).
    Rise,
}

impl Method {
    /// All of them, gradients first.
    pub const ALL: [Self; 11] = [
        Self::Gradient,
        Self::InputXGradient,
        Self::SmoothGrad,
        Self::IntegratedGradients,
        Self::GradCam,
        Self::GradCamPlusPlus,
        Self::LayerCam,
        Self::GuidedBackprop,
        Self::Deconvolution,
        Self::Occlusion,
        Self::Rise,
    ];

    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gradient => "gradient",
            Self::InputXGradient => "input-x-gradient",
            Self::SmoothGrad => "smoothgrad",
            Self::IntegratedGradients => "integrated-gradients",
            Self::GradCam => "grad-cam",
            Self::GradCamPlusPlus => "grad-cam++",
            Self::LayerCam => "layer-cam",
            Self::GuidedBackprop => "guided-backprop",
            Self::Deconvolution => "deconvolution",
            Self::Occlusion => "occlusion",
            Self::Rise => "rise",
        }
    }

    /// The method of that name.
    ///
    /// # Errors
    /// If there is none, with the names that are there.
    pub fn named(name: &str) -> Result<Self, UnknownMethod> {
        let found = Self::ALL.into_iter().find(|method| method.name() == name);
        found.ok_or_else(|| UnknownMethod { name: name.to_owned() })
    }

    /// Whether it needs a convolution.
    pub fn needs_convolution(self) -> bool {
        matches!(self, Self::GradCam | Self::GradCamPlusPlus | Self::LayerCam)
    }

    /// Whether it needs gradients; the others only predict.
    pub fn needs_gradients(self) -> bool {
        !matches!(self, Self::Occlusion | Self::Rise)
    }

    /// Whether published sanity checks reject it (Adebayo et al. 2018; Nie et al. 2018): its maps show the image's edges
    /// whatever the later layers have learned.
    pub fn known_to_fail(self) -> bool {
        matches!(self, Self::GuidedBackprop | Self::Deconvolution)
    }

    /// Whether values below 0 mean something: that the pixel speaks against the target.
    pub fn is_signed(self) -> bool {
        !matches!(self, Self::GradCam | Self::GradCamPlusPlus | Self::LayerCam | Self::Rise)
    }
}

/// A method that is asked for and not there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("method: expected one of {}, found \"{name}\"", Method::ALL.map(Method::name).join(", "))]
pub struct UnknownMethod {
    /// What was asked for.
    pub name: String,
}

impl UnknownMethod {
    /// The nearest name.
    pub fn hint(&self) -> Option<String> {
        let near = nearest(&self.name, Method::ALL.map(Method::name));
        near.map(|near| format!("did you mean {near}?"))
    }
}

/// `[h, w]`: one value a pixel, the sum over its channels of `values` `[h, w, c]`.
pub fn per_pixel(values: &[f32], channels: usize) -> Vec<f32> {
    values.chunks_exact(channels).map(|pixel| pixel.iter().sum()).collect()
}
