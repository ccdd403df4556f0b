//! What a linear classifier can read from each layer's responses.
//!
//! *Idea*: a ridge classifier on the responses of each layer, and on the pixels, in closed form.
//! ```text
//! x = features, scaled to standard deviation 1;  y = 1 for the class, 0 for others
//! w = (X'X / n + lambda I)^-1 X'Y / n            X and Y without their means
//! predicted = the class with the largest x w
//! ```
//! Features are responses averaged over a grid of at most 4 x 4 windows, coarser where that gives more than
//! [`MOST_FEATURES`]; pixels are averaged only where there are more than that. `lambda` is the one of [`LAMBDAS`] that is
//! best on a tenth of the fitting images, with which the others were not fitted; then all are fitted.
//!
//! *Exactness*: products are summed in `f32` over 1,024 images and in `f64` over those; Cholesky's method in `f64`.
//!
//! *Reference*: Alain & Bengio 2016, "Understanding intermediate layers using linear classifier probes". They fit by
//! logistic regression; ridge needs no steps and no rate.

mod ridge;

use seamripper_kernels::{Instructions, SLACK, parallel};

use self::ridge::{Classifier, Moments, Part};
use super::{FilterLayer, Model, filter_layers};
use crate::engine::Wants;
use crate::graph::Source;
use crate::sample::ImageSet;

/// Features of a probe, at most.
pub const MOST_FEATURES: usize = 1024;

/// Windows of the grid, down and across, at most.
const GRID: usize = 4;

/// What `lambda` is chosen from, largest first; of equally good ones the largest is taken.
pub const LAMBDAS: [f64; 5] = [1.0, 0.1, 1e-2, 1e-3, 1e-4];

/// Images at a time.
const BATCH: usize = 64;

/// How well a linear classifier does on a layer's responses.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The layer; `None` for the pixels.
    pub layer: Option<FilterLayer>,
    /// `[h, w, c]` of the features.
    pub features: [usize; 3],
    /// The regularization that was chosen.
    pub lambda: f64,
    /// Test images predicted right.
    pub right: usize,
    /// Test images.
    pub images: usize,
}

impl Probe {
    /// Share of test images predicted right.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.images.max(1) as f64
    }
}

/// Probes of the pixels and of every layer with filters, in execution order, fitted on `fit` and scored on `test`. `progress` is
/// told how many images of both sets went through the model, and then how many probes are fitted beside those.
///
/// # Panics
/// If the images do not have the graph's input size.
pub fn probe(
    model: &Model<'_>,
    fit: &ImageSet,
    test: &ImageSet,
    mut progress: impl FnMut(usize),
) -> Vec<Probe> {
    assert!([fit, test].iter().all(|set| set.size() == model.graph.input), "image size");
    let layers = filter_layers(model.graph);
    let mut views = vec![View::new(Source::Input, model.graph.input, usize::MAX)];
    views.extend(layers.iter().map(|layer| View::new(Source::Node(layer.response), layer.output, GRID)));
    let fitted = features(model, &views, fit, &mut progress);
    let tested = features(model, &views, test, |images| progress(fit.len() + images));
    let layers = [None].into_iter().chain(layers.into_iter().map(Some));
    let mut probes = Vec::new();
    for (((layer, view), x), test_x) in layers.zip(&views).zip(fitted).zip(tested) {
        let d = view.output.iter().product();
        let fit = Part { d, classes: fit.classes().len(), x, labels: fit.labels() };
        let test = Part { d, classes: fit.classes, x: test_x, labels: test.labels() };
        let (classifier, lambda) = classifier(model.isa, &fit);
        let right = classifier.right(&test, &(0..test.labels.len()).collect::<Vec<_>>());
        probes.push(Probe { layer, features: view.output, lambda, right, images: test.labels.len() });
        progress(fit.labels.len() + test.labels.len() + probes.len());
    }
    probes
}

/// The classifier fitted on all of `fit`, with the `lambda` that is best on a tenth of it.
fn classifier(isa: Instructions, fit: &Part<'_>) -> (Classifier, f64) {
    let (held, rest): (Vec<usize>, Vec<usize>) = (0..fit.labels.len()).partition(|index| index % 10 == 9);
    let mut moments = Moments::new(isa, fit, &rest);
    let mut tried = LAMBDAS.map(|lambda| (lambda, 0));
    parallel::for_each(&mut tried, |_, (lambda, right)| *right = moments.fit(*lambda).right(fit, &held));
    let best = tried.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best });
    let lambda = best.expect("lambdas").0;
    moments.add(&Moments::new(isa, fit, &held));
    (moments.fit(lambda), lambda)
}

/// How a response becomes features.
struct View {
    source: Source,
    input: [usize; 3],
    output: [usize; 3],
}

impl View {
    fn new(source: Source, input: [usize; 3], grid: usize) -> Self {
        let [h, w, c] = input;
        let shapes = (1..=grid.min(h.max(w))).rev().map(|side| [h.min(side), w.min(side), c]);
        let fits = |shape: &[usize; 3]| shape.iter().product::<usize>() <= MOST_FEATURES;
        let output = shapes.into_iter().find(fits).unwrap_or([1, 1, MOST_FEATURES]);
        Self { source, input, output }
    }

    /// Averages of `response` `[h, w, c]` over a grid of windows; `features` is `[gh, gw, c]`. Window `i` of `g` is
    /// `i h / g .. ceil((i + 1) h / g)`. Of more than [`MOST_FEATURES`] channels, evenly spaced ones are taken.
    fn features(&self, response: &[f32], features: &mut [f32]) {
        let ([h, w, c], [grid_h, grid_w, taken]) = (self.input, self.output);
        let window =
            |at: usize, length: usize, grid: usize| at * length / grid..((at + 1) * length).div_ceil(grid);
        for (cell, features) in features.chunks_exact_mut(taken).enumerate() {
            let (rows, columns) = (window(cell / grid_w, h, grid_h), window(cell % grid_w, w, grid_w));
            features.fill(0.0);
            for place in rows.clone().flat_map(|y| columns.clone().map(move |x| y * w + x)) {
                let response = &response[place * c..][..c];
                if taken == c {
                    features.iter_mut().zip(response).for_each(|(sum, value)| *sum += value);
                } else {
                    features.iter_mut().enumerate().for_each(|(at, sum)| *sum += response[at * c / taken]);
                }
            }
            let share = 1.0 / (rows.len() * columns.len()) as f32;
            features.iter_mut().for_each(|sum| *sum *= share);
        }
    }
}

/// The features `[n, d]` of every view, with slack behind them.
fn features(
    model: &Model<'_>,
    views: &[View],
    set: &ImageSet,
    mut progress: impl FnMut(usize),
) -> Vec<Vec<f32>> {
    let lengths: Vec<usize> = views.iter().map(|view| view.output.iter().product()).collect();
    let mut all: Vec<Vec<f32>> = lengths.iter().map(|d| vec![0.0; set.len() * d + SLACK]).collect();
    let batch = BATCH.min(set.len()).max(1);
    let mut engine = model.engine(batch, Wants { taps: true, ..Wants::INFERENCE });
    for (number, pixels) in set.chunks(batch).enumerate() {
        let values = model.values(&pixels);
        engine.run_forward(&values);
        let count = engine.images();
        for ((view, all), d) in views.iter().zip(&mut all).zip(&lengths) {
            let own = &mut all[number * batch * d..][..count * d];
            parallel::for_each_chunk(own, *d, |start, features| {
                let image = start / d;
                let response = match view.source {
                    Source::Input => &values[image * model.image_len()..][..model.image_len()],
                    Source::Node(node) => engine.tap_of(node, image).expect("an engine with taps"),
                };
                view.features(response, features);
            });
        }
        progress(number * batch + count);
    }
    all
}
