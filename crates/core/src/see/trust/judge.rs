//! Every check of every method, on the same images.

use seamripper_kernels::parallel;
use serde::{Deserialize, Serialize};

use super::{
    Curves, Sanity, center_prior, edge_map, pixels_by_saliency, random_orders, rank_correlation, sanity,
};
use crate::graph::Weights;
use crate::see::Model;
use crate::see::saliency::{Explainer, Method, Options, Target};

/// Images that one thread explains one after the other.
const GROUP: usize = 8;

/// Random orders of pixels that a map is compared with.
const RANDOM_ORDERS: usize = 8;

/// Areas under the two curves of [`Curves`], mean over images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Areas {
    /// Small is good.
    pub deletion: f64,
    /// Large is good.
    pub insertion: f64,
}

/// What maps that know nothing of the model reach, mean over images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// Pixels in random order.
    pub random: Areas,
    /// The image's edges ([`edge_map`]).
    pub edges: Areas,
    /// The middle of the image ([`center_prior`]).
    pub center: Areas,
}

/// What is known of a method on one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The method.
    pub method: Method,
    /// The randomisation test.
    pub sanity: Sanity,
    /// Whether it passed.
    pub passes_sanity: bool,
    /// The curves' areas.
    pub areas: Areas,
    /// Mean rank correlation of the map's size with the image's edges.
    pub likeness_to_edges: f64,
}

/// All verdicts, and what there is to beat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Images judged by.
    pub images: usize,
    /// What a map must beat.
    pub floor: Floor,
    /// One a method, in the order asked for.
    pub verdicts: Vec<Verdict>,
}

/// Judges `methods` by `images` `[n, h, w, c]` and the class that is explained of each; methods that cannot be used with this model
/// are left out. `progress` is told how many methods are done.
pub fn judge(
    model: &Model<'_>,
    options: &Options,
    methods: &[Method],
    images: &[f32],
    classes: &[usize],
    mut progress: impl FnMut(usize),
) -> Judged {
    let size @ [h, w, _] = model.graph.input;
    let rows: Vec<&[f32]> = images.chunks_exact(model.image_len()).collect();
    let mut curves = Curves::new(model);
    let mut areas = |orders: &[Vec<usize>]| -> Areas {
        let mut total = [0.0; 2];
        for ((image, &class), order) in rows.iter().zip(classes).zip(orders) {
            let areas = curves.draw(image, &options.baseline, class, order).areas();
            total.iter_mut().zip(areas).for_each(|(total, area)| *total += area / rows.len() as f64);
        }
        Areas { deletion: total[0], insertion: total[1] }
    };
    let random: Vec<Areas> = random_orders(options.seed, RANDOM_ORDERS, h * w)
        .into_iter()
        .map(|order| areas(&vec![order; rows.len()]))
        .collect();
    let mean = |of: fn(&Areas) -> f64| random.iter().map(of).sum::<f64>() / random.len() as f64;
    let edges: Vec<Vec<f32>> = rows.iter().map(|image| edge_map(image, size)).collect();
    let floor = Floor {
        random: Areas { deletion: mean(|areas| areas.deletion), insertion: mean(|areas| areas.insertion) },
        edges: areas(&edges.iter().map(|map| pixels_by_saliency(map)).collect::<Vec<_>>()),
        center: areas(&vec![pixels_by_saliency(&center_prior(size)); rows.len()]),
    };
    let usable = Explainer::new(*model, options.clone());
    let usable: Vec<Method> = methods.iter().copied().filter(|&method| usable.can(method)).collect();
    let mut verdicts = Vec::with_capacity(usable.len());
    for method in usable {
        let maps = |weights: &Weights| -> Vec<Vec<f32>> {
            let mut made = vec![Vec::new(); rows.len()];
            parallel::for_each_chunk(&mut made, GROUP, |first, maps| {
                let mut explainer = Explainer::new(Model { weights, ..*model }, options.clone());
                for (map, index) in maps.iter_mut().zip(first..) {
                    *map = explainer.explain(method, rows[index], Target::Logit(classes[index])).map;
                }
            });
            made
        };
        let made = maps(model.weights);
        let alike = |(map, edges): (&Vec<f32>, &Vec<f32>)| {
            let sizes: Vec<f32> = map.iter().map(|value| value.abs()).collect();
            rank_correlation(&sizes, edges) / rows.len() as f64
        };
        let likeness_to_edges = made.iter().zip(&edges).map(alike).sum();
        let areas = areas(&made.iter().map(|map| pixels_by_saliency(map)).collect::<Vec<_>>());
        let sanity = sanity(model.graph, model.weights, options.seed, maps);
        let passes_sanity = sanity.passes();
        verdicts.push(Verdict { method, sanity, passes_sanity, areas, likeness_to_edges });
        progress(verdicts.len());
    }
    Judged { images: rows.len(), floor, verdicts }
}
