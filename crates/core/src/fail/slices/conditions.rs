//! Conditions on one property: the words slices are made of.

use super::slice::{Scope, Table};
use crate::fail::properties::{Property, Values};

/// Shares of a scope that its low and its high end are cut off at, and how an end of that size is called: 10 % are "very
/// dark", 20 % "dark", half "rather dark".
const SHARES: [(f64, &str); 4] = [(0.1, "very "), (0.2, ""), (0.35, "rather "), (0.5, "rather ")];

/// A condition on one property.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Index of the property.
    pub property: usize,
    /// What is asked of it.
    pub test: Test,
    /// Whether the opposite is asked. An unknown value meets neither.
    pub negated: bool,
}

/// What a condition asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Test {
    /// At most `cut`, the given quantile of the scope.
    Below { cut: f64, share: f64 },
    /// Above `cut`, which leaves the given share of the scope.
    Above { cut: f64, share: f64 },
    /// The name of this index.
    Is(u32),
}

impl Condition {
    /// Whether image `row` meets it.
    pub fn holds(&self, properties: &[Property], row: usize) -> bool {
        match (&properties[self.property].values, self.test) {
            (Values::Numbers(values), Test::Below { cut, .. }) => {
                !values[row].is_nan() && (values[row] <= cut) != self.negated
            }
            (Values::Numbers(values), Test::Above { cut, .. }) => {
                !values[row].is_nan() && (values[row] > cut) != self.negated
            }
            (Values::Names { of, .. }, Test::Is(name)) => (of[row] == name) != self.negated,
            _ => false,
        }
    }

    /// As it is said of an image: `very dark`, `not touching the border`. The opposite of a half is the other half.
    pub fn words(&self, properties: &[Property]) -> String {
        let property = &properties[self.property];
        let end = |share: f64, end: usize| {
            let adverb = SHARES.iter().find(|(at, _)| *at == share).map_or("", |(_, adverb)| *adverb);
            match (self.negated, share) {
                (false, _) => format!("{adverb}{}", property.words[end]),
                (true, 0.5) => format!("{adverb}{}", property.words[1 - end]),
                // who is not among the darkest third is not dark
                (true, 0.35) => format!("not {}", property.words[end]),
                (true, _) => format!("not {adverb}{}", property.words[end]),
            }
        };
        match (self.test, &property.values) {
            (Test::Below { share, .. }, _) => end(share, 0),
            (Test::Above { share, .. }, _) => end(share, 1),
            (Test::Is(name), Values::Names { names, .. }) => {
                format!("{}{}", if self.negated { "not " } else { "" }, names[name as usize])
            }
            (Test::Is(_), Values::Numbers(_)) => String::new(),
        }
    }
}

/// All conditions that tell the images of a scope apart. Quantiles are those of the scope, so that a dark bag is dark
/// for a bag; whether an image is wrong has no part in them.
pub fn conditions(table: &Table<'_>, scope: Scope) -> Vec<Condition> {
    let rows = table.rows(scope);
    let mut conditions = Vec::new();
    for (property, column) in table.properties.iter().enumerate() {
        let tests = match &column.values {
            Values::Numbers(values) => cuts(rows.iter().map(|&row| values[row as usize]).collect()),
            Values::Names { names, .. } => (0..names.len() as u32).map(Test::Is).collect(),
        };
        conditions.extend(tests.into_iter().map(|test| Condition { property, test, negated: false }));
    }
    conditions
}

/// The tests at the quantiles of some values, without those that no value, or every value, meets.
fn cuts(mut values: Vec<f64>) -> Vec<Test> {
    values.retain(|value| !value.is_nan());
    values.sort_by(f64::total_cmp);
    let (Some(&least), Some(&most)) = (values.first(), values.last()) else { return Vec::new() };
    let at = |share: f64| {
        values[(((values.len() as f64 * share).ceil() as usize).max(1) - 1).min(values.len() - 1)]
    };
    let mut tests = Vec::new();
    for (share, _) in SHARES {
        let (low, high) = (at(share), at(1.0 - share));
        if low < most && !tests.iter().any(|test| matches!(test, Test::Below { cut, .. } if *cut == low)) {
            tests.push(Test::Below { cut: low, share });
        }
        if high >= least
            && high < most
            && !tests.iter().any(|test| matches!(test, Test::Above { cut, .. } if *cut == high))
        {
            tests.push(Test::Above { cut: high, share });
        }
    }
    tests
}
