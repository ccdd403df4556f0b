//! The words of this folder: table, scope, candidate, slice.

use serde_json::json;

use super::conditions::Condition;
use super::sentence;
use crate::fail::finding::{Finding, Kind};
use crate::fail::properties::Property;
use crate::fail::statistics::two_rates::{Difference, TwoRates};
use crate::predictions::Predictions;

/// What slices are looked for in.
#[derive(Debug)]
pub struct Table<'a> {
    /// The table.
    pub predictions: &'a Predictions,
    /// Properties of its images.
    pub properties: &'a [Property],
    /// `[n]`, whether the most probable class is wrong.
    pub wrong: Vec<bool>,
    /// All rows, those of each true class, those of each predicted class.
    all: Vec<u32>,
    by_label: Vec<Vec<u32>>,
    by_called: Vec<Vec<u32>>,
}

impl<'a> Table<'a> {
    /// Reads what each image was called.
    pub fn new(predictions: &'a Predictions, properties: &'a [Property]) -> Self {
        let called: Vec<u32> = (0..predictions.len()).map(|row| predictions.top1(row) as u32).collect();
        let wrong = called.iter().zip(&predictions.labels).map(|(called, label)| called != label).collect();
        let k = predictions.classes.len();
        let (mut by_label, mut by_called) = (vec![Vec::new(); k], vec![Vec::new(); k]);
        for (row, (&label, &called)) in (0..).zip(predictions.labels.iter().zip(&called)) {
            by_label[label as usize].push(row);
            by_called[called as usize].push(row);
        }
        let all = (0..predictions.len() as u32).collect();
        Self { predictions, properties, wrong, all, by_label, by_called }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.wrong.len()
    }

    /// The true classes.
    pub fn labels(&self) -> &[u32] {
        &self.predictions.labels
    }

    /// The images of a scope, in rising order.
    pub fn rows(&self, scope: Scope) -> &[u32] {
        match scope {
            Scope::All => &self.all,
            Scope::True(class) => &self.by_label[class as usize],
            Scope::Predicted(class) => &self.by_called[class as usize],
        }
    }

    /// The stratum of an image: its true class in the scope of all, one stratum in the others.
    pub fn stratum(&self, scope: Scope, row: u32) -> usize {
        if scope == Scope::All { self.labels()[row as usize] as usize } else { 0 }
    }

    /// Strata of a scope.
    pub fn strata(&self, scope: Scope) -> usize {
        if scope == Scope::All { self.predictions.classes.len() } else { 1 }
    }

    /// Counts `members` (in rising order) against the rest of their scope, among the images `counts` lets through.
    pub fn rates(&self, scope: Scope, members: &[u32], counts: impl Fn(u32) -> bool) -> Vec<TwoRates> {
        let mut strata = vec![TwoRates::default(); self.strata(scope)];
        let mut members = members.iter().peekable();
        for &row in self.rows(scope) {
            let inside = members.next_if_eq(&&row).is_some();
            if !counts(row) {
                continue;
            }
            let stratum = &mut strata[self.stratum(scope, row)];
            let wrong = u64::from(self.wrong[row as usize]);
            if inside {
                stratum.n_in += 1;
                stratum.wrong_in += wrong;
            } else {
                stratum.n_out += 1;
                stratum.wrong_out += wrong;
            }
        }
        strata
    }
}

/// What a slice is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All images, within their true classes.
    All,
    /// Images of a class.
    True(u32),
    /// Images called a class.
    Predicted(u32),
}

/// How a slice came about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Origin {
    /// Its images meet all of these.
    Conditions(Vec<Condition>),
    /// Its images are alike to the model; the distance of each to their center.
    Cluster(Vec<f64>),
}

/// What may be a slice.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub scope: Scope,
    pub origin: Origin,
    /// Its images in both halves, in rising order.
    pub members: Vec<u32>,
    /// Likelihood-ratio statistic on the first half, less twice the logarithm of how many of its kind were looked at: above 0
    /// less than one of them is expected by chance.
    pub score: f64,
}

/// All slices that were tested.
#[derive(Clone, Debug, PartialEq)]
pub struct Slices {
    /// Confirmed ones first, then most harm first.
    pub slices: Vec<Slice>,
    /// Images of the second half.
    pub n: u64,
    /// Wrong ones of them.
    pub errors: u64,
}

/// Images with something in common. Counts are those of the second half, which did not suggest it.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// What it is compared with.
    pub scope: Scope,
    /// What its images have in common, each in words.
    pub words: Vec<String>,
    /// Whether it is a cluster of embeddings; then `words` are only typical of it.
    pub is_cluster: bool,
    /// Its images in both halves.
    pub rows: Vec<u32>,
    /// Its images in the second half.
    pub n: u64,
    /// Wrong ones of them.
    pub wrong: u64,
    /// Its error rate and that of the rest of its scope.
    pub difference: Difference,
    /// The same on the first half, where it was found: too large, because it was chosen for it.
    pub found: Difference,
    /// Exact p-value of "no more errors than the rest of its scope".
    pub p: f64,
    /// Corrected for all slices that were tested.
    pub p_corrected: f64,
    /// Whether that is at most the false discovery rate.
    pub confirmed: bool,
    /// Share of the second half's errors it explains.
    pub harm: f64,
    /// Wrong images of both halves, the most typical first.
    pub examples: Vec<u32>,
}

impl Slice {
    /// One sentence about it.
    pub fn title(&self, predictions: &Predictions) -> String {
        sentence::title(self, predictions)
    }

    /// As a finding: `effect` is the difference of the error rates.
    pub fn finding(&self, predictions: &Predictions) -> Finding {
        let class = |class: u32| &predictions.classes[class as usize];
        Finding {
            kind: Kind::Slice,
            title: self.title(predictions),
            effect: self.difference.effect(),
            interval: Some(self.difference.interval),
            p: Some(self.p),
            p_corrected: Some(self.p_corrected),
            confirmed: self.confirmed,
            n: self.n,
            harm: self.harm,
            examples: self.examples.iter().map(|&row| predictions.ids[row as usize].clone()).collect(),
            evidence: json!({
                "scope": match self.scope {
                    Scope::All => json!("all"),
                    Scope::True(of) => json!({ "class": class(of) }),
                    Scope::Predicted(of) => json!({ "predicted": class(of) }),
                },
                "conditions": self.words,
                "cluster": self.is_cluster,
                "wrong": self.wrong,
                "error_rate": self.difference.inside,
                "error_rate_others": self.difference.outside,
                "found": { "error_rate": self.found.inside, "error_rate_others": self.found.outside },
                "images_in_both_halves": self.rows.len(),
                "wrongly_called": sentence::wrongly_called(self, predictions)
                    .into_iter()
                    .map(|(of, count)| json!({ "class": class(of), "count": count }))
                    .collect::<Vec<_>>(),
            }),
        }
    }
}
