//! What is wrong, where no audit was made: the classes that the evaluation flags, and the pair that is confused one way.

use seamripper_core::fail::finding::{EXAMPLES_MOST, harm};
use seamripper_core::fail::sentence::{class_sentence, one_sided_pair, pair_sentence};
use seamripper_core::fail::{Evaluation, Finding, Kind};
use seamripper_core::predictions::Predictions;
use serde_json::json;

/// A finding for every flagged class, most harm first, then the most one-sided pair. Examples are ids of `table`, the surest
/// mistakes first; none without a table.
pub(crate) fn of(evaluation: &Evaluation, table: Option<&Predictions>) -> Vec<Finding> {
    let errors: u64 = evaluation.n - correct(evaluation);
    let flagged = evaluation.worst_first().into_iter().filter(|&class| evaluation.classes[class].flagged);
    let mut findings: Vec<Finding> =
        flagged.map(|class| of_class(evaluation, table, class, errors)).collect();
    findings.sort_by(|a, b| b.harm.total_cmp(&a.harm));
    let pair = pair_sentence(evaluation).zip(one_sided_pair(evaluation));
    findings.extend(pair.map(|(title, pair)| of_pair(evaluation, table, title, pair, errors)));
    findings
}

fn correct(evaluation: &Evaluation) -> u64 {
    (0..evaluation.classes.len()).map(|class| evaluation.confusion[class][class]).sum()
}

fn of_class(evaluation: &Evaluation, table: Option<&Predictions>, class: usize, errors: u64) -> Finding {
    let found = &evaluation.classes[class];
    let counts = evaluation.counts(class);
    let often = counts.predicted() >= counts.actual();
    let (more, less) = match often {
        true => (counts.false_positives, counts.false_negatives),
        false => (counts.false_negatives, counts.false_positives),
    };
    let wrong = |table: &Predictions, row: usize| {
        let (label, called) = (table.labels[row] as usize, table.top1(row));
        label != called && if often { called == class } else { label == class }
    };
    Finding {
        kind: Kind::Bias,
        title: class_sentence(evaluation, class),
        effect: found.bias.unwrap_or(f64::INFINITY),
        interval: found.bias_ci,
        p: Some(found.bias_p),
        p_corrected: Some(found.bias_p_corrected),
        confirmed: true,
        n: evaluation.n,
        harm: harm(more, less as f64, errors),
        examples: table.map_or(Vec::new(), |table| examples(table, |row| wrong(table, row))),
        evidence: json!({ "class": class, "class_name": found.name, "predicted": found.predicted, "actual": found.actual }),
    }
}

fn of_pair(
    evaluation: &Evaluation,
    table: Option<&Predictions>,
    title: String,
    [from, to]: [usize; 2],
    errors: u64,
) -> Finding {
    let (count, reverse) = (evaluation.confusion[from][to], evaluation.confusion[to][from]);
    let wrong = |table: &Predictions, row: usize| table.labels[row] as usize == from && table.top1(row) == to;
    Finding {
        kind: Kind::Bias,
        title,
        effect: count as f64 - reverse as f64,
        interval: None,
        p: None,
        p_corrected: None,
        confirmed: true,
        n: count + reverse,
        harm: harm(count, reverse as f64, errors),
        examples: table.map_or(Vec::new(), |table| examples(table, |row| wrong(table, row))),
        evidence: json!({ "from": from, "to": to, "count": count, "reverse": reverse }),
    }
}

/// Ids of the rows that fit, least probable true class first.
fn examples(table: &Predictions, fits: impl Fn(usize) -> bool) -> Vec<String> {
    let mut rows: Vec<usize> = (0..table.len()).filter(|&row| fits(row)).collect();
    let of_truth = |row: usize| table.row(row)[table.labels[row] as usize];
    rows.sort_by(|&a, &b| of_truth(a).total_cmp(&of_truth(b)));
    rows.truncate(EXAMPLES_MOST);
    rows.into_iter().map(|row| table.ids[row].clone()).collect()
}
