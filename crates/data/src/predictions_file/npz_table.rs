//! Predictions in an NPZ archive, as `numpy.savez` and `savez_compressed` write it.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use seamripper_core::nearest::nearest;

use super::npy::{self, Array, Values};
use super::table::{Rows, Scores, Table};
use crate::{Error, Result};

/// An array is never unpacked beyond this; a table of ten million rows over a hundred classes is smaller.
const ARRAY_BYTES_MOST: u64 = 8 << 30;

pub(super) fn read(path: &Path) -> Result<Table> {
    let mut archive = Archive::open(path)?;
    let labels = archive.required("labels")?;
    let (probs, logits) = (archive.array("probs")?, archive.array("logits")?);
    let (kind, scores) = match (probs, logits) {
        (Some(_), Some(_)) => return Err(archive.malformed("arrays", "probs or logits", "both".into())),
        (Some(probs), None) => (Scores::Probabilities, probs),
        (None, Some(logits)) => (Scores::Logits, logits),
        (None, None) => return Err(archive.missing("probs [n, k] (or logits [n, k])", "probs")),
    };
    let [n, k] = scores.shape[..] else {
        return Err(archive.malformed("shape of the scores", "[n, k]", format!("{:?}", scores.shape)));
    };
    if k < 2 {
        return Err(archive.malformed(
            "shape of the scores",
            "[n, k] with k of at least 2",
            format!("{:?}", scores.shape),
        ));
    }
    let labels = archive.texts("labels", labels, n)?;
    let ids = archive.array("ids")?.map(|ids| archive.texts("ids", ids, n)).transpose()?;
    let classes =
        archive.array("classes")?.map(|classes| archive.texts("classes", classes, k)).transpose()?;

    let classes = classes.unwrap_or_else(|| (0..k).map(|class| class.to_string()).collect());
    let mut table = Table::new(classes, kind, Rows::Numbered, false);
    table.ids = ids.unwrap_or_else(|| (0..n).map(|row| format!("test-{row:05}")).collect());
    table.labels = labels;
    table.scores = match scores.values {
        Values::Real(values) => values,
        Values::Whole(values) => values.into_iter().map(|value| value as f64).collect(),
        Values::Text(_) => return Err(archive.malformed("type of the scores", "numbers", "texts".into())),
    };
    Ok(table)
}

/// An NPZ archive, array by array.
pub(crate) struct Archive<'a> {
    path: &'a Path,
    zip: ZipArchive<BufReader<File>>,
}

impl<'a> Archive<'a> {
    /// Opens it and reads its directory.
    pub(crate) fn open(path: &'a Path) -> Result<Self> {
        let file =
            File::open(path).map_err(|source| Error::Io { action: "read", path: path.to_owned(), source })?;
        let zip =
            ZipArchive::new(BufReader::new(file)).map_err(|error| zip_failure(path, "archive", error))?;
        Ok(Self { path, zip })
    }

    /// The array of that name, if there is one.
    pub(crate) fn array(&mut self, name: &str) -> Result<Option<Array>> {
        self.parsed(name, |bytes| npy::parse(&bytes))
    }

    /// Shape and values of the array of that name, which must be of `u8`, if there is one.
    pub(crate) fn bytes(&mut self, name: &str) -> Result<Option<(Vec<usize>, Vec<u8>)>> {
        self.parsed(name, npy::parse_bytes)
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(Vec<u8>) -> std::result::Result<T, npy::Problem>,
    ) -> Result<Option<T>> {
        let path = self.path;
        let entry = match self.zip.by_name(&format!("{name}.npy")) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(zip_failure(path, name, error)),
        };
        let mut bytes = Vec::new();
        let limit = entry.size().min(ARRAY_BYTES_MOST);
        let outcome = entry.take(limit + 1).read_to_end(&mut bytes);
        outcome.map_err(|error| zip_failure(path, name, ZipError::Io(error)))?;
        parse(bytes).map(Some).map_err(|(expected, found)| malformed(path, name, expected, found))
    }

    /// The array of that name.
    pub(crate) fn required(&mut self, name: &str) -> Result<Array> {
        self.array(name)?.ok_or_else(|| self.missing(name, name))
    }

    /// An array of one axis as texts.
    pub(crate) fn texts(&self, name: &str, array: Array, n: usize) -> Result<Vec<String>> {
        if array.shape != [n] {
            return Err(malformed(
                self.path,
                &format!("shape of {name}"),
                format!("[{n}]"),
                format!("{:?}", array.shape),
            ));
        }
        match array.values {
            Values::Text(values) => Ok(values),
            Values::Whole(values) => Ok(values.iter().map(i64::to_string).collect()),
            Values::Real(_) => Err(malformed(
                self.path,
                &format!("type of {name}"),
                "whole numbers or texts".into(),
                "floating-point numbers".into(),
            )),
        }
    }

    fn malformed(&self, what: &str, expected: &str, found: String) -> Error {
        malformed(self.path, what, expected.to_owned(), found)
    }

    /// The error of an archive without what was expected; `name` is what it might be called.
    pub(crate) fn missing(&self, expected: &str, name: &str) -> Error {
        let files = self.zip.file_names().filter_map(|file| file.ok());
        let mut names: Vec<String> =
            files.filter_map(|file| file.strip_suffix(".npy").map(str::to_owned)).collect();
        names.sort_unstable();
        let hint = nearest(name, names.iter().map(String::as_str))
            .map(|near| format!("is `{near}` meant to be `{name}`?"));
        Error::Malformed {
            what: "arrays".into(),
            path: self.path.to_owned(),
            expected: expected.into(),
            found: if names.is_empty() { "none".into() } else { names.join(", ") },
            hint,
        }
    }
}

fn malformed(path: &Path, what: &str, expected: String, found: String) -> Error {
    Error::Malformed { what: what.to_owned(), path: path.to_owned(), expected, found, hint: None }
}

fn zip_failure(path: &Path, what: &str, error: ZipError) -> Error {
    match error {
        ZipError::Io(source) if !is_damage(source.kind()) => {
            Error::Io { action: "read", path: path.to_owned(), source }
        }
        other => malformed(path, what, "an undamaged NPZ archive".into(), other.to_string()),
    }
}

fn is_damage(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof)
}
