//! A slice in words.

use super::conditions::{Condition, Test};
use super::slice::{Scope, Slice};
use crate::digits::thousands;
use crate::fail::properties::Property;
use crate::predictions::Predictions;

/// The conditions of a slice in words, in the order of the properties; of two on one side of a property the wider is left out.
pub fn words(conditions: &[Condition], properties: &[Property]) -> Vec<String> {
    let mut conditions: Vec<&Condition> = conditions.iter().collect();
    conditions.sort_by_key(|condition| condition.property);
    let implied = |a: &Condition| {
        conditions.iter().any(|b| {
            let same = !std::ptr::eq(a, *b) && a.property == b.property && !a.negated && !b.negated;
            same && match (a.test, b.test) {
                (Test::Below { cut: wide, .. }, Test::Below { cut, .. }) => cut < wide,
                (Test::Above { cut: wide, .. }, Test::Above { cut, .. }) => cut > wide,
                _ => false,
            }
        })
    };
    conditions.iter().filter(|condition| !implied(condition)).map(|c| c.words(properties)).collect()
}

/// `Bag, dark and small: 31 % wrong against 4 % of the other Bag images (n = 84, 95 % interval of the difference 18 to 37
/// points).` Shares and the interval are those of the half that did not suggest the slice.
pub fn title(slice: &Slice, predictions: &Predictions) -> String {
    let common = list(&slice.words);
    let name = |class: u32| &predictions.classes[class as usize];
    let (what, others) = match slice.scope {
        Scope::All if slice.is_cluster && slice.words.is_empty() => {
            ("Images alike to the model".to_owned(), "other images of the same classes".to_owned())
        }
        Scope::All if slice.is_cluster => (
            format!("Images alike to the model, mostly {common}"),
            "other images of the same classes".to_owned(),
        ),
        Scope::All => (format!("Images that are {common}"), "other images of the same classes".to_owned()),
        Scope::True(class) => {
            (format!("{}, {common}", name(class)), format!("the other {} images", name(class)))
        }
        Scope::Predicted(class) => {
            (format!("Called {}, {common}", name(class)), format!("the others called {}", name(class)))
        }
    };
    let [low, high] = slice.difference.interval.map(|end| (100.0 * end).round() + 0.0); // no -0
    format!(
        "{what}: {} wrong against {} of {others} (n = {}, 95 % interval of the difference {low:.0} to {high:.0} points).",
        percent(slice.difference.inside),
        percent(slice.difference.outside),
        thousands(slice.n),
    )
}

/// What the wrong images of both halves were called, most often first.
pub fn wrongly_called(slice: &Slice, predictions: &Predictions) -> Vec<(u32, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for &row in &slice.rows {
        let called = predictions.top1(row as usize) as u32;
        if called != predictions.labels[row as usize] {
            *counts.entry(called).or_insert(0) += 1;
        }
    }
    let mut counts: Vec<(u32, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    counts
}

fn percent(share: f64) -> String {
    let digits = usize::from(share > 0.0 && share < 0.01);
    format!("{:.digits$} %", 100.0 * share)
}

fn list(words: &[String]) -> String {
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
