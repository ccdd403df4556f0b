//! Temperature scaling: one number for all images and classes.
//!
//! *Idea*: with `beta = 1 / T` the mean loss is convex,
//!
//! ```text
//! loss(beta)   = mean of ln sum_c exp(beta z_c) - beta z_true
//! slope        = mean of E[z] - z_true              E, Var: of z_c with the scaled probabilities
//! curvature    = mean of Var[z]
//! ```
//! so the root of the slope is bracketed and found by Newton's method; a step that would leave the bracket halves it.
//!
//! *Edges*: if every image is right the loss falls forever with the temperature, and [`MIN`] is returned; if the
//! probabilities are worse than nothing, [`MAX`]. If all rows are uniform no temperature changes anything: 1.
//!
//! *Exactness*: a planted temperature is recovered within 2 % (a test, 20,000 images), scipy's optimum within 1e-9.
//! *Reference*: Guo, Pleiss, Sun & Weinberger (2017), "On calibration of modern neural networks", ICML, section 4.2.

use seamripper_kernels::parallel;

use super::{logits, softmax};
use crate::predictions::Predictions;

/// The lowest temperature that is fitted.
pub const MIN: f64 = 0.01;
/// The highest temperature that is fitted.
pub const MAX: f64 = 100.0;

const MOST_STEPS: usize = 200;

/// The temperature with the least log loss on a table that is not empty.
pub fn fit(predictions: &Predictions) -> f64 {
    let logits = logits(predictions);
    let slope = |beta: f64| slope(&logits, predictions, beta);
    let (mut low, mut high) = (1.0 / MAX, 1.0 / MIN);
    if slope(1.0) == (0.0, 0.0) {
        return 1.0;
    }
    if slope(low).0 >= 0.0 {
        return MAX;
    }
    if slope(high).0 <= 0.0 {
        return MIN;
    }
    let mut beta = 1.0;
    for _ in 0..MOST_STEPS {
        let (at, curvature) = slope(beta);
        if at > 0.0 {
            high = beta;
        } else {
            low = beta;
        }
        let newton = beta - at / curvature;
        let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
        let step = (next - beta).abs();
        beta = next;
        if step <= 4.0 * f64::EPSILON * beta {
            break;
        }
    }
    1.0 / beta
}

/// Rows that are added up before they are added to the others, whatever the number of threads.
const PIECE: usize = 2048;

/// First and second derivative of the mean loss.
fn slope(logits: &[f64], predictions: &Predictions, beta: f64) -> (f64, f64) {
    let k = predictions.classes.len();
    let mut sums = vec![(0.0, 0.0); predictions.len().div_ceil(PIECE)];
    parallel::for_each(&mut sums, |piece, (slope, curvature)| {
        let first = piece * PIECE;
        let rows = first..(first + PIECE).min(predictions.len());
        let mut p = vec![0.0; k];
        let of_rows = &logits[rows.start * k..rows.end * k];
        for (z, &label) in of_rows.chunks_exact(k).zip(&predictions.labels[rows]) {
            p.iter_mut().zip(z).for_each(|(p, z)| *p = beta * z);
            softmax(&mut p);
            let mean: f64 = p.iter().zip(z).map(|(p, z)| p * z).sum();
            *curvature += p.iter().zip(z).map(|(p, z)| p * (z - mean).powi(2)).sum::<f64>();
            *slope += mean - z[label as usize];
        }
    });
    let n = predictions.len() as f64;
    let (slope, curvature) = sums.iter().fold((0.0, 0.0), |(a, b), (c, d)| (a + c, b + d));
    (slope / n, curvature / n)
}
