//! Classes that are predicted too often or too seldom, pairs that are confused one way, claims about a class, and the band
//! over several runs.

use serde::{Deserialize, Serialize};
use serde_json::json;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::document::{short, short_interval};
use super::{Subject, Wants};
use crate::fail::confusions::claim::Claim;
use crate::fail::confusions::{Confusions, order};
use crate::fail::evaluation::{ClassEvaluation, Evaluation, evaluate};
use crate::fail::finding::{EXAMPLES_MOST, Finding, Kind, harm};
use crate::fail::sentence::class_sentence;
use crate::fail::statistics::interval::Interval;
use crate::predictions::Predictions;

/// Pairs and cells of the confusion matrix that are listed, the largest.
pub const PAIRS_MOST: usize = 200;
/// As [`PAIRS_MOST`].
pub const CELLS_MOST: usize = 20_000;

/// The section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bias {
    /// As in `eval.json`, in the order of the classes.
    pub classes: Vec<ClassEvaluation>,
    /// Which classes are taken for which.
    pub confusions: ConfusionSection,
    /// Statements that were to be checked.
    pub claims: Vec<Checked>,
    /// Several runs together, if there are several.
    pub runs: Option<Runs>,
}

/// The confusion matrix, sparse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfusionSection {
    /// Class indices, so that classes that are confused stand side by side.
    pub order: Vec<usize>,
    /// `[true class, called, images]`, without zeros, most images first, [`CELLS_MOST`] at most.
    pub cells: Vec<[u64; 3]>,
    /// Cells with an image that are not listed.
    pub cells_left_out: u64,
    /// Pairs with an error, most errors first, [`PAIRS_MOST`] at most.
    pub pairs: Vec<Pair>,
    /// Pairs with an error that are not listed.
    pub pairs_left_out: u64,
}

/// The errors between two classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Index of the true class of the more frequent direction.
    pub from: usize,
    /// What it is called.
    pub to: usize,
    /// Images of `from` called `to`.
    pub count: u64,
    /// Images of `to` called `from`.
    pub reverse: u64,
    /// Share of the more frequent direction.
    pub share: f64,
    /// 95 % interval (Wilson).
    pub share_ci: Interval,
    /// Corrected for all pairs.
    pub p_corrected: f64,
    /// Whether it goes one way beyond chance.
    pub one_sided: bool,
}

/// A statement about a class against this table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// Index of the class.
    pub class: usize,
    /// Its bias, as claimed.
    pub claimed: f64,
    /// Its bias, as counted.
    pub bias: Option<f64>,
    /// 95 % interval of that.
    pub bias_ci: Option<Interval>,
    /// Whether the interval holds the claim.
    pub holds: Option<bool>,
    /// What the claim says about all errors.
    pub sentence: String,
}

/// The biases of several runs, trained with other seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Runs {
    /// Their names, the audited one first.
    pub names: Vec<String>,
    /// Accuracy of each.
    pub accuracy: Vec<f64>,
    /// One entry a class.
    pub classes: Vec<Band>,
}

/// A class over several runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// Its bias in each run; `None` if no image belongs to it.
    pub bias: Vec<Option<f64>>,
    /// Mean over runs.
    pub mean: Option<f64>,
    /// 95 % interval of the mean over seeds: Student's t.
    pub mean_ci: Option<Interval>,
    /// In how many runs it is flagged.
    pub flagged: u64,
}

pub(super) fn section(
    subject: &Subject<'_>,
    wants: &Wants,
    evaluation: &Evaluation,
    called: &[u32],
) -> (Bias, Vec<Finding>) {
    let predictions = subject.predictions;
    let confusions = Confusions::of(predictions);
    let runs = (!subject.runs.is_empty()).then(|| runs(subject, evaluation));
    let mut findings = class_findings(predictions, evaluation, called, runs.as_ref());
    // with two classes a pair says what the classes say
    if predictions.classes.len() > 2 {
        findings.extend(confusions.findings(predictions));
    }
    let bias = Bias {
        classes: evaluation.classes.clone(),
        confusions: confusion_section(evaluation, &confusions),
        claims: wants.claims.iter().map(|&claim| checked(evaluation, claim)).collect(),
        runs,
    };
    (bias, findings)
}

fn class_findings(
    predictions: &Predictions,
    evaluation: &Evaluation,
    called: &[u32],
    runs: Option<&Runs>,
) -> Vec<Finding> {
    let errors = (0..evaluation.classes.len()).map(|class| evaluation.counts(class).false_negatives).sum();
    let flagged = (0..evaluation.classes.len()).filter(|&class| evaluation.classes[class].flagged);
    let finding = |class: usize| {
        let (of, counts) = (&evaluation.classes[class], evaluation.counts(class));
        let [more, less] = if counts.false_positives >= counts.false_negatives {
            [counts.false_positives, counts.false_negatives]
        } else {
            [counts.false_negatives, counts.false_positives]
        };
        Finding {
            kind: Kind::Bias,
            title: class_sentence(evaluation, class),
            // a class without images that is predicted nevertheless has no ratio
            effect: of.bias.unwrap_or(of.predicted as f64),
            interval: of.bias_ci,
            p: Some(of.bias_p),
            p_corrected: Some(of.bias_p_corrected),
            // every class was tested, and corrected for
            confirmed: true,
            n: of.actual,
            harm: harm(more, less as f64, errors),
            examples: examples(predictions, called, class, counts.false_positives >= counts.false_negatives),
            evidence: json!({
                "class": of.name,
                "actual": of.actual,
                "predicted": of.predicted,
                "recall": of.recall,
                "recall_ci": of.recall_ci,
                "runs": runs.map(|runs| &runs.classes[class]),
            }),
        }
    };
    flagged.map(finding).collect()
}

/// The surest images that are wrongly called `class` (or, without `positive`, of it and wrongly called another).
fn examples(predictions: &Predictions, called: &[u32], class: usize, positive: bool) -> Vec<String> {
    let is_meant = |row: &usize| {
        let (label, called) = (predictions.labels[*row] as usize, called[*row] as usize);
        label != called && class == if positive { called } else { label }
    };
    let mut rows: Vec<usize> = (0..predictions.len()).filter(is_meant).collect();
    let confidence = |row: usize| predictions.row(row)[called[row] as usize];
    rows.sort_by(|&a, &b| confidence(b).total_cmp(&confidence(a)));
    rows.into_iter().take(EXAMPLES_MOST).map(|row| predictions.ids[row].clone()).collect()
}

fn confusion_section(evaluation: &Evaluation, confusions: &Confusions) -> ConfusionSection {
    let actual: Vec<u64> = evaluation.classes.iter().map(|class| class.actual).collect();
    let mut cells: Vec<[u64; 3]> = Vec::new();
    for (label, row) in evaluation.confusion.iter().enumerate() {
        let counted = row.iter().enumerate().filter(|&(_, &count)| count > 0);
        cells.extend(counted.map(|(called, &count)| [label as u64, called as u64, count]));
    }
    cells.sort_by_key(|&[label, called, count]| (std::cmp::Reverse(count), label, called));
    let pair = |pair: &crate::fail::confusions::Confusion| Pair {
        from: pair.from,
        to: pair.to,
        count: pair.count,
        reverse: pair.reverse,
        share: short(pair.share),
        share_ci: short_interval(pair.share_ci),
        p_corrected: pair.p_corrected,
        one_sided: pair.one_sided,
    };
    ConfusionSection {
        order: order::by_confusion(confusions, &actual),
        cells_left_out: cells.len().saturating_sub(CELLS_MOST) as u64,
        cells: cells.into_iter().take(CELLS_MOST).collect(),
        pairs: confusions.pairs.iter().take(PAIRS_MOST).map(pair).collect(),
        pairs_left_out: confusions.pairs.len().saturating_sub(PAIRS_MOST) as u64,
    }
}

fn checked(evaluation: &Evaluation, (class, claimed): (usize, f64)) -> Checked {
    let of = &evaluation.classes[class];
    let class_share = of.actual as f64 / evaluation.n as f64;
    let claim = Claim { bias: claimed, accuracy: evaluation.accuracy, class_share };
    Checked {
        class,
        claimed,
        bias: of.bias,
        bias_ci: of.bias_ci,
        holds: of.bias_ci.map(|[low, high]| (low..=high).contains(&claimed)),
        sentence: claim.sentence(),
    }
}

fn runs(subject: &Subject<'_>, first: &Evaluation) -> Runs {
    let others: Vec<Evaluation> = subject.runs.iter().map(|run| evaluate(run.1)).collect();
    let all: Vec<&Evaluation> = std::iter::once(first).chain(&others).collect();
    let band = |class: usize| {
        let bias: Vec<Option<f64>> = all.iter().map(|run| run.classes[class].bias).collect();
        let known: Vec<f64> = bias.iter().copied().flatten().collect();
        let mean = (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64);
        Band {
            mean,
            mean_ci: mean.and_then(|mean| mean_interval(&known, mean)),
            flagged: all.iter().filter(|run| run.classes[class].flagged).count() as u64,
            bias,
        }
    };
    let names = subject.runs.iter().map(|run| run.0.clone());
    Runs {
        names: std::iter::once("audited".to_owned()).chain(names).collect(),
        accuracy: all.iter().map(|run| run.accuracy).collect(),
        classes: (0..first.classes.len()).map(band).collect(),
    }
}

/// Student (1908), "The probable error of a mean", Biometrika 6, 1–25; `None` of fewer than two values.
fn mean_interval(values: &[f64], mean: f64) -> Option<Interval> {
    let n = values.len() as f64;
    let t = StudentsT::new(0.0, 1.0, n - 1.0).ok().filter(|_| values.len() > 1)?.inverse_cdf(0.975);
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = t * (variance / n).sqrt();
    Some([(mean - half).max(0.0), mean + half])
}
