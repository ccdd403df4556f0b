//! How well a given label fits out-of-fold probabilities: between 0, suspect, and 1, fine.
//!
//! *Exactness*: `cleanlab.rank.get_label_quality_scores` 2.9 within 1e-9.
//! *Reference*: Northcutt, Jiang & Chuang (2021), "Confident learning: estimating uncertainty in dataset labels", JAIR 70,
//! 1373–1411, section 3.2; Kuan & Mueller (2022), "Model-agnostic label quality scoring to detect real-world label errors",
//! ICML DataPerf workshop, section 2.

use crate::predictions::Predictions;

/// Keeps cleanlab's quotients finite.
const LEAST: f64 = 1e-6;

/// The probability of the given label.
pub fn self_confidence(predictions: &Predictions) -> Vec<f64> {
    per_row(predictions, |row, label| row[label])
}

/// `(p(given label) - highest p of another class + 1) / 2`; with one class only, `(p + 1) / 2`.
pub fn normalized_margin(predictions: &Predictions) -> Vec<f64> {
    per_row(predictions, |row, label| 0.5 * (1.0 + margin(row, label)))
}

/// `ln(1 + w) / w`, where `w` is the entropy of the row, as a share of the largest possible, divided by the
/// self-confidence. An uncertain row is a little suspect, whatever its label. Certainty of the given label gives 1; with one
/// class only there is no entropy, and all are 1.
pub fn confidence_weighted_entropy(predictions: &Predictions) -> Vec<f64> {
    let most = (predictions.classes.len() as f64).ln().max(f64::MIN_POSITIVE);
    per_row(predictions, |row, label| {
        let entropy = -row.iter().filter(|&&p| p > 0.0).map(|p| p * p.ln()).sum::<f64>() / most;
        let weighted = entropy / row[label].max(LEAST);
        (1.0 + weighted).ln() / weighted.max(LEAST)
    })
}

/// `p(given label) - highest p of another class`.
fn margin(row: &[f64], label: usize) -> f64 {
    let others = row.iter().enumerate().filter(|&(class, _)| class != label);
    row[label] - others.map(|(_, &p)| p).fold(0.0, f64::max)
}

fn per_row(predictions: &Predictions, score: impl Fn(&[f64], usize) -> f64) -> Vec<f64> {
    let label = |row: usize| predictions.labels[row] as usize;
    (0..predictions.len()).map(|row| score(predictions.row(row), label(row))).collect()
}
