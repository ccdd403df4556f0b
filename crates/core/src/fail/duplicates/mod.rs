//! Images that occur more than once, within a set or in two: equal, shifted, mirrored, recompressed, brightened.
//!
//! *Idea*:
//! ```text
//! equal  = same pixels                                              (compared byte by byte)
//! for images that differ:
//!     candidates = pairs with signatures of crops within RADIUS     (signature, grid)
//!     duplicates = candidates whose pixels correlate by CORRELATION or more in the part both show, at that
//!                  shift, mirrored or not                           (verify)
//! ```
//! Images of 128 pixels and more are reduced first, to between 64 and 127 at the shorter side, so that the greys of many photos fit
//! into memory. Pairs that correlate by [`REDUCED_CORRELATION`] there are then compared at full size, at all shifts near the one
//! that was found.
//! An image of a test that was trained on is a leak: [`leaks`] says what it does to the accuracy.
//!
//! *Exactness*: equal images are always found. Of the others the tests plant shifts, mirror images, noise and changes of
//! brightness and count what is found.
//!
//! *Reference*: near duplicates between the parts of CIFAR, found by correlation and what they do to accuracy: Barz & Denzler
//! (2020), "Do We Train on Test Data? Purging CIFAR of Near-Duplicates", J. Imaging 6(6):41. Correlation: Lewis (1995), "Fast
//! Normalized Cross-Correlation".

use std::borrow::Cow;
use std::collections::BTreeMap;

use seamripper_kernels::parallel;

use crate::sample::ImageSet;
use grid::Grid;
use signature::{OFFSETS, OFFSETS_ASKED, OFFSETS_KEPT, Signer, mirrored};

mod grid;
pub mod leaks;
pub mod report;
mod signature;
#[cfg(test)]
mod tests;
mod verify;

/// When images that differ are called duplicates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DuplicateOptions {
    /// Candidates have signatures no further apart.
    pub radius: f32,
    /// Duplicates correlate at least this much, at the best shift, mirrored or not.
    pub correlation: f64,
}

impl Default for DuplicateOptions {
    fn default() -> Self {
        Self { radius: 0.04, correlation: 0.995 }
    }
}

/// An image of one of several sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Index of the set.
    pub set: usize,
    /// Index in it.
    pub index: usize,
}

/// How the second image of a pair differs from the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Change {
    /// Not at all.
    pub equal: bool,
    /// It is mirrored, left to right, after it was shifted.
    pub mirrored: bool,
    /// Pixels right and down.
    pub shift: [i32; 2],
}

/// Two images that are one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The one that comes first.
    pub first: Place,
    /// The other.
    pub second: Place,
    /// How it differs.
    pub change: Change,
    /// Correlation of the pixels both show; 1 for equal images.
    pub correlation: f64,
}

/// Candidates among reduced images have signatures no further apart.
const REDUCED_RADIUS: f32 = 0.12;

/// Reduced images that correlate at least this much are compared at full size.
const REDUCED_CORRELATION: f64 = 0.97;

/// Images a thread compares at a time; part of no result.
const PIECE: usize = 64;

/// All pairs of duplicates in some sets, in the order of their first, then their second image. Of several equal images each is
/// paired with the first of them only, and only that one is compared with images that differ.
///
/// # Panics
/// If the images of the sets differ in size.
pub fn find(sets: &[&ImageSet], options: &DuplicateOptions) -> Vec<Pair> {
    let places: Vec<Place> = sets
        .iter()
        .enumerate()
        .flat_map(|(set, images)| (0..images.len()).map(move |index| Place { set, index }))
        .collect();
    let Some(first) = places.first() else { return Vec::new() };
    let size = sets[first.set].size();
    assert!(sets.iter().all(|images| images.is_empty() || images.size() == size), "images of one size");
    let pixels = |place: Place| sets[place.set].image(place.index);
    let (different, mut pairs) = equal(&places, pixels);
    pairs.extend(near(&different, size, pixels, options));
    pairs.sort_by_key(|pair| (pair.first, pair.second));
    pairs
}

/// The first of all equal images, in order, and a pair for each of the others.
fn equal<'a>(places: &[Place], pixels: impl Fn(Place) -> Cow<'a, [u8]>) -> (Vec<Place>, Vec<Pair>) {
    let mut by_hash: BTreeMap<u64, Vec<Place>> = BTreeMap::new();
    let (mut different, mut pairs) = (Vec::new(), Vec::new());
    for &place in places {
        let own = pixels(place);
        let seen = by_hash.entry(hash(&own)).or_default();
        match seen.iter().find(|&&other| pixels(other) == own) {
            Some(&first) => {
                let change = Change { equal: true, mirrored: false, shift: [0, 0] };
                pairs.push(Pair { first, second: place, change, correlation: 1.0 });
            }
            None => {
                seen.push(place);
                different.push(place);
            }
        }
    }
    (different, pairs)
}

/// Fowler, Noll & Vo's hash, over words of eight bytes; a collision costs a comparison and no more.
fn hash(pixels: &[u8]) -> u64 {
    let word = |bytes: &[u8]| bytes.iter().fold(0_u64, |word, &byte| word << 8 | u64::from(byte));
    pixels.chunks(8).fold(0xcbf2_9ce4_8422_2325, |hash: u64, bytes| {
        let mixed = (hash ^ word(bytes)).wrapping_mul(0x0100_0000_01b3);
        mixed ^ mixed >> 32
    })
}

/// Pairs of images that differ.
fn near<'a>(
    places: &[Place],
    [full_h, full_w, c]: [usize; 3],
    pixels: impl Fn(Place) -> Cow<'a, [u8]> + Sync,
    options: &DuplicateOptions,
) -> Vec<Pair> {
    let factor = verify::factor([full_h, full_w]);
    let [h, w] = [full_h / factor, full_w / factor];
    let Some(signer) = Signer::new(h, w) else { return Vec::new() };
    let mut grey = vec![Vec::new(); places.len()];
    parallel::for_each_chunk(&mut grey, PIECE, |first, grey| {
        for (grey, index) in grey.iter_mut().zip(first..) {
            *grey = verify::reduced(&verify::grey(&pixels(places[index]), c), full_w, factor);
        }
    });
    // half a pixel of the reduced image is a shift that is between its pixels
    let radius = if factor == 1 { options.radius } else { options.radius.max(REDUCED_RADIUS) };
    let grid = Grid::new(kept(&signer, &grey), radius);
    let least = if factor == 1 { options.correlation } else { REDUCED_CORRELATION };
    let full = |index: usize| verify::grey(&pixels(places[index]), c);
    let mut found = vec![Vec::new(); places.len()];
    parallel::for_each_chunk(&mut found, PIECE, |start, found| {
        for (index, found) in (start..).zip(found) {
            *found = before(index, &signer, &grid, &grey, w, least);
            if factor > 1 {
                found.retain_mut(|(first, change, correlation)| {
                    *correlation = refined(&full(*first), &full(index), full_w, factor, change);
                    *correlation >= options.correlation
                });
            }
        }
    });
    let pair = |(second, (first, change, correlation)): (usize, (usize, Change, f64))| Pair {
        first: places[first],
        second: places[second],
        change,
        correlation,
    };
    let numbered = found.into_iter().enumerate();
    numbered
        .flat_map(|(second, found)| found.into_iter().map(move |first| (second, first)))
        .map(pair)
        .collect()
}

/// The highest correlation of two images of `w` columns at the shifts that reduced ones do not tell from that of `change`, which
/// becomes the best of them.
fn refined(first: &[u8], second: &[u8], w: usize, factor: usize, change: &mut Change) -> f64 {
    let flipped;
    let second = match change.mirrored {
        true => {
            flipped = verify::mirror(second, w);
            &flipped
        }
        false => second,
    };
    let factor = factor as i32;
    let [right, down] = change.shift.map(|shift| shift * factor);
    let near = |shift: i32| shift - factor..=shift + factor;
    let shifts = near(down).flat_map(|down| near(right).map(move |right| [right, down]));
    let best = shifts
        .map(|shift| (verify::correlation(first, second, w, shift), shift))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .expect("at least the shift itself");
    change.shift = best.1;
    best.0
}

/// Signatures at the kept offsets of all images; their number is `4 image + 2 y + x`.
fn kept(signer: &Signer, grey: &[Vec<u8>]) -> Vec<(signature::Signature, u32)> {
    let mut of_images = vec![Vec::new(); grey.len()];
    parallel::for_each_chunk(&mut of_images, PIECE, |first, of_images| {
        for (index, slot) in (first..).zip(of_images) {
            let signatures = signer.sign(&grey[index]);
            for (i, &y) in OFFSETS_KEPT.iter().enumerate() {
                for (j, &x) in OFFSETS_KEPT.iter().enumerate() {
                    let number = (4 * index + 2 * i + j) as u32;
                    slot.extend(signatures[y][x].map(|signature| (signature, number)));
                }
            }
        }
    });
    of_images.into_iter().flatten().collect()
}

/// The images before image `second` that correlate with it by `least` or more, each with how it changed and the correlation.
fn before(
    second: usize,
    signer: &Signer,
    grid: &Grid,
    grey: &[Vec<u8>],
    w: usize,
    least: f64,
) -> Vec<(usize, Change, f64)> {
    let signatures = signer.sign(&grey[second]);
    // candidates: image, mirrored, shift
    let mut candidates: Vec<(usize, bool, [i32; 2])> = Vec::new();
    for y in OFFSETS_ASKED {
        for x in OFFSETS_ASKED {
            for is_mirrored in [false, true] {
                // a crop of the mirrored image is the mirrored crop from the other side
                let of = if is_mirrored { signatures[y][OFFSETS - 1 - x] } else { signatures[y][x] };
                let Some(signature) = of.map(|s| if is_mirrored { mirrored(&s) } else { s }) else {
                    continue;
                };
                grid.near(&signature, |number| {
                    let (first, i, j) = (number as usize / 4, number as usize / 2 % 2, number as usize % 2);
                    if first < second {
                        let shift = [x as i32 - OFFSETS_KEPT[j] as i32, y as i32 - OFFSETS_KEPT[i] as i32];
                        candidates.push((first, is_mirrored, shift));
                    }
                });
            }
        }
    }
    candidates.sort_unstable();
    candidates.dedup();
    let mut best: Vec<(usize, Change, f64)> = Vec::new();
    let flipped = verify::mirror(&grey[second], w);
    for (first, mirrored, shift) in candidates {
        let second = if mirrored { &flipped } else { &grey[second] };
        let correlation = verify::correlation(&grey[first], second, w, shift);
        if correlation < least {
            continue;
        }
        let found = (first, Change { equal: false, mirrored, shift }, correlation);
        match best.last_mut() {
            Some(last) if last.0 == first => {
                if correlation > last.2 {
                    *last = found;
                }
            }
            _ => best.push(found),
        }
    }
    best
}
