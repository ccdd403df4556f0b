//! Better probabilities without training again: a scaling is fitted on validation images and judged on others.
//!
//! Three of them, from the stiffest to the freest: one temperature ([`temperature`]), a scale and a bias a class
//! ([`vector`]), any rising curve a class ([`isotonic`]). The freer, the more validation images it needs. Logits are
//! `ln p`, which is the network's logits but for a constant a row, so a table of probabilities is enough; a probability
//! below [`FLOOR`] counts as that.

pub mod isotonic;
pub mod temperature;
pub mod vector;

#[cfg(test)]
mod tests;

use seamripper_kernels::parallel;
use serde::{Deserialize, Serialize};

use super::bins::{BINS, Reliability, equal_mass, equal_width, top1_statements};
use super::classes::classwise_ece;
use crate::fail::scores;
use crate::predictions::Predictions;
use isotonic::Curve;

/// The smallest probability a logarithm is taken of; the same as in [`scores::log_loss`].
pub const FLOOR: f64 = f64::EPSILON;

/// Rows a thread scales at a time; part of no result.
const PIECE: usize = 1024;

/// A fitted scaling: what it takes to change probabilities, and nothing of the data. It can be written into a model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Scaling {
    /// `softmax(ln p / temperature)`; above 1 for an over-confident model. The most probable class stays.
    Temperature {
        /// Positive.
        temperature: f64,
    },
    /// `softmax(scale ln p + bias)`.
    Vector {
        /// `[k]`
        scale: Vec<f64>,
        /// `[k]`
        bias: Vec<f64>,
    },
    /// `curve(p)` for each class, divided by their sum.
    Isotonic {
        /// `[k]`
        curves: Vec<Curve>,
    },
}

/// Which scaling to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// [`Scaling::Temperature`]
    Temperature,
    /// [`Scaling::Vector`]
    Vector,
    /// [`Scaling::Isotonic`]
    Isotonic,
}

impl Scaling {
    /// Fits a scaling; `None` if there is no image to fit it on.
    pub fn fit(method: Method, validation: &Predictions) -> Option<Self> {
        if validation.is_empty() {
            return None;
        }
        Some(match method {
            Method::Temperature => Self::Temperature { temperature: temperature::fit(validation) },
            Method::Vector => {
                let (scale, bias) = vector::fit(validation);
                Self::Vector { scale, bias }
            }
            Method::Isotonic => Self::Isotonic { curves: isotonic::fit(validation) },
        })
    }

    /// Changes the probabilities of one image, `[k]`.
    ///
    /// # Panics
    /// If the scaling is of another number of classes.
    pub fn apply_to_row(&self, row: &mut [f64]) {
        match self {
            Self::Temperature { temperature } => {
                row.iter_mut().for_each(|p| *p = logit(*p) / temperature);
                softmax(row);
            }
            Self::Vector { scale, bias } => {
                assert!(scale.len() == row.len() && bias.len() == row.len(), "a scaling of as many classes");
                for ((p, scale), bias) in row.iter_mut().zip(scale).zip(bias) {
                    *p = scale * logit(*p) + bias;
                }
                softmax(row);
            }
            Self::Isotonic { curves } => isotonic::apply(curves, row),
        }
    }

    /// The same table with changed probabilities.
    ///
    /// # Panics
    /// As [`Self::apply_to_row`].
    pub fn apply(&self, predictions: &Predictions) -> Predictions {
        let mut scaled = predictions.clone();
        let k = predictions.classes.len().max(1);
        parallel::for_each_chunk(&mut scaled.probs, PIECE * k, |_, rows| {
            rows.chunks_exact_mut(k).for_each(|row| self.apply_to_row(row));
        });
        scaled
    }
}

/// The numbers a scaling is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Share of images whose most probable class is the true one.
    pub accuracy: f64,
    /// [`scores::log_loss`].
    pub log_loss: f64,
    /// [`scores::brier`].
    pub brier: f64,
    /// [`Reliability::ece`], bins of equal width.
    pub ece: f64,
    /// [`Reliability::ece`], bins of equal numbers of images.
    pub ece_equal_mass: f64,
    /// [`Reliability::ece_debiased`], bins of equal width.
    pub ece_debiased: f64,
    /// [`classwise_ece`].
    pub ece_classwise: f64,
}

impl Quality {
    /// Of a table; `None` if it has no row.
    pub fn of(predictions: &Predictions) -> Option<Self> {
        let statements = top1_statements(predictions);
        let by_width = Reliability::of(&statements, &equal_width(BINS));
        let right = statements.iter().filter(|statement| statement.hit).count();
        (!predictions.is_empty()).then(|| Self {
            accuracy: right as f64 / statements.len() as f64,
            log_loss: scores::log_loss(predictions),
            brier: scores::brier(predictions),
            ece: by_width.ece(),
            ece_equal_mass: Reliability::of(&statements, &equal_mass(&statements, BINS)).ece(),
            ece_debiased: by_width.ece_debiased(),
            ece_classwise: classwise_ece(predictions),
        })
    }
}

/// What a scaling does to images it was not fitted on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaled {
    /// The scaling.
    pub scaling: Scaling,
    /// Images it was fitted on.
    pub fitted_on: u64,
    /// Images it is judged on.
    pub judged_on: u64,
    /// These images as they were.
    pub before: Quality,
    /// And scaled.
    pub after: Quality,
}

/// Fits on `validation` and judges on `test`; `None` if one of them is empty.
///
/// # Panics
/// If the tables have not the same number of classes.
pub fn judge(method: Method, validation: &Predictions, test: &Predictions) -> Option<Scaled> {
    assert_eq!(validation.classes.len(), test.classes.len(), "tables of the same classes");
    let scaling = Scaling::fit(method, validation)?;
    let before = Quality::of(test)?;
    let after = Quality::of(&scaling.apply(test))?;
    Some(Scaled { scaling, fitted_on: validation.len() as u64, judged_on: test.len() as u64, before, after })
}

/// `ln p`, not below that of [`FLOOR`].
fn logit(p: f64) -> f64 {
    p.max(FLOOR).ln()
}

/// `[n, k]` logits of a table.
fn logits(predictions: &Predictions) -> Vec<f64> {
    predictions.probs.iter().copied().map(logit).collect()
}

/// Logits to probabilities, in place; returns `ln sum exp`.
fn softmax(row: &mut [f64]) -> f64 {
    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for value in row.iter_mut() {
        *value = (*value - most).exp();
        sum += *value;
    }
    row.iter_mut().for_each(|value| *value /= sum);
    most + sum.ln()
}
