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

use serde::{Deserialize, Serialize};

use super::bins::{BINS, Reliability, bin_of, class_statements, equal_width};
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
        for class in 0..predictions.classes.len() {
            parts.add_class(predictions, class, scale);
        }
        parts
    }

    fn add_class(&mut self, predictions: &Predictions, class: usize, scale: f64) {
        let (statements, edges) = (class_statements(predictions, class), equal_width(BINS));
        let reliability = Reliability::of(&statements, &edges);
        let n = statements.len() as f64;
        let share = statements.iter().filter(|statement| statement.hit).count() as f64 / n;
        let mean = |bin: usize| {
            let bin = &reliability.bins[bin];
            (bin.confidence.unwrap_or(0.0), bin.accuracy.unwrap_or(0.0))
        };
        for (index, bin) in reliability.bins.iter().enumerate() {
            let weight = scale * bin.n as f64 / n;
            self.reliability += weight * bin.gap().powi(2);
            self.resolution += weight * (mean(index).1 - share).powi(2);
        }
        self.uncertainty += scale * share * (1.0 - share);
        let within = |p: f64, y: f64| {
            let (forecast, hits) = mean(bin_of(&edges, p));
            (p - forecast).powi(2) - 2.0 * (p - forecast) * (y - hits)
        };
        let total: f64 = statements.iter().map(|s| within(s.p, f64::from(u8::from(s.hit)))).sum();
        self.within += scale * total / n;
    }
}
