//! Every check of every method, on the same images.

use seamripper_kernels::parallel;
use serde::{Deserialize, Serialize};

use super::{
    Baseline, CURVE_BATCH, PASSES_BELOW, Sanity, center_prior, curve, edge_map, pixels_by_saliency,
    random_orders, rank_correlation, sanity, sanity_noise, smooth_likeness,
};
use crate::graph::Weights;
use crate::see::saliency::{Explainer, Method, Options, Perturber, Target};
use crate::see::{Classifier, Model, Running};

/// Images that one thread explains one after the other.
const GROUP: usize = 8;

/// Random orders of pixels that a map is compared with.
const RANDOM_ORDERS: usize = 8;

/// Images of the smooth sanity check, noisy copies of each, and the noise's standard deviation as a share of the image's range.
const SMOOTHED: usize = 8;
const COPIES: usize = 8;
const NOISE: f64 = 0.1;

/// Areas under the two curves of [`curve`], mean over images.
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
    /// The randomisation test; `None` of a model whose weights cannot be read, like the three below.
    pub sanity: Option<Sanity>,
    /// Whether it passed.
    pub passes_sanity: Option<bool>,
    /// The likeness of maps that are averaged over noisy copies of their image ([`smooth_likeness`]).
    pub smooth_sanity: Option<f64>,
    /// Whether that is below [`PASSES_BELOW`], too.
    pub passes_smooth_sanity: Option<bool>,
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

/// What maps are measured with: images, what stands where pixels are not, and how good maps are that know nothing of the model.
struct Bench<'a> {
    rows: Vec<&'a [f32]>,
    classes: &'a [usize],
    /// Of each image, blank first.
    baselines: [Vec<Vec<f32>>; 2],
    edges: Vec<Vec<f32>>,
    floor: Floor,
    blurred_floor: Floor,
}

impl<'a> Bench<'a> {
    fn new(model: &mut dyn Classifier, options: &Options, images: &'a [f32], classes: &'a [usize]) -> Self {
        let size @ [h, w, c] = model.input();
        let rows: Vec<&[f32]> = images.chunks_exact(h * w * c).collect();
        let baselines = Baseline::ALL
            .map(|baseline| rows.iter().map(|image| baseline.of(image, &options.baseline, size)).collect());
        let edges = rows.iter().map(|image| edge_map(image, size)).collect();
        let none = Areas { deletion: 0.0, insertion: 0.0 };
        let unknown = Floor { random: none, edges: none, center: none };
        let mut bench =
            Self { rows, classes, baselines, edges, floor: unknown.clone(), blurred_floor: unknown };
        let count = bench.rows.len();
        let random: Vec<[Areas; 2]> = random_orders(options.seed, RANDOM_ORDERS, h * w)
            .into_iter()
            .map(|order| bench.areas(model, &vec![order; count]))
            .collect();
        let of_edges = bench.edges.iter().map(|map| pixels_by_saliency(map)).collect::<Vec<_>>();
        let of_edges = bench.areas(model, &of_edges);
        let of_center = bench.areas(model, &vec![pixels_by_saliency(&center_prior(size)); count]);
        [bench.floor, bench.blurred_floor] = [0, 1].map(|baseline| {
            let mean = |of: fn(&Areas) -> f64| {
                random.iter().map(|areas| of(&areas[baseline])).sum::<f64>() / random.len() as f64
            };
            let random =
                Areas { deletion: mean(|areas| areas.deletion), insertion: mean(|areas| areas.insertion) };
            Floor { random, edges: of_edges[baseline], center: of_center[baseline] }
        });
        bench
    }

    /// Areas with each baseline, blank first, when the pixels of each image go in its order.
    fn areas(&self, model: &mut dyn Classifier, orders: &[Vec<usize>]) -> [Areas; 2] {
        self.baselines.each_ref().map(|baselines| {
            let mut total = [0.0; 2];
            for (index, (image, order)) in self.rows.iter().zip(orders).enumerate() {
                let areas = curve(model, image, &baselines[index], self.classes[index], order).areas();
                total.iter_mut().zip(areas).for_each(|(total, area)| *total += area / self.rows.len() as f64);
            }
            Areas { deletion: total[0], insertion: total[1] }
        })
    }

    /// What predictions say of `method` by its `maps`, one an image.
    fn verdict(&self, model: &mut dyn Classifier, method: Method, maps: &[Vec<f32>]) -> Verdict {
        let alike = |(map, edges): (&Vec<f32>, &Vec<f32>)| {
            let sizes: Vec<f32> = map.iter().map(|value| value.abs()).collect();
            rank_correlation(&sizes, edges) / self.rows.len() as f64
        };
        let likeness_to_edges = maps.iter().zip(&self.edges).map(alike).sum();
        let orders: Vec<Vec<usize>> = maps.iter().map(|map| pixels_by_saliency(map)).collect();
        let [areas, blurred_areas] = self.areas(model, &orders);
        Verdict {
            method,
            sanity: None,
            passes_sanity: None,
            smooth_sanity: None,
            passes_smooth_sanity: None,
            areas,
            blurred_areas,
            likeness_to_edges,
        }
    }

    fn judged(self, verdicts: Vec<Verdict>) -> Judged {
        let Self { floor, blurred_floor, rows, .. } = self;
        Judged { images: rows.len(), floor, blurred_floor, verdicts }
    }
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
    let mut running = Running::new(model, CURVE_BATCH);
    let bench = Bench::new(&mut running, options, images, classes);
    let rows = &bench.rows;
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
        let maps = |weights: &Weights| maps_of(weights, rows, &|index| classes[index]);
        let made = maps(model.weights);
        let sanity = sanity(model.graph, model.weights, options.seed, maps);
        let copies: Vec<&[f32]> = noisy.iter().map(Vec::as_slice).collect();
        let smooth_sanity =
            smooth_likeness(model.graph, model.weights, options.seed, COPIES, |weights: &Weights| {
                maps_of(weights, &copies, &|index| classes[index / COPIES])
            });
        verdicts.push(Verdict {
            passes_sanity: Some(sanity.passes()),
            sanity: Some(sanity),
            smooth_sanity: Some(smooth_sanity),
            passes_smooth_sanity: Some(smooth_sanity < PASSES_BELOW),
            ..bench.verdict(&mut running, method, &made)
        });
        progress(verdicts.len());
    }
    bench.judged(verdicts)
}

/// The same of a model that only predicts: insertion and deletion, but no sanity check, since there are no weights to put out of order.
/// Methods that need gradients are left out.
pub fn judge_by_predictions(
    model: &mut dyn Classifier,
    options: &Options,
    methods: &[Method],
    images: &[f32],
    classes: &[usize],
    mut progress: impl FnMut(usize),
) -> Judged {
    let bench = Bench::new(model, options, images, classes);
    let perturber = Perturber::new(options.clone(), model.input());
    let mut verdicts = Vec::new();
    for &method in methods.iter().filter(|method| !method.needs_gradients()) {
        let maps: Vec<Vec<f32>> = (bench.rows.iter().zip(classes))
            .map(|(image, &class)| perturber.explain(model, method, image, Target::Logit(class)).map)
            .collect();
        verdicts.push(bench.verdict(model, method, &maps));
        progress(verdicts.len());
    }
    bench.judged(verdicts)
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
