//! The two directions in which features differ most.
//!
//! *Idea*: orthogonal iteration on the covariance, with a few vectors more than are wanted, so that it converges fast.
//! ```text
//! V = orthonormal(C V);  rotate V so that V' C V is diagonal;  until |C v - lambda v| is small for the first two
//! ```
//! *Exactness*: an axis points to where its largest loading is positive, the first of equal ones. No draw is random and sums
//! have one order, so the same features give the same bits.
//!
//! *Reference*: Golub & Van Loan 2013, *Matrix Computations*, algorithms 8.2.8 (orthogonal iteration) and 8.5.1 (Jacobi).

use seamripper_kernels::parallel;

use super::Features;

/// Vectors iterated together.
const VECTORS: usize = 10;

/// A residual, relative to the largest variance, from which on an axis is found.
const RESIDUAL: f64 = 1e-12;

/// Iterations, at most: enough for a gap of 5 % between the second variance and the eleventh.
const ITERATIONS: usize = 500;

/// Features seen along their two principal axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal {
    /// One a row of the features, in their order; about their mean.
    pub points: Vec<[f64; 2]>,
    /// Share of the features' variance along each axis; 0 if nothing varies.
    pub shares: [f64; 2],
}

/// Principal component analysis to two dimensions.
pub fn principal(features: &Features) -> Principal {
    let (n, d) = (features.len(), features.width());
    let count = n.max(1) as f64;
    let mut means = vec![0.0; d];
    for row in features.values().chunks_exact(d) {
        means.iter_mut().zip(row).for_each(|(mean, &x)| *mean += f64::from(x) / count);
    }
    let mut covariance = vec![0.0; d * d];
    parallel::for_each_chunk(&mut covariance, d, |start, own| {
        let feature = start / d;
        for row in features.values().chunks_exact(d) {
            let factor = (f64::from(row[feature]) - means[feature]) / count;
            let others = own.iter_mut().zip(row).zip(&means);
            others.for_each(|((sum, &x), mean)| *sum += factor * (f64::from(x) - mean));
        }
    });
    let total: f64 = (0..d).map(|at| covariance[at * d + at]).sum();
    let axes = leading(&covariance, d);
    let along = |axis: usize, row: &[f32]| match axes.get(axis) {
        Some((_, axis)) => axis.iter().zip(row).zip(&means).map(|((a, &x), m)| a * (f64::from(x) - m)).sum(),
        None => 0.0,
    };
    let share =
        |axis: usize| axes.get(axis).filter(|_| total > 0.0).map_or(0.0, |(variance, _)| variance / total);
    Principal {
        points: features.values().chunks_exact(d).map(|row| [along(0, row), along(1, row)]).collect(),
        shares: [share(0), share(1)],
    }
}

/// Up to two eigenvalues, largest first, of a symmetric matrix `[d, d]`, and their vectors.
fn leading(matrix: &[f64], d: usize) -> Vec<(f64, Vec<f64>)> {
    let count = VECTORS.min(d);
    // Nothing special: a start that no structure of the features is orthogonal to.
    let begin = |vector: usize| {
        (0..d).map(|at| ((at * count + vector + 1) as f64 * 0.754_877_666_246_693).fract() - 0.5).collect()
    };
    let mut vectors: Vec<Vec<f64>> = (0..count).map(begin).collect();
    let mut values = vec![0.0; count];
    let times = |vector: &[f64]| -> Vec<f64> { matrix.chunks_exact(d).map(|row| dot(row, vector)).collect() };
    for _ in 0..ITERATIONS {
        orthonormalize(&mut vectors);
        let images: Vec<Vec<f64>> = vectors.iter().map(|vector| times(vector)).collect();
        let small = vectors.iter().flat_map(|v| images.iter().map(move |image| dot(v, image))).collect();
        let (order, rotation) = jacobi(small, count);
        let rotate = |from: &[Vec<f64>], to: usize| -> Vec<f64> {
            (0..d)
                .map(|at| (0..count).map(|k| rotation[k * count + order[to].1] * from[k][at]).sum())
                .collect()
        };
        let rotated: Vec<Vec<f64>> = (0..count).map(|to| rotate(&vectors, to)).collect();
        let next: Vec<Vec<f64>> = (0..count).map(|to| rotate(&images, to)).collect();
        values = order.iter().map(|(value, _)| *value).collect();
        let off = |at: usize| {
            let residual =
                next[at].iter().zip(&rotated[at]).map(|(image, v)| (image - values[at] * v).powi(2));
            residual.sum::<f64>().sqrt()
        };
        let found = (0..count.min(2)).all(|at| off(at) <= RESIDUAL * values[0].abs());
        vectors = if found { rotated } else { next };
        if found {
            break;
        }
    }
    orthonormalize(&mut vectors);
    let sign = |vector: Vec<f64>| {
        let largest = vector.iter().fold(0.0_f64, |best, &x| if x.abs() > best.abs() { x } else { best });
        if largest < 0.0 { vector.into_iter().map(|x| -x).collect() } else { vector }
    };
    values.into_iter().zip(vectors.into_iter().map(sign)).take(2).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Gram and Schmidt, twice; a vector that depends on those before it becomes 0.
fn orthonormalize(vectors: &mut [Vec<f64>]) {
    for at in 0..vectors.len() {
        let (before, own) = vectors.split_at_mut(at);
        let own = &mut own[0];
        let begin = dot(own, own).sqrt();
        for _ in 0..2 {
            for other in &*before {
                let share = dot(other, own);
                own.iter_mut().zip(other).for_each(|(x, y)| *x -= share * y);
            }
        }
        let length = dot(own, own).sqrt();
        let scale = if length > 1e-14 * begin { 1.0 / length } else { 0.0 };
        own.iter_mut().for_each(|x| *x *= scale);
    }
}

/// All eigenvalues of a symmetric matrix `[n, n]`, largest first, each with its column in the matrix of vectors `[n, n]`.
fn jacobi(mut a: Vec<f64>, n: usize) -> (Vec<(f64, usize)>, Vec<f64>) {
    let mut vectors: Vec<f64> = (0..n * n).map(|at| if at / n == at % n { 1.0 } else { 0.0 }).collect();
    for _ in 0..30 {
        let size = |pairs: &mut dyn Iterator<Item = f64>| pairs.map(|x| x * x).sum::<f64>();
        let off = size(&mut (0..n * n).filter(|at| at / n != at % n).map(|at| a[at]));
        if off <= 1e-30 * size(&mut a.iter().copied()) {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                let apq = (a[p * n + q] + a[q * n + p]) / 2.0;
                if apq == 0.0 {
                    continue;
                }
                let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * apq);
                let t = 1.0_f64.copysign(theta) / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                let turn = |matrix: &mut [f64], i: usize, j: usize| {
                    let (x, y) = (matrix[i], matrix[j]);
                    matrix[i] = c * x - s * y;
                    matrix[j] = s * x + c * y;
                };
                for k in 0..n {
                    turn(&mut a, k * n + p, k * n + q);
                }
                for k in 0..n {
                    turn(&mut a, p * n + k, q * n + k);
                    turn(&mut vectors, k * n + p, k * n + q);
                }
            }
        }
    }
    let mut order: Vec<(f64, usize)> = (0..n).map(|at| (a[at * n + at], at)).collect();
    order.sort_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
    (order, vectors)
}
