//! A finding: one statement about where a model fails, with what it rests on. Serialised, a ranked list of them is
//! `audit.json`.
//!
//! **Harm** is the share of all errors a finding explains: the errors among its images beyond those they would have at the
//! rate of the images it is compared with, divided by all errors of the same table.
//! ```text
//! harm = max(0, errors inside - n inside * rate of the others) / all errors
//! ```
//! It is 1 if nothing else goes wrong, and 0 for what costs no accuracy (a miscalibration, a duplicate). This is the
//! attributable fraction of epidemiology: Levin (1953), "The occurrence of lung cancer in man", Acta Unio Int. Contra
//! Cancrum 9, 531–541. Harms of overlapping findings do not add up.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::statistics::interval::Interval;

#[cfg(test)]
mod tests;

/// The version of the document [`Audit`] is written as.
pub const SCHEMA: &str = "seamripper.audit/1";

/// At most this many ids are named in a finding.
pub const EXAMPLES_MOST: usize = 24;

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A class, or a pair of classes, is predicted too often or too seldom.
    Bias,
    /// Images with something in common are wrong more often than others.
    Slice,
    /// A change of the image that should not matter does.
    Robustness,
    /// Probabilities are not what they say.
    Calibration,
    /// A label is probably wrong.
    LabelError,
    /// An image occurs more than once.
    Duplicate,
    /// An image to test with was trained on.
    Leak,
    /// The model reads what has nothing to do with the class.
    Spurious,
    /// Images are not like those the model was made for.
    Drift,
    /// The model is given its images in another form than it was trained on.
    Preprocessing,
}

/// One statement about where a model fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    pub kind: Kind,
    /// One sentence, effect first, with counts.
    pub title: String,
    /// Size of the effect; which number it is, `evidence` and the page of the kind say.
    pub effect: f64,
    /// 95 % interval of the effect, if there is one.
    pub interval: Option<Interval>,
    /// p-value of "there is no effect", if there is a test.
    pub p: Option<f64>,
    /// `p` corrected for the number of such tests (Benjamini–Hochberg).
    pub p_corrected: Option<f64>,
    /// Whether it held on images that did not suggest it, or was found without looking for it among many.
    pub confirmed: bool,
    /// Images the effect was measured on.
    pub n: u64,
    /// Share of all errors it explains, between 0 and 1; see the head of this file.
    pub harm: f64,
    /// Ids of images to look at, the most telling first; at most [`EXAMPLES_MOST`].
    pub examples: Vec<String>,
    /// Everything else, by kind.
    pub evidence: Value,
}

/// All findings about a model, ranked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// [`SCHEMA`].
    pub schema: String,
    /// Images that were looked at.
    pub n: u64,
    /// How many of them are wrong.
    pub errors: u64,
    /// Confirmed before unconfirmed, then most harm first, then larger effect; ties as they were given.
    pub findings: Vec<Finding>,
}

impl Audit {
    /// Ranks `findings` about a table of `n` images with `errors` errors.
    pub fn ranked(n: u64, errors: u64, mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| {
            let confirmed = b.confirmed.cmp(&a.confirmed);
            confirmed.then(b.harm.total_cmp(&a.harm)).then(b.effect.abs().total_cmp(&a.effect.abs()))
        });
        Self { schema: SCHEMA.to_owned(), n, errors, findings }
    }
}

/// The harm of `inside` errors where `expected` would be usual, of `errors` in all; 0 if there is no error.
pub fn harm(inside: u64, expected: f64, errors: u64) -> f64 {
    if errors == 0 { 0.0 } else { ((inside as f64 - expected) / errors as f64).clamp(0.0, 1.0) }
}
