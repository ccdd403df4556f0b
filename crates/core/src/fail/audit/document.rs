//! `audit.json`: the findings, and under each analysis what they rest on, small enough to be drawn in a page.
//!
//! Lists have a stated length at most; what is left out of one is counted beside it. Numbers of curves have six digits.

use serde::{Deserialize, Serialize};

use super::abstention::Abstention;
use super::bias::Bias;
use super::calibration::CalibrationSection;
use super::drift::DriftSection;
use super::duplicates::DuplicateSection;
use super::label_errors::LabelErrorSection;
use super::losses::Losses;
use super::preprocessing::PreprocessingSection;
use super::robustness::RobustnessSection;
use super::slices::SliceSection;
use crate::fail::finding::{Audit, Kind};
use crate::fail::spurious::Spurious;
use crate::fail::statistics::interval::Interval;

/// `audit.json`, `seamripper.audit/1`. A section is `null` if it was not asked for or could not be made; the second is said in
/// [`Self::not_run`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// `schema`, `n`, `errors`, `findings`.
    #[serde(flatten)]
    pub audit: Audit,
    /// A digest of what was audited, given by who read it: a model and images, or a table; empty if none was given.
    #[serde(default)]
    pub subject: String,
    /// Class names; every class index below is a place in this list.
    pub classes: Vec<String>,
    /// Share of images that are right.
    pub accuracy: f64,
    /// 95 % interval (Wilson).
    pub accuracy_ci: Interval,
    /// What was left out of some analysis, and how much.
    pub excluded: Vec<Excluded>,
    /// What was asked for and could not be done.
    pub not_run: Vec<NotRun>,
    /// Classes predicted too often or too seldom, confusions, claims.
    pub bias: Option<Bias>,
    /// Lists of images.
    pub losses: Option<Losses>,
    /// Groups of images that are wrong more often.
    pub slices: Option<SliceSection>,
    /// Accuracy and classes under changes.
    pub robustness: Option<RobustnessSection>,
    /// Whether probabilities can be taken at their word.
    pub calibration: Option<CalibrationSection>,
    /// What not answering would buy.
    pub abstention: Option<Abstention>,
    /// Labels that are probably wrong.
    pub label_errors: Option<LabelErrorSection>,
    /// Copies and leaks.
    pub duplicates: Option<DuplicateSection>,
    /// Interventions: patches, borders, background.
    pub spurious: Option<Spurious>,
    /// Other images against these.
    pub drift: Option<DriftSection>,
    /// Whether images reach the model in the form it was fitted on.
    pub preprocessing: Option<PreprocessingSection>,
}

/// Something that has no part in an analysis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Excluded {
    /// What: "classes with fewer than 30 images".
    pub what: String,
    /// How many.
    pub count: u64,
    /// Of what, and why, in words.
    pub from: String,
    /// The first of their names, 20 at most.
    pub names: Vec<String>,
}

/// An analysis that did not take place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotRun {
    /// Its kind of finding.
    pub kind: Kind,
    /// What was missing.
    pub why: String,
    /// How to have it next time.
    pub hint: String,
}

/// Six significant digits: what a curve needs, in a third of the bytes.
pub(super) fn short(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10_f64.powi(5 - value.abs().log10().floor() as i32);
    let rounded = (value * scale).round() / scale;
    if rounded.is_finite() { rounded } else { value }
}

/// [`short`] of both ends.
pub(super) fn short_interval(interval: Interval) -> Interval {
    interval.map(short)
}
