//! Images to test with that were trained on: which, and how much of the accuracy they carry.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Pair, Place};
use crate::digits::thousands;
use crate::fail::finding::{EXAMPLES_MOST, Finding, Kind};
use crate::fail::statistics::interval::Interval;
use crate::fail::statistics::two_rates::{Difference, TwoRates, excess_p};
use crate::predictions::Predictions;

/// For each image of set `tested` (of `n` images), whether it is a duplicate of an image of set `trained`.
pub fn leaked(pairs: &[Pair], trained: usize, tested: usize, n: usize) -> Vec<bool> {
    // several equal images are all paired with the first of them, so that duplicates of duplicates count
    let mut groups = Groups::default();
    pairs.iter().for_each(|pair| groups.join(pair.first, pair.second));
    let trained: std::collections::BTreeSet<Place> = groups
        .places()
        .into_iter()
        .filter(|place| place.set == trained)
        .map(|place| groups.root(place))
        .collect();
    (0..n).map(|index| trained.contains(&groups.root(Place { set: tested, index }))).collect()
}

/// Duplicates of duplicates (union–find: Tarjan 1975, J. ACM 22:215).
#[derive(Debug, Default)]
struct Groups(std::collections::BTreeMap<Place, Place>);

impl Groups {
    fn root(&self, mut place: Place) -> Place {
        while let Some(&parent) = self.0.get(&place) {
            if parent == place {
                break;
            }
            place = parent;
        }
        place
    }

    fn join(&mut self, a: Place, b: Place) {
        self.0.entry(a).or_insert(a);
        self.0.entry(b).or_insert(b);
        let (a, b) = (self.root(a), self.root(b));
        self.0.insert(a.max(b), a.min(b));
    }

    fn places(&self) -> Vec<Place> {
        self.0.keys().copied().collect()
    }
}

/// What the leaked images do to the accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// Images.
    pub n: u64,
    /// Those that were trained on.
    pub leaked: u64,
    /// Accuracy of all images.
    pub accuracy: f64,
    /// Accuracy without the leaked ones.
    pub accuracy_without: f64,
    /// By how much the accuracy is higher for the leaked images.
    pub gain: f64,
    /// 95 % interval of the gain: `leaked / n` times Newcombe's interval of the difference between leaked and other images.
    pub gain_ci: Interval,
    /// Exact p-value of "leaked images are right no more often than others" (one-sided).
    pub p: f64,
}

/// Compares the leaked rows of a table with the others; `None` if all or none are leaked.
///
/// # Panics
/// If `leaked` is not of the table's rows.
pub fn carried(predictions: &Predictions, leaked: &[bool]) -> Option<Carried> {
    assert_eq!(leaked.len(), predictions.len(), "a mark for every row");
    // "wrong" counts what is right here: the question is whether leaked images are right more often
    let mut counts = TwoRates::default();
    for (row, &leaked) in leaked.iter().enumerate() {
        let right = u64::from(predictions.top1(row) == predictions.labels[row] as usize);
        let (n, sum) = if leaked {
            (&mut counts.n_in, &mut counts.wrong_in)
        } else {
            (&mut counts.n_out, &mut counts.wrong_out)
        };
        *n += 1;
        *sum += right;
    }
    if counts.n_in == 0 || counts.n_out == 0 {
        return None;
    }
    let difference = Difference::of(&[counts])?;
    let n = counts.n_in + counts.n_out;
    let share = counts.n_in as f64 / n as f64;
    Some(Carried {
        n,
        leaked: counts.n_in,
        accuracy: (counts.wrong_in + counts.wrong_out) as f64 / n as f64,
        accuracy_without: difference.outside,
        gain: share * difference.effect(),
        gain_ci: difference.interval.map(|end| share * end),
        p: excess_p(&[counts]),
    })
}

/// The leaks of a table as a finding: `effect` is the accuracy they add. `None` if there are none. Its harm is 0, because a leak
/// makes no errors: it hides them.
pub fn finding(predictions: &Predictions, leaked: &[bool]) -> Option<Finding> {
    let rows: Vec<usize> = (0..leaked.len()).filter(|&row| leaked[row]).collect();
    if rows.is_empty() {
        return None;
    }
    let carried = carried(predictions, leaked);
    let many = if rows.len() == 1 {
        "1 image".to_owned()
    } else {
        format!("{} images", thousands(rows.len() as u64))
    };
    let was = if rows.len() == 1 { "was" } else { "were" };
    let title = match &carried {
        Some(carried) => format!(
            "{many} of {} to test with {was} trained on, unchanged or nearly so: accuracy is {:.2} % with and {:.2} % without {}.",
            thousands(carried.n),
            100.0 * carried.accuracy,
            100.0 * carried.accuracy_without,
            if rows.len() == 1 { "it" } else { "them" },
        ),
        None => {
            format!("All {many} to test with {was} trained on: the accuracy says nothing about new images.")
        }
    };
    Some(Finding {
        kind: Kind::Leak,
        title,
        effect: carried.map_or(0.0, |carried| carried.gain),
        interval: carried.map(|carried| carried.gain_ci),
        p: carried.map(|carried| carried.p),
        p_corrected: None,
        confirmed: true,
        n: rows.len() as u64,
        harm: 0.0,
        examples: rows.iter().take(EXAMPLES_MOST).map(|&row| predictions.ids[row].clone()).collect(),
        evidence: json!({ "carried": carried }),
    })
}
