//! Maps of a model that is only asked to predict: what changes when parts of the image are hidden.

use super::{Explanation, Method, Occlusion, Options, Target, occlusion, rise, rise_masks};
use crate::see::Classifier;

/// The map of `image` `[h, w, c]` by occlusion or RISE, with `masks` of [`rise_masks`]; hidden parts show `baseline` `[h, w, c]`.
///
/// # Panics
/// If the method needs gradients ([`Method::needs_gradients`]).
pub fn perturbed(
    model: &mut dyn Classifier,
    baseline: &[f32],
    masks: &[f32],
    method: Method,
    image: &[f32],
    target: Target,
) -> Explanation {
    let map = match method {
        Method::Occlusion => {
            let windows = Occlusion::of_size(model.input());
            occlusion(model, image, baseline, target, windows)
        }
        Method::Rise => rise(model, image, baseline, target.class(), masks),
        _ => panic!("{} needs gradients", method.name()),
    };
    Explanation { map, note: None }
}

/// [`perturbed`] with masks that are drawn once.
#[derive(Clone, Debug)]
pub struct Perturber {
    options: Options,
    masks: Vec<f32>,
}

impl Perturber {
    /// For images `[h, w, c]`.
    pub fn new(options: Options, [h, w, _]: [usize; 3]) -> Self {
        let masks = rise_masks(options.seed, options.masks, [h, w]);
        Self { options, masks }
    }

    /// The map of `image` `[h, w, c]`, values of the first layer.
    ///
    /// # Panics
    /// As [`perturbed`].
    pub fn explain(
        &self,
        model: &mut dyn Classifier,
        method: Method,
        image: &[f32],
        target: Target,
    ) -> Explanation {
        perturbed(model, &self.options.baseline, &self.masks, method, image, target)
    }
}
