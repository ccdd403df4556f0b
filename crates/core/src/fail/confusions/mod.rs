//! Which classes are taken for which: the pairs that go one way, an order of classes in which the matrix can be read, and
//! whether a claim about a class fits the accuracy.
//!
//! Counts are kept for the pairs that occur only, so that 1,000 classes cost no more than their errors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::finding::{EXAMPLES_MOST, Finding, Kind, harm};
use super::statistics::exact_test::mcnemar_exact;
use super::statistics::interval::{Interval, wilson};
use super::statistics::multiple::benjamini_hochberg;
use crate::digits::thousands;
use crate::predictions::Predictions;

pub mod claim;
pub mod order;
#[cfg(test)]
mod tests;

/// Of the pairs that are called one-sided, at most this share is so by chance (on average over tables).
pub const FALSE_DISCOVERY_RATE: f64 = 0.05;

/// The errors between two classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// True class of the more frequent direction; of equals the one that comes first.
    pub from: usize,
    /// What it is called.
    pub to: usize,
    /// Images of `from` called `to`.
    pub count: u64,
    /// Images of `to` called `from`.
    pub reverse: u64,
    /// `count / (count + reverse)`: 0.5 is even.
    pub share: f64,
    /// Its 95 % interval (Wilson).
    pub share_ci: Interval,
    /// Exact p-value of "both directions are equally likely": [`mcnemar_exact`], the binomial test of one half.
    pub p: f64,
    /// Corrected for all pairs with an error (Benjamini–Hochberg).
    pub p_corrected: f64,
    /// Whether that is at most [`FALSE_DISCOVERY_RATE`].
    pub one_sided: bool,
}

/// All errors of a table, by pair of classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confusions {
    /// Number of classes.
    pub classes: usize,
    /// Images.
    pub n: u64,
    /// Wrong ones.
    pub errors: u64,
    /// Every pair with an error, most errors first, then in the order of the classes.
    pub pairs: Vec<Confusion>,
}

impl Confusions {
    /// Counts the errors of a table.
    ///
    /// With equally many images of both classes, "equally likely" is a property of the model. With unequal numbers more errors go
    /// from the larger class even if both are mistaken for each other at the same rate; the test asks what the user sees: does
    /// this pair make `to` too frequent?
    pub fn of(predictions: &Predictions) -> Self {
        let mut counts: BTreeMap<(usize, usize), [u64; 2]> = BTreeMap::new();
        let mut errors = 0;
        for (row, &label) in predictions.labels.iter().enumerate() {
            let (label, called) = (label as usize, predictions.top1(row));
            if label != called {
                let pair = counts.entry((label.min(called), label.max(called))).or_default();
                pair[usize::from(label > called)] += 1;
                errors += 1;
            }
        }
        let p: Vec<f64> = counts.values().map(|&[up, down]| mcnemar_exact(up, down)).collect();
        let corrected = benjamini_hochberg(&p);
        let tested = counts.into_iter().zip(p.into_iter().zip(corrected));
        let mut pairs: Vec<Confusion> =
            tested.map(|((pair, counts), p)| confusion(pair, counts, p)).collect();
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.count + pair.reverse));
        Self { classes: predictions.classes.len(), n: predictions.len() as u64, errors, pairs }
    }

    /// The pairs that go one way, most surplus first.
    pub fn one_sided(&self) -> Vec<&Confusion> {
        let mut pairs: Vec<&Confusion> = self.pairs.iter().filter(|pair| pair.one_sided).collect();
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.count - pair.reverse));
        pairs
    }

    /// The one-sided pairs as findings: `effect` is the share of the more frequent direction, harm that of its surplus over the
    /// reverse among all errors.
    pub fn findings(&self, predictions: &Predictions) -> Vec<Finding> {
        self.one_sided().into_iter().map(|pair| self.finding(pair, predictions)).collect()
    }

    fn finding(&self, pair: &Confusion, predictions: &Predictions) -> Finding {
        Finding {
            kind: Kind::Bias,
            title: pair.title(predictions),
            effect: pair.share,
            interval: Some(pair.share_ci),
            p: Some(pair.p),
            p_corrected: Some(pair.p_corrected),
            // tested on the images that suggested it, but with all pairs counted in the correction
            confirmed: true,
            n: pair.count + pair.reverse,
            harm: harm(pair.count, pair.reverse as f64, self.errors),
            examples: examples(pair, predictions),
            evidence: json!({
                "from": predictions.classes[pair.from],
                "to": predictions.classes[pair.to],
                "count": pair.count,
                "reverse": pair.reverse,
            }),
        }
    }
}

fn confusion((low, high): (usize, usize), [up, down]: [u64; 2], (p, p_corrected): (f64, f64)) -> Confusion {
    let (from, to, count, reverse) = if up >= down { (low, high, up, down) } else { (high, low, down, up) };
    Confusion {
        from,
        to,
        count,
        reverse,
        share: count as f64 / (count + reverse) as f64,
        share_ci: wilson(count, count + reverse).expect("a pair with an error"),
        p,
        p_corrected,
        one_sided: p_corrected <= FALSE_DISCOVERY_RATE,
    }
}

impl Confusion {
    /// `T-shirt/top is called Shirt 4.0 times as often as the reverse (120 images against 30).`
    pub fn title(&self, predictions: &Predictions) -> String {
        let [from, to] = [self.from, self.to].map(|class| &predictions.classes[class]);
        let images = if self.count == 1 { "image" } else { "images" };
        let count = format!("{} {images}", thousands(self.count));
        if self.reverse == 0 {
            return format!("{from} is called {to} ({count}), the reverse does not happen.");
        }
        let ratio = self.count as f64 / self.reverse as f64;
        let reverse = thousands(self.reverse);
        format!("{from} is called {to} {ratio:.1} times as often as the reverse ({count} against {reverse}).")
    }
}

/// Images of the more frequent direction, the surest of the wrong class first.
fn examples(pair: &Confusion, predictions: &Predictions) -> Vec<String> {
    let mut rows: Vec<usize> = (0..predictions.len())
        .filter(|&row| predictions.labels[row] as usize == pair.from && predictions.top1(row) == pair.to)
        .collect();
    rows.sort_by(|&a, &b| predictions.row(b)[pair.to].total_cmp(&predictions.row(a)[pair.to]));
    rows.into_iter().take(EXAMPLES_MOST).map(|row| predictions.ids[row].clone()).collect()
}
