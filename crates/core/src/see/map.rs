//! A map on which images with like features lie side by side: t-SNE to two dimensions.
//!
//! *Idea*: neighbours attract, everything repels.
//! ```text
//! p[i, j]   Gaussian of the distance to i's nearest 3 x perplexity others, its width such that their entropy is
//!           ln perplexity; made symmetric, summing to 1
//! q[i, j] = 1 / (1 + |y_i - y_j|^2)                                Z = sum of all q
//! gradient[i] = 4 sum over j of (p[i, j] - q[i, j] / Z) q[i, j] (y_i - y_j)
//! ```
//! *Exactness*: nothing is drawn at random: the map begins as the principal components, and sums have one order. The same
//! features give the same bits for any number of threads. `exp` and `ln` are the system's, which may differ in a last bit.
//!
//! *Departures*: repulsion is exact and `f32`, `n^2` terms a step, which for a few thousand images is faster than a tree.
//!
//! *Reference*: van der Maaten & Hinton 2008, "Visualizing Data using t-SNE"; van der Maaten 2014, "Accelerating t-SNE
//! using Tree-Based Algorithms", for the neighbours; Kobak & Berens 2019, "The art of using t-SNE for single-cell
//! transcriptomics", for the start; Belkina et al. 2019, "Automated optimized parameters for t-SNE", for the rate.

use seamripper_kernels::{Instructions, parallel};

use super::{Features, nearest_images, principal};

/// Images of a map, at most: [`map_sample`].
pub const MOST_POINTS: usize = 2000;

/// Standard deviation of the first coordinate at the start (Kobak & Berens 2019).
const START: f64 = 1e-4;

/// Coordinates whose sums are kept side by side.
const LANES: usize = 8;

/// How a map is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapOptions {
    /// How many neighbours count, about; no more than a third of the others.
    pub perplexity: f64,
    /// Steps in all.
    pub steps: usize,
    /// Steps during which attraction is exaggerated.
    pub exaggerated: usize,
    /// How much.
    pub exaggeration: f64,
}

impl Default for MapOptions {
    /// The usual ones (van der Maaten 2014), with 750 steps.
    fn default() -> Self {
        Self { perplexity: 30.0, steps: 750, exaggerated: 250, exaggeration: 12.0 }
    }
}

/// The images of a map: all, or [`MOST_POINTS`] evenly spaced ones.
pub fn map_sample(images: usize) -> Vec<usize> {
    let taken = images.min(MOST_POINTS);
    (0..taken).map(|at| at * images / taken).collect()
}

/// Two coordinates for each row of `features`; `progress` is told how many steps are done.
pub fn map(
    isa: Instructions,
    features: &Features,
    options: &MapOptions,
    mut progress: impl FnMut(usize),
) -> Vec<[f32; 2]> {
    let n = features.len();
    let mut state = State::new(features);
    if n < 3 {
        return state.points();
    }
    let attraction = attraction(isa, features, options.perplexity);
    // scikit-learn's constant for Belkina's n / exaggeration, whose gradient has no factor 4.
    let rate = (n as f64 / options.exaggeration / 4.0).max(50.0);
    for step in 0..options.steps {
        let early = step < options.exaggerated;
        let (factor, momentum) = if early { (options.exaggeration, 0.5) } else { (1.0, 0.8) };
        state.step(&attraction, factor as f32, rate as f32, momentum);
        progress(step + 1);
    }
    state.points()
}

/// `p` of each image: the others it attracts and how much, by index.
type Attraction = Vec<Vec<(u32, f32)>>;

fn attraction(isa: Instructions, features: &Features, perplexity: f64) -> Attraction {
    let n = features.len();
    let perplexity = perplexity.clamp(1.0, ((n - 1) as f64 / 3.0).max(1.0));
    let k = ((3.0 * perplexity) as usize).clamp(1, n - 1);
    let mut near = nearest_images(isa, features, features, k + 1);
    let mut shares: Vec<Vec<(usize, f64)>> = vec![Vec::new(); n];
    for (image, near) in near.iter_mut().enumerate() {
        // Where many are equal, an image may not be among its own neighbours.
        near.retain(|other| other.index != image);
        near.truncate(k);
    }
    parallel::for_each(&mut shares, |image, shares| {
        let near = &near[image];
        let distances: Vec<f64> = near.iter().map(|other| other.squared_distance).collect();
        let weights = gaussian(&distances, perplexity.ln());
        *shares = near.iter().map(|other| other.index).zip(weights).collect();
    });
    let mut both: Vec<Vec<(usize, f64)>> = shares.clone();
    for (image, shares) in shares.iter().enumerate() {
        for &(other, share) in shares {
            both[other].push((image, share));
        }
    }
    let scale = 1.0 / (2 * n) as f64;
    let merge = |mut pairs: Vec<(usize, f64)>| {
        pairs.sort_by_key(|&(other, _)| other);
        let mut merged: Vec<(u32, f32)> = Vec::with_capacity(pairs.len());
        for pairs in pairs.chunk_by(|a, b| a.0 == b.0) {
            let sum: f64 = pairs.iter().map(|&(_, share)| share).sum();
            merged.push((pairs[0].0 as u32, (sum * scale) as f32));
        }
        merged
    };
    both.into_iter().map(merge).collect()
}

/// Gaussian weights of squared distances, summing to 1, with this entropy, or as near to it as distances allow.
fn gaussian(distances: &[f64], entropy: f64) -> Vec<f64> {
    let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
    let mean = distances.iter().map(|d| d - least).sum::<f64>() / distances.len() as f64;
    let weights = |precision: f64| -> (Vec<f64>, f64) {
        let raw: Vec<f64> = distances.iter().map(|d| (-precision * (d - least)).exp()).collect();
        let total: f64 = raw.iter().sum();
        let weights: Vec<f64> = raw.into_iter().map(|x| x / total).collect();
        let entropy = -weights.iter().filter(|&&x| x > 0.0).map(|x| x * x.ln()).sum::<f64>();
        (weights, entropy)
    };
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut precision = if mean > 0.0 { 1.0 / mean } else { 1.0 };
    for _ in 0..64 {
        if weights(precision).1 > entropy {
            low = precision;
            precision = if high.is_finite() { (low + high) / 2.0 } else { precision * 2.0 };
        } else {
            high = precision;
            precision = (low + high) / 2.0;
        }
    }
    weights(precision).0
}

/// The map on its way.
struct State {
    /// `[n]`, and places behind that are so far that they add nothing, so that whole lanes are read.
    x: Vec<f32>,
    y: Vec<f32>,
    points: Vec<Point>,
}

#[derive(Clone, Copy, Default)]
struct Point {
    /// `sum p q (y_i - y_j)`
    pull: [f32; 2],
    /// `sum q^2 (y_i - y_j)`
    push: [f32; 2],
    /// `sum q`
    total: f64,
    velocity: [f32; 2],
    gain: [f32; 2],
}

impl State {
    fn new(features: &Features) -> Self {
        let n = features.len();
        let start = principal(features).points;
        let sd = (start.iter().map(|point| point[0] * point[0]).sum::<f64>() / n.max(1) as f64).sqrt();
        let scale = if sd > 0.0 { START / sd } else { 0.0 };
        // A hair beside it, lest features along one line stay on a line.
        let beside = |at: usize| ((at + 1) as f64 * 0.618_033_988_749_895).fract() - 0.5;
        let far = 1e18; // its square is finite, and one over that nothing beside 1
        let length = n.next_multiple_of(LANES);
        let mut x: Vec<f32> = start.iter().map(|point| (point[0] * scale) as f32).collect();
        let mut y: Vec<f32> = start
            .iter()
            .enumerate()
            .map(|(at, point)| (point[1] * scale + 1e-3 * START * beside(at)) as f32)
            .collect();
        x.resize(length, far);
        y.resize(length, far);
        Self { x, y, points: vec![Point { gain: [1.0; 2], ..Point::default() }; n] }
    }

    fn points(&self) -> Vec<[f32; 2]> {
        self.x.iter().zip(&self.y).take(self.points.len()).map(|(&x, &y)| [x, y]).collect()
    }

    fn step(&mut self, attraction: &Attraction, exaggeration: f32, rate: f32, momentum: f32) {
        let (x, y) = (&self.x, &self.y);
        parallel::for_each_chunk(&mut self.points, 32, |first, points| {
            for (at, point) in points.iter_mut().enumerate() {
                let own = [x[first + at], y[first + at]];
                (point.push, point.total) = push(own, x, y);
                point.pull = [0.0; 2];
                for &(other, share) in &attraction[first + at] {
                    let away = [own[0] - x[other as usize], own[1] - y[other as usize]];
                    let weight = share / (1.0 + away[0] * away[0] + away[1] * away[1]);
                    point.pull[0] += weight * away[0];
                    point.pull[1] += weight * away[1];
                }
            }
        });
        let total = self.points.iter().map(|point| point.total).sum::<f64>().max(f64::MIN_POSITIVE);
        let share = (1.0 / total) as f32;
        for (at, point) in self.points.iter_mut().enumerate() {
            for (axis, place) in [&mut self.x[at], &mut self.y[at]].into_iter().enumerate() {
                let gradient = 4.0 * (exaggeration * point.pull[axis] - share * point.push[axis]);
                // Gains as in van der Maaten's code: up where the direction stays, down where it turns.
                let turns = (gradient > 0.0) == (point.velocity[axis] > 0.0);
                let gain = if turns { point.gain[axis] * 0.8 } else { point.gain[axis] + 0.2 };
                point.gain[axis] = gain.max(0.01);
                point.velocity[axis] = momentum * point.velocity[axis] - rate * point.gain[axis] * gradient;
                *place += point.velocity[axis];
            }
        }
        for axis in [&mut self.x, &mut self.y] {
            let own = &mut axis[..self.points.len()];
            let mean = (own.iter().map(|&x| f64::from(x)).sum::<f64>() / own.len() as f64) as f32;
            own.iter_mut().for_each(|x| *x -= mean);
        }
    }
}

/// `sum over j of q^2 (own - j)` and `sum over j other than own of q`.
fn push(own: [f32; 2], x: &[f32], y: &[f32]) -> ([f32; 2], f64) {
    let (mut right, mut down, mut total) = ([0.0_f32; LANES], [0.0_f32; LANES], [0.0_f32; LANES]);
    for (x, y) in x.chunks_exact(LANES).zip(y.chunks_exact(LANES)) {
        for lane in 0..LANES {
            let (dx, dy) = (own[0] - x[lane], own[1] - y[lane]);
            let q = 1.0 / (1.0 + dx * dx + dy * dy);
            right[lane] += q * q * dx;
            down[lane] += q * q * dy;
            total[lane] += q;
        }
    }
    let sum = |lanes: [f32; LANES]| lanes.into_iter().sum::<f32>();
    let total: f64 = total.into_iter().map(f64::from).sum();
    ([sum(right), sum(down)], total - 1.0)
}
