//! What can be wrong with files, and the way out of it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why something could not be read, written or fetched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `read`, `write`, `create`.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The cause it gave.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{what} of {}: expected {expected}, found {found}", path.display())]
    Malformed {
        /// Which part of the file.
        what: String,
        /// The file.
        path: PathBuf,
        /// What belongs there.
        expected: String,
        /// What is there.
        found: String,
        /// The way out, where there is one.
        hint: Option<String>,
    },
    /// Labels that are not an index into the classes.
    #[error("labels of {}: expected 0 to {}, found {rows}", path.display(), classes - 1)]
    LabelOutOfRange {
        /// The file of labels.
        path: PathBuf,
        /// Number of classes.
        classes: usize,
        /// `<label> at row <row>` of the first few, and how many there are.
        rows: RowProblems,
    },
    /// A payload is not the publisher's.
    #[error("sha256 of the unpacked payload of {}: expected {expected}, found {found}", path.display())]
    Checksum {
        /// The file, packed or not.
        path: PathBuf,
        /// The publisher's digest.
        expected: String,
        /// The digest of what is there.
        found: String,
        /// Whether it has just been downloaded (and was removed again).
        downloaded: bool,
    },
    /// A named data set is at none of the places it may be at.
    #[error("data set `{name}`: expected its files in one of these places, found none complete\n{places}")]
    DatasetNotFound {
        /// Its name.
        name: &'static str,
        /// A line a place: where it was looked for and what was there.
        places: String,
        /// The package of the distribution that holds it.
        package: &'static str,
    },
    /// A file could not be fetched.
    #[error("download of {url}: {reason}")]
    Download {
        /// From where.
        url: String,
        /// `expected X, found Y`, or the cause the network gave.
        reason: String,
        /// The package of the distribution that holds the same file.
        package: &'static str,
    },
    /// A source that is no name and no `scheme:PATH` this program knows.
    #[error("data source `{text}`: expected {expected}, found {found}")]
    UnknownSource {
        /// As typed.
        text: String,
        /// What is supported.
        expected: String,
        /// What it looks like.
        found: String,
        /// The nearest supported source.
        nearest: Option<String>,
    },
    /// Files that cannot be used, where all were asked for.
    #[error("files of {}: expected a usable picture in each, found {files}", path.display())]
    LeftOut {
        /// The folder or table.
        path: PathBuf,
        /// The first few, and how many there are.
        files: RowProblems,
    },
    /// Rows of a table that cannot be used; all of them were looked at.
    #[error("rows of {}: expected a usable prediction in each, found {problems}", path.display())]
    Rows {
        /// The table.
        path: PathBuf,
        /// The first few problems, and how many there are.
        problems: RowProblems,
        /// Whether its probabilities look like logits.
        logits: bool,
    },
    /// Rows of a file of columns that cannot be used; all of them were looked at.
    #[error("rows of {}: expected the columns of each image once, found {problems}", path.display())]
    ColumnRows {
        /// The file.
        path: PathBuf,
        /// The first few problems, and how many there are.
        problems: RowProblems,
    },
    /// Classes that corrections leave without a training image.
    #[error("corrections {}: expected to leave an image of every class, found none left of {classes}", files.join(" and "))]
    NoneLeft {
        /// The tables, as typed.
        files: Vec<String>,
        /// The classes.
        classes: String,
    },
    /// Rows of a `relabel.csv` that cannot be used; all of them were looked at.
    #[error("rows of {}: expected a usable label in each, found {problems}", path.display())]
    RelabelRows {
        /// The table.
        path: PathBuf,
        /// The first few problems, and how many there are.
        problems: RowProblems,
    },
}

impl Error {
    /// A table at `path` that the CSV reader refused.
    pub(crate) fn of_csv(path: &Path, error: csv::Error) -> Self {
        let path = path.to_owned();
        match error.into_kind() {
            csv::ErrorKind::Io(source) => Self::Io { action: "read", path, source },
            other => Self::Malformed {
                what: "table".into(),
                path,
                expected: "CSV".into(),
                found: format!("{other:?}"),
                hint: None,
            },
        }
    }

    /// A record of the CSV table at `path`; `Ok(Err(line))` if it is not UTF-8, which concerns that line alone.
    pub(crate) fn csv_record<T>(
        path: &Path,
        record: std::result::Result<T, csv::Error>,
    ) -> std::result::Result<std::result::Result<T, u64>, Self> {
        match record {
            Ok(record) => Ok(Ok(record)),
            Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                Ok(Err(error.position().map_or(0, csv::Position::line)))
            }
            Err(error) => Err(Self::of_csv(path, error)),
        }
    }

    /// The way out, if there is one to name.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { action, source, .. } => io_hint(action, source.kind()),
            Self::Malformed { hint, .. } => hint.clone(),
            Self::LabelOutOfRange { .. } => Some(
                "name every class, one a line in the order of the labels, in a file `classes.txt` beside the labels"
                    .into(),
            ),
            Self::Checksum { downloaded: true, .. } => Some(
                "the file was removed; run the command again, or give a folder that holds the data set with --data"
                    .into(),
            ),
            Self::Checksum { downloaded: false, .. } => {
                Some("the file is damaged or another version; remove it, or give another folder with --data".into())
            }
            Self::DatasetNotFound { package, .. } => Some(format!(
                "install it with `apt-get install {package}`, or give the folder that holds its files with --data DIR"
            )),
            Self::Download { package, .. } => Some(format!(
                "run the command again, it goes on where it stopped; or `apt-get install {package}`; or give the \
                 folder that holds the files with --data DIR"
            )),
            Self::UnknownSource { nearest, .. } => {
                nearest.as_ref().map(|nearest| format!("did you mean `{nearest}`?"))
            }
            Self::LeftOut { .. } => Some("repair or remove them; without --strict they are left out and counted".into()),
            Self::Rows { logits: true, .. } => {
                Some("these are no probabilities but look like logits: if they are, add --logits".into())
            }
            Self::ColumnRows { .. } => {
                Some("give every image of the table one row; rows of other images do no harm".into())
            }
            Self::Rows { .. } => {
                Some("correct these rows, or leave them out of the table: none is skipped silently".into())
            }
            Self::RelabelRows { .. } => {
                Some("correct these rows or leave them out: nothing is changed before all rows can be used".into())
            }
            Self::NoneLeft { .. } => {
                Some("unflag some of their rows, or train without these classes in the data set".into())
            }
        }
    }
}

fn io_hint(action: &str, kind: io::ErrorKind) -> Option<String> {
    use io::ErrorKind::{
        AlreadyExists, NotADirectory, NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem,
        StorageFull,
    };
    let hint = match (action, kind) {
        (_, StorageFull | QuotaExceeded) => "free some space, or choose a folder on another disk",
        ("read", NotFound) => "check the spelling of the path",
        ("read", PermissionDenied) => "make the file readable for this user",
        (_, PermissionDenied | ReadOnlyFilesystem) => "choose a folder this user can write to",
        (_, NotFound) => "create the folder first, or choose another",
        ("create", AlreadyExists) => "a file has this name: choose another folder",
        (_, NotADirectory) => "a part of this path is a file: choose another folder",
        _ => return None,
    };
    Some(hint.into())
}

/// The first few of many problems, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowProblems {
    shown: Vec<String>,
    count: usize,
}

impl RowProblems {
    /// How many problems are written out.
    pub const SHOWN: usize = 10;

    /// Counts a problem, and keeps its text if it is among the first [`Self::SHOWN`].
    pub fn push(&mut self, problem: impl FnOnce() -> String) {
        if self.shown.len() < Self::SHOWN {
            self.shown.push(problem());
        }
        self.count += 1;
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }
}

impl fmt::Display for RowProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = &self.shown[..] {
            return f.write_str(only);
        }
        write!(f, "{} problems", self.count)?;
        for problem in &self.shown {
            write!(f, "\n  {problem}")?;
        }
        match self.count - self.shown.len() {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}
