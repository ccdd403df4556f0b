//! What is wrong with a data set, before the first epoch.
//!
//! A pure function of the images: counts and balance of the classes, exact copies within and across the parts, images
//! without content, range of labels and pixels. What is found is said in sentences, worst first; "worst" is how much
//! it can falsify: a test image that was trained on, then one image under two labels, then classes nobody can learn
//! or test, then copies, empty images and imbalance.

use serde::Serialize;

use seamripper_core::sample::{ImageSet, Split};

use crate::pictures::{LeftOut, Photos};
use crate::source::Dataset;

mod duplicates;
mod findings;

pub use duplicates::{Duplicates, Group, Member};
pub use findings::{Finding, FindingKind};

/// Version of the document.
pub const SCHEMA: &str = "seamripper.data/1";
/// That many images are named for each kind of finding.
pub const EXAMPLES_MOST: usize = 20;

/// The whole audit; `data --json` prints it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Audit {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// What the data set is called.
    pub name: String,
    /// Number of images in all parts.
    pub images: usize,
    /// `[h, w, c]` of every image.
    pub size: [usize; 3],
    /// Class names in the order of the labels.
    pub classes: Vec<String>,
    /// Train, then test.
    pub splits: Vec<SplitAudit>,
    /// Images that are there more than once.
    pub duplicates: Duplicates,
    /// Everything that should be looked at, worst first; empty if nothing should.
    pub findings: Vec<Finding>,
    /// What happened to the files of a folder or a table; `null` for data sets that are arrays.
    pub photos: Option<PhotoAudit>,
    /// The files it was read from.
    pub files: Vec<FileAudit>,
    /// Whether the digests of the files are the publisher's; `false` also if there is no publisher to ask.
    pub verified: bool,
}

/// What happened to encoded pictures; `found` = `read` + the number left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhotoAudit {
    /// Files, or rows of a table.
    pub found: usize,
    /// Those that are images of the data set.
    pub read: usize,
    /// All others, each with its reason.
    pub left_out: Vec<LeftOut>,
    /// Folders of classes that hold nothing.
    pub empty_folders: Vec<String>,
    /// Least and largest height in the files.
    pub heights: [usize; 2],
    /// Least and largest width in the files.
    pub widths: [usize; 2],
    /// How many were not of the size of the data set.
    pub resized: usize,
    /// Share held out as the test split because the source has none.
    pub test_held_out: Option<f64>,
}

impl PhotoAudit {
    fn of(photos: &Photos) -> Self {
        let Photos { found, ref left_out, ref empty, heights, widths, resized, test, .. } = *photos;
        Self {
            found,
            read: found - left_out.len(),
            left_out: left_out.clone(),
            empty_folders: empty.clone(),
            heights,
            widths,
            resized,
            test_held_out: test,
        }
    }
}

/// One part of the data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitAudit {
    /// `train` or `test`.
    pub name: &'static str,
    /// Number of images.
    pub images: usize,
    /// Mean of the pixels of each channel, in 0 to 255.
    pub mean: Vec<f64>,
    /// Standard deviation of the pixels of each channel (of all pixels: divided by their number), in 0 to 255.
    pub sd: Vec<f64>,
    /// Lowest and highest label.
    pub label_range: Option<[u32; 2]>,
    /// Images of each class.
    pub classes: Vec<ClassCount>,
    /// Images of the largest class for one of the smallest that is there; `null` without images.
    pub imbalance: Option<f64>,
    /// Classes without an image.
    pub missing: Vec<String>,
    /// Images whose pixels are all equal, the first of them.
    pub constant: Vec<Constant>,
    /// How many images have only equal pixels.
    pub constant_count: usize,
}

/// How often a class occurs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassCount {
    /// Its name.
    pub name: String,
    /// Images of it.
    pub count: usize,
    /// Its share of all images of the part.
    pub share: f64,
}

/// An image without content.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Constant {
    /// Its id.
    pub id: String,
    /// Its class.
    pub label: String,
    /// The value of every pixel.
    pub value: u8,
}

/// A file the data set was read from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileAudit {
    /// Where it is.
    pub path: String,
    /// SHA-256 of its unpacked payload.
    pub sha256: String,
}

/// Looks at every image of a data set.
pub fn audit(dataset: &Dataset) -> Audit {
    let parts = parts(dataset);
    let splits: Vec<_> = parts.iter().map(|&(split, images)| split_audit(split, images)).collect();
    let (groups, duplicates) = duplicates::find(&parts);
    let findings = findings::find(&splits, &groups, dataset.photos.as_ref());
    Audit {
        schema: SCHEMA,
        name: dataset.name.clone(),
        images: splits.iter().map(|split| split.images).sum(),
        size: dataset.train.size(),
        classes: dataset.train.classes().to_vec(),
        splits,
        duplicates,
        findings,
        photos: dataset.photos.as_ref().map(PhotoAudit::of),
        files: (dataset.origin.files.iter())
            .map(|file| FileAudit { path: file.path.display().to_string(), sha256: file.sha256.clone() })
            .collect(),
        verified: dataset.origin.verified,
    }
}

fn parts(dataset: &Dataset) -> Vec<(Split, &ImageSet)> {
    let test = dataset.test.as_ref().map(|images| (Split::Test, images));
    std::iter::once((Split::Train, &dataset.train)).chain(test).collect()
}

fn split_audit(split: Split, images: &ImageSet) -> SplitAudit {
    let classes = class_counts(images);
    let there = || classes.iter().map(|class| class.count).filter(|&count| count > 0);
    let (mean, sd) = moments(images);
    let constant: Vec<usize> = (0..images.len()).filter(|&i| is_constant(&images.image(i))).collect();
    SplitAudit {
        name: split.name(),
        images: images.len(),
        mean,
        sd,
        label_range: images.labels().iter().min().zip(images.labels().iter().max()).map(|(&a, &b)| [a, b]),
        imbalance: there().max().zip(there().min()).map(|(most, least)| most as f64 / least as f64),
        missing: classes.iter().filter(|class| class.count == 0).map(|class| class.name.clone()).collect(),
        constant_count: constant.len(),
        constant: constant.into_iter().take(EXAMPLES_MOST).map(|i| describe_constant(images, i)).collect(),
        classes,
    }
}

fn class_counts(images: &ImageSet) -> Vec<ClassCount> {
    let mut counts = vec![0; images.classes().len()];
    for &label in images.labels() {
        counts[label as usize] += 1;
    }
    let share = |count: usize| if images.is_empty() { 0.0 } else { count as f64 / images.len() as f64 };
    let named = images.classes().iter().zip(counts);
    named.map(|(name, count)| ClassCount { name: name.clone(), count, share: share(count) }).collect()
}

/// Mean and standard deviation of each channel; the sums are exact integers.
fn moments(images: &ImageSet) -> (Vec<f64>, Vec<f64>) {
    let [_, _, c] = images.size();
    let mut counts = vec![[0_u64; 256]; c];
    for pixels in images.chunks(256) {
        for pixel in pixels.chunks_exact(c) {
            for (channel, &value) in counts.iter_mut().zip(pixel) {
                channel[usize::from(value)] += 1;
            }
        }
    }
    counts.iter().map(histogram_moments).unzip()
}

fn histogram_moments(counts: &[u64; 256]) -> (f64, f64) {
    let n = counts.iter().sum::<u64>().max(1) as f64;
    let sum = |power: u32| -> u64 { (0_u64..).zip(counts).map(|(value, &n)| value.pow(power) * n).sum() };
    let mean = sum(1) as f64 / n;
    let variance =
        (0_u32..).zip(counts).map(|(v, &n)| (f64::from(v) - mean).powi(2) * n as f64).sum::<f64>() / n;
    (mean, variance.sqrt())
}

fn is_constant(image: &[u8]) -> bool {
    image.iter().all(|&pixel| pixel == image[0])
}

fn describe_constant(images: &ImageSet, index: usize) -> Constant {
    Constant {
        id: images.ids().id(index),
        label: images.classes()[images.labels()[index] as usize].clone(),
        value: images.image(index)[0],
    }
}

#[cfg(test)]
mod tests;
