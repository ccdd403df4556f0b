//! Tables of predictions, made here or anywhere else.
//!
//! ```text
//! CSV, Parquet   id, label, split (optional: train, validation, test; else all are test),
//!                prob_<class> for every class, or logit_<class> for every class
//! NPZ            labels [n], probs [n, k] or logits [n, k], ids [n] (optional: else test-00000, test-00001, …),
//!                classes [k] (optional: else 0, 1, …)
//! ```
//! The format is recognized by the content, not by the name. Other columns and arrays are left alone.
//!
//! A label is the name of a class; if all labels of a table are integers and no class is called like one of them,
//! they are indices. Logits become probabilities by softmax. Probabilities must not be negative and must sum to 1
//! within [`SUM_TOLERANCE`]; a sum that is off by more than [`SUM_EXACT`] (what rounding to `f32` explains) is
//! divided out, a row that is nearer is taken as it is, bit for bit. Every row is looked at, and all bad rows are
//! reported at once: a table with one bad row is refused, because an analysis without it would be of another table.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use seamripper_core::predictions::Predictions;

use crate::{Error, Result};

mod columns;
mod csv_table;
pub(crate) mod npy;
pub(crate) mod npz_table;
mod parquet_claims;
pub(crate) mod parquet_table;
mod parquet_writer;
mod table;

pub use parquet_writer::write_parquet;
pub use table::{SUM_EXACT, SUM_TOLERANCE};

/// Reads a table of predictions: CSV, Parquet or NPZ.
///
/// # Errors
/// [`Error::Io`]; [`Error::Malformed`] if columns are missing or the file is damaged; [`Error::Rows`] with all rows
/// that cannot be used.
pub fn read(path: &Path) -> Result<Predictions> {
    table(path)?.check(path)
}

/// Reads a table whose scores are logits, whatever they are called: `prob_<class>` and `probs` as `logit_<class>` and `logits`.
///
/// # Errors
/// As [`read`].
pub fn read_logits(path: &Path) -> Result<Predictions> {
    let mut table = table(path)?;
    table.kind = table::Scores::Logits;
    table.check(path)
}

fn table(path: &Path) -> Result<table::Table> {
    let fail = |source| Error::Io { action: "read", path: path.to_owned(), source };
    let mut start = Vec::with_capacity(4);
    File::open(path).and_then(|file| file.take(4).read_to_end(&mut start)).map_err(fail)?;
    match &start[..] {
        b"PAR1" => parquet_table::guarded(path, || parquet_table::read(path)),
        [b'P', b'K', ..] => npz_table::read(path),
        [0x1f, 0x8b, ..] => Err(Error::Malformed {
            what: "format".into(),
            path: path.to_owned(),
            expected: "CSV, Parquet or NPZ".into(),
            found: "gzip".into(),
            hint: Some("unpack it first: `gunzip FILE`".into()),
        }),
        _ => csv_table::read(path),
    }
}

/// The table in a run folder with a prediction of every training image, each by a model that was fitted without it and
/// without any changed copy of it; `train --folds K` writes it.
pub const OUT_OF_FOLD: &str = "out_of_fold.parquet";

/// Reads [`OUT_OF_FOLD`] of a run folder; `None` if the run has none.
///
/// # Errors
/// As [`read`].
pub fn read_out_of_fold(run: &Path) -> Result<Option<Predictions>> {
    let path = run.join(OUT_OF_FOLD);
    if path.is_file() { read(&path).map(Some) } else { Ok(None) }
}

#[cfg(test)]
mod tests;
