//! What is asked of an audit, and what it says while it is at it.

use std::collections::BTreeSet;

use crate::corrupt::{Change, Suite};
use crate::fail::finding::Kind;
use crate::fail::slices::SliceOptions;

/// Every kind of finding.
pub const ALL: [Kind; 10] = [
    Kind::Bias,
    Kind::Slice,
    Kind::Robustness,
    Kind::Calibration,
    Kind::LabelError,
    Kind::Duplicate,
    Kind::Leak,
    Kind::Spurious,
    Kind::Drift,
    Kind::Preprocessing,
];

/// What to look for, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Wants {
    /// Only these kinds of finding. The lists of images come with [`Kind::Bias`], abstention with [`Kind::Calibration`].
    pub kinds: BTreeSet<Kind>,
    /// Of every random draw.
    pub seed: u64,
    /// Statements to check: a class and its supposed bias.
    pub claims: Vec<(usize, f64)>,
    /// What images are changed by; `None` for [`changes`] of their size.
    pub changes: Option<Vec<Change>>,
    /// At most this many images are changed, an equal share of each class.
    pub changed_most: usize,
    /// Precision and accuracy to find thresholds for.
    pub precision: f64,
    /// Length of each list of images.
    pub listed: usize,
    /// How to look for slices; its seed is [`Self::seed`].
    pub slices: SliceOptions,
}

impl Default for Wants {
    fn default() -> Self {
        Self {
            kinds: ALL.into(),
            seed: 0,
            claims: Vec::new(),
            changes: None,
            changed_most: 10_000,
            precision: 0.95,
            listed: 24,
            slices: SliceOptions::default(),
        }
    }
}

impl Wants {
    /// Some kinds, all else as usual.
    pub fn only(kinds: impl IntoIterator<Item = Kind>) -> Self {
        Self { kinds: kinds.into_iter().collect(), ..Self::default() }
    }

    pub(super) fn has(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }
}

/// What an audit is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// In words, for a line of progress.
    pub name: &'static str,
    /// Steps of it that are done.
    pub done: usize,
    /// Its steps.
    pub of: usize,
}

/// The usual changes of images `[h, w, c]`: turned all the way round by 10 degrees, shifted by up to two sevenths of the shorter
/// side, enlarged, sheared, lighter, with less contrast, blurred, noisy, compressed, pixelated, occluded; and both suites of
/// corruptions at all severities.
pub fn changes([h, w, c]: [usize; 3]) -> Vec<Change> {
    let pixels = (h.min(w) as f64 / 28.0).max(1.0).round();
    let mut changes = Change::range(Change::Rotate, [-180.0, 180.0], 10.0);
    for shift in [Change::ShiftRight, Change::ShiftDown] {
        changes.extend(Change::range(shift, [-8.0 * pixels, 8.0 * pixels], 2.0 * pixels));
    }
    changes.extend(Change::range(Change::Scale, [0.5, 1.5], 0.1));
    changes.extend(Change::range(Change::Shear, [-40.0, 40.0], 10.0));
    changes.extend(Change::range(Change::Brightness, [-0.4, 0.4], 0.1));
    changes.extend(Change::range(Change::Contrast, [0.1, 0.9], 0.2));
    changes.extend(Change::range(Change::Blur, [0.5 * pixels, 2.5 * pixels], 0.5 * pixels));
    changes.extend(Change::range(Change::Noise, [0.05, 0.25], 0.05));
    changes.extend([80, 50, 30, 20, 10].map(Change::Jpeg));
    changes.extend([0.75, 0.5, 0.35, 0.25].map(Change::Pixelate));
    changes.extend(Change::range(Change::Occlude, [0.05, 0.25], 0.05));
    changes.retain(|change| change.parameter() != change.neutral());
    for suite in [Suite::Common, Suite::Mnist] {
        changes.extend(Change::suite(suite, c));
    }
    changes
}
