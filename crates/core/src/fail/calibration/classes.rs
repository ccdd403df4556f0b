//! Which classes a model is too sure of, and of which not sure enough.
//!
//! *Idea*: of the images that were called a class, a share (its precision) belongs to it; the mean confidence promised
//! another. The difference is tested against chance with the confidences themselves as the null hypothesis, and corrected
//! for the number of classes.
//!
//! *Edges*: a class that was never called has neither confidence nor precision nor gap, its p-value is 1 and it is not
//! flagged.

use serde::{Deserialize, Serialize};

use super::bins::{Reliability, top1_statements};
use crate::fail::evaluation::FALSE_DISCOVERY_RATE;
use crate::fail::statistics::interval::{Interval, wilson};
use crate::fail::statistics::multiple::benjamini_hochberg;
use crate::fail::statistics::poisson_binomial::fits;
use crate::predictions::Predictions;

/// A class is flagged only if confidence and precision differ by this much; with enough images less is significant, too.
pub const MIN_GAP: f64 = 0.02;

/// Which way the confidences of a class are off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Right less often than the confidence says.
    Overconfident,
    /// Right more often than the confidence says.
    Underconfident,
}

/// The calibration of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassCalibration {
    /// Its name.
    pub name: String,
    /// Images that were called this.
    pub predicted: u64,
    /// Their mean confidence.
    pub confidence: Option<f64>,
    /// The share of them that belongs to the class.
    pub precision: Option<f64>,
    /// 95 % interval of the precision (Wilson).
    pub precision_ci: Option<Interval>,
    /// `precision - confidence`: negative if over-confident.
    pub gap: Option<f64>,
    /// p-value of "so many are right as the confidences say": [`fits`].
    pub p: f64,
    /// `p` corrected for the number of classes (Benjamini–Hochberg).
    pub p_corrected: f64,
    /// Which way it is off, if beyond chance (`p_corrected <= 0.05`) and by at least [`MIN_GAP`].
    pub flagged: Option<Direction>,
    /// Expected calibration error of the class's probability over all images, called so or not.
    pub ece: f64,
}

/// One entry a class, in the order of the table.
pub fn classes(predictions: &Predictions) -> Vec<ClassCalibration> {
    let mut called = vec![(Vec::new(), 0_u64); predictions.classes.len()];
    for (index, statement) in top1_statements(predictions).iter().enumerate() {
        let (confidences, right) = &mut called[predictions.top1(index)];
        confidences.push(statement.p);
        *right += u64::from(statement.hit);
    }
    let p: Vec<f64> = called.iter().map(|(confidences, right)| fits(confidences, *right)).collect();
    let corrected = benjamini_hochberg(&p);
    let reliabilities = Reliability::of_classes(predictions);
    let class = |class: usize| {
        let (confidences, right) = &called[class];
        let n = confidences.len();
        let mean = |sum: f64| (n > 0).then(|| sum / n as f64);
        let (confidence, precision) = (mean(confidences.iter().sum()), mean(*right as f64));
        let gap = precision.zip(confidence).map(|(precision, confidence)| precision - confidence);
        ClassCalibration {
            name: predictions.classes[class].clone(),
            predicted: n as u64,
            confidence,
            precision,
            precision_ci: wilson(*right, n as u64),
            gap,
            p: p[class],
            p_corrected: corrected[class],
            flagged: gap.filter(|_| corrected[class] <= FALSE_DISCOVERY_RATE).and_then(direction),
            ece: reliabilities[class].ece(),
        }
    };
    (0..predictions.classes.len()).map(class).collect()
}

fn direction(gap: f64) -> Option<Direction> {
    let direction = if gap < 0.0 { Direction::Overconfident } else { Direction::Underconfident };
    (gap.abs() >= MIN_GAP).then_some(direction)
}

/// Classwise calibration error: the mean over classes of the calibration error of each class's probability.
///
/// The probabilities of classes that are not the most probable one are judged too, which [`Reliability::ece`] of the top
/// class alone does not see. With many classes most probabilities are near 0 and rightly so, so it gets small.
///
/// *Reference*: Kull, Perello-Nieto, Kängsepp, Silva Filho, Song & Flach (2019), "Beyond temperature scaling: obtaining
/// well-calibrated multiclass probabilities with Dirichlet calibration", NeurIPS, eq. 3.
pub fn classwise_ece(predictions: &Predictions) -> f64 {
    let diagrams = Reliability::of_classes(predictions);
    diagrams.iter().map(Reliability::ece).sum::<f64>() / diagrams.len() as f64
}
