//! Predictions in CSV: a header, then a row an image.

use std::path::Path;

use csv::{ByteRecord, ReaderBuilder, Trim};

use super::columns::Columns;
use super::table::{Rows, Table};
use crate::{Error, Result};

pub(super) fn read(path: &Path) -> Result<Table> {
    let fail = |error| Error::of_csv(path, error);
    let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_path(path).map_err(fail)?;
    let header = reader.byte_headers().map_err(fail)?.clone();
    let names: Vec<String> = header.iter().map(|name| text(name).into_owned()).collect();
    let columns = Columns::find(path, &names)?;
    let mut table =
        Table::new(columns.classes.clone(), columns.kind, Rows::Lines(Vec::new()), columns.split.is_some());
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(fail)? {
        let line = record.position().map_or(0, csv::Position::line);
        push(&mut table, &columns, &names, &record, line);
    }
    Ok(table)
}

fn push(table: &mut Table, columns: &Columns, names: &[String], record: &ByteRecord, line: u64) {
    let row = table.ids.len();
    if let Rows::Lines(lines) = &mut table.rows {
        lines.push(line);
    }
    let cell = |column: usize| record.get(column).unwrap_or_default();
    table.ids.push(text(cell(columns.id)).into_owned());
    table.labels.push(text(cell(columns.label)).into_owned());
    if let (Some(splits), Some(column)) = (&mut table.splits, columns.split) {
        splits.push(text(cell(column)).into_owned());
    }
    if record.len() != names.len() {
        table.problem(row, || {
            format!("expected {} cells as in the header, found {}", names.len(), record.len())
        });
    }
    for &column in &columns.scores {
        let value = std::str::from_utf8(cell(column)).ok().and_then(|cell| cell.parse().ok());
        table.scores.push(value.unwrap_or(f64::NAN));
        if value.is_none() && !table.told.contains(&row) {
            table.problem(row, || {
                format!("{}: expected a number, found `{}`", names[column], text(cell(column)))
            });
        }
    }
}

/// Bytes that are not UTF-8 become U+FFFD: as a label they are unknown, and errors can show them.
fn text(cell: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(cell)
}
