//! Which filters speak for a class, or for a class against another.
//!
//! *Idea*: of each filter, the sum over places of its response times the target's gradient there. To first order that is how far the
//! target falls when the response is set to 0; for a network of ReLUs and max-pools whose layers have no bias the sum over a layer's
//! filters is the target itself.
//!
//! *Reference*: Shrikumar et al. 2016, "Not Just a Black Box" (gradient times input), at a hidden layer; Molchanov et al. 2017,
//! "Pruning Convolutional Neural Networks", equation 7.

use serde::{Deserialize, Serialize};

use super::saliency::{Cam, Target};
use super::{Model, filter_layers};

/// What the filters of a layer add to a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// The layer.
    pub layer: String,
    /// `[filters]`; above 0 speaks for the target.
    pub filters: Vec<f32>,
}

impl Contribution {
    /// The `count` filters that speak most for the target, and the `count` that speak most against it; fewer if there are fewer.
    pub fn extremes(&self, count: usize) -> [Vec<usize>; 2] {
        let mut order: Vec<usize> = (0..self.filters.len()).collect();
        order.sort_by(|&a, &b| self.filters[b].total_cmp(&self.filters[a]).then(a.cmp(&b)));
        let pro = order.iter().copied().filter(|&filter| self.filters[filter] > 0.0).take(count).collect();
        let con =
            order.iter().rev().copied().filter(|&filter| self.filters[filter] < 0.0).take(count).collect();
        [pro, con]
    }
}

/// What each filter adds to `target` for one image `[h, w, c]`, one entry a layer with filters.
pub fn contributions(model: &Model<'_>, cam: &mut Cam, image: &[f32], target: Target) -> Vec<Contribution> {
    cam.run(image, target);
    let layers = filter_layers(model.graph).into_iter();
    layers
        .map(|layer| {
            let (responses, gradients) = cam.response(layer.response);
            let mut filters = vec![0.0_f64; layer.filters()];
            for (place, (&response, &gradient)) in responses.iter().zip(&gradients).enumerate() {
                filters[place % layer.filters()] += f64::from(response) * f64::from(gradient);
            }
            Contribution { layer: layer.name, filters: filters.into_iter().map(|sum| sum as f32).collect() }
        })
        .collect()
}
