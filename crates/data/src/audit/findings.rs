//! What should be looked at, in sentences.

use serde::Serialize;

use seamripper_core::digits::thousands;

use super::{EXAMPLES_MOST, Group, SplitAudit};
use crate::pictures::Photos;

/// Below this ratio of the largest to the smallest class nothing is said: shares that differ by less than half do not
/// need weights or resampling.
const IMBALANCE_SAID: f64 = 1.5;

/// What kind of thing was found, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A test image is also a training image.
    Leak,
    /// Equal images have different labels.
    Conflict,
    /// A file cannot be used.
    LeftOut,
    /// A class has no image in a part.
    MissingClass,
    /// An image is there more than once in one part.
    Duplicate,
    /// All pixels of an image are equal.
    Constant,
    /// Classes differ much in size.
    Imbalance,
}

/// Something that should be looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// One sentence.
    pub title: String,
    /// How many pictures (or classes, for `missing_class` and `imbalance`) it concerns.
    pub n: usize,
    /// The first of these images.
    pub examples: Vec<String>,
}

pub(super) fn find(splits: &[SplitAudit], groups: &[Group], photos: Option<&Photos>) -> Vec<Finding> {
    let said = |n: usize| pictures(n, "is", "are");
    let mut findings: Vec<Finding> = [
        copies(
            FindingKind::Leak,
            groups,
            |group| group.across,
            |n| format!("{} in the test part and in the training part", said(n)),
        ),
        copies(
            FindingKind::Conflict,
            groups,
            |group| group.conflict,
            |n| format!("{} labelled in more than one way", said(n)),
        ),
        copies(
            FindingKind::Duplicate,
            groups,
            |group| !group.across,
            |n| format!("{} there more than once in the same part", said(n)),
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    findings.extend(photos.and_then(left_out));
    for split in splits {
        findings.extend([missing(split), constant(split), imbalance(split)].into_iter().flatten());
    }
    findings.sort_by_key(|finding| finding.kind);
    findings
}

/// Equal images of one sort.
fn copies(
    kind: FindingKind,
    groups: &[Group],
    of: impl Fn(&Group) -> bool,
    title: impl Fn(usize) -> String,
) -> Option<Finding> {
    let n = groups.iter().filter(|group| of(group)).count();
    let ids =
        groups.iter().filter(|group| of(group)).flat_map(|group| &group.images).map(|image| image.id.clone());
    (n > 0).then(|| Finding { kind, title: title(n), n, examples: ids.take(EXAMPLES_MOST).collect() })
}

/// A ratio in words: one digit behind the point, none from 100 on.
fn times(ratio: f64) -> String {
    if ratio < 100.0 { format!("{ratio:.1}") } else { thousands(ratio.round() as u64) }
}

/// Files that are no images of the data set.
fn left_out(photos: &Photos) -> Option<Finding> {
    let n = photos.left_out.len();
    let [left_out, found] = [n, photos.found].map(|n| thousands(n as u64));
    let title = format!("{left_out} of {found} files cannot be used and are left out");
    let said =
        photos.left_out.iter().take(EXAMPLES_MOST).map(|file| format!("{} ({})", file.path, file.reason));
    (n > 0).then(|| Finding { kind: FindingKind::LeftOut, title, n, examples: said.collect() })
}

fn pictures(n: usize, is: &str, are: &str) -> String {
    if n == 1 { format!("1 picture {is}") } else { format!("{n} pictures {are}") }
}

fn missing(split: &SplitAudit) -> Option<Finding> {
    let n = split.missing.len();
    let title = format!("no image in the {} part of: {}", split.name, split.missing.join(", "));
    (n > 0).then(|| Finding { kind: FindingKind::MissingClass, title, n, examples: Vec::new() })
}

fn constant(split: &SplitAudit) -> Option<Finding> {
    let n = split.constant_count;
    let title =
        format!("{} without content in the {} part: all pixels equal", pictures(n, "is", "are"), split.name);
    let examples = split.constant.iter().map(|image| image.id.clone()).collect();
    (n > 0).then_some(Finding { kind: FindingKind::Constant, title, n, examples })
}

fn imbalance(split: &SplitAudit) -> Option<Finding> {
    let ratio = split.imbalance.filter(|&ratio| ratio >= IMBALANCE_SAID)?;
    let there = || split.classes.iter().filter(|class| class.count > 0);
    let most = there().max_by_key(|class| class.count)?;
    let least = there().min_by_key(|class| class.count)?;
    let [many, few] = [most, least].map(|class| thousands(class.count as u64));
    let title = format!(
        "{} has {} times as many images as {} in the {} part ({many} and {few})",
        most.name,
        times(ratio),
        least.name,
        split.name,
    );
    Some(Finding { kind: FindingKind::Imbalance, title, n: 2, examples: Vec::new() })
}
