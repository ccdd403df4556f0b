//! Labelled images of one size.
//!
//! *Idea*: pixels lie in memory, or behind a [`PixelStore`] that gives an image when it is asked for: a file, or the change of
//! another set that is made anew each time. Who reads images does not see the difference, so a data set that is larger than
//! memory trains and is audited as any other. Selecting images copies those in memory, and only their places of the others.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use seamripper_kernels::parallel;

/// Pixels that are not in memory. Reading the same image twice gives the same bytes.
///
/// A store answers for that it can be read: what is checked is checked when it is made, and a disk that fails afterwards ends the
/// program.
pub trait PixelStore: fmt::Debug + Send + Sync {
    /// Writes image `index` of the store to `pixels`, `[h, w, c]`.
    fn read(&self, index: usize, pixels: &mut [u8]);
}

/// Where the pixels of a set are.
#[derive(Clone, Debug)]
enum Pixels {
    /// `[n, h, w, c]`
    Memory(Vec<u8>),
    /// Image `i` of the set is image `rows[i]` of the store.
    Stored { store: Arc<dyn PixelStore>, rows: Vec<u32> },
}

/// Which part of a data set an image belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Split {
    /// Weights are fitted on these.
    Train,
    /// Choices (ranges, epochs, thresholds) are made on these.
    Validation,
    /// Read once, at the end; selects nothing.
    Test,
}

impl Split {
    /// The name used in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// How images are called in reports and prediction tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ids {
    /// `<prefix>-<row>`, the row counted from 0 in the source file: `test-00042`.
    Rows {
        /// Usually the split the file holds.
        prefix: Arc<str>,
        /// The row of each image in its source.
        rows: Vec<u32>,
    },
    /// One name an image, for instance its path in the source folder.
    Names(Vec<Arc<str>>),
    /// Changed copies of other images: the id of the original and what was done to it, `train-00042+rotate`.
    Changed {
        /// What the originals are called.
        source: Arc<Ids>,
        /// The original of each image, an index into `source`.
        rows: Vec<u32>,
        /// What was done to each image, an index into `suffixes`.
        changes: Vec<u32>,
        /// Added to the id of the original; empty for an unchanged image.
        suffixes: Arc<[Arc<str>]>,
    },
}

impl Ids {
    /// The id of image `index`.
    pub fn id(&self, index: usize) -> String {
        match self {
            Self::Rows { prefix, rows } => format!("{prefix}-{:05}", rows[index]),
            Self::Names(names) => names[index].to_string(),
            Self::Changed { source, rows, changes, suffixes } => {
                source.id(rows[index] as usize) + &suffixes[changes[index] as usize]
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Rows { rows, .. } => rows.len(),
            Self::Names(names) => names.len(),
            Self::Changed { rows, .. } => rows.len(),
        }
    }

    fn select(&self, indices: &[usize]) -> Self {
        match self {
            Self::Rows { prefix, rows } => {
                Self::Rows { prefix: prefix.clone(), rows: indices.iter().map(|&i| rows[i]).collect() }
            }
            Self::Names(names) => Self::Names(indices.iter().map(|&i| names[i].clone()).collect()),
            Self::Changed { source, rows, changes, suffixes } => Self::Changed {
                source: source.clone(),
                rows: indices.iter().map(|&i| rows[i]).collect(),
                changes: indices.iter().map(|&i| changes[i]).collect(),
                suffixes: suffixes.clone(),
            },
        }
    }
}

/// `n` labelled images of one size, `u8`, axes `[n, h, w, c]`, with `c` = 1 (grey) or 3 (red, green, blue).
#[derive(Clone, Debug)]
pub struct ImageSet {
    size: [usize; 3],
    pixels: Pixels,
    labels: Vec<u32>,
    classes: Arc<[String]>,
    ids: Ids,
    groups: Option<Vec<u32>>,
    held: Option<Vec<bool>>,
}

impl ImageSet {
    /// Puts a set together.
    ///
    /// # Panics
    /// If the lengths do not agree or a label is not an index into `classes`: loaders check their input and report
    /// it with file and row before they come here.
    pub fn new(
        size: [usize; 3],
        pixels: Vec<u8>,
        labels: Vec<u32>,
        classes: Arc<[String]>,
        ids: Ids,
    ) -> Self {
        let [h, w, c] = size;
        assert_eq!(pixels.len(), labels.len() * h * w * c, "pixels of {} images {size:?}", labels.len());
        check(&labels, &classes, &ids);
        Self { size, pixels: Pixels::Memory(pixels), labels, classes, ids, groups: None, held: None }
    }

    /// Puts a set together whose image `i` is image `i` of `store`.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn stored(
        size: [usize; 3],
        store: Arc<dyn PixelStore>,
        labels: Vec<u32>,
        classes: Arc<[String]>,
        ids: Ids,
    ) -> Self {
        check(&labels, &classes, &ids);
        let rows = (0..labels.len() as u32).collect();
        Self { size, pixels: Pixels::Stored { store, rows }, labels, classes, ids, groups: None, held: None }
    }

    /// The same images, each of a group: several pictures of one thing, which are never parted into different splits.
    ///
    /// # Panics
    /// If there is not a group for every image.
    pub fn with_groups(self, groups: Option<Vec<u32>>) -> Self {
        assert!(groups.as_ref().is_none_or(|groups| groups.len() == self.len()), "groups");
        Self { groups, ..self }
    }

    /// The same images, with those marked that their source holds out for validation.
    ///
    /// # Panics
    /// If there is not a mark for every image.
    pub fn with_held(self, held: Option<Vec<bool>>) -> Self {
        assert!(held.as_ref().is_none_or(|held| held.len() == self.len()), "marks");
        Self { held, ..self }
    }

    /// The same images with other labels.
    ///
    /// # Panics
    /// If there is not a label for every image, or a label is not an index into `classes`.
    pub fn labelled(self, labels: Vec<u32>, classes: Arc<[String]>) -> Self {
        assert_eq!(labels.len(), self.len(), "labels");
        assert!(labels.iter().all(|&label| (label as usize) < classes.len()), "a label without a class");
        Self { labels, classes, ..self }
    }

    /// The same images with other pixels of the same size.
    ///
    /// # Panics
    /// If there are more or fewer pixels than before.
    pub fn map_pixels(self, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Self {
        let length = self.len() * self.size.iter().product::<usize>();
        let (size, labels, classes, ids) =
            (self.size, self.labels.clone(), self.classes.clone(), self.ids.clone());
        let (groups, held) = (self.groups.clone(), self.held.clone());
        let pixels = change(self.into_pixels());
        assert_eq!(pixels.len(), length, "pixels");
        Self::new(size, pixels, labels, classes, ids).with_groups(groups).with_held(held)
    }

    /// The group of each image, if their source has groups.
    pub fn groups(&self) -> Option<&[u32]> {
        self.groups.as_deref()
    }

    /// Which images their source holds out for validation, if it does.
    pub fn held(&self) -> Option<&[bool]> {
        self.held.as_deref()
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// `[h, w, c]` of every image.
    pub fn size(&self) -> [usize; 3] {
        self.size
    }

    /// Whether pixels are read when they are asked for, because they are not in memory.
    pub fn is_stored(&self) -> bool {
        matches!(self.pixels, Pixels::Stored { .. })
    }

    /// Pixels of image `index`, `[h, w, c]`.
    pub fn image(&self, index: usize) -> Cow<'_, [u8]> {
        self.images(index, index + 1)
    }

    /// Pixels of the images from `first` to before `end`, `[n, h, w, c]`. Those of a store are read on all threads.
    pub fn images(&self, first: usize, end: usize) -> Cow<'_, [u8]> {
        let length = self.size.iter().product::<usize>();
        match &self.pixels {
            Pixels::Memory(pixels) => Cow::Borrowed(&pixels[first * length..end * length]),
            Pixels::Stored { store, rows } => {
                let rows = &rows[first..end];
                let mut pixels = vec![0; rows.len() * length];
                match rows {
                    [row] => store.read(*row as usize, &mut pixels),
                    rows => parallel::for_each_chunk(&mut pixels, length, |start, image| {
                        store.read(rows[start / length] as usize, image);
                    }),
                }
                Cow::Owned(pixels)
            }
        }
    }

    /// Pixels of `count` images at a time, `[n, h, w, c]`, in order; fewer in the last.
    ///
    /// # Panics
    /// If `count` is 0.
    pub fn chunks(&self, count: usize) -> impl Iterator<Item = Cow<'_, [u8]>> {
        (0..self.len()).step_by(count).map(move |first| self.images(first, self.len().min(first + count)))
    }

    /// Pixels of all images, `[n, h, w, c]`; for sets that are known to be small.
    pub fn pixels(&self) -> Cow<'_, [u8]> {
        self.images(0, self.len())
    }

    /// Class index of each image.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Class names; a label is an index into them.
    pub fn classes(&self) -> &Arc<[String]> {
        &self.classes
    }

    /// What each image is called.
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// The pixels alone, without copying those in memory.
    pub fn into_pixels(self) -> Vec<u8> {
        match self.pixels {
            Pixels::Memory(pixels) => pixels,
            Pixels::Stored { .. } => self.pixels().into_owned(),
        }
    }

    /// A new set of the images at `indices`, in that order.
    pub fn select(&self, indices: &[usize]) -> Self {
        let pixels = match &self.pixels {
            Pixels::Memory(_) => {
                let mut pixels = Vec::with_capacity(indices.len() * self.size.iter().product::<usize>());
                for &index in indices {
                    pixels.extend_from_slice(&self.image(index));
                }
                Pixels::Memory(pixels)
            }
            Pixels::Stored { store, rows } => Pixels::Stored {
                store: store.clone(),
                rows: indices.iter().map(|&index| rows[index]).collect(),
            },
        };
        Self {
            size: self.size,
            pixels,
            labels: indices.iter().map(|&i| self.labels[i]).collect(),
            classes: self.classes.clone(),
            ids: self.ids.select(indices),
            groups: self.groups.as_ref().map(|groups| indices.iter().map(|&i| groups[i]).collect()),
            held: self.held.as_ref().map(|held| indices.iter().map(|&i| held[i]).collect()),
        }
    }
}

fn check(labels: &[u32], classes: &[String], ids: &Ids) {
    assert!(labels.iter().all(|&label| (label as usize) < classes.len()), "a label without a class");
    assert_eq!(ids.len(), labels.len(), "ids");
}

/// Sets are equal whose images are, wherever these are kept.
impl PartialEq for ImageSet {
    fn eq(&self, other: &Self) -> bool {
        let Self { size, pixels: _, labels, classes, ids, groups, held } = self;
        (size, labels, classes, ids, groups, held)
            == (&other.size, &other.labels, &other.classes, &other.ids, &other.groups, &other.held)
            && (0..self.len()).all(|index| self.image(index) == other.image(index))
    }
}
