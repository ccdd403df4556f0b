//! Columns about images, made by whoever has the images: camera, place, hour, size of the file.
//!
//! ```text
//! id, camera, hour, …
//! test-00042, A, 13.5
//! ```
//! A row an image, in any order; every wanted image must have one, rows of others are counted and left alone. A column whose
//! cells are all numbers or empty is one of numbers, any other one of names; an empty cell is unknown. A column with another name
//! for nearly each image, as a comment or a path is, has nothing in common to find and is left out, which is said.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};
use seamripper_core::fail::properties::Property;
use seamripper_core::nearest::nearest;

use crate::{Error, Result, RowProblems};

#[cfg(test)]
mod tests;

/// A column of names has at most this many.
pub const NAMES_MOST: usize = 100;

/// What is said of an empty cell in a column of names.
const UNKNOWN: &str = "unknown";

/// The columns of some images.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageColumns {
    /// In the order of the file, of the images in the order asked for.
    pub columns: Vec<Property>,
    /// Columns of names that were left out, each with how many names it has.
    pub left_out: Vec<(String, usize)>,
    /// Rows of images that were not asked for.
    pub other_rows: usize,
}

/// Reads the columns of the images `ids`.
///
/// # Errors
/// [`Error::Io`]; [`Error::Malformed`] if it is not CSV or has no column `id` or no other; [`Error::ColumnRows`] with all rows that
/// cannot be used and all images without one.
pub fn read(path: &Path, ids: &[String]) -> Result<ImageColumns> {
    let fail = |error| Error::of_csv(path, error);
    let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_path(path).map_err(fail)?;
    let header = reader.headers().map_err(fail)?.clone();
    let id_column = id_column(path, &header)?;
    let row_of: HashMap<&str, usize> = ids.iter().enumerate().map(|(row, id)| (id.as_str(), row)).collect();
    let mut records: Vec<Option<(u64, StringRecord)>> = vec![None; ids.len()];
    let (mut problems, mut other_rows) = (RowProblems::default(), 0);
    for record in reader.records() {
        let record = match Error::csv_record(path, record)? {
            Ok(record) => record,
            Err(line) => {
                problems.push(|| format!("line {line}: expected UTF-8, found other bytes"));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != header.len() {
            problems.push(|| {
                format!(
                    "line {line}: expected {} cells as in the header, found {}",
                    header.len(),
                    record.len()
                )
            });
        }
        let id = record.get(id_column).unwrap_or_default();
        match row_of.get(id) {
            None => other_rows += 1,
            Some(&row) => match &records[row] {
                Some((first, _)) => {
                    problems.push(|| format!("line {line}: id `{id}` again, as in line {first}"));
                }
                None => records[row] = Some((line, record)),
            },
        }
    }
    for (id, _) in ids.iter().zip(&records).filter(|(_, record)| record.is_none()) {
        problems.push(|| format!("id `{id}`: no row"));
    }
    if problems.count() > 0 {
        return Err(Error::ColumnRows { path: path.to_owned(), problems });
    }
    let mut found = ImageColumns { columns: Vec::new(), left_out: Vec::new(), other_rows };
    for (place, name) in header.iter().enumerate().filter(|&(place, _)| place != id_column) {
        let cell = |record: &Option<(u64, StringRecord)>| {
            record.as_ref().and_then(|(_, record)| record.get(place)).unwrap_or_default().to_owned()
        };
        let cells: Vec<String> = records.iter().map(cell).collect();
        match column(name, &cells) {
            Ok(column) => found.columns.push(column),
            Err(names) => found.left_out.push((name.to_owned(), names)),
        }
    }
    Ok(found)
}

fn id_column(path: &Path, header: &StringRecord) -> Result<usize> {
    let malformed = |expected: &str, hint: Option<String>| Error::Malformed {
        what: "columns".into(),
        path: path.to_owned(),
        expected: expected.into(),
        found: header.iter().collect::<Vec<_>>().join(", "),
        hint,
    };
    let Some(place) = header.iter().position(|name| name == "id") else {
        let near = nearest("id", header.iter()).map(|near| format!("is `{near}` meant to be `id`?"));
        return Err(malformed("id and others", near));
    };
    if header.len() < 2 {
        return Err(malformed("id and at least one other", None));
    }
    let repeated =
        header.iter().enumerate().find(|&(i, name)| header.iter().take(i).any(|other| other == name));
    match repeated {
        Some((_, name)) => Err(malformed("every name once", Some(format!("`{name}` is there twice")))),
        None => Ok(place),
    }
}

/// A column of numbers or names; as an error the number of names, if there are too many.
fn column(name: &str, cells: &[String]) -> std::result::Result<Property, usize> {
    let number = |cell: &String| match cell.as_str() {
        "" => Some(f64::NAN),
        text => text.parse::<f64>().ok().filter(|value| value.is_finite()),
    };
    let numbers: Option<Vec<f64>> = cells.iter().map(number).collect();
    if let Some(numbers) = numbers {
        return Ok(Property::numbers(name, numbers));
    }
    let names: BTreeSet<&str> = cells.iter().map(String::as_str).collect();
    if names.len() > NAMES_MOST {
        return Err(names.len());
    }
    let known: Vec<&str> =
        cells.iter().map(|cell| if cell.is_empty() { UNKNOWN } else { cell.as_str() }).collect();
    Ok(Property::names(name, &known))
}
