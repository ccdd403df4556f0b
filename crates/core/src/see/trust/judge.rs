//! Every check of every method, on the same images.

use seamripper_kernels::parallel;
use serde::{Deserialize, Serialize};

use super::{
    Baseline, Curves, PASSES_BELOW, Sanity, center_prior, edge_map, pixels_by_saliency, random_orders,
    rank_correlation, sanity, sanity_noise, smooth_likeness,
};
use crate::graph::Weights;
use crate::see::Model;
use crate::see::saliency::{Explainer, Method, Options, Target};

/// Images that one thread explains one after the other.
const GROUP: usize = 8;

/// Random orders of pixels that a map is compared with.
const RANDOM_ORDERS: usize = 8;

/// Images of the smooth sanity check, noisy copies of each, and the noise's standard deviation as a share of the image's range.
const SMOOTHED: usize = 8;
const COPIES: usize = 8;
const NOISE: f64 = 0.1;

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
    /// The likeness of maps that are averaged over noisy copies of their image ([`smooth_likeness`]).
    pub smooth_sanity: f64,
    /// Whether that is below [`PASSES_BELOW`], too.
    pub passes_smooth_sanity: bool,
    /// The curves' areas, with a blank image where pixels are not.
    pub areas: Areas,
    /// The same with the image blurred.
    pub blurred_areas: Areas,
    /// Mean rank correlation of the map's size with the image's edges.
    pub likeness_to_edges: f64,
}

/// All verdicts, and what there is to beat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Images judged by.
    pub images: usize,
    /// What a map must beat, with a blank image where pixels are not.
    pub floor: Floor,
    /// The same with the image blurred.
    pub blurred_floor: Floor,
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
    let baselines = Baseline::ALL.map(|baseline| -> Vec<Vec<f32>> {
        rows.iter().map(|image| baseline.of(image, &options.baseline, size)).collect()
    });
    // Areas with each baseline, blank first.
    let mut areas = |orders: &[Vec<usize>]| -> [Areas; 2] {
        baselines.each_ref().map(|baselines| {
            let mut total = [0.0; 2];
            for (index, (image, order)) in rows.iter().zip(orders).enumerate() {
                let areas = curves.draw(image, &baselines[index], classes[index], order).areas();
                total.iter_mut().zip(areas).for_each(|(total, area)| *total += area / rows.len() as f64);
            }
            Areas { deletion: total[0], insertion: total[1] }
        })
    };
    let random: Vec<[Areas; 2]> = random_orders(options.seed, RANDOM_ORDERS, h * w)
        .into_iter()
        .map(|order| areas(&vec![order; rows.len()]))
        .collect();
    let edges: Vec<Vec<f32>> = rows.iter().map(|image| edge_map(image, size)).collect();
    let of_edges = areas(&edges.iter().map(|map| pixels_by_saliency(map)).collect::<Vec<_>>());
    let of_center = areas(&vec![pixels_by_saliency(&center_prior(size)); rows.len()]);
    let [floor, blurred_floor] = [0, 1].map(|baseline| {
        let mean = |of: fn(&Areas) -> f64| {
            random.iter().map(|areas| of(&areas[baseline])).sum::<f64>() / random.len() as f64
        };
        let random =
            Areas { deletion: mean(|areas| areas.deletion), insertion: mean(|areas| areas.insertion) };
        Floor { random, edges: of_edges[baseline], center: of_center[baseline] }
    });
    let noisy = noisy(&rows[..rows.len().min(SMOOTHED)], options.seed);
    let usable = Explainer::new(*model, options.clone());
    let usable: Vec<Method> = methods.iter().copied().filter(|&method| usable.can(method)).collect();
    let mut verdicts = Vec::with_capacity(usable.len());
    for method in usable {
        let maps_of = |weights: &Weights, images: &[&[f32]], classes: &dyn Fn(usize) -> usize| {
            let classes: Vec<usize> = (0..images.len()).map(classes).collect();
            let mut made: Vec<Vec<f32>> = vec![Vec::new(); images.len()];
            parallel::for_each_chunk(&mut made, GROUP, |first, maps| {
                let mut explainer = Explainer::new(Model { weights, ..*model }, options.clone());
                for (map, index) in maps.iter_mut().zip(first..) {
                    *map = explainer.explain(method, images[index], Target::Logit(classes[index])).map;
                }
            });
            made
        };
        let maps = |weights: &Weights| maps_of(weights, &rows, &|index| classes[index]);
        let made = maps(model.weights);
        let alike = |(map, edges): (&Vec<f32>, &Vec<f32>)| {
            let sizes: Vec<f32> = map.iter().map(|value| value.abs()).collect();
            rank_correlation(&sizes, edges) / rows.len() as f64
        };
        let likeness_to_edges = made.iter().zip(&edges).map(alike).sum();
        let orders: Vec<Vec<usize>> = made.iter().map(|map| pixels_by_saliency(map)).collect();
        let [areas, blurred_areas] = areas(&orders);
        let sanity = sanity(model.graph, model.weights, options.seed, maps);
        let passes_sanity = sanity.passes();
        let copies: Vec<&[f32]> = noisy.iter().map(Vec::as_slice).collect();
        let smooth_sanity =
            smooth_likeness(model.graph, model.weights, options.seed, COPIES, |weights: &Weights| {
                maps_of(weights, &copies, &|index| classes[index / COPIES])
            });
        let passes_smooth_sanity = smooth_sanity < PASSES_BELOW;
        verdicts.push(Verdict {
            method,
            sanity,
            passes_sanity,
            smooth_sanity,
            passes_smooth_sanity,
            areas,
            blurred_areas,
            likeness_to_edges,
        });
        progress(verdicts.len());
    }
    Judged { images: rows.len(), floor, blurred_floor, verdicts }
}

/// [`COPIES`] noisy copies of each image, one after the other.
fn noisy(images: &[&[f32]], seed: u64) -> Vec<Vec<f32>> {
    let copies = |(index, image): (usize, &&[f32])| {
        let (low, high) =
            image.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
        let deviation = NOISE * f64::from((high - low).max(0.0));
        let noise = sanity_noise(seed, index, COPIES, image.len(), deviation);
        let add = |noise: &[f32]| image.iter().zip(noise).map(|(x, z)| x + z).collect::<Vec<f32>>();
        noise.chunks_exact(image.len()).map(add).collect::<Vec<_>>()
    };
    images.iter().enumerate().flat_map(copies).collect()
}
