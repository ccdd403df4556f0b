//! What not answering would buy: the curve, and thresholds from validation images that the audited ones check.

use serde::{Deserialize, Serialize};

use super::document::{short, short_interval};
use super::{Subject, Wants};
use crate::fail::abstain::{Accepted, ClassThreshold, Point, RiskCoverage, class_thresholds};
use crate::fail::statistics::interval::{Interval, wilson};

/// Points of the curve.
const POINTS: usize = 200;

/// The section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Abstention {
    /// [`POINTS`] at most, from few answers to all.
    pub curve: Vec<Answered>,
    /// Area under the curve of all points.
    pub aurc: Option<f64>,
    /// Less the least possible with as many errors.
    pub excess_aurc: Option<f64>,
    /// The threshold for each wanted accuracy.
    pub thresholds: Vec<Threshold>,
    /// The threshold of each class; empty without validation images.
    pub classes: Vec<ClassThreshold>,
}

/// A point of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Answers are given at this confidence and above.
    pub threshold: f64,
    /// Share of images answered.
    pub coverage: f64,
    /// Share of the answers that is wrong.
    pub risk: f64,
    /// 95 % interval of the risk (Wilson).
    pub risk_ci: Interval,
}

/// A threshold for an accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// The accuracy.
    pub wanted: f64,
    /// Whether the threshold was read from validation images. If not, from the audited ones, which makes it a little too good.
    pub from_validation: bool,
    /// The confidence; `None` if no threshold reaches the accuracy.
    pub threshold: Option<f64>,
    /// The audited images at this threshold.
    pub audited: Option<Accepted>,
}

pub(super) fn section(subject: &Subject<'_>, wants: &Wants) -> Abstention {
    let curve = RiskCoverage::of(subject.predictions);
    let of_validation = subject.validation.map(RiskCoverage::of);
    let threshold = |wanted: f64| {
        let point = of_validation.as_ref().unwrap_or(&curve).at_accuracy(wanted);
        Threshold {
            wanted,
            from_validation: of_validation.is_some(),
            threshold: point.map(|point| point.threshold),
            audited: point.map(|point| Accepted::at(subject.predictions, point.threshold)),
        }
    };
    Abstention {
        curve: thinned(&curve),
        aurc: curve.aurc(),
        excess_aurc: curve.excess_aurc(),
        thresholds: [0.95, 0.98, 0.99].map(threshold).to_vec(),
        classes: subject.validation.map_or(Vec::new(), |validation| {
            class_thresholds(validation, subject.predictions, wants.precision)
        }),
    }
}

/// Every step of coverage once, and the last point.
fn thinned(curve: &RiskCoverage) -> Vec<Answered> {
    let n = curve.n() as f64;
    let step = |point: &Point| (point.answered as f64 / n * POINTS as f64) as usize;
    let is_last_of_step =
        |i: &usize| curve.points.get(i + 1).is_none_or(|next| step(next) > step(&curve.points[*i]));
    let answered = |i: usize| {
        let point = &curve.points[i];
        Answered {
            threshold: short(point.threshold),
            coverage: short(point.answered as f64 / n),
            risk: short(point.errors as f64 / point.answered as f64),
            risk_ci: short_interval(wilson(point.errors, point.answered).expect("an answer")),
        }
    };
    (0..curve.points.len()).filter(is_last_of_step).map(answered).collect()
}
