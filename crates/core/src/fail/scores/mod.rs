//! Numbers that judge the probabilities, not only the class that came first.

use super::calibration::bins::{BINS, Reliability, equal_width, top1_statements};
use crate::predictions::Predictions;

#[cfg(test)]
mod tests;

/// Mean of `-ln p(true class)`, in nats; 0 is perfect.
///
/// *Exactness*: `sklearn.metrics.log_loss` 1.9: `p` is clipped to `[eps, 1 - eps]` with the machine precision of `f64`,
/// so that one certain mistake costs 36 and not infinity; rows are not normalised again.
/// *Reference*: Bishop (2006), "Pattern Recognition and Machine Learning", eq. 4.108.
pub fn log_loss(predictions: &Predictions) -> f64 {
    mean(predictions, |row, label| -row[label].clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln())
}

/// Mean over images of `sum over classes (p - [class is the true one])²`: between 0, perfect, and 2; with two classes
/// half of it, between 0 and 1.
///
/// *Exactness*: `sklearn.metrics.brier_score_loss` 1.9 with its default `scale_by_half="auto"`, which is where the half
/// comes from.
/// *Reference*: Brier (1950), "Verification of forecasts expressed in terms of probability", Mon. Weather Rev. 78, 1–3.
pub fn brier(predictions: &Predictions) -> f64 {
    brier_scale(predictions.classes.len())
        * mean(predictions, |row, label| {
            row.iter().enumerate().map(|(class, p)| (p - f64::from(u8::from(class == label))).powi(2)).sum()
        })
}

/// What [`brier`] is multiplied with.
pub(super) fn brier_scale(classes: usize) -> f64 {
    if classes < 3 { 0.5 } else { 1.0 }
}

/// Expected calibration error of the most probable class, [`Reliability::ece`], over [`BINS`] bins of equal width.
///
/// *Reference*: Naeini, Cooper & Hauskrecht (2015), "Obtaining well calibrated probabilities using Bayesian binning",
/// AAAI; with 15 bins Guo, Pleiss, Sun & Weinberger (2017), "On calibration of modern neural networks", ICML, eq. 3.
pub fn ece(predictions: &Predictions) -> f64 {
    Reliability::of(&top1_statements(predictions), &equal_width(BINS)).ece()
}

fn mean(predictions: &Predictions, score: impl Fn(&[f64], usize) -> f64) -> f64 {
    let total: f64 = predictions
        .labels
        .iter()
        .enumerate()
        .map(|(index, &label)| score(predictions.row(index), label as usize))
        .sum();
    total / predictions.len() as f64
}
