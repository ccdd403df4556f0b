//! Labelled images of one size in memory.

use std::sync::Arc;

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
#[derive(Clone, Debug, PartialEq)]
pub struct ImageSet {
    size: [usize; 3],
    pixels: Vec<u8>,
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
        assert!(labels.iter().all(|&label| (label as usize) < classes.len()), "a label without a class");
        assert_eq!(ids.len(), labels.len(), "ids");
        Self { size, pixels, labels, classes, ids, groups: None, held: None }
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
        let length = self.pixels.len();
        let pixels = change(self.pixels);
        assert_eq!(pixels.len(), length, "pixels");
        Self { pixels, ..self }
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

    /// Pixels of image `index`, `[h, w, c]`.
    pub fn image(&self, index: usize) -> &[u8] {
        let length = self.size.iter().product::<usize>();
        &self.pixels[index * length..][..length]
    }

    /// Pixels of all images, `[n, h, w, c]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
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

    /// The pixels alone, without copying them.
    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// A new set of the images at `indices`, in that order.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut pixels = Vec::with_capacity(indices.len() * self.size.iter().product::<usize>());
        for &index in indices {
            pixels.extend_from_slice(self.image(index));
        }
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
