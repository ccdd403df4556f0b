//! Why a Brier score is what it is.
//!
//! *Idea*: each class is a forecast of its own, `p` against `[class is the true one]`; per class, in bins of equal width
//! ([`BINS`]) with mean forecast `f`, share `o` of hits and share `O` of hits in all:
//!
//! ```text
//! reliability = sum |B| / n (f - o)²                      0 is calibrated
//! resolution  = sum |B| / n (o - O)²                      what is told apart; more is better
//! uncertainty = O (1 - O)                                 the data's own; no model changes it
//! within      = mean of (p - f)² - 2 (p - f) (y - o)      what bins hide
//! Brier       = reliability - resolution + uncertainty + within
//! ```
//! The classes' terms are added. Murphy's three terms alone are the score of forecasts rounded to their bin's mean;
//! with the fourth the sum is the score itself, whatever the bins.
//!
//! *Reference*: Murphy (1973), "A new vector partition of the probability score", J. Appl. Meteorol. 12, 595–600;
//! the fourth: Stephenson, Coelho & Jolliffe (2008), "Two extra components in the Brier score decomposition", Weather and
//! Forecasting 23, 752–757, eq. 6.

use seamripper_kernels::parallel;
use serde::{Deserialize, Serialize};

use super::bins::{BINS, Bin, CLASSES_TOGETHER, Reliability, bin_of, equal_width};
use crate::fail::scores;
use crate::predictions::Predictions;

/// [`scores::brier`] and its parts, on the same scale (half, if there are two classes). All are 0 of no images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BrierParts {
    /// The score.
    pub score: f64,
    /// Squared distance of forecasts from the share that came true.
    pub reliability: f64,
    /// Squared distance of these shares from the share in all.
    pub resolution: f64,
    /// What a forecast of the classes' shares would score.
    pub uncertainty: f64,
    /// Variance within bins less twice the covariance.
    pub within: f64,
}

impl BrierParts {
    /// Takes the score of a table apart.
    pub fn of(predictions: &Predictions) -> Self {
        if predictions.is_empty() {
            return Self::default();
        }
        let mut parts = Self { score: scores::brier(predictions), ..Self::default() };
        let scale = scores::brier_scale(predictions.classes.len());
        let diagrams = Reliability::of_classes(predictions);
        let within = within(predictions, &diagrams);
        for (diagram, within) in diagrams.iter().zip(within) {
            parts.add_class(diagram, scale);
            parts.within += scale * within / diagram.n() as f64;
        }
        parts
    }

    fn add_class(&mut self, diagram: &Reliability, scale: f64) {
        let n = diagram.n() as f64;
        let share = diagram.bins.iter().map(|bin| bin.hits).sum::<u64>() as f64 / n;
        for bin in &diagram.bins {
            let weight = scale * bin.n as f64 / n;
            self.reliability += weight * bin.gap().powi(2);
            self.resolution += weight * (bin.accuracy.unwrap_or(0.0) - share).powi(2);
        }
        self.uncertainty += scale * share * (1.0 - share);
    }
}

/// `[k]`, the sum over images of `(p - f)² - 2 (p - f) (y - o)`.
fn within(predictions: &Predictions, diagrams: &[Reliability]) -> Vec<f64> {
    let edges = equal_width(BINS);
    let mean = |bin: &Bin| (bin.confidence.unwrap_or(0.0), bin.accuracy.unwrap_or(0.0));
    let means: Vec<Vec<(f64, f64)>> =
        diagrams.iter().map(|diagram| diagram.bins.iter().map(mean).collect()).collect();
    let mut sums = vec![0.0; diagrams.len()];
    parallel::for_each_chunk(&mut sums, CLASSES_TOGETHER, |first, sums| {
        for (row, &label) in predictions.labels.iter().enumerate() {
            for (class, (sum, &p)) in (first..).zip(sums.iter_mut().zip(&predictions.row(row)[first..])) {
                let (forecast, hits) = means[class][bin_of(&edges, p)];
                let y = f64::from(u8::from(label as usize == class));
                *sum += (p - forecast).powi(2) - 2.0 * (p - forecast) * (y - hits);
            }
        }
    });
    sums
}
