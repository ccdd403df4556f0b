//! Filters of a layer that do the same.
//!
//! *Idea*: two filters are alike if their responses rise and fall together, or if their weights point the same way.
//! ```text
//! correlation[i, j] over images and places of (response i, response j)              alike from 0.99 on
//! cosine[i, j] of (kernel i and bias i, kernel j and bias j)                        alike from 0.999 on
//! ```
//! *Departures*: of a layer with more than 16 places, 16 places of an image enter the correlation, evenly spaced and one
//! further with each image, so that every place has its turn; all of them would cost more than running the model.

use seamripper_kernels::gemm_gradient::{GemmGradient, gemm_gradient};
use seamripper_kernels::panels::Run;
use seamripper_kernels::{Instructions, SLACK};

use super::{FilterLayer, Model};
use crate::graph::{Activation, Layer, Node, Role, Source};

/// Responses that correlate at least so much are alike.
pub const SAME_RESPONSE: f64 = 0.99;

/// Weights with at least this cosine are alike.
pub const SAME_WEIGHTS: f64 = 0.999;

/// Places of an image that enter a correlation.
const PLACES: usize = 16;

/// A correlation needs so many responses that differ from the filter's first; of a filter that nearly never responds it says
/// nothing.
const LEAST_RESPONSES: u64 = 30;

/// Two filters of a layer that are alike by response, by weights or by both.
#[derive(Clone, Debug, PartialEq)]
pub struct Duplicate {
    /// The lower of the two.
    pub first: usize,
    /// The other.
    pub second: usize,
    /// Correlation of their responses; `None` if one does not change, or nearly never.
    pub correlation: Option<f64>,
    /// Cosine of their weights, kernel and bias, with a batch normalization that follows folded in; `None` if one has no
    /// weight but 0 or they read different channels.
    pub cosine: Option<f64>,
}

/// Sums of products of a layer's responses.
#[derive(Clone, Debug)]
pub(super) struct Grams {
    places: usize,
    filters: usize,
    samples: u64,
    /// About each filter's mean, so that sums of `f32` do not cancel.
    shift: Vec<f32>,
    sums: Vec<f64>,
    /// `[filters, filters]`
    products: Vec<f64>,
    /// The first response of each filter, and how many differ from it.
    first: Vec<f32>,
    moved: Vec<u64>,
}

impl Grams {
    pub(super) fn new([h, w, filters]: [usize; 3]) -> Self {
        Self {
            places: h * w,
            filters,
            samples: 0,
            shift: Vec::new(),
            sums: vec![0.0; filters],
            products: vec![0.0; filters * filters],
            first: Vec::new(),
            moved: vec![0; filters],
        }
    }

    /// Adds `count` images, of which the first has index `first` in the set; `response` gives `[h, w, filters]`.
    pub(super) fn add<'a>(
        &mut self,
        isa: Instructions,
        first: usize,
        count: usize,
        response: impl Fn(usize) -> &'a [f32],
    ) {
        let taken = PLACES.min(self.places);
        let mut samples = Vec::with_capacity(count * taken * self.filters + SLACK);
        for image in 0..count {
            for sample in 0..taken {
                let place = (sample * self.places / taken + first + image) % self.places;
                samples.extend_from_slice(&response(image)[place * self.filters..][..self.filters]);
            }
        }
        if self.shift.is_empty() {
            self.begin(&samples);
        }
        for sample in samples.chunks_exact_mut(self.filters) {
            for filter in 0..self.filters {
                self.moved[filter] += u64::from(sample[filter] != self.first[filter]);
                sample[filter] -= self.shift[filter];
                self.sums[filter] += f64::from(sample[filter]);
            }
        }
        self.samples += (count * taken) as u64;
        let rows: Vec<u32> = (0..count * taken).map(|sample| (sample * self.filters) as u32).collect();
        samples.resize(samples.len() + SLACK, 0.0);
        let mut products = vec![0.0; self.filters * self.filters];
        let runs = [Run { start: 0, count: self.filters as u32 }];
        let sum = GemmGradient {
            x: &samples,
            corners: &rows,
            runs: &runs,
            dy: &samples,
            rows: &rows,
            filters: self.filters,
        };
        gemm_gradient(isa, sum, &mut products);
        for (total, product) in self.products.iter_mut().zip(products) {
            *total += f64::from(product);
        }
    }

    fn begin(&mut self, samples: &[f32]) {
        let rows = samples.chunks_exact(self.filters);
        let count = rows.len().max(1) as f64;
        let mut means = vec![0.0_f64; self.filters];
        for sample in rows {
            means.iter_mut().zip(sample).for_each(|(mean, &value)| *mean += f64::from(value) / count);
        }
        self.shift = means.into_iter().map(|mean| mean as f32).collect();
        self.first = samples[..self.filters.min(samples.len())].to_vec();
    }

    /// Correlation of two filters' responses.
    fn correlation(&self, a: usize, b: usize) -> Option<f64> {
        if self.moved[a].min(self.moved[b]) < LEAST_RESPONSES {
            return None;
        }
        let n = self.samples as f64;
        let covariance =
            |a: usize, b: usize| self.products[a * self.filters + b] - self.sums[a] * self.sums[b] / n;
        let scale = (covariance(a, a) * covariance(b, b)).sqrt();
        (scale > 0.0).then(|| (covariance(a, b) / scale).clamp(-1.0, 1.0))
    }
}

/// The pairs of filters of `layer` that are alike.
pub(super) fn alike(model: &Model<'_>, layer: &FilterLayer, grams: &Grams) -> Vec<Duplicate> {
    let weights = filter_weights(model, layer);
    let length = |weights: &[f64]| weights.iter().map(|x| x * x).sum::<f64>().sqrt();
    let lengths: Vec<f64> = weights.iter().map(|weights| length(weights)).collect();
    let groups = model.graph.convolution(layer.node).map_or(1, |convolution| convolution.groups);
    let group = layer.filters() / groups;
    let mut found = Vec::new();
    for first in 0..layer.filters() {
        for second in first + 1..layer.filters() {
            let correlation = grams.correlation(first, second);
            let scale = lengths[first] * lengths[second];
            let cosine = (first / group == second / group && scale > 0.0).then(|| {
                let products = weights[first].iter().zip(&weights[second]).map(|(a, b)| a * b);
                products.sum::<f64>() / scale
            });
            if correlation.is_some_and(|x| x >= SAME_RESPONSE) || cosine.is_some_and(|x| x >= SAME_WEIGHTS) {
                found.push(Duplicate { first, second, correlation, cosine });
            }
        }
    }
    found
}

/// Kernel and bias of each filter. A batch normalization right behind the layer is folded in: `w s` and
/// `(b - mean) s + beta` with `s = gamma / sqrt(variance + epsilon)`, which is what the filter is at inference.
pub(super) fn filter_weights(model: &Model<'_>, layer: &FilterLayer) -> Vec<Vec<f64>> {
    let graph = model.graph;
    let node = &graph.nodes[layer.node];
    let of = |node: &Node, role: Role| {
        let parameter = node.parameters.iter().map(|&at| &graph.parameters[at]).find(|p| p.role == role)?;
        Some(model.weights.of(parameter))
    };
    let kernel = of(node, Role::Kernel).expect("a layer with filters has a kernel");
    let bias = of(node, Role::Bias);
    let count = layer.filters();
    let mut filters: Vec<Vec<f64>> = (0..count)
        .map(|filter| {
            let kernel = kernel.iter().skip(filter).step_by(count);
            kernel.copied().chain([bias.map_or(0.0, |bias| bias[filter])]).map(f64::from).collect()
        })
        .collect();
    let norm = graph.nodes[layer.node + 1..=layer.response]
        .iter()
        .find(|next| next.inputs.contains(&Source::Node(layer.node)));
    if let Some(norm) = norm.filter(|_| node.activation == Activation::Identity)
        && let Layer::BatchNorm { epsilon, .. } = norm.layer
    {
        let role = |role: Role| of(norm, role).expect("a batch normalization has all four");
        let [gamma, beta, mean, variance] =
            [Role::Gamma, Role::Beta, Role::MovingMean, Role::MovingVariance].map(role);
        for (filter, weights) in filters.iter_mut().enumerate() {
            let scale = f64::from(gamma[filter]) / (f64::from(variance[filter]) + f64::from(epsilon)).sqrt();
            weights[kernel.len() / count] -= f64::from(mean[filter]);
            weights.iter_mut().for_each(|weight| *weight *= scale);
            weights[kernel.len() / count] += f64::from(beta[filter]);
        }
    }
    filters
}
