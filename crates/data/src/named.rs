//! Data sets known by name: where they are looked for, where they come from, and what their bytes must be.
//!
//! *Idea*: the folders are looked through in a fixed order; the first that holds all files is read. If none does, the
//! missing files are downloaded into the user's cache folder. Wherever a file comes from, its unpacked payload is
//! hashed while it is read and must be the publisher's (the gzip wrappers of mirrors differ); a download gets its
//! name only after that.

use std::fs;
use std::path::{Path, PathBuf};

use crate::download::{self, Failure};
use crate::idx;
use crate::options::{Download, OpenOptions, Progress};
use crate::source::{Dataset, FileRead, Origin, Part, assemble};
use crate::{Error, Result, whole_file};

/// A data set known by name.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: &'static str,
    /// Debian's package of it.
    pub package: &'static str,
    /// The publisher's folder, which holds `<file>.gz`.
    pub publisher: &'static str,
    /// Class names in the order of the labels.
    pub classes: &'static [&'static str],
    /// Images and labels of the training part, images and labels of the test part.
    pub files: [NamedFile; 4],
}

/// One file of a named data set.
#[derive(Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// Its unpacked name.
    pub name: &'static str,
    /// SHA-256 of the unpacked payload.
    pub sha256: &'static str,
    /// Bytes of the unpacked payload.
    pub bytes: u64,
}

/// Zalando's Fashion-MNIST. Xiao, Rasul and Vollgraf (2017), "Fashion-MNIST: a Novel Image Dataset for Benchmarking
/// Machine Learning Algorithms", arXiv:1708.07747.
pub static FASHION_MNIST: Named = Named {
    name: "fashion-mnist",
    package: "dataset-fashion-mnist",
    publisher: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    classes: &[
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ],
    files: [
        NamedFile {
            name: "train-images-idx3-ubyte",
            sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            bytes: 47_040_016,
        },
        NamedFile {
            name: "train-labels-idx1-ubyte",
            sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            bytes: 60_008,
        },
        NamedFile {
            name: "t10k-images-idx3-ubyte",
            sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            bytes: 7_840_016,
        },
        NamedFile {
            name: "t10k-labels-idx1-ubyte",
            sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            bytes: 10_008,
        },
    ],
};

/// All of them.
pub static ALL: &[&Named] = &[&FASHION_MNIST];

/// The data set of that name.
pub fn by_name(name: &str) -> Option<&'static Named> {
    ALL.iter().copied().find(|named| named.name == name)
}

/// A gzipped file is never larger than its payload by more than this.
const GZIP_SURPLUS: u64 = 1 << 16;

impl Named {
    /// Finds or fetches the files, reads and verifies them.
    ///
    /// # Errors
    /// [`Error::DatasetNotFound`] with every place and what was there; [`Error::Checksum`]; [`Error::Download`].
    pub fn open(&'static self, options: &OpenOptions<'_>) -> Result<Dataset> {
        let mut looked = Vec::new();
        let located = self.locate(options, &mut looked);
        let files = match located {
            Some(files) => files,
            None => self.fetch(options, &mut looked)?,
        };
        let downloaded = files.iter().any(|file| matches!(file, Located::Fetched { .. }));
        let [train_images, train_labels, test_images, test_labels] = &files;
        // The test part is unpacked beside the training part, which takes six times as long.
        let (train, test) = std::thread::scope(|scope| {
            let test = scope.spawn(|| self.part("test", [test_images, test_labels], 2, options));
            let train = self.part("train", [train_images, train_labels], 0, options);
            (train, test.join().expect("a loader does not panic"))
        });
        let (train, test) = (train?, test?);
        let classes = self.classes.iter().map(|&name| name.to_owned()).collect();
        assemble(self.name, classes, train, Some(test), |files| Origin { files, verified: true, downloaded })
    }

    fn part(
        &self,
        prefix: &'static str,
        [images, labels]: [&Located; 2],
        first: usize,
        options: &OpenOptions<'_>,
    ) -> Result<Part> {
        let images = self.files[first].read(images, options, idx::read_images, |images| &images.sha256)?;
        let labels =
            self.files[first + 1].read(labels, options, idx::read_labels, |labels| &labels.sha256)?;
        Ok(Part { prefix, images, labels })
    }

    /// The files in the first place that holds them all; says in `looked` what was at the others.
    fn locate(&self, options: &OpenOptions<'_>, looked: &mut Vec<String>) -> Option<[Located; 4]> {
        let places = [
            ("--data", options.data.as_ref()),
            ("$SEAMRIPPER_DATA", options.env_data.as_ref()),
            ("cache", Some(&options.cache)),
            ("system", Some(&options.system)),
        ];
        for (label, place) in places {
            let Some(place) = place else {
                looked.push(format!("  {label}: not given"));
                continue;
            };
            let mut missing = Vec::new();
            for folder in [place.join(self.name), place.clone()] {
                let found = self.files.each_ref().map(|file| file.find(&folder));
                if found.iter().all(Option::is_some) {
                    return Some(found.map(|path| Located::There(path.expect("all were found"))));
                }
                if found.iter().any(Option::is_some) {
                    missing.extend(
                        self.files.iter().zip(&found).filter(|(_, path)| path.is_none()).map(|(f, _)| f.name),
                    );
                }
            }
            looked.push(format!("  {label} {}: {}", place.display(), absence(place, &missing)));
        }
        None
    }

    /// Downloads what the cache folder lacks.
    fn fetch(&self, options: &OpenOptions<'_>, looked: &mut Vec<String>) -> Result<[Located; 4]> {
        let base = match &options.download {
            Download::FromPublisher => self.publisher,
            Download::FromMirror(url) => url.trim_end_matches('/'),
            Download::Forbidden => {
                looked.push("  download: forbidden".into());
                return Err(self.not_found(looked));
            }
        };
        let folder = options.cache.join(self.name);
        whole_file::create_folder(&folder)?;
        let mut files = Vec::with_capacity(4);
        for file in &self.files {
            files.push(match file.find(&folder) {
                Some(path) => Located::There(path),
                None => self.fetch_one(file, base, &folder, options, looked)?,
            });
        }
        Ok(files.try_into().expect("four files give four places"))
    }

    fn fetch_one(
        &self,
        file: &NamedFile,
        base: &str,
        folder: &Path,
        options: &OpenOptions<'_>,
        looked: &mut Vec<String>,
    ) -> Result<Located> {
        let packed = format!("{}.gz", file.name);
        let url = format!("{base}/{packed}");
        let part = folder.join(format!("{packed}.part"));
        match download::fetch(&url, &part, file.bytes + GZIP_SURPLUS, options.progress) {
            Ok(()) => Ok(Located::Fetched { part, path: folder.join(packed) }),
            Err(Failure::Nothing(reason)) => {
                let _ = fs::remove_file(&part);
                looked.push(format!("  download {url}: {reason}"));
                Err(self.not_found(looked))
            }
            Err(Failure::Broken(reason)) => Err(Error::Download { url, reason, package: self.package }),
            Err(Failure::Disk(source)) => Err(Error::Io { action: "write", path: part, source }),
        }
    }

    fn not_found(&self, looked: &[String]) -> Error {
        Error::DatasetNotFound { name: self.name, places: looked.join("\n"), package: self.package }
    }
}

/// Where a file is.
#[derive(Debug)]
enum Located {
    There(PathBuf),
    /// Just downloaded, under a temporary name until it is verified.
    Fetched {
        part: PathBuf,
        path: PathBuf,
    },
}

impl NamedFile {
    /// The unpacked file, or the gzipped one.
    fn find(&self, folder: &Path) -> Option<PathBuf> {
        [folder.join(self.name), folder.join(format!("{}.gz", self.name))]
            .into_iter()
            .find(|path| path.is_file())
    }

    /// Reads the file, compares its digest, and gives a download its name.
    fn read<T>(
        &self,
        located: &Located,
        options: &OpenOptions<'_>,
        read: impl Fn(&Path) -> Result<T>,
        digest: impl Fn(&T) -> &String,
    ) -> Result<(FileRead, T)> {
        let (from, path, downloaded) = match located {
            Located::There(path) => (path, path, false),
            Located::Fetched { part, path } => (part, path, true),
        };
        (options.progress)(Progress::Reading { file: path });
        let outcome = read(from).and_then(|value| {
            if digest(&value) == self.sha256 {
                return Ok(value);
            }
            let (expected, found) = (self.sha256.into(), digest(&value).clone());
            Err(Error::Checksum { path: path.clone(), expected, found, downloaded })
        });
        if downloaded {
            let kept = if outcome.is_ok() { fs::rename(from, path) } else { fs::remove_file(from) };
            kept.map_err(|source| Error::Io { action: "write", path: path.clone(), source })?;
        }
        let value = outcome?;
        Ok((FileRead { path: path.clone(), sha256: self.sha256.into() }, value))
    }
}

/// What a place without the data set has instead.
fn absence(place: &Path, missing: &[&str]) -> String {
    match (place.is_dir(), missing) {
        (false, _) => "no such folder".into(),
        (true, []) => "none of its files".into(),
        (true, missing) => format!("lacks {}", missing.join(", ")),
    }
}

#[cfg(test)]
mod tests;
