//! When should a model rather say nothing?
//!
//! *Idea*: a model that may abstain answers only where its confidence (the highest probability) reaches a threshold.
//! *Coverage* is the share of images it answers, *risk* the share of wrong answers among them. Images are accepted from the
//! most confident down; the curve of risk over coverage shows what abstaining buys.
//!
//! *Ties*: images with equal confidence are accepted together, as a threshold cannot part them. Within a tie the area
//! counts errors as evenly spread, which is the mean over all orders, so no result depends on the order of rows.
//!
//! *Edges*: of no images the curve is empty and its areas are `None`. A class that is never called has no threshold.
//!
//! *Reference*: Geifman & El-Yaniv (2017), "Selective classification for deep neural networks", NeurIPS; the areas:
//! Geifman, Uziel & El-Yaniv (2019), "Bias-reduced uncertainty estimation for deep neural classifiers", ICLR.

use serde::{Deserialize, Serialize};

use super::calibration::bins::{Statement, top1_statements};
use super::statistics::interval::{Interval, wilson};
use crate::predictions::Predictions;

#[cfg(test)]
mod tests;

/// What happens at a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Answers are given at this confidence and above.
    pub threshold: f64,
    /// Images answered.
    pub answered: u64,
    /// Wrong answers among them.
    pub errors: u64,
}

/// Risk over coverage, from the most confident images to all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RiskCoverage {
    /// A point a distinct confidence, thresholds falling; the last one answers all images.
    pub points: Vec<Point>,
}

impl RiskCoverage {
    /// The curve of the most probable class.
    pub fn of(predictions: &Predictions) -> Self {
        Self::of_statements(top1_statements(predictions))
    }

    fn of_statements(mut statements: Vec<Statement>) -> Self {
        statements.sort_by(|a, b| b.p.total_cmp(&a.p));
        let mut points: Vec<Point> = Vec::new();
        let (mut answered, mut errors) = (0, 0);
        for statement in statements {
            answered += 1;
            errors += u64::from(!statement.hit);
            let point = Point { threshold: statement.p, answered, errors };
            match points.last_mut().filter(|last| last.threshold == statement.p) {
                Some(last) => *last = point,
                None => points.push(point),
            }
        }
        Self { points }
    }

    /// Images in all.
    pub fn n(&self) -> u64 {
        self.points.last().map_or(0, |point| point.answered)
    }

    /// Area under the curve: the mean over `i` = 1 to n of the risk when the `i` most confident images are answered. 0 is
    /// best.
    pub fn aurc(&self) -> Option<f64> {
        let (mut sum, mut before) = (0.0, (0, 0));
        for point in &self.points {
            let (answered, errors) = before;
            let slope = (point.errors - errors) as f64 / (point.answered - answered) as f64;
            for i in answered + 1..=point.answered {
                sum += (errors as f64 + slope * (i - answered) as f64) / i as f64;
            }
            before = (point.answered, point.errors);
        }
        (self.n() > 0).then(|| sum / self.n() as f64)
    }

    /// [`Self::aurc`] less the least possible with as many errors, when all of them come last: what better confidences could
    /// gain without one right answer more.
    pub fn excess_aurc(&self) -> Option<f64> {
        let right = self.n() - self.points.last().map_or(0, |point| point.errors);
        let best: f64 = (right + 1..=self.n()).map(|i| (i - right) as f64 / i as f64).sum();
        Some((self.aurc()? - best / self.n() as f64).max(0.0))
    }

    /// The point with the largest coverage whose accuracy is at least `accuracy`; `None` if no threshold reaches it.
    ///
    /// It is read from these very images, so other images will be a little less accurate: fix the threshold on validation
    /// images and look at it with [`Accepted::at`] on test images.
    pub fn at_accuracy(&self, accuracy: f64) -> Option<Point> {
        let reaches =
            |point: &&Point| (point.answered - point.errors) as f64 >= accuracy * point.answered as f64;
        self.points.iter().rev().find(reaches).copied()
    }
}

/// Images that reach a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// Images that could be accepted: all, or all that were called a class.
    pub of: u64,
    /// Images that reach the threshold.
    pub accepted: u64,
    /// Of these, called rightly.
    pub right: u64,
    /// Share of the accepted that is right.
    pub precision: Option<f64>,
    /// 95 % interval of it (Wilson).
    pub precision_ci: Option<Interval>,
}

impl Accepted {
    /// All images with at least this confidence.
    pub fn at(predictions: &Predictions, threshold: f64) -> Self {
        Self::among(&top1_statements(predictions), threshold)
    }

    fn among(statements: &[Statement], threshold: f64) -> Self {
        let accepted = statements.iter().filter(|statement| statement.p >= threshold);
        let (n, right) =
            accepted.fold((0, 0), |(n, right), statement| (n + 1, right + u64::from(statement.hit)));
        Self {
            of: statements.len() as u64,
            accepted: n,
            right,
            precision: (n > 0).then(|| right as f64 / n as f64),
            precision_ci: wilson(right, n),
        }
    }
}

/// Whether test images bear out what validation images promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The whole interval of the precision is at or above what is wanted.
    Confirmed,
    /// The interval holds what is wanted: these images cannot tell.
    Open,
    /// The whole interval is below what is wanted.
    Refuted,
    /// No threshold, or no test image that reaches it.
    Untested,
}

/// From which confidence on a class can be trusted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassThreshold {
    /// Its name.
    pub name: String,
    /// The precision wanted.
    pub wanted: f64,
    /// The confidence; `None` if no threshold will do.
    pub threshold: Option<f64>,
    /// Images called this at the threshold (at 0, if there is none), on which it was fitted.
    pub validation: Accepted,
    /// Other images.
    pub test: Accepted,
    /// What the others say.
    pub verdict: Verdict,
}

/// For each class the lowest confidence at which images called so are right with a precision of at least `wanted`: the
/// lower end of the 95 % interval of the precision (Wilson) on validation images must reach it.
///
/// The threshold is the best of many on the same images, so its interval is a little too hopeful: in simulation 5 % of
/// thresholds miss the wanted precision, where one threshold alone would in 2.5 % (a test). Test images, which chose nothing,
/// are the check. With few images no threshold can be shown to do: 73 right ones of 73 show a precision of 95 %.
pub fn class_thresholds(validation: &Predictions, test: &Predictions, wanted: f64) -> Vec<ClassThreshold> {
    let (fitting, checking) = (called(validation), called(test));
    let entry = |((name, fitting), checking): ((&String, Vec<Statement>), Vec<Statement>)| {
        let shown = |point: &&Point| {
            wilson(point.answered - point.errors, point.answered).is_some_and(|[low, _]| low >= wanted)
        };
        let curve = RiskCoverage::of_statements(fitting.clone());
        let threshold = curve.points.iter().rev().find(shown).map(|point| point.threshold);
        let at = |statements: &[Statement]| Accepted::among(statements, threshold.unwrap_or(0.0));
        let (validation, test) = (at(&fitting), at(&checking));
        let verdict = verdict(threshold.and(test.precision_ci), wanted);
        ClassThreshold { name: name.clone(), wanted, threshold, validation, test, verdict }
    };
    validation.classes.iter().zip(fitting).zip(checking).map(entry).collect()
}

fn verdict(precision: Option<Interval>, wanted: f64) -> Verdict {
    match precision {
        None => Verdict::Untested,
        Some([low, _]) if low >= wanted => Verdict::Confirmed,
        Some([_, high]) if high < wanted => Verdict::Refuted,
        Some(_) => Verdict::Open,
    }
}

/// For each class the statements about images that were called so.
fn called(predictions: &Predictions) -> Vec<Vec<Statement>> {
    let mut called = vec![Vec::new(); predictions.classes.len()];
    for (index, statement) in top1_statements(predictions).into_iter().enumerate() {
        called[predictions.top1(index)].push(statement);
    }
    called
}
