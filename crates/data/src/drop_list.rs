//! `drop.csv`: images to leave out of training.
//!
//! ```text
//! id, given, suggested, score, flagged
//! train-00042, Shirt, Coat, 0.0131, true
//! ```
//! The columns of a [`relabel`](crate::relabel) table, of which only `id` must be there. With `flagged`, flagged rows are left
//! out and the others stay; without it, every row is left out, so that a plain list of ids will do. With `given`, a row whose
//! label is not the one the image has is refused: the table is then of other labels. Reading and applying look at every row
//! and report all that cannot be used at once; columns may be in any order, others are left alone.

use std::collections::HashMap;
use std::path::Path;

use csv::StringRecord;
use seamripper_core::sample::ImageSet;

use crate::relabel::{flag, read_rows, refuse, unknown};
use crate::{Error, Result, RowProblems};

#[cfg(test)]
mod tests;

/// Images to leave out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DropList {
    /// As in the table, with those that are to stay.
    pub rows: Vec<DropRow>,
}

/// One image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropRow {
    /// What it is called.
    pub id: String,
    /// The class it is labelled, if the table says.
    pub given: Option<String>,
    /// Whether it is to be left out.
    pub flagged: bool,
}

impl DropList {
    /// Reads a table whose labels are among `classes`.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Malformed`] if there is no column `id` or it is not CSV; [`Error::RelabelRows`] with all rows
    /// that cannot be used.
    pub fn read(path: &Path, classes: &[String]) -> Result<Self> {
        let row = |columns: &Columns, record: &StringRecord| columns.row(record, classes);
        let rows = read_rows(path, |header| Columns::of(path, header), row, |row: &DropRow| &row.id)?;
        Ok(Self { rows })
    }

    /// Which of `images` stay. `path` is the table's, for errors.
    ///
    /// # Errors
    /// [`Error::RelabelRows`] with all rows, flagged or not, whose image is not there or has another label than the table
    /// says.
    pub fn kept(&self, path: &Path, images: &ImageSet) -> Result<Vec<bool>> {
        let image_of: HashMap<String, usize> =
            (0..images.len()).map(|index| (images.ids().id(index), index)).collect();
        let (mut kept, mut problems) = (vec![true; images.len()], RowProblems::default());
        for DropRow { id, given, flagged } in &self.rows {
            let Some(&image) = image_of.get(id) else {
                problems.push(|| format!("id `{id}`: expected a training image of the data set, found none"));
                continue;
            };
            let now = &images.classes()[images.labels()[image] as usize];
            match given {
                Some(given) if given != now => {
                    problems.push(|| format!("id `{id}`: expected the label `{given}`, found `{now}`"));
                }
                _ => kept[image] &= !flagged,
            }
        }
        refuse(path, problems)?;
        Ok(kept)
    }
}

/// Places of the columns.
#[derive(Clone, Copy)]
struct Columns {
    id: usize,
    given: Option<usize>,
    flagged: Option<usize>,
}

impl Columns {
    fn of(path: &Path, header: &StringRecord) -> Result<Self> {
        let place = |name: &str| header.iter().position(|column| column == name);
        let Some(id) = place("id") else {
            let found = header.iter().collect::<Vec<_>>().join(", ");
            return Err(Error::Malformed {
                what: "columns".into(),
                path: path.to_owned(),
                expected: "id, and given and flagged if they are to be heeded".into(),
                found: if found.is_empty() { "none".into() } else { found },
                hint: Some("name the column of ids `id` in the first line".into()),
            });
        };
        Ok(Self { id, given: place("given"), flagged: place("flagged") })
    }

    fn row(self, record: &StringRecord, classes: &[String]) -> std::result::Result<DropRow, String> {
        let cell = |column: usize| record.get(column).unwrap_or_default();
        let id = cell(self.id);
        if id.is_empty() {
            return Err("no id".into());
        }
        let given = self.given.map(cell);
        if let Some(class) = given.filter(|class| !classes.iter().any(|known| known == class)) {
            return Err(unknown("given", class, classes));
        }
        let flagged = self.flagged.map_or(Ok(true), |column| flag(cell(column)))?;
        Ok(DropRow { id: id.into(), given: given.map(str::to_owned), flagged })
    }
}
