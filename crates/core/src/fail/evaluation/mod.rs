//! The per-class report: which classes are predicted too often, too seldom, or not recognised.
//!
//! *Exactness*: confusion, precision, recall and F1 are those of scikit-learn with `zero_division=0`; that, and every
//! score, is compared with it within 1e-9 in `tests/it/scikit_learn.rs`.

use serde::{Deserialize, Serialize};

use super::scores;
use super::sentence;
use super::statistics::exact_test::mcnemar_exact;
use super::statistics::interval::{ClassCounts, Interval, wilson};
use super::statistics::multiple::benjamini_hochberg;
use crate::predictions::Predictions;

#[cfg(test)]
pub(in crate::fail) mod tests;

/// The version of the document [`Evaluation`] is written as.
pub const SCHEMA: &str = "seamripper.eval/1";

/// Of the classes that are flagged, at most this share is flagged by chance (on average over tables).
pub const FALSE_DISCOVERY_RATE: f64 = 0.05;

/// A class is flagged only if its bias is at least this far from 1: with enough images, an imbalance too small to
/// matter is significant too.
pub const MIN_BIAS_GAP: f64 = 0.05;

/// What a table of predictions says about a model, class by class. Serialised it is `eval.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// [`SCHEMA`].
    pub schema: String,
    /// Number of images.
    pub n: u64,
    /// Share of images whose most probable class is the true one.
    pub accuracy: f64,
    /// 95 % interval of the accuracy (Wilson).
    pub accuracy_ci: Interval,
    /// One entry a class, in the order of the table.
    pub classes: Vec<ClassEvaluation>,
    /// `[k][k]`, images of the true class (row) that were called a class (column).
    pub confusion: Vec<Vec<u64>>,
    /// [`scores::log_loss`].
    pub log_loss: f64,
    /// [`scores::brier`].
    pub brier: f64,
    /// [`scores::ece`].
    pub ece: f64,
    /// What stands out, in words: [`sentence::sentences`].
    #[serde(default)]
    pub sentences: Vec<String>,
}

/// One class of an [`Evaluation`]. What cannot be said is `None`, in JSON `null`: of a class without images neither
/// the bias nor an interval of bias or recall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassEvaluation {
    /// Its name.
    pub name: String,
    /// Images that belong to it.
    pub actual: u64,
    /// Images that were called this.
    pub predicted: u64,
    /// `predicted / actual`: 1 is even, 1.6 is "60 % too often".
    pub bias: Option<f64>,
    /// 95 % interval of the bias: [`ClassCounts::bias_interval`].
    pub bias_ci: Option<Interval>,
    /// p-value of "false positives are as many as false negatives": [`mcnemar_exact`].
    pub bias_p: f64,
    /// `bias_p` corrected for the number of classes (Benjamini–Hochberg).
    pub bias_p_corrected: f64,
    /// Of the images called this, the share that belongs to it; 0 if there are none.
    pub precision: f64,
    /// Of the images that belong to it, the share that was called so; 0 if there are none.
    pub recall: f64,
    /// 95 % interval of the recall (Wilson).
    pub recall_ci: Option<Interval>,
    /// Harmonic mean of precision and recall; 0 if both are 0.
    pub f1: f64,
    /// Whether it is predicted too often or too seldom beyond chance: `bias_p_corrected <= 0.05` and
    /// `|bias - 1| >= 0.05`. A class without images that is predicted nevertheless has an infinite bias here.
    pub flagged: bool,
}

impl Evaluation {
    /// What happened to the images of class `class`.
    pub fn counts(&self, class: usize) -> ClassCounts {
        class_counts(&self.confusion, class)
    }

    /// Class indices, most harm first: by errors the class takes part in (false positives + false negatives), then by
    /// lower recall, then in the order of the table.
    pub fn worst_first(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.classes.len()).collect();
        order.sort_by(|&i, &j| {
            let errors = self.counts(j).errors().cmp(&self.counts(i).errors());
            errors.then(self.classes[i].recall.total_cmp(&self.classes[j].recall))
        });
        order
    }

    /// The class that `class` is confused with most, counting both directions, and the errors between the two.
    pub fn most_confused_with(&self, class: usize) -> Option<(usize, u64)> {
        (0..self.classes.len())
            .filter(|&other| other != class)
            .map(|other| (other, self.confusion[class][other] + self.confusion[other][class]))
            .filter(|&(_, errors)| errors > 0)
            .max_by_key(|&(other, errors)| (errors, std::cmp::Reverse(other)))
    }
}

/// Evaluates a table of predictions; the predicted class of a row is its [`Predictions::top1`].
///
/// # Panics
/// If the table has no row, its columns differ in length, or a label is not an index into `classes`: readers check their
/// input, and report it with file and row, before they come here.
pub fn evaluate(predictions: &Predictions) -> Evaluation {
    let (n, k) = (predictions.len(), predictions.classes.len());
    assert!(n > 0, "an evaluation of no images");
    assert_eq!(predictions.probs.len(), n * k, "probabilities of {n} images and {k} classes");
    let confusion = confusion(predictions);
    let correct = (0..k).map(|class| confusion[class][class]).sum::<u64>();
    let mut evaluation = Evaluation {
        schema: SCHEMA.to_owned(),
        n: n as u64,
        accuracy: correct as f64 / n as f64,
        accuracy_ci: wilson(correct, n as u64).expect("n > 0"),
        classes: classes(&predictions.classes, &confusion),
        confusion,
        log_loss: scores::log_loss(predictions),
        brier: scores::brier(predictions),
        ece: scores::ece(predictions),
        sentences: Vec::new(),
    };
    evaluation.sentences = sentence::sentences(&evaluation);
    evaluation
}

fn confusion(predictions: &Predictions) -> Vec<Vec<u64>> {
    let k = predictions.classes.len();
    let mut confusion = vec![vec![0; k]; k];
    for (index, &label) in predictions.labels.iter().enumerate() {
        confusion[label as usize][predictions.top1(index)] += 1;
    }
    confusion
}

fn class_counts(confusion: &[Vec<u64>], class: usize) -> ClassCounts {
    let true_positives = confusion[class][class];
    ClassCounts {
        true_positives,
        false_positives: confusion.iter().map(|row| row[class]).sum::<u64>() - true_positives,
        false_negatives: confusion[class].iter().sum::<u64>() - true_positives,
    }
}

fn classes(names: &[String], confusion: &[Vec<u64>]) -> Vec<ClassEvaluation> {
    let counts: Vec<ClassCounts> = (0..names.len()).map(|class| class_counts(confusion, class)).collect();
    let p: Vec<f64> = counts.iter().map(|c| mcnemar_exact(c.false_positives, c.false_negatives)).collect();
    let corrected = benjamini_hochberg(&p);
    let tests = p.into_iter().zip(corrected);
    names.iter().zip(&counts).zip(tests).map(|((name, counts), tests)| class(name, counts, tests)).collect()
}

fn class(name: &str, counts: &ClassCounts, (bias_p, bias_p_corrected): (f64, f64)) -> ClassEvaluation {
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let found = counts.true_positives;
    ClassEvaluation {
        name: name.to_owned(),
        actual: counts.actual(),
        predicted: counts.predicted(),
        bias: counts.bias(),
        bias_ci: counts.bias_interval(),
        bias_p,
        bias_p_corrected,
        precision: share(found, counts.predicted()),
        recall: share(found, counts.actual()),
        recall_ci: wilson(found, counts.actual()),
        f1: share(2 * found, counts.actual() + counts.predicted()),
        flagged: bias_p_corrected <= FALSE_DISCOVERY_RATE && is_biased(counts),
    }
}

fn is_biased(counts: &ClassCounts) -> bool {
    match counts.bias() {
        Some(bias) => (bias - 1.0).abs() >= MIN_BIAS_GAP,
        None => counts.predicted() > 0,
    }
}
