//! Where data is looked for, as plain values: this crate reads no environment, so a test can point everywhere.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use seamripper_core::graph::Preprocessing;
use seamripper_core::recipe::{DataOptions, Filter, Fit};

/// How [`crate::source::open`] goes about it.
pub struct OpenOptions<'a> {
    /// The folder of `--data`.
    pub data: Option<PathBuf>,
    /// The folder of `$SEAMRIPPER_DATA`.
    pub env_data: Option<PathBuf>,
    /// The user's cache folder for this program; downloads go to `<cache>/<name of the data set>`.
    pub cache: PathBuf,
    /// Where the packages of the distribution put data sets.
    pub system: PathBuf,
    /// Whether a data set that is nowhere may be downloaded.
    pub download: Download,
    /// How pictures become images of one size.
    pub images: ImageOptions,
    /// Ids of the only pictures to decode; the others are left out, and not counted. All, if there are none.
    pub only: Option<&'a HashSet<String>>,
    /// Told what is going on.
    pub progress: &'a (dyn Fn(Progress<'_>) + Sync),
}

/// How encoded pictures (folders, tables, Parquet) become images of one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageOptions {
    /// `[h, w, c]`, if a model says so.
    pub size: Option<[usize; 3]>,
    /// `[h, w]` where no model says; if it is not given either, that of the pictures, or 64 x 64 where they differ.
    pub height_and_width: Option<[usize; 2]>,
    /// What happens to proportions.
    pub fit: Fit,
    /// How pixels between pixels are found.
    pub filter: Filter,
    /// Share held out as a test split, the same of every class, where the source has none; 0 = none.
    pub test: f64,
    /// Names the draw of that split, which is the same for every run.
    pub test_seed: u64,
    /// Whether a file that cannot be used is an error.
    pub strict: bool,
    /// Decoded pixels that are more bytes than this are kept in a file in the cache folder, and read from there.
    pub memory: usize,
}

/// Pixels that are kept in memory: most data sets of small pictures fit.
const MEMORY: usize = 256 << 20;

impl ImageOptions {
    /// As a recipe says, for a model of images of `size`, `[h, w, c]`.
    pub fn of(data: &DataOptions, size: [usize; 3]) -> Self {
        Self { size: Some(size), fit: data.fit, filter: data.resize, test: data.test, ..Self::default() }
    }

    /// The same, but with the fit and filter that a model was trained with, where its file says so.
    pub fn wished(self, preprocessing: &Preprocessing) -> Self {
        let Preprocessing { fit, resize, .. } = preprocessing;
        Self { fit: fit.unwrap_or(self.fit), filter: resize.unwrap_or(self.filter), ..self }
    }
}

impl Default for ImageOptions {
    fn default() -> Self {
        let (fit, filter) = (Fit::default(), Filter::default());
        Self {
            size: None,
            height_and_width: None,
            fit,
            filter,
            test: DataOptions::DEFAULT_TEST,
            test_seed: 0,
            strict: false,
            memory: MEMORY,
        }
    }
}

/// Where Debian's packages put data sets.
pub const SYSTEM_FOLDER: &str = "/usr/share/datasets";

/// Whether, and from where, a named data set may be downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Download {
    /// From its publisher.
    FromPublisher,
    /// From a copy of the publisher's folder at this URL.
    FromMirror(String),
    /// Not at all.
    Forbidden,
}

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// A file is being read and verified.
    Reading {
        /// Which.
        file: &'a Path,
    },
    /// Pictures are being decoded.
    Decoding {
        /// How many are.
        done: usize,
        /// How many there are.
        total: usize,
    },
    /// A part of a file has arrived.
    Downloading {
        /// From where.
        url: &'a str,
        /// Bytes on the disk, those of an earlier attempt included.
        done: u64,
        /// Bytes the file will have, if the server says so.
        total: Option<u64>,
    },
}

impl OpenOptions<'_> {
    /// Looks in the system's folder only, downloads nothing and reports nothing: for tests and as a base for others.
    pub fn offline() -> Self {
        Self {
            data: None,
            env_data: None,
            cache: PathBuf::new(),
            system: SYSTEM_FOLDER.into(),
            download: Download::Forbidden,
            images: ImageOptions::default(),
            only: None,
            progress: &|_| {},
        }
    }
}
