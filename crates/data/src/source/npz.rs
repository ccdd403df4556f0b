//! `npz:PATH`: arrays of numpy, `u8`, `[n, h, w]` or `[n, h, w, c]`, with labels `[n]` or `[n, 1]`.
//!
//! ```text
//! x_train, y_train, x_test, y_test (and x_val, y_val)                     Keras' data sets
//! train_images, train_labels, test_images, test_labels (and val_…)        MedMNIST
//! images, labels                                                          one part; a test split is held out
//! classes                                                                 names, optional (else the numbers)
//! ```

use std::path::Path;
use std::sync::Arc;

use seamripper_core::sample::{Ids, ImageSet, Split};

use super::{Dataset, FileRead, Origin};
use crate::options::{OpenOptions, Progress};
use crate::predictions_file::npy::Values;
use crate::predictions_file::npz_table::Archive;
use crate::{Error, Result, RowProblems, checksum, split};

/// Names of the arrays of a part, in three manners.
const NAMES: [(Split, [[&str; 2]; 3]); 3] = [
    (Split::Train, [["x_train", "y_train"], ["train_images", "train_labels"], ["images", "labels"]]),
    (Split::Validation, [["x_val", "y_val"], ["val_images", "val_labels"], ["x_valid", "y_valid"]]),
    (Split::Test, [["x_test", "y_test"], ["test_images", "test_labels"], ["x_test", "y_test"]]),
];

struct Part {
    split: Split,
    size: [usize; 3],
    pixels: Vec<u8>,
    labels: Vec<String>,
}

pub(super) fn open(file: &Path, options: &OpenOptions<'_>) -> Result<Dataset> {
    (options.progress)(Progress::Reading { file });
    let mut archive = Archive::open(file)?;
    let mut parts = Vec::new();
    for (split, names) in NAMES {
        for [images, labels] in names {
            if let Some(part) = part(&mut archive, file, split, images, labels)? {
                parts.push(part);
                break;
            }
        }
    }
    if !parts.iter().any(|part| part.split == Split::Train) {
        return Err(archive.missing(
            "x_train and y_train (or train_images and train_labels, or images and labels)",
            "x_train",
        ));
    }
    let size = parts[0].size;
    if let Some(other) = parts.iter().find(|part| part.size != size) {
        let (expected, found) = (format!("{size:?}, as in train"), format!("{:?}", other.size));
        return Err(malformed(file, &format!("size of the {} images", other.split.name()), expected, found));
    }
    let classes = classes(&mut archive, file, &parts)?;
    let sha256 = checksum::of_file(file).map_err(|source| Error::Io {
        action: "read",
        path: file.to_owned(),
        source,
    })?;
    assemble(file, classes, parts, sha256, options)
}

/// Images and labels of those names, if both are there.
fn part(
    archive: &mut Archive<'_>,
    file: &Path,
    split: Split,
    images: &str,
    labels: &str,
) -> Result<Option<Part>> {
    let Some((shape, pixels)) = archive.bytes(images)? else { return Ok(None) };
    let size = match shape[..] {
        [_, h, w] => [h, w, 1],
        [_, h, w, c @ (1 | 3)] => [h, w, c],
        _ => {
            let expected = "[n, h, w], [n, h, w, 1] or [n, h, w, 3]".to_owned();
            return Err(malformed(file, &format!("shape of {images}"), expected, format!("{shape:?}")));
        }
    };
    if size.contains(&0) {
        return Err(malformed(
            file,
            &format!("shape of {images}"),
            "at least one pixel".into(),
            format!("{shape:?}"),
        ));
    }
    let mut array = archive.required(labels)?;
    if array.shape == [shape[0], 1] {
        array.shape = vec![shape[0]];
    }
    let labels = archive.texts(labels, array, shape[0])?;
    Ok(Some(Part { split, size, pixels, labels }))
}

/// The names of `classes`, or all labels in natural order.
fn classes(archive: &mut Archive<'_>, file: &Path, parts: &[Part]) -> Result<Vec<String>> {
    let mut found: Vec<String> = parts.iter().flat_map(|part| part.labels.iter().cloned()).collect();
    found.sort_unstable();
    found.dedup();
    super::folder::natural(&mut found, String::clone);
    let Some(array) = archive.array("classes")? else {
        return match found.len() {
            2.. => Ok(found),
            n => Err(malformed(file, "labels", "at least 2 classes".into(), n.to_string())),
        };
    };
    let n = array.shape.first().copied().unwrap_or(0);
    if !matches!(array.values, Values::Text(_)) {
        return Err(malformed(file, "type of classes", "texts".into(), "numbers".into()));
    }
    archive.texts("classes", array, n)
}

fn assemble(
    file: &Path,
    classes: Vec<String>,
    parts: Vec<Part>,
    sha256: String,
    options: &OpenOptions<'_>,
) -> Result<Dataset> {
    let size = parts[0].size;
    let (mut pixels, mut labels, mut splits, mut names) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut problems = RowProblems::default();
    for part in parts {
        pixels.extend(part.pixels);
        for (row, text) in part.labels.iter().enumerate() {
            // A label is the name of a class, or the place of one.
            let place = classes.iter().position(|class| class == text);
            let place = place.or_else(|| text.parse().ok().filter(|&place| place < classes.len()));
            if place.is_none() {
                problems.push(|| format!("{text} at row {row} of {}", part.split.name()));
            }
            labels.push(place.unwrap_or(0) as u32);
            splits.push(part.split);
            names.push(format!("{}-{row:05}", part.split.name()).into());
        }
    }
    if problems.count() > 0 {
        return Err(Error::LabelOutOfRange { path: file.to_owned(), classes: classes.len(), rows: problems });
    }
    let classes: Arc<[String]> = classes.into();
    let count = classes.len();
    let images = &options.images;
    let mut is_test: Vec<bool> = splits.iter().map(|&split| split == Split::Test).collect();
    if !is_test.contains(&true) && images.test > 0.0 {
        let open: Vec<usize> = (0..splits.len()).filter(|&row| splits[row] == Split::Train).collect();
        let part: Vec<u32> = open.iter().map(|&row| labels[row]).collect();
        for row in split::stratified(&part, count, images.test, images.test_seed).1 {
            is_test[open[row]] = true;
        }
    }
    let held: Vec<bool> = splits.iter().map(|&split| split == Split::Validation).collect();
    let held = held.contains(&true).then_some(held);
    let all = ImageSet::new(size, pixels, labels, classes, Ids::Names(names)).with_held(held);
    let (test, train): (Vec<usize>, Vec<usize>) = (0..all.len()).partition(|&row| is_test[row]);
    let origin = Origin {
        files: vec![FileRead { path: file.to_owned(), sha256 }],
        verified: false,
        downloaded: false,
    };
    let test = (!test.is_empty()).then(|| all.select(&test));
    Ok(Dataset::new(format!("npz:{}", file.display()), all.select(&train), test, origin))
}

fn malformed(path: &Path, what: &str, expected: String, found: String) -> Error {
    Error::Malformed { what: what.to_owned(), path: path.to_owned(), expected, found, hint: None }
}
