//! Copies made once, before training: the originals and one changed copy of each per transform.
//!
//! With `rotate` and `translate` this is the experiment's `rotate_img` over the whole training set: 60,000 images
//! become 180,000.

use std::sync::Arc;

use seamripper_kernels::parallel;

use super::{AugmentError, Scratch, Stage, Transform, check::check, noise, steps::Steps};
use crate::{
    random::{Purpose, Stream},
    sample::{Ids, ImageSet, PixelStore},
};

/// Images a thread takes at a time.
const CHUNK: usize = 256;

/// A checked list of transforms, each of which makes one copy of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Expansion {
    changes: Vec<Change>,
}

/// How the copies of one transform are made and called.
#[derive(Clone, Debug, PartialEq)]
struct Change {
    steps: Steps,
    deviation: f64,
    suffix: String,
}

impl Expansion {
    /// For images of `size` = `[h, w, c]`.
    ///
    /// # Errors
    /// Every wrong value of `transforms`; mixup among them, which changes labels.
    pub fn new(transforms: &[Transform], size: [usize; 3]) -> Result<Self, AugmentError> {
        check(Stage::Expand, transforms, size)?;
        let change = |(index, transform): (usize, &Transform)| {
            let name = transform.name();
            let before = transforms[..index].iter().filter(|other| other.name() == name).count();
            let suffix = if before == 0 { format!("+{name}") } else { format!("+{name}{}", before + 1) };
            let one = std::slice::from_ref(transform);
            Change { steps: Steps::new(one, size), deviation: noise::deviation(one), suffix }
        };
        Ok(Self { changes: transforms.iter().enumerate().map(change).collect() })
    }

    /// Writes the copy that transform number `transform` makes of `image`, which is number `index` of its set, to
    /// `out`; both `[h, w, c]`. Draws are named `(seed, Expand, transform, index)`.
    ///
    /// # Panics
    /// If `image` or `out` does not have the size that was checked, or there is no such transform.
    pub fn image(
        &self,
        image: &[u8],
        [transform, index]: [usize; 2],
        seed: u64,
        scratch: &mut Scratch,
        out: &mut [u8],
    ) {
        let Change { steps, deviation, .. } = &self.changes[transform];
        assert_eq!(
            image.len(),
            steps.size().iter().product::<usize>(),
            "pixels of an image {:?}",
            steps.size()
        );
        let mut stream = Stream::new(seed, Purpose::Expand, transform as u64, index as u64);
        out.copy_from_slice(steps.apply(image, &mut stream, scratch));
        if *deviation > 0.0 {
            noise::add_to_bytes(*deviation, &mut stream, out);
        }
    }

    /// What the copies of each transform add to the id of their original: `+rotate`, or `+rotate2` for the second.
    pub fn suffixes(&self) -> impl Iterator<Item = &str> {
        self.changes.iter().map(|change| change.suffix.as_str())
    }
}

/// The images of `set`, then for each transform one changed copy of each, in the same order. A copy is called
/// `<id of the original>+<transform>`. All threads work; the result does not depend on how many there are. The originals are
/// moved, not copied. Of images that are not in memory each copy is made whenever it is read.
///
/// # Errors
/// Every wrong value of `transforms`.
pub fn expand(set: ImageSet, transforms: &[Transform], seed: u64) -> Result<ImageSet, AugmentError> {
    let expansion = Expansion::new(transforms, set.size())?;
    if transforms.is_empty() {
        return Ok(set);
    }
    let (n, length) = (set.len(), set.size().iter().product::<usize>());
    let ids = Ids::Changed {
        source: Arc::new(set.ids().clone()),
        rows: (0..=transforms.len()).flat_map(|_| 0..n as u32).collect(),
        changes: (0..=transforms.len() as u32).flat_map(|change| std::iter::repeat_n(change, n)).collect(),
        suffixes: std::iter::once("").chain(expansion.suffixes()).map(Arc::from).collect(),
    };
    let labels = set.labels().repeat(1 + transforms.len());
    let (size, classes) = (set.size(), set.classes().clone());
    if set.is_stored() {
        let store = Arc::new(Copies { originals: set, expansion, seed });
        return Ok(ImageSet::stored(size, store, labels, classes, ids));
    }
    let mut pixels = set.into_pixels();
    pixels.resize(n * length * (1 + transforms.len()), 0);
    let (originals, copies) = pixels.split_at_mut(n * length);
    parallel::for_each_chunk(copies, CHUNK * length, |first, copies| {
        let mut scratch = Scratch::default();
        for (place, out) in copies.chunks_exact_mut(length).enumerate() {
            let number = first / length + place;
            let (transform, index) = (number / n, number % n);
            let image = &originals[index * length..][..length];
            expansion.image(image, [transform, index], seed, &mut scratch, out);
        }
    });
    Ok(ImageSet::new(size, pixels, labels, classes, ids))
}

/// A set and its changed copies, made when they are read.
#[derive(Debug)]
struct Copies {
    originals: ImageSet,
    expansion: Expansion,
    seed: u64,
}

impl PixelStore for Copies {
    fn read(&self, index: usize, pixels: &mut [u8]) {
        let (copy, original) = (index / self.originals.len(), index % self.originals.len());
        let image = self.originals.image(original);
        match copy.checked_sub(1) {
            None => pixels.copy_from_slice(&image),
            Some(transform) => {
                let (place, mut scratch) = ([transform, original], Scratch::default());
                self.expansion.image(&image, place, self.seed, &mut scratch, pixels);
            }
        }
    }
}
