//! Which artifacts are tried: a fixed list for any model, and what a class's images have in common in the data.
//!
//! *Idea* of what is learnt, for patches and single pixels:
//! ```text
//! share[class][pixel][bin] = share of the class's images whose pixel is in the bin (32 levels wide, overlapping by half)
//! telling                  = share of the class - share of all others
//! patch of a class         = square and bin with the largest sum of (telling - LEAST_TELLING) over its pixels
//! ```
//! A patch that is on every image of a class and on no other has the sum `area (1 - LEAST_TELLING)`; a larger square would take
//! pixels in that tell nothing. Nothing here judges: what is learnt is only tried.

use super::artifact::{Artifact, Level, background};
use crate::sample::ImageSet;

/// Pixels of a patch tell the class at least this well on average: share of the class less share of the others.
const LEAST_TELLING: f64 = 0.25;

/// Bins of 16 levels; a candidate's bin is two neighbours.
const BINS: usize = 16;

/// Counts that are kept at most; with more classes and larger images only every so many pixels are looked at.
const MOST_COUNTS: usize = 64 << 20;

/// Patches that are learnt a class.
const LEARNT: usize = 2;

/// The list for any model.
pub fn fixed([h, w, _]: [usize; 3]) -> Vec<Artifact> {
    let levels = [0, 128, 255].map(|level: u8| [level; 3]);
    let mut artifacts = Vec::new();
    let side = h.min(w);
    let mut sides = vec![1, side.div_ceil(14), side.div_ceil(7)];
    sides.dedup();
    for side in sides.into_iter().filter(|&side| side <= h && side <= w) {
        for level in levels.into_iter().filter(|level| side > 1 || level[0] == 255) {
            for top in [0, (h - side) / 2, h - side] {
                for left in [0, (w - side) / 2, w - side] {
                    artifacts.push(Artifact::Patch { top, left, height: side, width: side, level });
                }
            }
        }
    }
    let mut widths = vec![1, side.div_ceil(14)];
    widths.dedup();
    for width in widths {
        artifacts.extend(levels.map(|level| Artifact::Border { width, level }));
    }
    artifacts.extend([0, 64, 128, 255].map(|level| Artifact::Background { level: [level; 3] }));
    artifacts.extend([0.8, 1.25].map(|factor| Artifact::Aspect { factor }));
    artifacts.dedup();
    artifacts
}

/// What the images of a class have in common and others have not.
pub fn learnt(data: &ImageSet) -> Vec<Artifact> {
    let mut artifacts = patches(data);
    artifacts.extend(backgrounds(data));
    artifacts
}

/// Places that are looked at: every `step`-th pixel.
struct Lattice {
    step: usize,
    rows: usize,
    columns: usize,
}

impl Lattice {
    fn new([h, w, _]: [usize; 3], classes: usize) -> Self {
        let places = |step: usize| h.div_ceil(step) * w.div_ceil(step);
        let step = (1..=h.max(w)).find(|&step| classes * places(step) * BINS <= MOST_COUNTS);
        let step = step.unwrap_or(h.max(w));
        Self { step, rows: h.div_ceil(step), columns: w.div_ceil(step) }
    }

    fn places(&self) -> usize {
        self.rows * self.columns
    }
}

fn grey(pixel: &[u8]) -> usize {
    pixel.iter().map(|&value| usize::from(value)).sum::<usize>() / pixel.len()
}

fn patches(data: &ImageSet) -> Vec<Artifact> {
    let size @ [h, w, c] = data.size();
    let k = data.classes().len();
    let lattice = Lattice::new(size, k);
    let mut counts = vec![0_u32; k * lattice.places() * BINS];
    let mut images = vec![0_u32; k];
    for (index, &label) in data.labels().iter().enumerate() {
        images[label as usize] += 1;
        let image = data.image(index);
        for place in 0..lattice.places() {
            let (y, x) = (place / lattice.columns * lattice.step, place % lattice.columns * lattice.step);
            let bin = grey(&image[(y * w + x) * c..][..c]) * BINS / 256;
            counts[(label as usize * lattice.places() + place) * BINS + bin] += 1;
        }
    }
    let mut all = vec![0_u32; lattice.places() * BINS];
    for of_class in counts.chunks_exact(lattice.places() * BINS) {
        all.iter_mut().zip(of_class).for_each(|(sum, count)| *sum += count);
    }
    let total: u32 = images.iter().sum();
    let mut artifacts = Vec::new();
    for class in 0..k {
        let (own, others) = (images[class], total - images[class]);
        if own == 0 || others == 0 {
            continue;
        }
        let of_class = &counts[class * lattice.places() * BINS..][..lattice.places() * BINS];
        let telling = |place: usize, bin: usize| {
            let sum = |counts: &[u32]| counts[place * BINS + bin] + counts[place * BINS + bin + 1];
            let inside = sum(of_class);
            f64::from(inside) / f64::from(own) - f64::from(sum(&all) - inside) / f64::from(others)
        };
        let mut found: Vec<(f64, [usize; 3], usize)> = Vec::new();
        for bin in 0..BINS - 1 {
            let sums = Sums::new(&lattice, |place| telling(place, bin) - LEAST_TELLING);
            for side in 1..=(lattice.rows.min(lattice.columns) / 4).max(1) {
                found.extend(sums.best(side).map(|(score, y, x)| (score, [y, x, side], bin)));
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut chosen: Vec<Artifact> = Vec::new();
        for (_, [y, x, side], bin) in found {
            let step = lattice.step;
            let [top, left] = [y * step, x * step];
            let patch = Artifact::Patch {
                top,
                left,
                height: (side * step).min(h - top),
                width: (side * step).min(w - left),
                level: level(data, class, [top, left, side * step], bin),
            };
            if chosen.iter().all(|other| !other.overlaps(&patch, size)) {
                chosen.push(patch);
            }
            if chosen.len() == LEARNT {
                break;
            }
        }
        artifacts.extend(chosen);
    }
    artifacts
}

/// Sums over squares, from sums over all places above and to the left (Crow 1984, "Summed-area tables", SIGGRAPH).
struct Sums {
    rows: usize,
    columns: usize,
    /// `[rows + 1, columns + 1]`
    sums: Vec<f64>,
}

impl Sums {
    fn new(lattice: &Lattice, value: impl Fn(usize) -> f64) -> Self {
        let (rows, columns) = (lattice.rows, lattice.columns);
        let mut sums = vec![0.0; (rows + 1) * (columns + 1)];
        for y in 0..rows {
            let mut row = 0.0;
            for x in 0..columns {
                row += value(y * columns + x);
                sums[(y + 1) * (columns + 1) + x + 1] = sums[y * (columns + 1) + x + 1] + row;
            }
        }
        Self { rows, columns, sums }
    }

    /// The square with the largest sum, if that is above 0: sum, row, column.
    fn best(&self, side: usize) -> Option<(f64, usize, usize)> {
        let at = |y: usize, x: usize| self.sums[y * (self.columns + 1) + x];
        let mut best: Option<(f64, usize, usize)> = None;
        for y in 0..=self.rows - side {
            for x in 0..=self.columns - side {
                let sum = at(y + side, x + side) - at(y, x + side) - at(y + side, x) + at(y, x);
                if sum > 1e-9 && best.is_none_or(|(most, ..)| sum > most + 1e-9) {
                    best = Some((sum, y, x));
                }
            }
        }
        best
    }
}

/// The median level, channel by channel, of the class's pixels of a square that are in the bin; of grey images three times the same.
fn level(data: &ImageSet, class: usize, [top, left, side]: [usize; 3], bin: usize) -> Level {
    let [h, w, c] = data.size();
    let mut counts = [[0_u32; 256]; 3];
    for index in (0..data.len()).filter(|&index| data.labels()[index] as usize == class) {
        let image = data.image(index);
        for y in top..(top + side).min(h) {
            for pixel in image[(y * w + left) * c..(y * w + (left + side).min(w)) * c].chunks_exact(c) {
                if (bin..bin + 2).contains(&(grey(pixel) * BINS / 256)) {
                    counts.iter_mut().zip(pixel).for_each(|(counts, &value)| counts[usize::from(value)] += 1);
                }
            }
        }
    }
    let level = counts.map(|counts| {
        let n: u32 = counts.iter().sum();
        let mut below = 0;
        let median = counts.iter().position(|count| {
            below += count;
            2 * below >= n.max(1)
        });
        median.unwrap_or(0) as u8
    });
    if c == 1 { [level[0]; 3] } else { level }
}

/// The background of each class, where it tells the class, and a border of it.
fn backgrounds(data: &ImageSet) -> Vec<Artifact> {
    let size = data.size();
    let k = data.classes().len();
    let mut counts = vec![[0_u32; BINS]; k];
    let mut levels = vec![[[0_u64; 3]; BINS]; k];
    for (index, &label) in data.labels().iter().enumerate() {
        let level = background(&data.image(index), size);
        let bin = grey(&level[..size[2]]) * BINS / 256;
        counts[label as usize][bin] += 1;
        let sums = &mut levels[label as usize][bin];
        sums.iter_mut().zip(level).for_each(|(sum, value)| *sum += u64::from(value));
    }
    let share = |counts: u32, of: u32| f64::from(counts) / f64::from(of.max(1));
    let mut artifacts = Vec::new();
    for class in 0..k {
        let own: u32 = counts[class].iter().sum();
        let others: u32 = counts.iter().flatten().sum::<u32>() - own;
        let telling = |bin: usize| {
            let all: u32 = counts.iter().map(|counts| counts[bin]).sum();
            share(counts[class][bin], own) - share(all - counts[class][bin], others)
        };
        let best = (0..BINS).max_by(|&a, &b| telling(a).total_cmp(&telling(b)).then(b.cmp(&a)));
        let Some(bin) = best.filter(|&bin| own > 0 && others > 0 && telling(bin) > LEAST_TELLING) else {
            continue;
        };
        let level = levels[class][bin].map(|sum| (sum / u64::from(counts[class][bin])) as u8);
        artifacts.push(Artifact::Background { level });
        artifacts.push(Artifact::Border { width: 1, level });
    }
    artifacts
}
