//! Labels that are probably wrong.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::document::short;
use crate::digits::thousands;
use crate::fail::finding::{EXAMPLES_MOST, Finding, Kind, harm};
use crate::fail::label_errors::{Assumption, LabelErrors, label_errors};
use crate::fail::statistics::interval::{Interval, Z_95};
use crate::predictions::Predictions;

/// Suspects that are listed.
pub const SUSPECTS_MOST: usize = 200;
/// Pairs of classes that are listed.
const MISTAKEN_MOST: usize = 50;

/// The section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelErrorSection {
    /// Whether labels of a table of out-of-fold probabilities were judged, and not those of the audited images.
    pub out_of_fold: bool,
    /// Images.
    pub n: u64,
    /// How many are flagged.
    pub flagged: u64,
    /// How many labels are estimated to be wrong, flagged or not.
    pub expected: f64,
    /// How many of the flagged are.
    pub expected_flagged: f64,
    /// 95 % interval of [`Self::expected_flagged`], if the estimated chances are right.
    pub expected_flagged_ci: Interval,
    /// What the probabilities were tempered with.
    pub temperature: f64,
    /// `P(given label | true class)` off the diagonal, largest first, 50 at most.
    pub mistaken: Vec<Mistaken>,
    /// The most suspect first, [`SUSPECTS_MOST`] at most.
    pub suspects: Vec<Suspected>,
}

/// How often a class is labelled another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistaken {
    /// Index of the true class.
    pub class: usize,
    /// Index of the label.
    pub labelled: usize,
    /// Estimated share.
    pub share: f64,
}

/// A label under suspicion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suspected {
    /// The image.
    pub id: String,
    /// Index of the class it is labelled.
    pub given: usize,
    /// Index of the class it most probably is.
    pub suggested: usize,
    /// Estimated chance that the label is right.
    pub score: f64,
    /// Whether it should be looked at.
    pub flagged: bool,
}

pub(super) fn section(
    table: &Predictions,
    out_of_fold: bool,
) -> (LabelErrorSection, LabelErrors, Option<Finding>) {
    let judged = label_errors(table, Assumption::default());
    let chances = judged.suspects.iter().filter(|suspect| suspect.flagged).map(|suspect| suspect.score);
    let deviation = chances.map(|right| right * (1.0 - right)).sum::<f64>().sqrt();
    let [low, high] = [-1.0, 1.0].map(|sign| judged.expected_flagged + sign * Z_95 * deviation);
    let section = LabelErrorSection {
        out_of_fold,
        n: judged.n,
        flagged: judged.flagged,
        expected: judged.expected,
        expected_flagged: judged.expected_flagged,
        expected_flagged_ci: [low.max(0.0), high.min(judged.flagged as f64)],
        temperature: judged.temperature,
        mistaken: mistaken(&judged.noise),
        suspects: suspects(table, &judged),
    };
    let finding = finding(table, &judged, &section);
    (section, judged, finding)
}

fn suspects(table: &Predictions, judged: &LabelErrors) -> Vec<Suspected> {
    let suspected = |suspect: &crate::fail::label_errors::Suspect| Suspected {
        id: table.ids[suspect.row].clone(),
        given: suspect.given,
        suggested: suspect.suggested,
        score: short(suspect.score),
        flagged: suspect.flagged,
    };
    judged.suspects.iter().take(SUSPECTS_MOST).map(suspected).collect()
}

fn mistaken(noise: &[Vec<f64>]) -> Vec<Mistaken> {
    let mut mistaken = Vec::new();
    for (labelled, row) in noise.iter().enumerate() {
        let others = row.iter().enumerate().filter(|&(class, &share)| class != labelled && share > 0.0);
        mistaken.extend(others.map(|(class, &share)| Mistaken { class, labelled, share: short(share) }));
    }
    mistaken.sort_by(|a, b| b.share.total_cmp(&a.share));
    mistaken.truncate(MISTAKEN_MOST);
    mistaken
}

/// `effect` is the estimated share of wrong labels among all; its harm, the share of all errors that are right if the label is
/// wrong. Never confirmed: that takes somebody who looks.
fn finding(table: &Predictions, judged: &LabelErrors, section: &LabelErrorSection) -> Option<Finding> {
    let flagged: Vec<_> = judged.suspects.iter().filter(|suspect| suspect.flagged).collect();
    if flagged.is_empty() {
        return None;
    }
    let n = judged.n as f64;
    let [low, high] = section.expected_flagged_ci;
    let errors = (0..table.len()).filter(|&row| table.top1(row) != table.labels[row] as usize).count();
    let excused: f64 = judged
        .suspects
        .iter()
        .filter(|suspect| table.top1(suspect.row) != suspect.given)
        .map(|suspect| 1.0 - suspect.score)
        .sum();
    let many = |count: f64| thousands(count.round() as u64);
    let title = format!(
        "{} of {} labels should be looked at, an estimated {} of these wrong ({} to {}), if the model's probabilities are right.",
        thousands(judged.flagged),
        thousands(judged.n),
        many(judged.expected_flagged),
        many(low),
        many(high),
    );
    Some(Finding {
        kind: Kind::LabelError,
        title,
        effect: judged.expected_flagged / n,
        interval: Some([low / n, high / n]),
        p: None,
        p_corrected: None,
        confirmed: false,
        n: judged.flagged,
        harm: harm(errors as u64, errors as f64 - excused, errors as u64),
        examples: flagged.iter().take(EXAMPLES_MOST).map(|suspect| table.ids[suspect.row].clone()).collect(),
        evidence: json!({ "out_of_fold": section.out_of_fold, "expected": judged.expected }),
    })
}
