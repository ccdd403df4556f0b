//! Whether probabilities can be taken at their word, and what a scaling mends.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Subject, Wants};
use crate::fail::calibration::bins::{BINS, equal_width, top1_statements};
use crate::fail::calibration::bootstrap::{self, Resampling, ece_interval};
use crate::fail::calibration::classes::{ClassCalibration, Direction, MIN_GAP};
use crate::fail::calibration::scaling::{Method, Quality, Scaling};
use crate::fail::calibration::{Calibration, calibration};
use crate::fail::evaluation::FALSE_DISCOVERY_RATE;
use crate::fail::finding::{EXAMPLES_MOST, Finding, Kind};
use crate::fail::statistics::interval::{Interval, wilson};
use crate::predictions::Predictions;

/// The section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationSection {
    /// Errors with intervals, reliability diagrams, classes.
    #[serde(flatten)]
    pub calibration: Calibration,
    /// 95 % interval of the accuracy less the mean confidence.
    pub gap_ci: Interval,
    /// The scalings, fitted on validation images and judged on the audited ones; empty without validation images.
    pub scalings: Vec<Mended>,
}

/// What a scaling does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mended {
    /// Which.
    pub method: Method,
    /// The temperature, if it is one.
    pub temperature: Option<f64>,
    /// Images it was fitted on.
    pub fitted_on: u64,
    /// Images it was judged on.
    pub judged_on: u64,
    /// These images as they were.
    pub before: Quality,
    /// And scaled.
    pub after: Quality,
    /// 95 % interval of [`Quality::ece`] after.
    pub ece_after_ci: Interval,
}

pub(super) fn section(subject: &Subject<'_>, wants: &Wants) -> (CalibrationSection, Vec<Finding>) {
    let predictions = subject.predictions;
    let resampling = Resampling { seed: wants.seed, ..Resampling::default() };
    let calibration = calibration(predictions, resampling).expect("an audit has images");
    let right = (calibration.accuracy * calibration.n as f64).round() as u64;
    let [low, high] = wilson(right, calibration.n).expect("an audit has images");
    let gap_ci = [low - calibration.confidence, high - calibration.confidence];
    let methods = [Method::Temperature, Method::Vector, Method::Isotonic];
    let before = Quality::of(predictions).expect("an audit has images");
    let fit = |method| mended(method, subject.validation?, predictions, before, resampling);
    let scalings: Vec<Mended> = methods.into_iter().filter_map(fit).collect();
    let mut findings = Vec::new();
    findings.extend(whole(&calibration, gap_ci, &scalings));
    findings.extend(calibration.classes.iter().enumerate().filter_map(|(i, of)| class(predictions, i, of)));
    (CalibrationSection { calibration, gap_ci, scalings }, findings)
}

fn mended(
    method: Method,
    validation: &Predictions,
    predictions: &Predictions,
    before: Quality,
    resampling: Resampling,
) -> Option<Mended> {
    let scaling = Scaling::fit(method, validation)?;
    let scaled = scaling.apply(predictions);
    let statements = top1_statements(&scaled);
    Some(Mended {
        method,
        temperature: match scaling {
            Scaling::Temperature { temperature } => Some(temperature),
            _ => None,
        },
        fitted_on: validation.len() as u64,
        judged_on: predictions.len() as u64,
        before,
        after: Quality::of(&scaled)?,
        ece_after_ci: ece_interval(&statements, &equal_width(BINS), bootstrap::EQUAL_WIDTH, resampling),
    })
}

/// The model as a whole is too sure, or not sure enough: `effect` is the accuracy less the mean confidence.
fn whole(calibration: &Calibration, interval: Interval, scalings: &[Mended]) -> Option<Finding> {
    let gap = calibration.accuracy - calibration.confidence;
    if calibration.p > FALSE_DISCOVERY_RATE || gap.abs() < MIN_GAP {
        return None;
    }
    let [low, high] = calibration.ece_ci;
    let how = if gap < 0.0 { "too sure" } else { "not sure enough" };
    let mends = scalings.iter().find_map(|scaling| Some((scaling.temperature?, scaling)));
    let mends = mends.map(|(temperature, scaling)| {
        let [low, high] = scaling.ece_after_ci;
        format!(
            "; a temperature of {temperature:.2} makes it {:.1} % ({:.1} to {:.1})",
            100.0 * scaling.after.ece,
            100.0 * low,
            100.0 * high
        )
    });
    Some(Finding {
        kind: Kind::Calibration,
        title: format!(
            "The model is {how}: {:.1} % confident on average, right in {:.1} %; expected calibration error {:.1} % ({:.1} to {:.1}){}.",
            100.0 * calibration.confidence,
            100.0 * calibration.accuracy,
            100.0 * calibration.ece,
            100.0 * low,
            100.0 * high,
            mends.unwrap_or_default(),
        ),
        effect: gap,
        interval: Some(interval),
        p: Some(calibration.p),
        p_corrected: None,
        // one test, of all images
        confirmed: true,
        n: calibration.n,
        harm: 0.0,
        examples: Vec::new(),
        evidence: json!({
            "confidence": calibration.confidence,
            "accuracy": calibration.accuracy,
            "ece": calibration.ece,
            "ece_ci": calibration.ece_ci,
            "temperature": scalings.iter().find_map(|scaling| scaling.temperature),
        }),
    })
}

/// A class that is flagged: `effect` is its precision less its mean confidence.
fn class(predictions: &Predictions, index: usize, of: &ClassCalibration) -> Option<Finding> {
    let direction = of.flagged?;
    let (confidence, precision, [low, high]) = (of.confidence?, of.precision?, of.precision_ci?);
    let how = match direction {
        Direction::Overconfident => "too sure",
        Direction::Underconfident => "not sure enough",
    };
    Some(Finding {
        kind: Kind::Calibration,
        title: format!(
            "Whenever it says {}, the model is {how}: {:.1} % confident on average, right in {:.1} % of {} images ({:.1} to {:.1}).",
            of.name,
            100.0 * confidence,
            100.0 * precision,
            crate::digits::thousands(of.predicted),
            100.0 * low,
            100.0 * high,
        ),
        effect: precision - confidence,
        interval: Some([low - confidence, high - confidence]),
        p: Some(of.p),
        p_corrected: Some(of.p_corrected),
        confirmed: true,
        n: of.predicted,
        harm: 0.0,
        examples: examples(predictions, index, direction),
        evidence: json!({ "class": of.name, "confidence": confidence, "precision": precision }),
    })
}

/// Wrong and sure, or right and unsure.
fn examples(predictions: &Predictions, class: usize, direction: Direction) -> Vec<String> {
    let wrong = direction == Direction::Overconfident;
    let is_meant =
        |&row: &usize| predictions.top1(row) == class && (predictions.labels[row] as usize != class) == wrong;
    let mut rows: Vec<usize> = (0..predictions.len()).filter(is_meant).collect();
    let confidence = |row: usize| predictions.row(row)[class];
    rows.sort_by(|&a, &b| confidence(b).total_cmp(&confidence(a)));
    if !wrong {
        rows.reverse();
    }
    rows.into_iter().take(EXAMPLES_MOST).map(|row| predictions.ids[row].clone()).collect()
}
