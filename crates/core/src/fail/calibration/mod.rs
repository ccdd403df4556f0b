//! Can the probabilities be taken at their word?
//!
//! [`calibration`] is the report: errors with intervals, the reliability diagram behind them, and the classes whose
//! confidence is off beyond chance. [`scaling`] mends what can be mended without training again: fitted on validation
//! images, judged on test images.

pub mod bins;
pub mod bootstrap;
pub mod brier;
pub mod classes;
pub mod scaling;

#[cfg(test)]
pub(in crate::fail) mod tests;

use serde::{Deserialize, Serialize};

use super::scores;
use super::statistics::interval::Interval;
use super::statistics::poisson_binomial::fits;
use crate::predictions::Predictions;
use bins::{BINS, Reliability, equal_mass, equal_width, top1_statements};
use bootstrap::{Resampling, ece_interval};
use brier::BrierParts;
use classes::ClassCalibration;

/// How well probabilities agree with what happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Number of images.
    pub n: u64,
    /// Share of images whose most probable class is the true one.
    pub accuracy: f64,
    /// Mean probability of the most probable class: above the accuracy if over-confident.
    pub confidence: f64,
    /// p-value of "so many are right as the confidences say": [`fits`].
    pub p: f64,
    /// [`scores::log_loss`].
    pub log_loss: f64,
    /// [`scores::brier`] and its parts.
    pub brier: BrierParts,
    /// [`Reliability::ece`], bins of equal width.
    pub ece: f64,
    /// 95 % interval of it: [`ece_interval`].
    pub ece_ci: Interval,
    /// [`Reliability::ece_debiased`], bins of equal width.
    pub ece_debiased: f64,
    /// [`Reliability::ece`], bins of equal numbers of images.
    pub ece_equal_mass: f64,
    /// 95 % interval of it.
    pub ece_equal_mass_ci: Interval,
    /// [`Reliability::squared_debiased`], bins of equal numbers of images.
    pub squared_debiased: f64,
    /// [`classes::classwise_ece`].
    pub ece_classwise: f64,
    /// [`Reliability::mce`], bins of equal width.
    pub mce: f64,
    /// Bins of equal width.
    pub reliability: Reliability,
    /// Bins of equal numbers of images.
    pub reliability_equal_mass: Reliability,
    /// One entry a class, in the order of the table.
    pub classes: Vec<ClassCalibration>,
}

/// Judges the probabilities of a table; `None` if it has no row. The most probable class is [`Predictions::top1`].
///
/// # Panics
/// If a label is not an index into `classes`: readers check that.
pub fn calibration(predictions: &Predictions, resampling: Resampling) -> Option<Calibration> {
    if predictions.is_empty() {
        return None;
    }
    let n = predictions.len();
    let statements = top1_statements(predictions);
    let right = statements.iter().filter(|statement| statement.hit).count();
    let confidences: Vec<f64> = statements.iter().map(|statement| statement.p).collect();
    let (width, mass) = (equal_width(BINS), equal_mass(&statements, BINS));
    let by_width = Reliability::of(&statements, &width);
    let by_mass = Reliability::of(&statements, &mass);
    let classes = classes::classes(predictions);
    Some(Calibration {
        n: n as u64,
        accuracy: right as f64 / n as f64,
        confidence: confidences.iter().sum::<f64>() / n as f64,
        p: fits(&confidences, right as u64),
        log_loss: scores::log_loss(predictions),
        brier: BrierParts::of(predictions),
        ece: by_width.ece(),
        ece_ci: ece_interval(&statements, &width, bootstrap::EQUAL_WIDTH, resampling),
        ece_debiased: by_width.ece_debiased(),
        ece_equal_mass: by_mass.ece(),
        ece_equal_mass_ci: ece_interval(&statements, &mass, bootstrap::EQUAL_MASS, resampling),
        squared_debiased: by_mass.squared_debiased(),
        ece_classwise: classes.iter().map(|class| class.ece).sum::<f64>() / classes.len() as f64,
        mce: by_width.mce(),
        reliability: by_width,
        reliability_equal_mass: by_mass,
        classes,
    })
}
