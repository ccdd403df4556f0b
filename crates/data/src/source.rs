//! From what a user types to a data set whose every byte was checked.
//!
//! ```text
//! fashion-mnist    a data set known by name
//! idx:PATH         a folder of IDX files: {train,t10k}-{images-idx3,labels-idx1}-ubyte, each also as .gz;
//!                  the t10k pair may be absent; classes.txt, one name a line, names the classes (else 0 to 9)
//! folder:PATH      pictures in folders: CLASS/…, or train/CLASS/…, val/CLASS/… and test/CLASS/…;
//!                  or pictures with a table, metadata.csv or metadata.jsonl
//! csv:PATH         a table of paths and labels; .jsonl likewise
//! parquet:PATH     a file, or a folder of files, with the bytes of pictures and labels, as Hugging Face writes them
//! npz:PATH         arrays x_train, y_train, x_test, y_test, as Keras' data sets have them
//! ```

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use seamripper_core::nearest::nearest;
use seamripper_core::sample::{Ids, ImageSet};

use crate::idx::{Images, Labels};
use crate::named::{self, Named};
use crate::options::OpenOptions;
use crate::pictures::Photos;
use crate::predictions_file::parquet_table::guarded;
use crate::{Error, Result, RowProblems};

mod folder;
mod idx_folder;
mod npz;
mod parquet;
mod table;

/// Where images come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A data set known by name.
    Named(&'static Named),
    /// A folder of IDX files.
    Idx(PathBuf),
    /// Pictures in folders.
    Folder(PathBuf),
    /// A table of paths, CSV or JSON lines.
    Table(PathBuf),
    /// Pictures in Parquet.
    Parquet(PathBuf),
    /// Arrays of numpy.
    Npz(PathBuf),
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
    /// What happened to the pictures, if they were encoded ones.
    pub photos: Option<Photos>,
}

impl Dataset {
    /// Images whose splits are given and that needed no decoding.
    pub fn new(name: String, train: ImageSet, test: Option<ImageSet>, origin: Origin) -> Self {
        Self { name, train, test, origin, photos: None }
    }
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

/// What stands before the colon, and the source it makes of the path behind it.
type Scheme = (&'static str, fn(PathBuf) -> Source);

/// All schemes.
const SCHEMES: [Scheme; 6] = [
    ("folder", Source::Folder),
    ("csv", Source::Table),
    ("jsonl", Source::Table),
    ("parquet", Source::Parquet),
    ("npz", Source::Npz),
    ("idx", Source::Idx),
];

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
            let schemes = SCHEMES.map(|(scheme, _)| format!("{scheme}:PATH"));
            let expected = format!("{}, {}", names.join(", "), schemes.join(", "));
            Err(Error::UnknownSource { text: text.to_owned(), expected, found, nearest })
        };
        let known = |scheme: &str| SCHEMES.iter().find(|(known, _)| *known == scheme);
        match text.split_once(':') {
            Some((scheme, "")) if known(scheme).is_some() => problem("no path".into(), None),
            Some((scheme, path)) => match known(scheme) {
                Some((_, source)) => Ok(source(path.into())),
                None => {
                    let near = nearest(scheme, SCHEMES.map(|(scheme, _)| scheme));
                    problem(format!("scheme `{scheme}`"), near.map(|scheme| format!("{scheme}:{path}")))
                }
            },
            None => {
                let looks_like_path = text.contains(['/', '\\', '.']);
                let name = nearest(text, named::ALL.iter().map(|named| named.name)).map(str::to_owned);
                let near = if looks_like_path { Some(format!("{}:{text}", scheme_of(text))) } else { name };
                let what = if looks_like_path { "a path without a scheme" } else { "another name" };
                problem(what.into(), near)
            }
        }
    }
}

/// The scheme that a path without one probably needs.
fn scheme_of(path: &str) -> &'static str {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let known =
        ["csv", "jsonl", "parquet", "npz"].into_iter().find(|known| extension.eq_ignore_ascii_case(known));
    known.unwrap_or(if Path::new(path).join("train-images-idx3-ubyte").is_file() { "idx" } else { "folder" })
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(named) => f.write_str(named.name),
            Self::Idx(path) => write!(f, "idx:{}", path.display()),
            Self::Folder(path) => write!(f, "folder:{}", path.display()),
            Self::Table(path) => {
                let scheme = if table::is_jsonl(path) { "jsonl" } else { "csv" };
                write!(f, "{scheme}:{}", path.display())
            }
            Self::Parquet(path) => write!(f, "parquet:{}", path.display()),
            Self::Npz(path) => write!(f, "npz:{}", path.display()),
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
        Source::Folder(folder) => folder::open(folder, options),
        Source::Table(file) => table::open(file, options),
        Source::Parquet(path) => guarded(path, || parquet::open(path, options)),
        Source::Npz(file) => npz::open(file, options),
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
    let test = test.map(|part| image_set(part, &classes));
    Ok(Dataset::new(name.to_owned(), image_set(train, &classes), test, origin(files)))
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
