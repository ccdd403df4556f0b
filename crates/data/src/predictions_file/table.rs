//! The rows of any format, and the checks they have to pass.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use seamripper_core::nearest::nearest;
use seamripper_core::predictions::Predictions;
use seamripper_core::sample::Split;

use crate::{Error, Result, RowProblems};

/// A row of probabilities must sum to 1 within this.
pub const SUM_TOLERANCE: f64 = 1e-3;
/// A row whose sum is off by no more than this is taken as it is; `f32` softmax of a thousand classes is nearer.
pub const SUM_EXACT: f64 = 1e-6;

/// What the numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scores {
    Probabilities,
    Logits,
}

/// How errors call a row.
#[derive(Debug)]
pub(super) enum Rows {
    /// By its number, counted from 0.
    Numbered,
    /// By the line of the file it begins on.
    Lines(Vec<u64>),
}

/// Rows as read, `n` of them over `k` classes. A cell that could not be read has an empty text or NaN in its place
/// and is among the problems.
#[derive(Debug)]
pub(super) struct Table {
    pub rows: Rows,
    /// `[n]`
    pub ids: Vec<String>,
    /// `[n]`
    pub labels: Vec<String>,
    /// `[n]`, if the table has them.
    pub splits: Option<Vec<String>>,
    /// `[k]`
    pub classes: Vec<String>,
    /// `[n, k]`
    pub scores: Vec<f64>,
    pub kind: Scores,
    pub problems: RowProblems,
    /// Rows with a problem already told; they are not asked for more.
    pub told: HashSet<usize>,
}

impl Table {
    pub fn new(classes: Vec<String>, kind: Scores, rows: Rows, has_splits: bool) -> Self {
        Self {
            rows,
            ids: Vec::new(),
            labels: Vec::new(),
            splits: has_splits.then(Vec::new),
            classes,
            scores: Vec::new(),
            kind,
            problems: RowProblems::default(),
            told: HashSet::new(),
        }
    }

    /// Notes what is wrong with a row.
    pub fn problem(&mut self, row: usize, text: impl FnOnce() -> String) {
        let rows = &self.rows;
        self.problems.push(|| format!("{}: {}", rows.name(row), text()));
        self.told.insert(row);
    }

    /// Checks every row and makes predictions of them.
    pub fn check(mut self, path: &Path) -> Result<Predictions> {
        self.check_shape(path)?;
        let logits = self.kind == Scores::Probabilities && self.look_like_logits();
        let labels = self.check_labels();
        let splits = self.check_splits();
        self.check_scores();
        self.check_ids(&splits);
        if self.problems.count() > 0 {
            return Err(Error::Rows { path: path.to_owned(), problems: self.problems, logits });
        }
        Ok(Predictions { classes: self.classes, ids: self.ids, splits, labels, probs: self.scores })
    }

    fn check_shape(&self, path: &Path) -> Result<()> {
        let malformed = |what: &str, expected: String, found: String| {
            Err(Error::Malformed { what: what.into(), path: path.to_owned(), expected, found, hint: None })
        };
        if let Some(twice) = (1..self.classes.len()).find(|&i| self.classes[..i].contains(&self.classes[i])) {
            return malformed(
                "classes",
                "every name once".into(),
                format!("`{}` twice", self.classes[twice]),
            );
        }
        if self.ids.is_empty() && self.problems.count() == 0 {
            return malformed("rows", "at least one".into(), "none".into());
        }
        Ok(())
    }

    fn check_labels(&mut self) -> Vec<u32> {
        let texts = std::mem::take(&mut self.labels);
        let classes = std::mem::take(&mut self.classes);
        let index_of: HashMap<&str, u32> = (0..).zip(&classes).map(|(i, name)| (name.as_str(), i)).collect();
        let read =
            || texts.iter().enumerate().filter(|(row, _)| !self.told.contains(row)).map(|(_, text)| text);
        let named = read().any(|text| index_of.contains_key(text.as_str()));
        let by_index = !named && read().all(|text| text.parse::<i64>().is_ok());

        let mut labels = Vec::with_capacity(texts.len());
        for (row, text) in texts.iter().enumerate() {
            let label = if by_index {
                text.parse().ok().filter(|&index: &u32| (index as usize) < classes.len())
            } else {
                index_of.get(text.as_str()).copied()
            };
            labels.push(label.unwrap_or(0));
            if label.is_none() && !self.told.contains(&row) {
                self.problem(row, || match by_index {
                    true => format!("label {text}: expected an index of 0 to {}", classes.len() - 1),
                    false => unknown("label", text, classes.iter().map(String::as_str)),
                });
            }
        }
        self.classes = classes;
        labels
    }

    fn check_splits(&mut self) -> Vec<Split> {
        let all = [Split::Train, Split::Validation, Split::Test];
        let Some(texts) = self.splits.take() else { return vec![Split::Test; self.ids.len()] };
        let mut splits = Vec::with_capacity(texts.len());
        for (row, text) in texts.iter().enumerate() {
            let split = all.into_iter().find(|split| split.name() == text);
            splits.push(split.unwrap_or(Split::Test));
            if split.is_none() && !self.told.contains(&row) {
                self.problem(row, || unknown("split", text, all.into_iter().map(Split::name)));
            }
        }
        splits
    }

    fn check_scores(&mut self) {
        let mut scores = std::mem::take(&mut self.scores);
        let classes = std::mem::take(&mut self.classes);
        for (row, values) in scores.chunks_exact_mut(classes.len()).enumerate() {
            if self.told.contains(&row) {
                continue;
            }
            let outcome = match self.kind {
                Scores::Probabilities => check_probabilities(values, &classes),
                Scores::Logits => softmax(values, &classes),
            };
            if let Err(problem) = outcome {
                self.problem(row, || problem);
            }
        }
        self.scores = scores;
        self.classes = classes;
    }

    /// Whether most rows are no probabilities, but finite numbers that reach below 0 or above 1: what a network says before its
    /// softmax.
    fn look_like_logits(&self) -> bool {
        let rows = self.scores.chunks_exact(self.classes.len());
        let (n, of_logits) = rows.fold((0_usize, 0_usize), |(n, logits), row| {
            let outside = row.iter().any(|score| !(0.0..=1.0).contains(score));
            (n + 1, logits + usize::from(outside && row.iter().all(|score| score.is_finite())))
        });
        2 * of_logits > n
    }

    fn check_ids(&mut self, splits: &[Split]) {
        let ids = std::mem::take(&mut self.ids);
        let mut first_of = HashMap::with_capacity(ids.len());
        for (row, id) in ids.iter().enumerate() {
            if self.told.contains(&row) {
                continue;
            }
            if id.is_empty() {
                self.problem(row, || "no id".into());
            } else if let Some(first) = first_of.insert((id, splits[row]), row) {
                let first = self.rows.name(first);
                self.problem(row, || {
                    format!("id `{id}` again in split {}, as in {first}", splits[row].name())
                });
            }
        }
        self.ids = ids;
    }
}

impl Rows {
    pub fn name(&self, row: usize) -> String {
        match self {
            Self::Numbered => format!("row {row}"),
            Self::Lines(lines) => format!("line {}", lines[row]),
        }
    }
}

/// Divides out a sum that is nearly 1.
fn check_probabilities(values: &mut [f64], classes: &[String]) -> std::result::Result<(), String> {
    if let Some(bad) = values.iter().position(|p| !p.is_finite() || *p < 0.0) {
        let (name, found) = (&classes[bad], values[bad]);
        return Err(format!("probability of {name}: expected a number of 0 to 1, found {found}"));
    }
    let sum: f64 = values.iter().sum();
    if (sum - 1.0).abs() > SUM_TOLERANCE {
        return Err(format!("probabilities: expected a sum of 1, found {sum}"));
    }
    if (sum - 1.0).abs() > SUM_EXACT {
        values.iter_mut().for_each(|p| *p /= sum);
    }
    Ok(())
}

fn softmax(values: &mut [f64], classes: &[String]) -> std::result::Result<(), String> {
    if let Some(bad) = values.iter().position(|logit| !logit.is_finite()) {
        let (name, found) = (&classes[bad], values[bad]);
        return Err(format!("logit of {name}: expected a finite number, found {found}"));
    }
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    values.iter_mut().for_each(|logit| *logit = (*logit - most).exp());
    let sum: f64 = values.iter().sum();
    values.iter_mut().for_each(|p| *p /= sum);
    Ok(())
}

fn unknown<'a>(what: &str, text: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let is_number = text.parse::<f64>().is_ok();
    match nearest(text, known.clone()).filter(|_| !is_number) {
        Some(near) => format!("{what} `{text}` is unknown (is `{near}` meant?)"),
        None => format!("{what} `{text}` is unknown (known: {})", listed(known)),
    }
}

/// The first of a list that may be long.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    match names.len() {
        0..=12 => names.join(", "),
        n => format!("{}, … {n} in all", names[..12].join(", ")),
    }
}
