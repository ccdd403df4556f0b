//! What can be put into an image, or taken out of it, without changing what it shows.

use seamripper_kernels::parallel;
use serde::{Deserialize, Serialize};

use crate::corrupt::{Change, corrupt};
use crate::random::{Purpose, Stream};
use crate::sample::ImageSet;

/// A pixel this far from a level still counts as having it: an artifact survives a mild JPEG.
pub const TOLERANCE: u8 = 12;

/// An image carries an artifact if this share of its pixels has the level.
pub const CARRIED: f64 = 0.9;

/// Value of each channel; grey images use the first.
pub type Level = [u8; 3];

/// An artifact.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Artifact {
    /// A rectangle of one level.
    Patch {
        /// First row.
        top: usize,
        /// First column.
        left: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// Its level.
        level: Level,
    },
    /// A frame of one level around the image.
    Border {
        /// Pixels.
        width: usize,
        /// Its level.
        level: Level,
    },
    /// What has the level of the image's border, everywhere in it, gets another.
    Background {
        /// The new level.
        level: Level,
    },
    /// Wider by the root of a factor and lower by the same: [`Change::Aspect`].
    Aspect {
        /// Above 1 is wider.
        factor: f64,
    },
}

impl Artifact {
    /// The images with it put in; labels and ids stay.
    pub fn put(&self, set: &ImageSet) -> ImageSet {
        let size = set.size();
        match *self {
            Self::Aspect { factor } => corrupt(set, &Change::Aspect(factor), 0),
            Self::Background { level } => changed(set, |_, image| {
                let background = background(image, size);
                for pixel in image.chunks_exact_mut(size[2]) {
                    if is_near(pixel, &background) {
                        pixel.copy_from_slice(&level[..size[2]]);
                    }
                }
            }),
            Self::Patch { level, .. } | Self::Border { level, .. } => {
                let places = self.places(size);
                changed(set, |_, image| fill(image, &places, &level, size[2]))
            }
        }
    }

    /// The images with as much put in elsewhere: a patch at a place drawn for each image, which overlaps its own by less than
    /// half. `None` for what has no other place.
    pub fn put_elsewhere(&self, set: &ImageSet, seed: u64) -> Option<ImageSet> {
        let Self::Patch { top, left, height, width, level } = *self else { return None };
        let [h, w, c] = set.size();
        let far = |y: usize, x: usize| {
            let overlap = height.saturating_sub(y.abs_diff(top)) * width.saturating_sub(x.abs_diff(left));
            2 * overlap < height * width
        };
        let places: Vec<(usize, usize)> = (0..=h - height)
            .flat_map(|y| (0..=w - width).map(move |x| (y, x)))
            .filter(|&(y, x)| far(y, x))
            .collect();
        if places.is_empty() {
            return None;
        }
        Some(changed(set, |index, image| {
            let mut stream = Stream::new(seed, Purpose::Spurious, 1, index as u64);
            let (top, left) = places[stream.below(places.len() as u64) as usize];
            let moved = Self::Patch { top, left, height, width, level };
            fill(image, &moved.places([h, w, c]), &level, c);
        }))
    }

    /// The images with as many pixels of the same level, each at a place drawn anew for each image. `None` for a change of all of
    /// the image.
    pub fn put_scattered(&self, set: &ImageSet, seed: u64) -> Option<ImageSet> {
        let (Self::Patch { level, .. } | Self::Border { level, .. }) = *self else { return None };
        let size = set.size();
        let count = self.places(size).len();
        Some(changed(set, |index, image| {
            let mut stream = Stream::new(seed, Purpose::Spurious, 2, index as u64);
            let mut places: Vec<usize> = (0..size[0] * size[1]).collect();
            for i in 0..count {
                let other = i as u64 + stream.below((places.len() - i) as u64);
                places.swap(i, other as usize);
            }
            fill(image, &places[..count], &level, size[2]);
        }))
    }

    /// The images with it taken out: in its place stands what image `donors[i]` of `from` has there (for a background, its
    /// level). `None` if it cannot be taken out.
    pub fn take_out(&self, set: &ImageSet, from: &ImageSet, donors: &[usize]) -> Option<ImageSet> {
        let size = set.size();
        let c = size[2];
        match self {
            Self::Aspect { .. } => None,
            Self::Background { .. } => Some(changed(set, |index, image| {
                let (own, other) = (background(image, size), background(&from.image(donors[index]), size));
                for pixel in image.chunks_exact_mut(c).filter(|pixel| is_near(pixel, &own)) {
                    pixel.copy_from_slice(&other[..c]);
                }
            })),
            Self::Patch { .. } | Self::Border { .. } => {
                let places = self.places(size);
                Some(changed(set, |index, image| {
                    let donor = from.image(donors[index]);
                    for &place in &places {
                        image[place * c..][..c].copy_from_slice(&donor[place * c..][..c]);
                    }
                }))
            }
        }
    }

    /// For each image whether it has it already; never for an aspect.
    pub fn carriers(&self, set: &ImageSet) -> Vec<bool> {
        let size = set.size();
        let c = size[2];
        let places = self.places(size);
        let carries = |image: &[u8]| match self {
            Self::Aspect { .. } => false,
            Self::Background { level } => is_near(&background(image, size)[..c], level),
            Self::Patch { level, .. } | Self::Border { level, .. } => {
                let near = places.iter().filter(|&&place| is_near(&image[place * c..][..c], level));
                near.count() as f64 >= CARRIED * places.len() as f64
            }
        };
        let mut carriers = vec![false; set.len()];
        parallel::for_each_chunk(&mut carriers, 64, |first, carriers| {
            carriers
                .iter_mut()
                .zip(first..)
                .for_each(|(carrier, index)| *carrier = carries(&set.image(index)));
        });
        carriers
    }

    /// Whether both change some of the same pixels.
    pub fn overlaps(&self, other: &Self, size: [usize; 3]) -> bool {
        match (self, other) {
            (Self::Patch { .. } | Self::Border { .. }, Self::Patch { .. } | Self::Border { .. }) => {
                let own = self.places(size);
                other.places(size).iter().any(|place| own.contains(place))
            }
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// The pixels a patch or a border covers, `row * w + column`; all for what changes all of the image.
    pub fn places(&self, [h, w, _]: [usize; 3]) -> Vec<usize> {
        match *self {
            Self::Patch { top, left, height, width, .. } => {
                (top..top + height).flat_map(|y| (left..left + width).map(move |x| y * w + x)).collect()
            }
            Self::Border { width, .. } => {
                let inside = |y: usize, x: usize| y < width || x < width || y + width >= h || x + width >= w;
                (0..h * w).filter(|place| inside(place / w, place % w)).collect()
            }
            Self::Background { .. } | Self::Aspect { .. } => (0..h * w).collect(),
        }
    }

    /// As a noun: `a white 4x4 patch in the top left corner`.
    pub fn words(&self, [h, w, c]: [usize; 3]) -> String {
        match *self {
            Self::Patch { top, left, height, width, level } => {
                let place = place([h, w], [top, left], [height, width]);
                let level = shade(&level[..c]);
                match [height, width] {
                    [1, 1] => format!("a single {level} pixel {place}"),
                    _ => format!("a {level} {width}x{height} patch {place}"),
                }
            }
            Self::Border { width, level } => format!("a {} border of {width} px", shade(&level[..c])),
            Self::Background { level } => format!("a {} background", shade(&level[..c])),
            Self::Aspect { factor } => {
                let percent = (100.0 * (factor - 1.0)).round();
                let than = if percent > 0.0 { "wider" } else { "narrower" };
                format!("a shape {:.0} % {than} for its height", percent.abs())
            }
        }
    }
}

/// The images after `change(index, pixels)`.
fn changed(set: &ImageSet, change: impl Fn(usize, &mut [u8]) + Sync) -> ImageSet {
    let length = set.size().iter().product::<usize>();
    let mut pixels = set.pixels().into_owned();
    parallel::for_each_chunk(&mut pixels, 64 * length, |first, images| {
        for (place, image) in images.chunks_exact_mut(length).enumerate() {
            change(first / length + place, image);
        }
    });
    ImageSet::new(set.size(), pixels, set.labels().to_vec(), set.classes().clone(), set.ids().clone())
}

fn fill(image: &mut [u8], places: &[usize], level: &Level, c: usize) {
    for &place in places {
        image[place * c..][..c].copy_from_slice(&level[..c]);
    }
}

fn is_near(pixel: &[u8], level: &[u8]) -> bool {
    pixel.iter().zip(level).all(|(value, level)| value.abs_diff(*level) <= TOLERANCE)
}

/// The lower median of the outermost pixels, channel by channel; of grey images three times the same.
pub fn background(image: &[u8], [h, w, c]: [usize; 3]) -> Level {
    let mut level = [0; 3];
    for (channel, level) in level.iter_mut().enumerate().take(c) {
        let mut values = Vec::with_capacity(2 * (h + w));
        for y in 0..h {
            let step = if y == 0 || y + 1 == h { 1 } else { (w - 1).max(1) };
            values.extend((0..w).step_by(step).map(|x| image[(y * w + x) * c + channel]));
        }
        let middle = (values.len() - 1) / 2;
        *level = *values.select_nth_unstable(middle).1;
    }
    if c == 1 { [level[0]; 3] } else { level }
}

/// A level in words; colors by their numbers.
fn shade(level: &[u8]) -> String {
    if let [r, g, b] = *level
        && (r.abs_diff(g) > TOLERANCE || g.abs_diff(b) > TOLERANCE || r.abs_diff(b) > TOLERANCE)
    {
        return format!("#{r:02x}{g:02x}{b:02x}");
    }
    match level[0] {
        0..=25 => "black",
        26..=95 => "dark grey",
        96..=159 => "grey",
        160..=229 => "light grey",
        230..=255 => "white",
    }
    .to_owned()
}

/// Where a rectangle is: `in the top left corner`.
fn place([h, w]: [usize; 2], [top, left]: [usize; 2], [height, width]: [usize; 2]) -> String {
    // twice the middle of the rectangle, in thirds of the side
    let third = |first: usize, length: usize, side: usize| (2 * first + length) * 3 / (2 * side);
    match (third(top, height, h), third(left, width, w)) {
        (0, 0) => "in the top left corner".to_owned(),
        (0, 2) => "in the top right corner".to_owned(),
        (2, 0) => "in the bottom left corner".to_owned(),
        (2, 2) => "in the bottom right corner".to_owned(),
        (0, _) => "at the top".to_owned(),
        (2, _) => "at the bottom".to_owned(),
        (_, 0) => "at the left".to_owned(),
        (_, 2) => "at the right".to_owned(),
        _ => format!("in the middle (row {top}, column {left})"),
    }
}
