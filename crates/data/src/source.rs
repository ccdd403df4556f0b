//! From what a user types to a data set whose every byte was checked.
//!
//! ```text
//! fashion-mnist    a data set known by name
//! idx:PATH         a folder of IDX files: {train,t10k}-{images-idx3,labels-idx1}-ubyte, each also as .gz;
//!                  the t10k pair may be absent; classes.txt, one name a line, names the classes (else 0 to 9)
//! ```

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use seamripper_core::nearest::nearest;
use seamripper_core::sample::{Ids, ImageSet};

use crate::idx::{Images, Labels};
use crate::named::{self, Named};
use crate::options::OpenOptions;
use crate::{Error, Result, RowProblems};

mod idx_folder;

/// Where images come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A data set known by name.
    Named(&'static Named),
    /// A folder of IDX files.
    Idx(PathBuf),
}

/// A data set in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// What it is called: its name, or the source as typed.
    pub name: String,
    /// What weights are fitted on (and validation images are held out of).
    pub train: ImageSet,
    /// What is read once, at the end.
    pub test: Option<ImageSet>,
    /// The files it was read from.
    pub origin: Origin,
}

/// The files a data set was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Every file, images before labels, the training part first.
    pub files: Vec<FileRead>,
    /// Whether the digests are the publisher's.
    pub verified: bool,
    /// Whether some of them have just been downloaded.
    pub downloaded: bool,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRead {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of its unpacked payload.
    pub sha256: String,
}

/// Schemes that are planned (ARCHITECTURE.md) and not read yet.
const LATER: [&str; 4] = ["folder", "parquet", "csv", "npz"];

impl Source {
    /// Understands a source as typed. Looks at no file.
    ///
    /// # Errors
    /// [`Error::UnknownSource`], with what is supported and the nearest of it.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some(named) = named::by_name(text) {
            return Ok(Self::Named(named));
        }
        let problem = |found: String, nearest: Option<String>| {
            let names: Vec<_> = named::ALL.iter().map(|named| named.name).collect();
            let expected = format!("{} or idx:PATH", names.join(", "));
            Err(Error::UnknownSource { text: text.to_owned(), expected, found, nearest })
        };
        match text.split_once(':') {
            Some(("idx", "")) => problem("no path".into(), None),
            Some(("idx", path)) => Ok(Self::Idx(path.into())),
            Some((scheme, _)) if LATER.contains(&scheme) => {
                problem(format!("scheme `{scheme}`, which this version does not read yet"), None)
            }
            Some((scheme, path)) => {
                let near = nearest(scheme, ["idx"]).map(|scheme| format!("{scheme}:{path}"));
                problem(format!("scheme `{scheme}`"), near)
            }
            None => {
                let looks_like_path = text.contains(['/', '\\', '.']);
                let name = nearest(text, named::ALL.iter().map(|named| named.name)).map(str::to_owned);
                let near = if looks_like_path { Some(format!("idx:{text}")) } else { name };
                let what = if looks_like_path { "a path without a scheme" } else { "another name" };
                problem(what.into(), near)
            }
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(named) => f.write_str(named.name),
            Self::Idx(path) => write!(f, "idx:{}", path.display()),
        }
    }
}

/// Reads all of a data set.
///
/// # Errors
/// All of [`Error`] that concerns images and labels.
pub fn open(source: &Source, options: &OpenOptions<'_>) -> Result<Dataset> {
    match source {
        Source::Named(named) => named.open(options),
        Source::Idx(folder) => idx_folder::open(folder, options),
    }
}

/// One part of a data set as its two files give it.
pub(crate) struct Part {
    /// What the ids of its images begin with.
    pub prefix: &'static str,
    pub images: (FileRead, Images),
    pub labels: (FileRead, Labels),
}

/// Checks that the files belong together, and puts them together.
pub(crate) fn assemble(
    name: &str,
    classes: Vec<String>,
    train: Part,
    test: Option<Part>,
    origin: impl FnOnce(Vec<FileRead>) -> Origin,
) -> Result<Dataset> {
    let parts = || std::iter::once(&train).chain(&test);
    let files = parts().flat_map(|part| [part.images.0.clone(), part.labels.0.clone()]).collect();
    if let Some(test) = &test {
        check_sizes(&train, test)?;
    }
    for part in parts() {
        check_counts(part)?;
        check_labels(part, classes.len())?;
    }
    let classes: Arc<[String]> = classes.into();
    Ok(Dataset {
        name: name.to_owned(),
        train: image_set(train, &classes),
        test: test.map(|part| image_set(part, &classes)),
        origin: origin(files),
    })
}

fn check_sizes(train: &Part, test: &Part) -> Result<()> {
    let [_, h, w] = train.images.1.shape;
    let [_, test_h, test_w] = test.images.1.shape;
    if [h, w] == [test_h, test_w] {
        return Ok(());
    }
    Err(Error::Malformed {
        what: "size of the images".into(),
        path: test.images.0.path.clone(),
        expected: format!("{h} x {w}, as in {}", train.images.0.path.display()),
        found: format!("{test_h} x {test_w}"),
        hint: None,
    })
}

fn check_counts(part: &Part) -> Result<()> {
    let (images, labels) = (part.images.1.shape[0], part.labels.1.labels.len());
    if images == labels {
        return Ok(());
    }
    Err(Error::Malformed {
        what: "number of labels".into(),
        path: part.labels.0.path.clone(),
        expected: format!("{images}, one for each image of {}", part.images.0.path.display()),
        found: labels.to_string(),
        hint: Some("the two files are not a pair, or one was cut; get both from the same place again".into()),
    })
}

fn check_labels(part: &Part, classes: usize) -> Result<()> {
    let mut rows = RowProblems::default();
    for (row, &label) in part.labels.1.labels.iter().enumerate() {
        if usize::from(label) >= classes {
            rows.push(|| format!("{label} at row {row}"));
        }
    }
    match rows.count() {
        0 => Ok(()),
        _ => Err(Error::LabelOutOfRange { path: part.labels.0.path.clone(), classes, rows }),
    }
}

fn image_set(part: Part, classes: &Arc<[String]>) -> ImageSet {
    let [n, h, w] = part.images.1.shape;
    let rows = (0..n as u32).collect();
    let labels = part.labels.1.labels.into_iter().map(u32::from).collect();
    let ids = Ids::Rows { prefix: part.prefix.into(), rows };
    ImageSet::new([h, w, 1], part.images.1.pixels, labels, classes.clone(), ids)
}

/// The first of `names` that is a file in `folder`.
pub(crate) fn first_file(folder: &Path, names: impl IntoIterator<Item = String>) -> Option<PathBuf> {
    names.into_iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests;
