//! Which column of a table is what.

use std::path::Path;

use seamripper_core::nearest::nearest;

use super::table::Scores;
use crate::{Error, Result};

/// Positions of the columns that are read.
#[derive(Debug)]
pub(super) struct Columns {
    pub id: usize,
    pub label: usize,
    pub split: Option<usize>,
    /// One a class.
    pub scores: Vec<usize>,
    pub classes: Vec<String>,
    pub kind: Scores,
}

const PROB: &str = "prob_";
const LOGIT: &str = "logit_";

impl Columns {
    /// Finds them by their names; all that is missing is one error.
    pub fn find(path: &Path, names: &[String]) -> Result<Self> {
        let at = |wanted: &str| names.iter().position(|name| name == wanted);
        let malformed = |expected: &str, found: String, hint: Option<String>| {
            Err(Error::Malformed {
                what: "columns".into(),
                path: path.to_owned(),
                expected: expected.into(),
                found,
                hint,
            })
        };
        if let Some(twice) = (1..names.len()).find(|&i| names[..i].contains(&names[i]) && is_read(&names[i]))
        {
            return malformed("every name once", format!("`{}` twice", names[twice]), None);
        }
        let starting = |prefix: &str| -> Vec<usize> {
            (0..names.len()).filter(|&i| names[i].starts_with(prefix)).collect()
        };
        let (probs, logits) = (starting(PROB), starting(LOGIT));
        let (kind, prefix, scores) = match (probs.len(), logits.len()) {
            (1.., 1..) => {
                let hint = Some("leave one kind out of the table".into());
                return malformed("prob_<class> or logit_<class>", "both".into(), hint);
            }
            (_, 0) => (Scores::Probabilities, PROB, probs),
            (0, _) => (Scores::Logits, LOGIT, logits),
        };
        match (at("id"), at("label"), scores.len()) {
            (Some(id), Some(label), 2..) => Ok(Self {
                id,
                label,
                split: at("split"),
                classes: scores.iter().map(|&i| names[i][prefix.len()..].to_owned()).collect(),
                scores,
                kind,
            }),
            (id, label, count) => {
                let (missing, hints) = missing(names, id.is_none(), label.is_none(), count);
                malformed(
                    "id, label and prob_<class> (or logit_<class>) of two classes or more",
                    missing,
                    hints,
                )
            }
        }
    }
}

/// Whether a column of this name would be read.
fn is_read(name: &str) -> bool {
    matches!(name, "id" | "label" | "split") || name.starts_with(PROB) || name.starts_with(LOGIT)
}

/// What is not there, and which columns may have been meant.
fn missing(names: &[String], id: bool, label: bool, scores: usize) -> (String, Option<String>) {
    let mut missing = Vec::new();
    let mut hints = Vec::new();
    let others = || names.iter().map(String::as_str).filter(|name| !is_read(name));
    for (wanted, absent) in [("id", id), ("label", label)] {
        if absent {
            missing.push(format!("no {wanted}"));
            let near = nearest(wanted, others());
            hints.extend(near.map(|near| format!("is `{near}` meant to be `{wanted}`?")));
        }
    }
    if scores < 2 {
        missing.push(if scores == 0 { "no prob_<class>".into() } else { "only one prob_<class>".into() });
        let meant = others().find_map(|name| {
            let (start, class) = name.split_once('_')?;
            Some((name, nearest(start, ["prob", "logit"])?, class))
        });
        hints.extend(meant.map(|(name, kind, class)| format!("is `{name}` meant to be `{kind}_{class}`?")));
    }
    (missing.join(", "), (!hints.is_empty()).then(|| hints.join(" ")))
}
