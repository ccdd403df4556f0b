//! Predictions in Parquet, column by column.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use parquet::basic::ConvertedType;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::columns::Columns;
use super::parquet_claims::{self, CheckedPages};
use super::table::{Rows, Table};
use crate::{Error, Result};

/// Rows are decoded that many at a time, so that memory follows what is there, not what the header claims.
const BATCH: usize = 8192;

pub(super) fn read(path: &Path) -> Result<Table> {
    let reader = open(path)?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let names: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
    let columns = Columns::find(path, &names)?;
    let mut file = ColumnFile { path, reader: &reader, names: &names };

    let ids = file.texts(columns.id)?;
    let n = ids.len();
    let labels = file.texts(columns.label)?;
    let splits = columns.split.map(|column| file.texts(column)).transpose()?;
    let of_other_length = |length: usize| {
        (length != n)
            .then(|| malformed(path, "columns", format!("{n} rows in each"), format!("{length} in one")))
    };
    let texts = [labels.len()].into_iter().chain(splits.iter().map(Vec::len));
    texts.into_iter().find_map(of_other_length).map_or(Ok(()), Err)?;
    // column by column into rows, so that no column is kept
    let k = columns.scores.len();
    let mut scores = Vec::new();
    let mut nulls: BTreeMap<usize, usize> = BTreeMap::new();
    for (class, &column) in columns.scores.iter().enumerate() {
        let cells = file.numbers(column)?;
        of_other_length(cells.len()).map_or(Ok(()), Err)?;
        scores.resize(n * k, f64::NAN);
        for (row, cell) in cells.into_iter().enumerate() {
            match cell {
                Some(value) => scores[row * k + class] = value,
                None => {
                    nulls.entry(row).or_insert(column);
                }
            }
        }
    }
    Ok(assemble(columns, &names, ids, labels, splits, scores, &nulls))
}

/// Runs `read`, whose library panics on some damaged pages that no look at the metadata finds (parquet 60.1: lengths of levels beyond
/// the page). Such a panic is an error of the file; nothing of the reader is used afterwards.
pub(crate) fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("damage");
        Err(malformed(path, "Parquet", "undamaged pages".into(), text.to_owned()))
    })
}

/// Opens a file and compares what its header claims with what is there.
pub(crate) fn open(path: &Path) -> Result<SerializedFileReader<File>> {
    let fail = |source| Error::Io { action: "read", path: path.to_owned(), source };
    let file = File::open(path).map_err(fail)?;
    let bytes = file.metadata().map_err(fail)?.len();
    let reader = SerializedFileReader::new(file).map_err(|error| damaged(path, "metadata", &error))?;
    parquet_claims::check(path, bytes, reader.metadata())?;
    Ok(reader)
}

/// `nulls` are rows without a score, each with its first such column.
fn assemble(
    columns: Columns,
    names: &[String],
    ids: Vec<Option<String>>,
    labels: Vec<Option<String>>,
    splits: Option<Vec<Option<String>>>,
    scores: Vec<f64>,
    nulls: &BTreeMap<usize, usize>,
) -> Table {
    let mut table = Table::new(columns.classes, columns.kind, Rows::Numbered, splits.is_some());
    let absent = |cells: &[Option<String>], row: usize| cells[row].is_none();
    for row in 0..ids.len() {
        let text_columns = [
            (columns.id, Some(&ids)),
            (columns.label, Some(&labels)),
            (columns.split.unwrap_or(0), splits.as_ref()),
        ];
        let text = text_columns.iter().find(|(_, cells)| cells.is_some_and(|cells| absent(cells, row)));
        let column = text.map(|&(column, _)| column).or_else(|| nulls.get(&row).copied());
        if let Some(column) = column {
            table.problem(row, || format!("{}: expected a value, found null", names[column]));
        }
    }
    let filled = |cells: Vec<Option<String>>| cells.into_iter().map(Option::unwrap_or_default).collect();
    table.ids = filled(ids);
    table.labels = filled(labels);
    table.splits = splits.map(filled);
    table.scores = scores;
    table
}

/// A file, column by column.
pub(crate) struct ColumnFile<'a> {
    pub(crate) path: &'a Path,
    pub(crate) reader: &'a SerializedFileReader<File>,
    /// Of its columns.
    pub(crate) names: &'a [String],
}

impl ColumnFile<'_> {
    /// The cells of a column of bytes in one row group.
    pub(crate) fn bytes(&self, column: usize, group: usize) -> Result<Vec<Option<Vec<u8>>>> {
        let mut found = Vec::new();
        let read = |reader: ColumnReader, descriptor: &ColumnDescriptor| match reader {
            ColumnReader::ByteArrayColumnReader(reader) => {
                found.extend(
                    cells(reader)?.into_iter().map(|cell| cell.map(|bytes: ByteArray| bytes.data().to_vec())),
                );
                Ok(())
            }
            _ => Err(wrong_type("bytes", descriptor)),
        };
        self.row_group(column, group, read).map_err(|problem| problem.at(self.path, &self.names[column]))?;
        Ok(found)
    }

    /// The cells of a column of texts or whole numbers.
    pub(crate) fn texts(&mut self, column: usize) -> Result<Vec<Option<String>>> {
        let mut texts = Vec::new();
        let name = &self.names[column];
        self.each_row_group(column, |reader, descriptor| {
            match reader {
                ColumnReader::ByteArrayColumnReader(reader) => {
                    for cell in cells(reader)? {
                        texts.push(
                            cell.map(|bytes: ByteArray| String::from_utf8_lossy(bytes.data()).into_owned()),
                        );
                    }
                }
                ColumnReader::Int32ColumnReader(reader) => {
                    let unsigned = is_unsigned(descriptor);
                    let text =
                        |value: i32| if unsigned { (value as u32).to_string() } else { value.to_string() };
                    texts.extend(cells(reader)?.into_iter().map(|cell| cell.map(text)));
                }
                ColumnReader::Int64ColumnReader(reader) => {
                    let unsigned = is_unsigned(descriptor);
                    let text =
                        |value: i64| if unsigned { (value as u64).to_string() } else { value.to_string() };
                    texts.extend(cells(reader)?.into_iter().map(|cell| cell.map(text)));
                }
                _ => return Err(wrong_type("texts or whole numbers", descriptor)),
            }
            Ok(())
        })
        .map_err(|problem| problem.at(self.path, name))?;
        Ok(texts)
    }

    fn numbers(&mut self, column: usize) -> Result<Vec<Option<f64>>> {
        let mut numbers = Vec::new();
        let name = &self.names[column];
        self.each_row_group(column, |reader, descriptor| {
            match reader {
                ColumnReader::DoubleColumnReader(reader) => numbers.extend(cells(reader)?),
                ColumnReader::FloatColumnReader(reader) => {
                    numbers.extend(cells(reader)?.into_iter().map(|cell| cell.map(f64::from)));
                }
                ColumnReader::Int32ColumnReader(reader) => {
                    numbers.extend(cells(reader)?.into_iter().map(|cell| cell.map(f64::from)));
                }
                _ => return Err(wrong_type("numbers", descriptor)),
            }
            Ok(())
        })
        .map_err(|problem| problem.at(self.path, name))?;
        Ok(numbers)
    }

    fn each_row_group(
        &self,
        column: usize,
        mut read: impl FnMut(ColumnReader, &ColumnDescriptor) -> std::result::Result<(), Problem>,
    ) -> std::result::Result<(), Problem> {
        (0..self.reader.num_row_groups()).try_for_each(|group| self.row_group(column, group, &mut read))
    }

    fn row_group(
        &self,
        column: usize,
        group: usize,
        read: impl FnOnce(ColumnReader, &ColumnDescriptor) -> std::result::Result<(), Problem>,
    ) -> std::result::Result<(), Problem> {
        let group = self.reader.get_row_group(group)?;
        let descriptor = group.metadata().column(column).column_descr_ptr();
        if descriptor.max_rep_level() > 0 {
            return Err(wrong_type("one value a row", &descriptor));
        }
        let pages = CheckedPages::new(group.get_column_page_reader(column)?);
        read(get_column_reader(descriptor.clone(), Box::new(pages)), &descriptor)
    }
}

/// The cells of a column that has at most one value a row.
fn cells<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
) -> std::result::Result<Vec<Option<T::T>>, ParquetError> {
    let mut cells = Vec::new();
    loop {
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        let (records, ..) = reader.read_records(BATCH, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Ok(cells);
        }
        if levels.is_empty() {
            cells.extend(values.into_iter().map(Some));
            continue;
        }
        // A value is there where the level is the highest one; in a flat column that is 1.
        let most = levels.iter().copied().max().unwrap_or_default().max(1);
        let mut values = values.into_iter();
        cells.extend(levels.into_iter().map(|level| if level == most { values.next() } else { None }));
    }
}

fn is_unsigned(descriptor: &ColumnDescriptor) -> bool {
    use ConvertedType::{UINT_8, UINT_16, UINT_32, UINT_64};
    matches!(descriptor.converted_type(), UINT_8 | UINT_16 | UINT_32 | UINT_64)
}

/// What went wrong in a column.
enum Problem {
    Damaged(ParquetError),
    Type { expected: &'static str, found: String },
}

impl From<ParquetError> for Problem {
    fn from(error: ParquetError) -> Self {
        Self::Damaged(error)
    }
}

impl Problem {
    fn at(self, path: &Path, column: &str) -> Error {
        let what = format!("column {column}");
        match self {
            Self::Damaged(error) => damaged(path, &what, &error),
            Self::Type { expected, found } => malformed(path, &what, expected.into(), found),
        }
    }
}

fn wrong_type(expected: &'static str, descriptor: &ColumnDescriptor) -> Problem {
    let found = if descriptor.max_rep_level() > 0 {
        "a list".into()
    } else {
        descriptor.physical_type().to_string().to_lowercase()
    };
    Problem::Type { expected, found }
}

fn damaged(path: &Path, what: &str, error: &ParquetError) -> Error {
    let found = error.to_string();
    let found = found.strip_prefix("Parquet error: ").unwrap_or(&found).to_owned();
    malformed(path, what, "undamaged Parquet".into(), found)
}

fn malformed(path: &Path, what: &str, expected: String, found: String) -> Error {
    Error::Malformed { what: what.to_owned(), path: path.to_owned(), expected, found, hint: None }
}
