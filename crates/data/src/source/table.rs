//! `csv:PATH`, `jsonl:PATH`, and the table of a `folder:PATH`: a row a picture, with its path and its class.
//!
//! Columns go by name, in any order and case; of several names for one thing the first that is there is taken:
//! ```text
//! path     file_name, path, file, filename, image     relative to the folder of the table
//! class    label, class, category, target
//! part     split, subset, part                        train, val or test; optional
//! group    group, group_id                            images of one are never parted; optional
//! ```
//! A row that cannot be used is left out with its line and reason.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, Trim};
use seamripper_core::nearest::nearest;
use seamripper_core::sample::Split;

use super::Dataset;
use super::folder::{files, natural, part_named};
use crate::options::{OpenOptions, Progress};
use crate::photo::Fault;
use crate::pictures::{Entry, LeftOut, Listing};
use crate::{Error, Result};

const PATH: [&str; 5] = ["file_name", "path", "file", "filename", "image"];
const LABEL: [&str; 4] = ["label", "class", "category", "target"];
const SPLIT: [&str; 3] = ["split", "subset", "part"];
const GROUP: [&str; 2] = ["group", "group_id"];

/// Whether the name says JSON lines.
pub(super) fn is_jsonl(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("jsonl"))
}

pub(super) fn open(file: &Path, options: &OpenOptions<'_>) -> Result<Dataset> {
    let scheme = if is_jsonl(file) { "jsonl" } else { "csv" };
    let root = file.parent().unwrap_or(Path::new(""));
    open_metadata(&format!("{scheme}:{}", file.display()), root, &[(file.to_owned(), None)], options)
}

/// Reads the tables of a data set; each may be of one part. Ids are paths from `root`.
pub(super) fn open_metadata(
    name: &str,
    root: &Path,
    tables: &[(PathBuf, Option<Split>)],
    options: &OpenOptions<'_>,
) -> Result<Dataset> {
    let mut rows = Vec::new();
    let mut left_out = Vec::new();
    for (file, part) in tables {
        (options.progress)(Progress::Reading { file });
        let read = if is_jsonl(file) { jsonl(file) } else { csv(file) };
        let (found, problems) = read?;
        left_out.extend(problems);
        rows.extend(found.into_iter().map(|row| (file.parent().unwrap_or(Path::new("")), *part, row)));
    }
    let mut classes: Vec<String> = Vec::new();
    let mut known = HashMap::new();
    for (_, _, row) in &rows {
        if known.insert(row.label.clone(), 0).is_none() {
            classes.push(row.label.clone());
        }
    }
    natural(&mut classes, String::clone);
    for (place, class) in classes.iter().enumerate() {
        known.insert(class.clone(), place as u32);
    }
    let mut lines = HashMap::new();
    let (mut entries, mut paths) = (Vec::new(), Vec::new());
    for (folder, part, row) in rows {
        let path = folder.join(&row.path);
        let id = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        if let Some(first) = lines.insert(id.clone(), row.line) {
            let fault = Fault::new("a picture once", format!("it again, as in line {first}"));
            left_out.push(LeftOut::new(format!("line {}: {id}", row.line), &fault));
            continue;
        }
        let split = match row.split.as_deref().map(|word| part_named(word).ok_or(word)) {
            Some(Err(word)) => {
                let fault = Fault::new("train, val or test", format!("`{word}`"));
                left_out.push(LeftOut::new(format!("line {}: {id}", row.line), &fault));
                continue;
            }
            Some(Ok(split)) => Some(split),
            None => part,
        };
        entries.push(Entry { id, label: known[&row.label], split, group: row.group });
        paths.push(path);
    }
    let listing = Listing {
        name: name.to_owned(),
        root: tables[0].0.clone(),
        classes,
        entries,
        left_out,
        empty: Vec::new(),
    };
    listing.read(options, || Ok(files(&paths)))
}

/// One row as it stands in a table.
struct Row {
    line: u64,
    path: String,
    label: String,
    split: Option<String>,
    group: Option<String>,
}

/// The columns that are read, as the places in a header.
struct Columns {
    path: usize,
    label: usize,
    split: Option<usize>,
    group: Option<usize>,
}

impl Columns {
    fn of(file: &Path, names: &[String]) -> Result<Self> {
        let place = |wanted: &[&str]| {
            wanted.iter().find_map(|wanted| names.iter().position(|name| name.eq_ignore_ascii_case(wanted)))
        };
        let (path, label) = (place(&PATH), place(&LABEL));
        let (Some(path), Some(label)) = (path, label) else {
            let missing = if path.is_none() { &PATH[..] } else { &LABEL[..] };
            let near = nearest(missing[0], names.iter().map(String::as_str));
            return Err(Error::Malformed {
                what: "columns".into(),
                path: file.to_owned(),
                expected: format!("one of {}", missing.join(", ")),
                found: if names.is_empty() { "none".into() } else { names.join(", ") },
                hint: near.map(|near| format!("is `{near}` the column? Rename it to `{}`", missing[0])),
            });
        };
        Ok(Self { path, label, split: place(&SPLIT), group: place(&GROUP) })
    }

    fn row(&self, line: u64, cell: impl Fn(usize) -> Option<String>) -> std::result::Result<Row, LeftOut> {
        let filled = |column: usize| cell(column).filter(|text| !text.is_empty());
        let fault = |what: &str| LeftOut::new(format!("line {line}"), &Fault::new(what, "an empty cell"));
        Ok(Row {
            line,
            path: filled(self.path).ok_or_else(|| fault("a path"))?,
            label: filled(self.label).ok_or_else(|| fault("a class"))?,
            split: self.split.and_then(filled),
            group: self.group.and_then(filled),
        })
    }
}

type Rows = (Vec<Row>, Vec<LeftOut>);

fn csv(file: &Path) -> Result<Rows> {
    let fail = |error| Error::of_csv(file, error);
    let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_path(file).map_err(fail)?;
    let names: Vec<String> = reader.headers().map_err(fail)?.iter().map(str::to_owned).collect();
    let columns = Columns::of(file, &names)?;
    let (mut rows, mut left_out) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = match Error::csv_record(file, record)? {
            Ok(record) => record,
            Err(line) => {
                left_out.push(LeftOut::new(format!("line {line}"), &Fault::new("UTF-8", "other bytes")));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        match columns.row(line, |column| record.get(column).map(str::to_owned)) {
            Ok(row) => rows.push(row),
            Err(left) => left_out.push(left),
        }
    }
    Ok((rows, left_out))
}

/// One object a line; the first names the columns.
fn jsonl(file: &Path) -> Result<Rows> {
    let io = |source| Error::Io { action: "read", path: file.to_owned(), source };
    let reader = BufReader::new(File::open(file).map_err(io)?);
    let (mut rows, mut left_out) = (Vec::new(), Vec::new());
    let mut header: Option<(Vec<String>, Columns)> = None;
    for (line, text) in (1..).zip(reader.split(b'\n')) {
        let text = text.map_err(io)?;
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let object: serde_json::Map<String, serde_json::Value> = match serde_json::from_slice(&text) {
            Ok(object) => object,
            Err(error) => {
                left_out.push(LeftOut::new(
                    format!("line {line}"),
                    &Fault::new("a JSON object", error.to_string()),
                ));
                continue;
            }
        };
        if header.is_none() {
            let names: Vec<String> = object.keys().cloned().collect();
            let columns = Columns::of(file, &names)?;
            header = Some((names, columns));
        }
        let (names, columns) = header.as_ref().expect("the first line made it");
        let cell = |column: usize| match object.get(&names[column])? {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        match columns.row(line, cell) {
            Ok(row) => rows.push(row),
            Err(left) => left_out.push(left),
        }
    }
    match header {
        Some(_) => Ok((rows, left_out)),
        None => Columns::of(file, &[]).map(|_| (rows, left_out)),
    }
}
