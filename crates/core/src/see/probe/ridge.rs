//! A ridge classifier from sums of products.

use seamripper_kernels::gemm_gradient::{GemmGradient, gemm_gradient};
use seamripper_kernels::panels::Run;
use seamripper_kernels::{Instructions, parallel};

/// Images whose products are summed in `f32`.
const CHUNK: usize = 1024;

/// Columns of the product matrix that are one piece of work.
const COLUMNS: usize = 64;

/// A feature whose variance is a smaller share of its mean square than this is taken for a constant.
const CONSTANT: f64 = 1e-9;

/// Features and labels of some images.
pub(super) struct Part<'a> {
    /// Features of an image.
    pub(super) d: usize,
    /// Number of classes.
    pub(super) classes: usize,
    /// `[n, d]`, with slack behind.
    pub(super) x: Vec<f32>,
    /// `[n]`
    pub(super) labels: &'a [u32],
}

/// Sums of products of features and targets.
pub(super) struct Moments {
    d: usize,
    /// `[d]`
    sums: Vec<f64>,
    /// `[d, d]`
    products: Vec<f64>,
    /// Sums over the images of each class, `[k, d]`.
    class_sums: Vec<f64>,
    /// Images of each class, `[k]`.
    counts: Vec<f64>,
}

/// `x w + b`, the largest of which is the predicted class.
pub(super) struct Classifier {
    /// `[k, d]`
    weights: Vec<f64>,
    /// `[k]`
    bias: Vec<f64>,
}

impl Moments {
    /// Those of the images at `indices`.
    pub(super) fn new(isa: Instructions, part: &Part<'_>, indices: &[usize]) -> Self {
        let (d, k) = (part.d, part.classes);
        let (mut class_sums, mut counts) = (vec![0.0; k * d], vec![0.0; k]);
        for &index in indices {
            let class = part.labels[index] as usize;
            counts[class] += 1.0;
            let sums = class_sums[class * d..][..d].iter_mut();
            sums.zip(&part.x[index * d..]).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        let mut sums = vec![0.0; d];
        for class in class_sums.chunks_exact(d) {
            sums.iter_mut().zip(class).for_each(|(sum, value)| *sum += value);
        }
        Self { d, sums, products: products(isa, part, indices), class_sums, counts }
    }

    /// Adds those of other images.
    pub(super) fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.sums, &other.sums),
            (&mut self.products, &other.products),
            (&mut self.class_sums, &other.class_sums),
            (&mut self.counts, &other.counts),
        ];
        for (sum, other) in pairs {
            sum.iter_mut().zip(other).for_each(|(sum, value)| *sum += value);
        }
    }

    /// The classifier with this regularization.
    pub(super) fn fit(&self, lambda: f64) -> Classifier {
        let d = self.d;
        let n = self.counts.iter().sum::<f64>().max(1.0);
        let means: Vec<f64> = self.sums.iter().map(|sum| sum / n).collect();
        let scales: Vec<f64> = (0..d)
            .map(|at| {
                let square = self.products[at * d + at] / n;
                let variance = square - means[at] * means[at];
                if variance > CONSTANT * square { 1.0 / variance.sqrt() } else { 0.0 }
            })
            .collect();
        let mut matrix = vec![0.0; d * d];
        for i in 0..d {
            for j in 0..=i {
                let covariance = self.products[i * d + j] / n - means[i] * means[j];
                matrix[i * d + j] = covariance * scales[i] * scales[j];
            }
            matrix[i * d + i] = 1.0 + lambda;
        }
        cholesky(&mut matrix, d);
        let (mut weights, mut bias) = (Vec::with_capacity(self.class_sums.len()), Vec::new());
        for (sums, count) in self.class_sums.chunks_exact(d).zip(&self.counts) {
            let target = |at: usize| (sums[at] / n - means[at] * count / n) * scales[at];
            let mut own: Vec<f64> = (0..d).map(target).collect();
            substitute(&matrix, &mut own);
            own.iter_mut().zip(&scales).for_each(|(weight, scale)| *weight *= scale);
            bias.push(count / n - own.iter().zip(&means).map(|(weight, mean)| weight * mean).sum::<f64>());
            weights.extend(own);
        }
        Classifier { weights, bias }
    }
}

/// `X'X` of the images at `indices`, `[d, d]`.
fn products(isa: Instructions, part: &Part<'_>, indices: &[usize]) -> Vec<f64> {
    let d = part.d;
    let starts = (0..d).step_by(COLUMNS);
    let mut blocks: Vec<(usize, Vec<f64>)> =
        starts.map(|start| (start, vec![0.0; d * COLUMNS.min(d - start)])).collect();
    parallel::for_each(&mut blocks, |_, (start, sums)| {
        let filters = COLUMNS.min(d - *start);
        for images in indices.chunks(CHUNK) {
            let first = images[0] * d;
            let rows: Vec<u32> = images.iter().map(|image| (image * d - first) as u32).collect();
            let runs = [Run { start: 0, count: d as u32 }];
            let (x, dy) = (&part.x[first..], &part.x[first + *start..]);
            let mut own = vec![0.0; d * filters];
            gemm_gradient(
                isa,
                GemmGradient { x, corners: &rows, runs: &runs, dy, rows: &rows, filters },
                &mut own,
            );
            sums.iter_mut().zip(own).for_each(|(sum, value)| *sum += f64::from(value));
        }
    });
    let mut products = vec![0.0; d * d];
    for (start, sums) in blocks {
        let filters = COLUMNS.min(d - start);
        for (row, sums) in products.chunks_exact_mut(d).zip(sums.chunks_exact(filters)) {
            row[start..start + filters].copy_from_slice(sums);
        }
    }
    products
}

impl Classifier {
    /// How many of the images at `indices` are predicted right.
    pub(super) fn right(&self, part: &Part<'_>, indices: &[usize]) -> usize {
        let mut right = vec![false; indices.len()];
        let d = part.d;
        parallel::for_each_chunk(&mut right, 64, |first, right| {
            for (at, right) in right.iter_mut().enumerate() {
                let index = indices[first + at];
                let x = &part.x[index * d..][..d];
                let score = |(weights, bias): (&[f64], &f64)| {
                    bias + weights.iter().zip(x).map(|(weight, &x)| weight * f64::from(x)).sum::<f64>()
                };
                let scores: Vec<f64> = self.weights.chunks_exact(d).zip(&self.bias).map(score).collect();
                let top1 = (1..scores.len())
                    .fold(0, |best, class| if scores[class] > scores[best] { class } else { best });
                *right = top1 == part.labels[index] as usize;
            }
        });
        right.into_iter().filter(|&right| right).count()
    }
}

/// The lower triangle of a positive definite matrix `[d, d]` becomes its factor `L`, `L L' = A`.
fn cholesky(matrix: &mut [f64], d: usize) {
    for i in 0..d {
        let (above, row) = matrix.split_at_mut(i * d);
        for j in 0..i {
            let other = &above[j * d..][..=j];
            row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        row[i] = (row[i] - dot(&row[..i], &row[..i])).max(f64::MIN_POSITIVE).sqrt();
    }
}

/// Solves `L L' x = b` in place.
fn substitute(factor: &[f64], b: &mut [f64]) {
    let d = b.len();
    for i in 0..d {
        b[i] = (b[i] - dot(&factor[i * d..][..i], &b[..i])) / factor[i * d + i];
    }
    for i in (0..d).rev() {
        b[i] /= factor[i * d + i];
        let value = b[i];
        b[..i].iter_mut().zip(&factor[i * d..]).for_each(|(other, l)| *other -= value * l);
    }
}

/// Eight sums side by side, so that they need not wait for each other.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (a_lanes, b_lanes) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_lanes.remainder().iter().zip(b_lanes.remainder()).map(|(a, b)| a * b).sum::<f64>();
    for (a, b) in a_lanes.zip(b_lanes) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use seamripper_kernels::SLACK;

    use super::*;
    use crate::random::{Purpose, Stream};

    #[test]
    fn a_factor_solves_its_equations() {
        let d = 37;
        let entry = |i: usize, j: usize| 1.0 / (1.0 + i.abs_diff(j) as f64) + if i == j { 0.5 } else { 0.0 };
        let a: Vec<f64> = (0..d * d).map(|at| entry(at / d, at % d)).collect();
        let x: Vec<f64> = (0..d).map(|at| (at as f64).sin()).collect();
        let mut b: Vec<f64> = a.chunks(d).map(|row| row.iter().zip(&x).map(|(a, x)| a * x).sum()).collect();
        let mut factor = a;
        cholesky(&mut factor, d);
        substitute(&factor, &mut b);
        assert!(b.iter().zip(&x).all(|(b, x)| (b - x).abs() < 1e-12), "{b:?}");
    }

    /// Where the gradient of the loss is zero: `mean of (y - x w) x = lambda w`, features scaled.
    #[test]
    fn a_classifier_is_where_its_loss_is_least() {
        let (n, d, k, lambda) = (90, 70, 3, 0.1);
        let mut stream = Stream::new(8, Purpose::Test, 0, 0);
        let mut x: Vec<f32> =
            (0..n * d).map(|at| ((at % d) as f64 * 0.1 + stream.uniform(0.0, 3.0)) as f32).collect();
        x.iter_mut().skip(5).step_by(d).for_each(|x| *x = 7.0); // a feature that tells nothing
        x.resize(n * d + SLACK, 0.0);
        let labels: Vec<u32> = (0..n as u32).map(|at| at % 3).collect();
        let part = Part { d, classes: k, x, labels: &labels };
        let isa = Instructions::detect().unwrap();
        let (some, others): (Vec<usize>, Vec<usize>) = (0..n).partition(|at| at % 4 > 0);
        let mut moments = Moments::new(isa, &part, &some);
        moments.add(&Moments::new(isa, &part, &others));
        let found = moments.fit(lambda);
        let value = |image: usize, feature: usize| f64::from(part.x[image * d + feature]);
        for class in 0..k {
            let weights = &found.weights[class * d..][..d];
            let residual: Vec<f64> = (0..n)
                .map(|image| {
                    let score: f64 = (0..d).map(|feature| weights[feature] * value(image, feature)).sum();
                    f64::from(u8::from(image % 3 == class)) - found.bias[class] - score
                })
                .collect();
            assert!(residual.iter().sum::<f64>().abs() < 1e-4 * n as f64);
            for feature in 0..d {
                let mean = (0..n).map(|image| value(image, feature)).sum::<f64>() / n as f64;
                let variance = (0..n).map(|at| (value(at, feature) - mean).powi(2)).sum::<f64>() / n as f64;
                let product =
                    (0..n).map(|at| residual[at] * (value(at, feature) - mean)).sum::<f64>() / n as f64;
                assert!((product - lambda * weights[feature] * variance).abs() < 1e-5, "{class} {feature}");
            }
            assert_eq!(weights[5], 0.0);
            assert!(weights.iter().any(|weight| weight.abs() > 0.01));
        }
    }
}
