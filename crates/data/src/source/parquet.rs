//! `parquet:PATH`: the bytes of pictures in Parquet, as the `datasets` of Hugging Face write them.
//!
//! *Idea*: labels are read first, of all files; the bytes of pictures afterwards, a row group at a time, so that no more than
//! one group is in memory. A folder's files are its `*.parquet`, in natural order; the part is what their names begin with
//! (`train-00000-of-00002.parquet`). The picture is a column `image` of bytes, or a group `image` with `bytes`; the label
//! a column `label`, text or number. Names of numbered classes are in the metadata that Hugging Face writes
//! (`info.features.label.names`), if anywhere.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader, SerializedFileReader};
use seamripper_core::nearest::nearest;
use seamripper_core::sample::Split;

use super::Dataset;
use super::folder::{natural, part_named};
use crate::options::{OpenOptions, Progress};
use crate::photo::Fault;
use crate::pictures::{Encoded, Entry, LeftOut, Listing};
use crate::predictions_file::parquet_table::ColumnFile;
use crate::{Error, Result};

const IMAGE: [&str; 5] = ["image.bytes", "img.bytes", "image", "img", "bytes"];
const LABEL: [&str; 5] = ["label", "labels", "class", "target", "fine_label"];

/// One file, with the places of its columns.
struct Part {
    path: PathBuf,
    split: Option<Split>,
    reader: SerializedFileReader<File>,
    columns: Vec<String>,
    image: usize,
    label: usize,
}

pub(super) fn open(path: &Path, options: &OpenOptions<'_>) -> Result<Dataset> {
    let mut parts = Vec::new();
    for file in files(path)? {
        (options.progress)(Progress::Reading { file: &file });
        parts.push(Part::open(file)?);
    }
    let mut labels = Vec::new();
    for part in &parts {
        labels.push(part.file().texts(part.label)?);
    }
    let named = parts.iter().find_map(Part::names);
    let mut classes = named.clone().unwrap_or_else(|| {
        let mut found: Vec<String> = labels.iter().flatten().flatten().cloned().collect();
        found.sort_unstable();
        found.dedup();
        found
    });
    if named.is_none() {
        natural(&mut classes, String::clone);
    }
    let (mut entries, mut left_out, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for (part, labels) in parts.iter().zip(&labels) {
        let stem = part.path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let mut keep = Vec::with_capacity(labels.len());
        for (row, label) in labels.iter().enumerate() {
            let id = format!("{stem}/{row:05}");
            let place = match (label, &named) {
                (None, _) => Err(Fault::new("a label", "null")),
                (Some(text), Some(names)) => {
                    let place = text.parse().ok().filter(|&place: &usize| place < names.len());
                    place.or_else(|| names.iter().position(|name| name == text)).ok_or_else(|| {
                        Fault::new(format!("a label of 0 to {}", names.len() - 1), format!("`{text}`"))
                    })
                }
                (Some(text), None) => {
                    Ok(classes.iter().position(|class| class == text).expect("all were collected"))
                }
            };
            keep.push(place.is_ok());
            match place {
                Ok(place) => entries.push(Entry { id, label: place as u32, split: part.split, group: None }),
                Err(fault) => left_out.push(LeftOut::new(id, &fault)),
            }
        }
        kept.push(keep);
    }
    let name = format!("parquet:{}", path.display());
    let listing = Listing { name, root: path.to_owned(), classes, entries, left_out, empty: Vec::new() };
    listing.read(options, || {
        let mut groups: VecDeque<(usize, usize, usize)> = VecDeque::new();
        for (place, part) in parts.iter().enumerate() {
            let mut first = 0;
            for group in 0..part.reader.num_row_groups() {
                groups.push_back((place, group, first));
                first += part.reader.metadata().row_group(group).num_rows().max(0) as usize;
            }
        }
        let (parts, kept) = (&parts, &kept);
        let mut ready: VecDeque<Encoded> = VecDeque::new();
        Ok(Box::new(move |most| {
            while ready.is_empty() {
                let Some((place, group, first)) = groups.pop_front() else { break };
                let part: &Part = &parts[place];
                let cells = part.file().bytes(part.image, group)?;
                let keep = kept[place].get(first..).unwrap_or_default();
                let cells = cells.into_iter().zip(keep).filter(|(_, keep)| **keep).map(|(cell, _)| cell);
                ready.extend(cells.map(|cell| {
                    cell.map_or_else(
                        || Encoded::Absent(Fault::new("the bytes of a picture", "null")),
                        Encoded::Bytes,
                    )
                }));
            }
            let n = most.min(ready.len());
            Ok(ready.drain(..n).collect())
        }))
    })
}

/// The file, or the files of a folder and those below it.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(path).follow_links(true) {
        let entry = entry.map_err(|error| {
            let place = error.path().unwrap_or(path).to_owned();
            Error::Io { action: "read", path: place, source: error.into() }
        })?;
        if entry.path().extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet")) {
            files.push(entry.into_path());
        }
    }
    natural(&mut files, |file| file.to_string_lossy().into_owned());
    match files.is_empty() {
        false => Ok(files),
        true => Err(Error::Malformed {
            what: "files".into(),
            path: path.to_owned(),
            expected: "at least one .parquet".into(),
            found: "none".into(),
            hint: None,
        }),
    }
}

impl Part {
    fn open(path: PathBuf) -> Result<Self> {
        let reader = crate::predictions_file::parquet_table::open(&path)?;
        let schema = reader.metadata().file_metadata().schema_descr();
        let columns: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
        let place = |wanted: &[&str]| {
            wanted.iter().find_map(|wanted| columns.iter().position(|name| name.eq_ignore_ascii_case(wanted)))
        };
        let (Some(image), Some(label)) = (place(&IMAGE), place(&LABEL)) else {
            let missing = if place(&IMAGE).is_none() { &IMAGE[..] } else { &LABEL[..] };
            let near = nearest(missing[0], columns.iter().map(String::as_str));
            return Err(Error::Malformed {
                what: "columns".into(),
                path,
                expected: format!("one of {}", missing.join(", ")),
                found: if columns.is_empty() { "none".into() } else { columns.join(", ") },
                hint: near.map(|near| format!("is `{near}` the column? Rename it")),
            });
        };
        let stem = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let split = stem.split(['-', '_', '.']).next().and_then(part_named);
        Ok(Self { path, split, reader, columns, image, label })
    }

    fn file(&self) -> ColumnFile<'_> {
        ColumnFile { path: &self.path, reader: &self.reader, names: &self.columns }
    }

    /// Names of numbered classes, from the metadata.
    fn names(&self) -> Option<Vec<String>> {
        let metadata = self.reader.metadata().file_metadata().key_value_metadata()?;
        let text = metadata.iter().find(|entry| entry.key == "huggingface")?.value.as_ref()?;
        let document: serde_json::Value = serde_json::from_str(text).ok()?;
        let names =
            document.pointer(&format!("/info/features/{}/names", self.columns[self.label]))?.as_array()?;
        let names: Option<Vec<String>> = names.iter().map(|name| name.as_str().map(str::to_owned)).collect();
        names.filter(|names| names.len() >= 2)
    }
}
