//! Copies among the audited images and those the model was fitted on, and the accuracy they carry.

use serde::{Deserialize, Serialize};

use super::Subject;
use crate::fail::duplicates::leaks::{self, Carried};
use crate::fail::duplicates::{DuplicateOptions, Place, find, report};
use crate::fail::finding::Finding;
use crate::fail::statistics::interval::wilson;
use crate::sample::ImageSet;

/// Pairs that are listed; those with different labels first.
pub const PAIRS_MOST: usize = 200;

/// The section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DuplicateSection {
    /// Images that were compared: those the model was fitted on (if they are there), and the audited ones.
    pub images: Vec<u64>,
    /// Pairs found.
    pub pairs: u64,
    /// Of these equal byte by byte.
    pub equal: u64,
    /// Of these with different labels.
    pub different_labels: u64,
    /// [`PAIRS_MOST`] at most.
    pub listed: Vec<Copied>,
    /// Audited images that are copies of ones the model was fitted on; `None` without those.
    pub leaked: Option<u64>,
    /// What they do to the accuracy.
    pub carried: Option<Carried>,
}

/// Two images that are one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Copied {
    /// Ids of both.
    pub ids: [String; 2],
    /// Indices of their classes.
    pub labels: [usize; 2],
    /// Whether each is among the images the model was fitted on.
    pub trained: [bool; 2],
    /// Whether they are equal.
    pub equal: bool,
    /// Whether one is mirrored.
    pub mirrored: bool,
    /// Pixels right and down.
    pub shift: [i32; 2],
    /// Of the pixels both show.
    pub correlation: f64,
}

pub(super) fn section(subject: &Subject<'_>, audited: &ImageSet) -> (DuplicateSection, Vec<Finding>) {
    let training = subject.training.map(|training| training.images);
    let sets: Vec<&ImageSet> = training.into_iter().chain([audited]).collect();
    let pairs = find(&sets, &DuplicateOptions::default());
    let label = |place: Place| sets[place.set].labels()[place.index] as usize;
    let is_trained = |place: Place| training.is_some() && place.set == 0;
    let mut listed: Vec<_> = pairs.iter().collect();
    listed.sort_by_key(|pair| label(pair.first) == label(pair.second));
    let copied = |pair: &crate::fail::duplicates::Pair| {
        let both = [pair.first, pair.second];
        Copied {
            ids: both.map(|place| sets[place.set].ids().id(place.index)),
            labels: both.map(label),
            trained: both.map(is_trained),
            equal: pair.change.equal,
            mirrored: pair.change.mirrored,
            shift: pair.change.shift,
            correlation: super::document::short(pair.correlation),
        }
    };
    let leaked = training.map(|_| leaks::leaked(&pairs, 0, 1, audited.len()));
    let mut findings: Vec<Finding> = report::finding(&sets, &pairs).into_iter().collect();
    for finding in &mut findings {
        // the share of copies, as of images drawn from many
        let n = sets.iter().map(|set| set.len() as u64).sum();
        finding.interval = wilson(finding.n, n);
    }
    findings.extend(leaked.as_ref().and_then(|leaked| leaks::finding(subject.predictions, leaked)));
    let section = DuplicateSection {
        images: sets.iter().map(|set| set.len() as u64).collect(),
        pairs: pairs.len() as u64,
        equal: pairs.iter().filter(|pair| pair.change.equal).count() as u64,
        different_labels: pairs.iter().filter(|pair| label(pair.first) != label(pair.second)).count() as u64,
        listed: listed.into_iter().take(PAIRS_MOST).map(copied).collect(),
        carried: leaked.as_ref().and_then(|leaked| leaks::carried(subject.predictions, leaked)),
        leaked: leaked.map(|leaked| leaked.iter().filter(|&&leaked| leaked).count() as u64),
    };
    (section, findings)
}
