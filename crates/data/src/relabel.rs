//! `relabel.csv`: labels that are suspect, to be looked at, corrected and read again.
//!
//! ```text
//! id, given, suggested, score, flagged
//! train-00042, Shirt, Coat, 0.0131, true
//! ```
//! A row an image, the most suspect first. `given` and `suggested` are names of classes, `score` is the estimated chance
//! that the given label is right, `flagged` is `true` or `false`. Whoever reads the table through decides by `flagged`, and
//! may write another class into `suggested`. Reading and applying look at every row and report all that cannot be used at
//! once; columns may be in any order, others are left alone.
//!
//! Only flagged rows change a label. A row whose `given` is not the label the image has now is refused: the table is then
//! of other labels.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim, WriterBuilder};
use seamripper_core::fail::label_errors::LabelErrors;
use seamripper_core::nearest::nearest;
use seamripper_core::predictions::Predictions;
use seamripper_core::sample::ImageSet;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, RowProblems, whole_file};

#[cfg(test)]
mod tests;

/// The columns, in the order they are written.
pub const COLUMNS: [&str; 5] = ["id", "given", "suggested", "score", "flagged"];

/// One image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RelabelRow {
    /// What it is called.
    pub id: String,
    /// The class it is labelled.
    pub given: String,
    /// The class it seems to be of; the given one, if nothing speaks against it.
    pub suggested: String,
    /// Estimated chance that the given label is right.
    pub score: f64,
    /// Whether to change the label.
    pub flagged: bool,
}

/// A table of suspect labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Relabel {
    /// The most suspect first.
    pub rows: Vec<RelabelRow>,
}

impl Relabel {
    /// The table of an analysis of these predictions.
    ///
    /// # Panics
    /// If the analysis is of other predictions.
    pub fn of(predictions: &Predictions, errors: &LabelErrors) -> Self {
        let name = |class: usize| predictions.classes[class].clone();
        let row = |suspect: &seamripper_core::fail::label_errors::Suspect| RelabelRow {
            id: predictions.ids[suspect.row].clone(),
            given: name(suspect.given),
            suggested: name(suspect.suggested),
            score: suspect.score,
            flagged: suspect.flagged,
        };
        Self { rows: errors.suspects.iter().map(row).collect() }
    }

    /// The flagged rows alone, for `drop.csv`: images to leave out of training.
    pub fn flagged(&self) -> Self {
        Self { rows: self.rows.iter().filter(|row| row.flagged).cloned().collect() }
    }

    /// Writes the table.
    ///
    /// # Errors
    /// [`Error::Io`] with the path and the cause.
    pub fn write(&self, path: &Path) -> Result<()> {
        whole_file::write(path, |file| {
            let mut writer = WriterBuilder::new().has_headers(false).from_writer(file);
            writer.write_record(COLUMNS).map_err(io::Error::from)?;
            for row in &self.rows {
                writer.serialize(row).map_err(io::Error::from)?;
            }
            writer.flush()
        })
    }

    /// Reads a table whose labels are among `classes`.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Malformed`] if a column is missing or it is not CSV; [`Error::RelabelRows`] with all rows
    /// that cannot be used.
    pub fn read(path: &Path, classes: &[String]) -> Result<Self> {
        let row = |columns: &[usize; 5], record: &StringRecord| row(record, *columns, classes);
        let rows = read_rows(path, |header| columns(path, header), row, |row: &RelabelRow| &row.id)?;
        Ok(Self { rows })
    }

    /// Changes the labels of flagged images, and says how many that were. `path` is the table's, for errors.
    ///
    /// # Errors
    /// [`Error::RelabelRows`] with all rows, flagged or not, whose image is not there, has another label than the table says,
    /// or should get a class that the images do not have.
    pub fn apply(&self, path: &Path, images: ImageSet) -> Result<(ImageSet, usize)> {
        let classes = images.classes().clone();
        let class_of: HashMap<&str, u32> = classes.iter().map(String::as_str).zip(0..).collect();
        let image_of: HashMap<String, usize> =
            (0..images.len()).map(|index| (images.ids().id(index), index)).collect();
        let (mut labels, mut problems, mut changed) = (images.labels().to_vec(), RowProblems::default(), 0);
        for row in &self.rows {
            let Some(&image) = image_of.get(&row.id) else {
                problems.push(|| {
                    format!("id `{}`: expected a training image of the data set, found none", row.id)
                });
                continue;
            };
            let now = &classes[images.labels()[image] as usize];
            if *now != row.given {
                problems
                    .push(|| format!("id `{}`: expected the label `{}`, found `{now}`", row.id, row.given));
            } else if let Some(&class) = class_of.get(row.suggested.as_str()) {
                if row.flagged && labels[image] != class {
                    labels[image] = class;
                    changed += 1;
                }
            } else {
                let problem = unknown("suggested", &row.suggested, &classes);
                problems.push(|| format!("id `{}`: {problem}", row.id));
            }
        }
        refuse(path, problems)?;
        Ok((images.labelled(labels, classes), changed))
    }
}

/// The rows of a CSV table with a row an image: `columns` of its header, `row` of each record, and no id of `id_of` twice. All rows
/// that cannot be used are reported at once.
pub(crate) fn read_rows<C, R>(
    path: &Path,
    columns: impl FnOnce(&StringRecord) -> Result<C>,
    row: impl Fn(&C, &StringRecord) -> std::result::Result<R, String>,
    id_of: impl Fn(&R) -> &str,
) -> Result<Vec<R>> {
    let fail = |error| Error::of_csv(path, error);
    let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_path(path).map_err(fail)?;
    let columns = columns(reader.headers().map_err(fail)?)?;
    let (mut rows, mut problems) = (Vec::new(), RowProblems::default());
    let mut line_of_id = HashMap::new();
    for record in reader.records() {
        let record = match Error::csv_record(path, record)? {
            Ok(record) => record,
            Err(line) => {
                problems.push(|| format!("line {line}: expected UTF-8, found other bytes"));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        match row(&columns, &record) {
            Err(problem) => problems.push(|| format!("line {line}: {problem}")),
            Ok(row) => {
                let id = id_of(&row);
                if let Some(first) = line_of_id.insert(id.to_owned(), line) {
                    problems.push(|| format!("line {line}: id `{id}` again, as in line {first}"));
                }
                rows.push(row);
            }
        }
    }
    refuse(path, problems)?;
    Ok(rows)
}

pub(crate) fn refuse(path: &Path, problems: RowProblems) -> Result<()> {
    match problems.count() {
        0 => Ok(()),
        _ => Err(Error::RelabelRows { path: path.to_owned(), problems }),
    }
}

fn columns(path: &Path, header: &StringRecord) -> Result<[usize; 5]> {
    let place = |name: &str| header.iter().position(|column| column == name);
    let missing: Vec<&str> = COLUMNS.into_iter().filter(|name| place(name).is_none()).collect();
    if !missing.is_empty() {
        let found = header.iter().collect::<Vec<_>>().join(", ");
        return Err(Error::Malformed {
            what: "columns".into(),
            path: path.to_owned(),
            expected: COLUMNS.join(", "),
            found: if found.is_empty() { "none".into() } else { found },
            hint: Some(format!("add what is missing to the first line: {}", missing.join(", "))),
        });
    }
    Ok(COLUMNS.map(|name| place(name).unwrap_or(0)))
}

fn row(
    record: &StringRecord,
    columns: [usize; 5],
    classes: &[String],
) -> std::result::Result<RelabelRow, String> {
    let [id, given, suggested, score, flagged] = columns.map(|column| record.get(column).unwrap_or_default());
    if id.is_empty() {
        return Err("no id".into());
    }
    for (what, class) in [("given", given), ("suggested", suggested)] {
        if !classes.iter().any(|known| known == class) {
            return Err(unknown(what, class, classes));
        }
    }
    let score = score
        .parse()
        .ok()
        .filter(|score| (0.0..=1.0).contains(score))
        .ok_or_else(|| format!("score: expected a number of 0 to 1, found `{score}`"))?;
    let flagged = flag(flagged)?;
    Ok(RelabelRow { id: id.into(), given: given.into(), suggested: suggested.into(), score, flagged })
}

/// `true` or `false`, also `TRUE`, as spreadsheets write it.
pub(crate) fn flag(flagged: &str) -> std::result::Result<bool, String> {
    match flagged.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("flagged: expected true or false, found `{flagged}`")),
    }
}

pub(crate) fn unknown(what: &str, class: &str, classes: &[String]) -> String {
    match nearest(class, classes.iter().map(String::as_str)) {
        Some(near) => format!("{what}: expected a class, found `{class}` (is `{near}` meant?)"),
        None => format!("{what}: expected a class, found `{class}`"),
    }
}
