//! From a list of encoded pictures to a data set.
//!
//! *Idea*: every kind of source (folders, tables, Parquet) first makes a [`Listing`]: which pictures, of which class, in
//! which part. Here they are decoded in its order, on all cores, each into the place its row has in one array, so that
//! neither the number of cores nor their speed changes a byte. What cannot be decoded is left out with its reason and
//! counted; the array is closed up over it. `read + left_out` is the number of files that were found.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use seamripper_core::recipe::{Filter, Fit};
use seamripper_core::sample::{Ids, ImageSet, Split};

use crate::checksum;
use crate::options::{ImageOptions, OpenOptions, Progress};
use crate::photo::{self, Fault};
use crate::source::{Dataset, FileRead, Origin};
use crate::split;
use crate::{Error, Result, RowProblems};

mod pixel_file;
#[cfg(test)]
mod tests;

use pixel_file::{Gathered, Kept};

/// Pictures decoded at a time by all threads together.
const BATCH: usize = 256;
/// Larger pictures are decoded one at a time, so that memory does not grow with the number of cores.
const LARGE: u64 = 16_000_000;
/// Height and width of pictures of several sizes, if nobody said which.
const SIDE: usize = 64;
/// No file of a picture is read beyond this.
const FILE_BYTES_MOST: u64 = 1 << 30;

/// Something that is not in the data set, and why.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LeftOut {
    /// Path of the file, or the row.
    pub path: String,
    /// `expected X, found Y`
    pub reason: String,
}

impl LeftOut {
    pub(crate) fn new(path: impl Into<String>, fault: &Fault) -> Self {
        Self { path: path.into(), reason: fault.to_string() }
    }
}

/// What happened to the pictures of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Photos {
    /// Files (or rows) that were found: those read and those left out.
    pub found: usize,
    /// What was left out, in the order it was found.
    pub left_out: Vec<LeftOut>,
    /// Folders of classes that hold nothing.
    pub empty: Vec<String>,
    /// Least and largest height, least and largest width.
    pub heights: [usize; 2],
    /// See `heights`.
    pub widths: [usize; 2],
    /// How many were not of the size of the data set.
    pub resized: usize,
    /// How they were brought to it.
    pub fit: Fit,
    /// See `fit`.
    pub filter: Filter,
    /// Share of the images held out as a test split because the source has none.
    pub test: Option<f64>,
    /// Bytes of pixels that are kept in a file because they are more than [`ImageOptions::memory`].
    pub stored: Option<u64>,
}

/// A picture before it is decoded.
#[derive(Clone, Debug)]
pub(crate) enum Encoded {
    /// A file.
    File(PathBuf),
    /// The bytes of one.
    Bytes(Vec<u8>),
    /// Nothing, where one should be.
    Absent(Fault),
}

/// One picture of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Unique; the path in the source, or a row.
    pub id: String,
    /// Index into the classes.
    pub label: u32,
    /// The part it belongs to, if the source says so.
    pub split: Option<Split>,
    /// Images of one group are never parted.
    pub group: Option<String>,
}

/// Gives the encoded pictures of a listing in its order: at most so many at a time, none at the end.
pub(crate) type Supply<'a> = Box<dyn FnMut(usize) -> Result<Vec<Encoded>> + 'a>;

/// Which pictures there are.
pub(crate) struct Listing {
    /// The source as typed.
    pub name: String,
    /// Its folder or file.
    pub root: PathBuf,
    /// Names of the classes, in natural order.
    pub classes: Vec<String>,
    /// The pictures.
    pub entries: Vec<Entry>,
    /// What is not among them.
    pub left_out: Vec<LeftOut>,
    /// Folders of classes that hold nothing.
    pub empty: Vec<String>,
}

impl Listing {
    /// Decodes all pictures; `supply` is called again for every pass.
    ///
    /// # Errors
    /// [`Error::Malformed`] if fewer than two classes or no picture for training are left, [`Error::LeftOut`] if anything
    /// was left out and that is not wanted; whatever the supply meets.
    pub fn read<'a>(
        mut self,
        options: &OpenOptions<'_>,
        supply: impl Fn() -> Result<Supply<'a>>,
    ) -> Result<Dataset> {
        let images = &options.images;
        let size = match images.size {
            Some(size) => size,
            None => self.size(options, supply()?)?,
        };
        let wanted = |entry: &Entry| options.only.is_none_or(|only| only.contains(&entry.id));
        let mut places = self.entries.iter().map(wanted);
        let mut all = supply()?;
        let supply: Supply<'_> = Box::new(|count| {
            let batch = all(count)?.into_iter();
            let of = |(encoded, wanted)| if wanted { encoded } else { Encoded::Absent(Fault::new("", "")) };
            Ok(batch.zip(places.by_ref().chain(std::iter::repeat(true))).map(of).collect())
        });
        let decoded = decode(&self.entries, size, images, supply, options)?;
        let found = self.entries.iter().filter(|entry| wanted(entry)).count() + self.left_out.len();
        let mut kept = Vec::new();
        for (entry, outcome) in self.entries.into_iter().zip(&decoded.outcomes) {
            match outcome {
                Ok(_) => kept.push(entry),
                Err(_) if !wanted(&entry) => {}
                Err(fault) => self.left_out.push(LeftOut::new(entry.id, fault)),
            }
        }
        if images.strict && !self.left_out.is_empty() {
            let mut files = RowProblems::default();
            for left in &self.left_out {
                files.push(|| format!("{}: {}", left.path, left.reason));
            }
            return Err(Error::LeftOut { path: self.root, files });
        }
        if kept.is_empty() || self.classes.len() < 2 {
            return Err(nothing(&self.root, &kept, &self.classes, &self.left_out));
        }
        let read = decoded.outcomes.iter().flatten();
        let range = |which: usize| {
            let lengths = || read.clone().map(|seen| seen.size[which]);
            [lengths().min().unwrap_or(0), lengths().max().unwrap_or(0)]
        };
        let test_given = kept.iter().any(|entry| entry.split == Some(Split::Test));
        let photos = Photos {
            found,
            left_out: self.left_out,
            empty: self.empty,
            heights: range(0),
            widths: range(1),
            resized: read.clone().filter(|seen| seen.size != [size[0], size[1]]).count(),
            fit: images.fit,
            filter: images.filter,
            test: (!test_given && images.test > 0.0).then_some(images.test),
            stored: matches!(decoded.pixels, Kept::File(_))
                .then(|| kept.len() as u64 * size.iter().product::<usize>() as u64),
        };
        let digest = decoded.digest(&kept);
        let origin = Origin {
            files: vec![FileRead { path: self.root.clone(), sha256: digest }],
            verified: false,
            downloaded: false,
        };
        let share = photos.test.unwrap_or(0.0);
        let (train, test) = parted(size, decoded.pixels, self.classes.into(), kept, share, images.test_seed)
            .ok_or_else(|| nothing_to_train_on(&self.root))?;
        Ok(Dataset { photos: Some(photos), ..Dataset::new(self.name, train, test, origin) })
    }

    /// Height, width and channels of all pictures, if they agree; else a common size.
    fn size(&self, options: &OpenOptions<'_>, supply: Supply<'_>) -> Result<[usize; 3]> {
        let mut sizes = Vec::with_capacity(self.entries.len());
        each(
            self.entries.len(),
            supply,
            options,
            |encoded| bytes(encoded).and_then(|bytes| photo::size(&bytes)),
            |found| {
                sizes.extend(found.into_iter().filter_map(std::result::Result::ok));
                Ok(())
            },
        )?;
        let channels = sizes.iter().map(|size| size[2]).max().unwrap_or(3);
        if let Some([h, w]) = options.images.height_and_width {
            return Ok([h, w, channels]);
        }
        let first = sizes.first().copied().unwrap_or([SIDE, SIDE, channels]);
        let alike = sizes.iter().all(|size| size[..2] == first[..2]);
        Ok(if alike { [first[0], first[1], channels] } else { [SIDE, SIDE, channels] })
    }
}

/// What was seen of a picture that could be decoded.
#[derive(Clone, Debug)]
struct Seen {
    /// `[h, w]` before the size was changed.
    size: [usize; 2],
    /// Of its bytes.
    sha256: [u8; 32],
}

struct Decoded {
    /// Of the pictures that could be decoded, in their order.
    pixels: Kept,
    /// One a picture of the listing.
    outcomes: Vec<std::result::Result<Seen, Fault>>,
}

impl Decoded {
    /// A digest of names, parts, classes and bytes of all pictures, in their order.
    fn digest(&self, kept: &[Entry]) -> String {
        let mut text = Vec::new();
        for (entry, seen) in kept.iter().zip(self.outcomes.iter().flatten()) {
            let split = entry.split.map_or("", Split::name);
            text.extend_from_slice(format!("{}\0{split}\0{}\0", entry.id, entry.label).as_bytes());
            text.extend_from_slice(&seen.sha256);
        }
        checksum::sha256(&text)
    }
}

fn decode(
    entries: &[Entry],
    size: [usize; 3],
    images: &ImageOptions,
    supply: Supply<'_>,
    options: &OpenOptions<'_>,
) -> Result<Decoded> {
    let [h, w, c] = size;
    let large = Mutex::new(());
    let one = |encoded: Encoded| -> std::result::Result<(Vec<u8>, Seen), Fault> {
        let bytes = bytes(encoded)?;
        let [from_h, from_w, _] = photo::size(&bytes)?;
        let alone = (from_h * from_w) as u64 > LARGE;
        let _guard = alone.then(|| large.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        let photo = photo::decode(&bytes, c)?;
        let mut pixels = vec![0; h * w * c];
        photo::fit(&photo, [h, w], images.fit, images.filter, &mut pixels);
        Ok((pixels, Seen { size: [photo.size[0], photo.size[1]], sha256: checksum::digest(&bytes) }))
    };
    let mut pixels = Gathered::new(entries.len().saturating_mul(h * w * c), images.memory, &options.cache)?;
    let mut outcomes = Vec::with_capacity(entries.len());
    each(entries.len(), supply, options, one, |batch| {
        for outcome in batch {
            if let Ok((image, _)) = &outcome {
                pixels.push(image)?;
            }
            outcomes.push(outcome.map(|(_, seen)| seen));
        }
        Ok(())
    })?;
    Ok(Decoded { pixels: pixels.finish(h * w * c)?, outcomes })
}

/// Puts every encoded picture through `one` on all cores, and gives what comes out to `take` in order.
fn each<T: Send>(
    count: usize,
    mut supply: Supply<'_>,
    options: &OpenOptions<'_>,
    one: impl Fn(Encoded) -> std::result::Result<T, Fault> + Sync,
    mut take: impl FnMut(Vec<std::result::Result<T, Fault>>) -> Result<()>,
) -> Result<()> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut done = 0;
    while done < count {
        let batch = supply(BATCH.min(count - done))?;
        assert!(!batch.is_empty(), "a supply gives every picture of its listing");
        let mut slots: Vec<Option<std::result::Result<T, Fault>>> = batch.iter().map(|_| None).collect();
        done += batch.len();
        let work = Mutex::new(batch.into_iter().zip(&mut slots));
        let (work, one) = (&work, &one);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(move || {
                    loop {
                        let next = work.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
                        let Some((encoded, slot)) = next else { break };
                        *slot = Some(one(encoded));
                    }
                });
            }
        });
        take(slots.into_iter().map(|slot| slot.expect("every slot was given work")).collect())?;
        (options.progress)(Progress::Decoding { done, total: count });
    }
    Ok(())
}

fn bytes(encoded: Encoded) -> std::result::Result<Vec<u8>, Fault> {
    match encoded {
        Encoded::Bytes(bytes) => Ok(bytes),
        Encoded::Absent(fault) => Err(fault),
        Encoded::File(path) => {
            let fault = |error: std::io::Error| Fault::new("a file that can be read", error.to_string());
            let length = std::fs::metadata(&path).map_err(fault)?.len();
            if length > FILE_BYTES_MOST {
                let most = format!("at most {} MiB", FILE_BYTES_MOST >> 20);
                return Err(Fault::new(most, format!("{} MiB", length >> 20)));
            }
            std::fs::read(&path).map_err(fault)
        }
    }
}

/// Train (with what is held out for validation), and test: what the source says is, or else `share` of every class. `None`
/// if there is nothing to train on.
fn parted(
    size: [usize; 3],
    pixels: Kept,
    classes: Arc<[String]>,
    entries: Vec<Entry>,
    share: f64,
    seed: u64,
) -> Option<(ImageSet, Option<ImageSet>)> {
    let labels: Vec<u32> = entries.iter().map(|entry| entry.label).collect();
    let groups = split::groups(entries.iter().map(|entry| entry.group.as_deref()));
    let mut is_test: Vec<bool> = entries.iter().map(|entry| entry.split == Some(Split::Test)).collect();
    if share > 0.0 {
        // What the source holds out for validation stays there.
        let open: Vec<usize> =
            (0..entries.len()).filter(|&row| entries[row].split != Some(Split::Validation)).collect();
        let part: Vec<u32> = open.iter().map(|&row| labels[row]).collect();
        let part_groups =
            groups.as_ref().map(|groups| open.iter().map(|&row| groups[row]).collect::<Vec<_>>());
        let count = classes.len();
        let (_, held) = match &part_groups {
            Some(groups) => split::grouped(&part, count, groups, share, seed),
            None => split::stratified(&part, count, share, seed),
        };
        for row in held {
            is_test[open[row]] = true;
        }
    }
    let (test_rows, train_rows): (Vec<usize>, Vec<usize>) = (0..entries.len()).partition(|&row| is_test[row]);
    if train_rows.is_empty() {
        return None;
    }
    let held: Vec<bool> = entries.iter().map(|entry| entry.split == Some(Split::Validation)).collect();
    let held = held.contains(&true).then_some(held);
    let ids = Ids::Names(entries.into_iter().map(|entry| entry.id.into()).collect());
    let all = match pixels {
        Kept::Memory(pixels) => ImageSet::new(size, pixels, labels, classes, ids),
        Kept::File(file) => ImageSet::stored(size, Arc::new(file), labels, classes, ids),
    };
    let all = all.with_groups(groups).with_held(held);
    Some(match test_rows.is_empty() {
        true => (all, None),
        false => (all.select(&train_rows), Some(all.select(&test_rows))),
    })
}

fn nothing(root: &Path, kept: &[Entry], classes: &[String], left_out: &[LeftOut]) -> Error {
    let found = match left_out.first() {
        Some(first) => format!(
            "{} in {} classes; {} files were left out, the first: {}: {}",
            kept.len(),
            classes.len(),
            left_out.len(),
            first.path,
            first.reason
        ),
        None => format!("{} in {} classes", kept.len(), classes.len()),
    };
    Error::Malformed {
        what: "pictures".into(),
        path: root.to_owned(),
        expected: "at least one picture and two classes".into(),
        found,
        hint: Some(
            "make a folder a class, CLASS/picture.jpg, or train/CLASS/picture.jpg and test/CLASS/picture.jpg"
                .into(),
        ),
    }
}

fn nothing_to_train_on(root: &Path) -> Error {
    Error::Malformed {
        what: "pictures".into(),
        path: root.to_owned(),
        expected: "some that are not in the test part".into(),
        found: "none".into(),
        hint: Some("put the pictures to train on into train/CLASS/".into()),
    }
}
