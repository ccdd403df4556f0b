//! Clusters of embeddings as slices: images that are alike to the model, whatever they have in common.
//!
//! *Reference*: seeding by distance: Arthur & Vassilvitskii (2007), "k-means++", SODA, 1027–1035; then Lloyd (1982), "Least
//! squares quantization in PCM", IEEE Trans. Inf. Theory 28, 129–137, until no image moves or for [`ROUNDS`] rounds; the
//! best of [`ATTEMPTS`], because each ends in a local minimum.

use seamripper_kernels::parallel;

use super::SliceOptions;
use super::halves::Halves;
use super::slice::{Candidate, Origin, Scope, Table};
use crate::fail::properties::Values;
use crate::fail::statistics::two_rates::excess_g;
use crate::random::{Purpose, Stream};
use crate::tensor::Tensor;

/// Most rounds of Lloyd's algorithm.
const ROUNDS: usize = 30;

/// Times the centers are drawn anew.
const ATTEMPTS: u64 = 5;

/// Images a thread assigns at a time; part of no result.
const PIECE: usize = 256;

/// At most this many properties are named.
const NAMED: usize = 3;

/// Properties whose mean differs by less than this many standard deviations are not named.
const LEAST_DIFFERENCE: f64 = 0.5;

/// Every cluster with more errors than expected on the first half. No error has a part in where clusters are.
pub fn candidates(
    table: &Table<'_>,
    halves: &Halves,
    embeddings: &Tensor,
    options: &SliceOptions,
) -> Vec<Candidate> {
    assert_eq!(embeddings.shape().first(), Some(&table.len()), "an embedding for every image");
    let d = embeddings.data().len() / table.len().max(1);
    let clusters = k_means(embeddings.data(), d, options.clusters, options.seed);
    let many = 2.0 * (clusters.centers.len() as f64).ln();
    let of_cluster = |cluster: usize| {
        let members: Vec<u32> =
            (0..table.len() as u32).filter(|&row| clusters.of[row as usize].0 == cluster).collect();
        let strata = table.rates(Scope::All, &members, |row| !halves.is_second(row));
        let sum =
            |of: fn(&crate::fail::statistics::two_rates::TwoRates) -> u64| strata.iter().map(of).sum::<u64>();
        let expected: f64 = strata
            .iter()
            .filter(|s| s.n_in > 0)
            .map(|s| s.n_in as f64 * (s.wrong_in + s.wrong_out) as f64 / (s.n_in + s.n_out) as f64)
            .sum();
        let (wrong, n) = (sum(|s| s.wrong_in + s.wrong_out), sum(|s| s.n_in + s.n_out));
        let g = excess_g(sum(|s| s.wrong_in), sum(|s| s.n_in), expected, wrong, n);
        let distances = members.iter().map(|&row| f64::from(clusters.of[row as usize].1)).collect();
        Candidate { scope: Scope::All, origin: Origin::Cluster(distances), members, score: g - many }
    };
    (0..clusters.centers.len()).map(of_cluster).filter(|candidate| candidate.score > -many).collect()
}

/// What tells some images from all others: names of classes and properties, most telling first.
pub fn telling(table: &Table<'_>, members: &[u32]) -> Vec<String> {
    let mut inside = vec![false; table.len()];
    members.iter().for_each(|&row| inside[row as usize] = true);
    let mut found: Vec<(f64, String)> = Vec::new();
    for property in table.properties {
        match &property.values {
            Values::Numbers(values) => {
                let of = |side: bool| {
                    moments(values.iter().copied().zip(&inside).filter(|v| *v.1 == side).map(|v| v.0))
                };
                let ((mean_in, sd_in), (mean_out, sd_out)) = (of(true), of(false));
                // Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences", eq. 2.2.2
                let pooled = (0.5 * (sd_in * sd_in + sd_out * sd_out)).sqrt();
                let difference = if pooled > 0.0 { (mean_in - mean_out) / pooled } else { 0.0 };
                found.push((difference.abs(), property.words[usize::from(difference > 0.0)].clone()));
            }
            Values::Names { names, of } => found.extend(telling_name(names, of, &inside)),
        }
    }
    found.retain(|(difference, _)| *difference >= LEAST_DIFFERENCE);
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let class = majority(table, members).map(|class| table.predictions.classes[class].clone());
    class.into_iter().chain(found.into_iter().take(NAMED).map(|(_, words)| words)).collect()
}

/// The class of more than half of the images.
fn majority(table: &Table<'_>, members: &[u32]) -> Option<usize> {
    let mut counts = vec![0; table.predictions.classes.len()];
    members.iter().for_each(|&row| counts[table.labels()[row as usize] as usize] += 1);
    counts.iter().position(|&count| 2 * count > members.len())
}

/// The name whose share differs most, in the same unit: Cohen's h (1988, eq. 6.2.1).
fn telling_name(names: &[String], of: &[u32], inside: &[bool]) -> Option<(f64, String)> {
    let mut counts = vec![[0_usize; 2]; names.len()];
    of.iter().zip(inside).for_each(|(&name, &side)| counts[name as usize][usize::from(side)] += 1);
    let n_in = inside.iter().filter(|&&side| side).count();
    let n = [(inside.len() - n_in).max(1), n_in.max(1)];
    let h = |count: &[usize; 2]| {
        let [out, inside] = [0, 1].map(|side| 2.0 * (count[side] as f64 / n[side] as f64).sqrt().asin());
        inside - out
    };
    let most = counts.iter().map(h).zip(names).max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some((most.0, most.1.clone()))
}

/// Mean and standard deviation of the values that are known; zeros if there are none.
pub fn moments(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut n, mut mean, mut square) = (0.0, 0.0, 0.0);
    for value in values.filter(|value| !value.is_nan()) {
        // Welford (1962), Technometrics 4, 419–420
        n += 1.0;
        let off = value - mean;
        mean += off / n;
        square += off * (value - mean);
    }
    (mean, if n > 0.0 { (square / n).sqrt() } else { 0.0 })
}

/// Clusters of points.
#[derive(Debug)]
pub struct Clusters {
    /// `[k][d]`.
    pub centers: Vec<Vec<f32>>,
    /// The cluster of each point, and its squared distance to the center.
    pub of: Vec<(usize, f32)>,
}

/// At most `k` clusters of the points `[n, d]`, fewer if fewer points differ: of several attempts the one with the smallest
/// sum of squared distances, the first of equals.
pub fn k_means(points: &[f32], d: usize, k: usize, seed: u64) -> Clusters {
    let inertia = |clusters: &Clusters| clusters.of.iter().map(|of| f64::from(of.1)).sum::<f64>();
    let attempts = (0..ATTEMPTS).map(|attempt| {
        let clusters = attempt_at(points, d, k, Stream::new(seed, Purpose::Clusters, attempt, 0));
        (inertia(&clusters), clusters)
    });
    let best = attempts.reduce(|best, next| if next.0 < best.0 { next } else { best });
    best.expect("an attempt").1
}

fn attempt_at(points: &[f32], d: usize, k: usize, mut stream: Stream) -> Clusters {
    let n = points.len() / d.max(1);
    let point = |index: usize| &points[index * d..][..d];
    let mut clusters = Clusters { centers: Vec::new(), of: vec![(0, f32::INFINITY); n] };
    while clusters.centers.len() < k.min(n) {
        let next = match clusters.centers.len() {
            0 => Some(stream.below(n as u64) as usize),
            _ => draw(&clusters.of, &mut stream),
        };
        let Some(next) = next else { break };
        let center = point(next).to_vec();
        let index = clusters.centers.len();
        parallel::for_each_chunk(&mut clusters.of, PIECE, |first, of| {
            for (row, slot) in (first..).zip(of) {
                let distance = squared_distance(point(row), &center);
                if distance < slot.1 {
                    *slot = (index, distance);
                }
            }
        });
        clusters.centers.push(center);
    }
    for _ in 0..ROUNDS {
        let before: Vec<usize> = clusters.of.iter().map(|of| of.0).collect();
        clusters.centers = means(points, d, &clusters);
        let centers = &clusters.centers;
        parallel::for_each_chunk(&mut clusters.of, PIECE, |first, of| {
            for (row, slot) in (first..).zip(of) {
                let distances = centers.iter().map(|center| squared_distance(point(row), center)).enumerate();
                *slot = distances.fold((0, f32::INFINITY), |best, at| if at.1 < best.1 { at } else { best });
            }
        });
        if clusters.of.iter().zip(before).all(|(now, before)| now.0 == before) {
            break;
        }
    }
    clusters
}

/// A point with a probability in proportion to its squared distance; `None` if all are 0.
fn draw(of: &[(usize, f32)], stream: &mut Stream) -> Option<usize> {
    let total: f64 = of.iter().map(|at| f64::from(at.1)).sum();
    let mut left = stream.unit() * total;
    let reached = of.iter().position(|at| {
        left -= f64::from(at.1);
        at.1 > 0.0 && left < 0.0
    });
    if total > 0.0 { reached.or_else(|| of.iter().rposition(|at| at.1 > 0.0)) } else { None }
}

/// The mean of each cluster; an empty cluster stays where it is.
fn means(points: &[f32], d: usize, clusters: &Clusters) -> Vec<Vec<f32>> {
    let mut sums = vec![vec![0.0_f64; d]; clusters.centers.len()];
    let mut counts = vec![0_usize; sums.len()];
    for (point, &(cluster, _)) in points.chunks_exact(d.max(1)).zip(&clusters.of) {
        counts[cluster] += 1;
        sums[cluster].iter_mut().zip(point).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    let mean = |((sum, count), old): ((Vec<f64>, usize), &Vec<f32>)| match count {
        0 => old.clone(),
        _ => sum.into_iter().map(|sum| (sum / count as f64) as f32).collect(),
    };
    sums.into_iter().zip(counts).zip(&clusters.centers).map(mean).collect()
}

fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
