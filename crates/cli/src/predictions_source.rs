//! Tables of predictions for the verbs that take `--predictions FILE`.

use std::path::Path;

use seamripper_core::predictions::Predictions;
use seamripper_core::sample::Split;
use seamripper_data::predictions_file;

use crate::diag::{Stop, tell};

/// Reads a table of predictions, its scores taken for logits if so asked; a problem with it is the user's to mend, exit code 2.
pub fn read(file: &Path, logits: bool) -> Result<Predictions, Stop> {
    let read = if logits { predictions_file::read_logits } else { predictions_file::read };
    read(file).map_err(|error| Stop::problem(&error, error.hint()))
}

/// The rows of `split`. Without one, the test rows; or all rows if they are of one split, which is then named.
pub fn of_split(
    predictions: Predictions,
    split: Option<Split>,
    file: &Path,
    quiet: bool,
) -> Result<Predictions, Stop> {
    let found = Found::of(&predictions);
    let wanted = split.unwrap_or(Split::Test);
    if found.rows(wanted) > 0 {
        return Ok(rows_of(predictions, wanted));
    }
    match (split, found.only()) {
        (None, Some(only)) => {
            if !quiet {
                tell(format_args!("note: {} has {} rows only", file.display(), only.name()));
            }
            Ok(predictions)
        }
        _ => Err(Stop::problem(
            format!(
                "predictions {}: expected rows of split {}, found {found}",
                file.display(),
                wanted.name()
            ),
            found.any().map(|split| format!("choose the rows with --split {}", split.name())),
        )),
    }
}

/// How many rows of each split a table has.
struct Found([(Split, usize); 3]);

impl Found {
    fn of(predictions: &Predictions) -> Self {
        Self(
            [Split::Train, Split::Validation, Split::Test]
                .map(|split| (split, predictions.splits.iter().filter(|&&found| found == split).count())),
        )
    }

    fn present(&self) -> impl Iterator<Item = (Split, usize)> {
        self.0.into_iter().filter(|&(_, rows)| rows > 0)
    }

    fn rows(&self, split: Split) -> usize {
        self.present().find(|&(found, _)| found == split).map_or(0, |(_, rows)| rows)
    }

    fn any(&self) -> Option<Split> {
        self.present().last().map(|(split, _)| split)
    }

    fn only(&self) -> Option<Split> {
        self.any().filter(|_| self.present().count() == 1)
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> =
            self.present().map(|(split, rows)| format!("{rows} of {}", split.name())).collect();
        f.write_str(if parts.is_empty() { "no rows" } else { "" })?;
        f.write_str(&parts.join(" and "))
    }
}

/// The rows of a split.
pub fn rows_of(predictions: Predictions, split: Split) -> Predictions {
    let rows: Vec<usize> = (0..predictions.len()).filter(|&row| predictions.splits[row] == split).collect();
    if rows.len() == predictions.len() {
        return predictions;
    }
    Predictions {
        ids: rows.iter().map(|&row| predictions.ids[row].clone()).collect(),
        splits: vec![split; rows.len()],
        labels: rows.iter().map(|&row| predictions.labels[row]).collect(),
        probs: rows.iter().flat_map(|&row| predictions.row(row)).copied().collect(),
        classes: predictions.classes,
    }
}
