//! The groups of images that were tested, as the report shows them.

use serde::{Deserialize, Serialize};

use crate::fail::finding::Finding;
use crate::fail::properties::Property;
use crate::fail::slices::{Scope, SliceOptions, Slices, find};
use crate::fail::statistics::interval::Interval;
use crate::predictions::Predictions;

use super::Subject;

/// A slice that was not confirmed is still worth a line if its own p-value is at most this.
const SUSPECTED: f64 = 0.05;

/// The section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SliceSection {
    /// Names of the properties that were looked at.
    pub properties: Vec<String>,
    /// Whether images that are alike to the model were looked at.
    pub clusters: bool,
    /// Images of the second half.
    pub n: u64,
    /// Wrong ones of them.
    pub errors: u64,
    /// All that were tested: confirmed first, then most harm first.
    pub tested: Vec<Tested>,
}

/// A slice that was tested on the second half.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// In a sentence.
    pub title: String,
    /// Index of the class it is in, if it is in one.
    pub class: Option<usize>,
    /// What its images have in common.
    pub conditions: Vec<String>,
    /// Whether it is a cluster of embeddings.
    pub cluster: bool,
    /// Its images in the second half.
    pub n: u64,
    /// Wrong ones of them.
    pub wrong: u64,
    /// Share of it that is wrong.
    pub error_rate: f64,
    /// Share of the others that is wrong.
    pub error_rate_others: f64,
    /// 95 % interval of the difference.
    pub difference_ci: Interval,
    /// Corrected p-value.
    pub p_corrected: f64,
    /// Whether it held.
    pub confirmed: bool,
    /// Share of all errors it explains.
    pub harm: f64,
}

pub(super) fn section(
    subject: &Subject<'_>,
    measured: &[Property],
    options: &SliceOptions,
) -> (SliceSection, Vec<Finding>) {
    let properties: Vec<Property> = measured.iter().chain(&subject.columns).cloned().collect();
    let found = find(subject.predictions, &properties, subject.embeddings, options);
    let findings = found.slices.iter().filter(|slice| slice.confirmed || slice.p <= SUSPECTED);
    let findings = findings.map(|slice| slice.finding(subject.predictions)).collect();
    let section = SliceSection {
        properties: properties.into_iter().map(|property| property.name).collect(),
        clusters: subject.embeddings.is_some(),
        n: found.n,
        errors: found.errors,
        tested: tested(&found, subject.predictions),
    };
    (section, findings)
}

fn tested(found: &Slices, predictions: &Predictions) -> Vec<Tested> {
    let of = |slice: &crate::fail::slices::Slice| Tested {
        title: slice.title(predictions),
        class: match slice.scope {
            Scope::True(class) => Some(class as usize),
            _ => None,
        },
        conditions: slice.words.clone(),
        cluster: slice.is_cluster,
        n: slice.n,
        wrong: slice.wrong,
        error_rate: slice.difference.inside,
        error_rate_others: slice.difference.outside,
        difference_ci: slice.difference.interval,
        p_corrected: slice.p_corrected,
        confirmed: slice.confirmed,
        harm: slice.harm,
    };
    found.slices.iter().map(of).collect()
}
