//! Numbers that judge the probabilities, not only the class that came first.

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
    let scale = if predictions.classes.len() < 3 { 0.5 } else { 1.0 };
    scale
        * mean(predictions, |row, label| {
            row.iter().enumerate().map(|(class, p)| (p - f64::from(u8::from(class == label))).powi(2)).sum()
        })
}

/// Number of bins of [`ece`].
pub const ECE_BINS: usize = 15;

/// Expected calibration error: `sum over bins |B| / n · |accuracy(B) - mean confidence(B)|`.
///
/// The confidence is the highest probability of a row; 15 bins of equal width, `((b - 1)/15, b/15]`, so that a
/// confidence of exactly 1 belongs to the last.
/// *Reference*: Naeini, Cooper & Hauskrecht (2015), "Obtaining well calibrated probabilities using Bayesian binning",
/// AAAI; with 15 bins Guo, Pleiss, Sun & Weinberger (2017), "On calibration of modern neural networks", ICML, eq. 3.
pub fn ece(predictions: &Predictions) -> f64 {
    // per bin: sum of (correct - confidence), so |B| / n · |accuracy - confidence| = |sum| / n
    let mut gaps = [0.0; ECE_BINS];
    for (index, &label) in predictions.labels.iter().enumerate() {
        let top1 = predictions.top1(index);
        let confidence = predictions.row(index)[top1];
        gaps[ece_bin(confidence)] += f64::from(u8::from(top1 == label as usize)) - confidence;
    }
    gaps.iter().map(|gap: &f64| gap.abs()).sum::<f64>() / predictions.len() as f64
}

fn ece_bin(confidence: f64) -> usize {
    // the first bin whose upper edge, the f64 nearest to b/15, is not below the confidence
    (1..ECE_BINS).find(|&b| confidence <= b as f64 / ECE_BINS as f64).unwrap_or(ECE_BINS) - 1
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
