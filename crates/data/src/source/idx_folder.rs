//! `idx:PATH`: a folder with the files of MNIST and its successors.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use seamripper_core::nearest::nearest;

use super::{Dataset, FileRead, Origin, Part, assemble, first_file};
use crate::options::{OpenOptions, Progress};
use crate::{Error, Result, idx};

/// Names of classes are read from this file, one a line in the order of the labels.
const CLASSES_FILE: &str = "classes.txt";
/// No list of class names is longer.
const CLASSES_BYTES_MOST: u64 = 1 << 20;
/// A label is a byte.
const CLASSES_MOST: usize = 256;

pub(super) fn open(folder: &Path, options: &OpenOptions<'_>) -> Result<Dataset> {
    std::fs::read_dir(folder).map_err(|source| read_failure(folder, source))?;
    let classes = classes(folder)?;
    let Some(train) = part(folder, "train", "train", options)? else {
        return Err(absent(folder, &["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]));
    };
    let test = part(folder, "t10k", "test", options)?;
    let name = format!("idx:{}", folder.display());
    assemble(&name, classes, train, test, |files| Origin { files, verified: false, downloaded: false })
}

/// Both files of a part, or none.
fn part(folder: &Path, stem: &str, prefix: &'static str, options: &OpenOptions<'_>) -> Result<Option<Part>> {
    let images = find(folder, stem, "images", "idx3");
    let labels = find(folder, stem, "labels", "idx1");
    let (images, labels) = match (images, labels) {
        (Some(images), Some(labels)) => (images, labels),
        (None, None) => return Ok(None),
        (None, _) => return Err(absent(folder, &[&format!("{stem}-images-idx3-ubyte")])),
        (_, None) => return Err(absent(folder, &[&format!("{stem}-labels-idx1-ubyte")])),
    };
    (options.progress)(Progress::Reading { file: &images });
    let image_values = idx::read_images(&images)?;
    (options.progress)(Progress::Reading { file: &labels });
    let label_values = idx::read_labels(&labels)?;
    Ok(Some(Part {
        prefix,
        images: (FileRead { path: images, sha256: image_values.sha256.clone() }, image_values),
        labels: (FileRead { path: labels, sha256: label_values.sha256.clone() }, label_values),
    }))
}

/// `train-images-idx3-ubyte`, or `train-images.idx3-ubyte` as some copies are called, unpacked or gzipped.
fn find(folder: &Path, stem: &str, kind: &str, rank: &str) -> Option<PathBuf> {
    let names = ["-", "."].map(|joint| format!("{stem}-{kind}{joint}{rank}-ubyte"));
    first_file(folder, names.iter().flat_map(|name| [name.clone(), format!("{name}.gz")]))
}

/// Whether a file of this name is read as another part, and so is not the misspelt one.
fn is_known(name: &str) -> bool {
    let bare = name.strip_suffix(".gz").unwrap_or(name).replacen(".idx", "-idx", 1);
    ["train", "t10k"].iter().any(|stem| {
        bare == format!("{stem}-images-idx3-ubyte") || bare == format!("{stem}-labels-idx1-ubyte")
    })
}

fn absent(folder: &Path, names: &[&str]) -> Error {
    let there: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| !is_known(name))
        .collect();
    let near = names.iter().find_map(|name| nearest(name, there.iter().map(String::as_str)));
    Error::Malformed {
        what: "files".into(),
        path: folder.to_owned(),
        expected: format!("{} (or .gz)", names.join(" and ")),
        found: "none of that name".into(),
        hint: near.map(|near| format!("is `{near}` the file? Rename it")),
    }
}

fn classes(folder: &Path) -> Result<Vec<String>> {
    let path = folder.join(CLASSES_FILE);
    let mut text = String::new();
    match File::open(&path) {
        Ok(file) => file
            .take(CLASSES_BYTES_MOST)
            .read_to_string(&mut text)
            .map_err(|source| read_failure(&path, source))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((0..10).map(|class| class.to_string()).collect());
        }
        Err(source) => return Err(read_failure(&path, source)),
    };
    parse_classes(&path, &text)
}

fn parse_classes(path: &Path, text: &str) -> Result<Vec<String>> {
    let malformed = |what: String, expected: String, found: String| {
        Err(Error::Malformed { what, path: path.to_owned(), expected, found, hint: None })
    };
    let names: Vec<String> = text.trim_end().lines().map(|line| line.trim().to_owned()).collect();
    for (row, name) in names.iter().enumerate() {
        if name.is_empty() {
            return malformed(
                format!("line {}", row + 1),
                "the name of a class".into(),
                "an empty line".into(),
            );
        }
        if let Some(first) = names[..row].iter().position(|earlier| earlier == name) {
            let found = format!("`{name}` again, as in line {}", first + 1);
            return malformed(format!("line {}", row + 1), "a name of its own".into(), found);
        }
    }
    match names.len() {
        2..=CLASSES_MOST => Ok(names),
        found => malformed("classes".into(), format!("2 to {CLASSES_MOST} names"), found.to_string()),
    }
}

fn read_failure(path: &Path, source: io::Error) -> Error {
    Error::Io { action: "read", path: path.to_owned(), source }
}
