//! How sure the estimated shares of the classes are.
//!
//! *Idea*: with `P[i][j]` the share of old images of class `j` that is called `i`, the new shares are `q = P⁻¹ mu`. Both `mu` (of
//! `m` new images) and each column of `P` (of `n[j]` old images) are counted, so they vary as multinomial shares do:
//! ```text
//! var q[j] = (Σ_i r[i]² mu[i] - q[j]²) / m + Σ_c q[c]² (Σ_i r[i]² P[i][c] - [c = j]) / n[c],     r = row j of P⁻¹
//! ```
//! *Exactness*: approximate (the delta method, given the labels); its coverage is simulated in `tests`.

use super::solve;
use crate::fail::statistics::interval::{Interval, Z_95};
use crate::predictions::Predictions;

/// Above this number of classes nothing is said: the inverse takes the fourth power of it.
const CLASSES_MOST: usize = 100;

/// 95 % intervals of the shares that [`super::label_shift`] estimates, within [0, 1]; `None` if it estimates none, if a class has
/// no old image, or of more than 100 classes.
///
/// # Panics
/// As [`super::label_shift`].
pub fn share_intervals(old: &Predictions, new_called: &[usize]) -> Option<Vec<Interval>> {
    let k = old.classes.len();
    if k > CLASSES_MOST || new_called.is_empty() {
        return None;
    }
    let mut called = vec![vec![0.0; k]; k];
    let mut images = vec![0.0; k];
    for (row, &label) in old.labels.iter().enumerate() {
        called[old.top1(row)][label as usize] += 1.0;
        images[label as usize] += 1.0;
    }
    if images.contains(&0.0) {
        return None;
    }
    called
        .iter_mut()
        .for_each(|row| row.iter_mut().zip(&images).for_each(|(count, images)| *count /= images));
    let mut mu = vec![0.0; k];
    let m = new_called.len() as f64;
    new_called.iter().for_each(|&class| mu[class] += 1.0 / m);
    let shares = solve(called.clone(), mu.clone())?;
    // row j of the inverse solves the transposed equations for the j-th unit vector
    let transposed: Vec<Vec<f64>> = (0..k).map(|i| called.iter().map(|row| row[i]).collect()).collect();
    let interval = |j: usize| {
        let mut unit = vec![0.0; k];
        unit[j] = 1.0;
        let r = solve(transposed.clone(), unit)?;
        let square = |p: &dyn Fn(usize) -> f64| (0..k).map(|i| r[i] * r[i] * p(i)).sum::<f64>();
        let of_new = (square(&|i| mu[i]) - shares[j].powi(2)) / m;
        let of_old = (0..k).map(|c| {
            let own = if c == j { 1.0 } else { 0.0 };
            shares[c].powi(2) * (square(&|i| called[i][c]) - own) / images[c]
        });
        let half = Z_95 * (of_new + of_old.sum::<f64>()).max(0.0).sqrt();
        Some([(shares[j] - half).clamp(0.0, 1.0), (shares[j] + half).clamp(0.0, 1.0)])
    };
    (0..k).map(interval).collect()
}
