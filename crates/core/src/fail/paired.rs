//! Two tables of predictions of the same images: what changed from one to the other.

use serde::{Deserialize, Serialize};

use super::statistics::exact_test::mcnemar_exact;
use super::statistics::interval::{Interval, Z_95};
use crate::predictions::Predictions;

#[cfg(test)]
mod tests;

/// How the second of two tables differs from the first, image by image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// Images in both.
    pub n: u64,
    /// Images whose most probable class differs.
    pub changed: u64,
    /// Images that only the second calls rightly.
    pub gained: u64,
    /// Images that only the first calls rightly.
    pub lost: u64,
    /// Accuracy of the second less that of the first.
    pub difference: f64,
    /// 95 % interval of the difference: [`difference_interval`].
    pub difference_ci: Interval,
    /// p-value of "as many are gained as lost": [`mcnemar_exact`].
    pub p: f64,
}

impl Paired {
    /// Compares row by row.
    ///
    /// # Panics
    /// If the tables are not of the same images in the same order.
    pub fn of(first: &Predictions, second: &Predictions) -> Self {
        assert!(first.ids == second.ids && first.labels == second.labels, "tables of the same images");
        let (mut changed, mut gained, mut lost) = (0, 0, 0);
        for row in 0..first.len() {
            let (a, b, label) = (first.top1(row), second.top1(row), first.labels[row] as usize);
            changed += u64::from(a != b);
            gained += u64::from(a != label && b == label);
            lost += u64::from(a == label && b != label);
        }
        let n = first.len() as u64;
        let difference = (gained as f64 - lost as f64) / (n as f64).max(1.0);
        let difference_ci = difference_interval(gained, lost, n);
        Self { n, changed, gained, lost, difference, difference_ci, p: mcnemar_exact(gained, lost) }
    }
}

/// 95 % interval of a difference of two proportions of the same `n` images, of which `gained` count for the second
/// alone and `lost` for the first alone: the textbook interval after half an image is added to each of the four cells.
///
/// *Reference*: Agresti & Min (2005), "Simple improved confidence intervals for comparing matched proportions",
/// Statistics in Medicine 24, 729–740.
pub fn difference_interval(gained: u64, lost: u64, n: u64) -> Interval {
    let (gained, lost, n) = (gained as f64 + 0.5, lost as f64 + 0.5, n as f64 + 2.0);
    let difference = (gained - lost) / n;
    let deviation = ((gained + lost) - (gained - lost).powi(2) / n).sqrt() / n;
    [(difference - Z_95 * deviation).max(-1.0), (difference + Z_95 * deviation).min(1.0)]
}
