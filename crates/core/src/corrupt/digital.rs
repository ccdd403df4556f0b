//! Pixels made larger, and images stretched in parts.
//!
//! **pixelate**: Pillow's `resize(BOX)` to `int(side c)`, then each new pixel shown as a block (`NEAREST`).
//!
//! **elastic_transform**: `out(p) = image(A (p + d(p)))`: `d` uniform numbers blurred by a Gaussian and enlarged, `A` the affine
//! map of three points that were each moved at random; bilinear, mirrored edges. From 64 pixels on `A` is the identity,
//! as in `imagecorruptions`; for smaller images both are those of `make_cifar_c.py`.
//!
//! *Departures*: 1. `A` and `d` are joined and the image is interpolated once; the published code interpolates twice. 2. What is
//! left of `d` after the blur is its range over the blur's deviation, so where the size scales that, the range is scaled
//! once more; else shifts would be of one pixel at any size.

use seamripper_kernels::warp::{Matrix, invert};

use super::plane::{self, Edge};
use super::tables::{Set, Tables};
use crate::random::Stream;

/// One axis of a box resize: for each new place its first pixel, how many, and the weight of each in 2^-22.
#[derive(Clone, Debug)]
struct Boxes(Vec<(usize, usize, u64)>);

const PRECISION: u32 = 22;

impl Boxes {
    /// `ImagingResample` of Pillow: a pixel counts if its center is within half a new pixel of the new one's center.
    fn new(from: usize, to: usize) -> Self {
        let scale = from as f64 / to as f64;
        let of = |place: usize| {
            let center = (place as f64 + 0.5) * scale;
            let first = (center - 0.5 * scale + 0.5).max(0.0) as usize;
            let last = ((center + 0.5 * scale + 0.5) as usize).min(from);
            let inside = |&x: &usize| {
                let away = (x as f64 - center + 0.5) / scale;
                away > -0.5 && away <= 0.5
            };
            // those inside are neighbours
            let count = (first..last).filter(inside).count().max(1);
            let first = (first..last).find(inside).unwrap_or(first);
            (first, count, (0.5 + f64::from(1 << PRECISION) / count as f64) as u64)
        };
        Self((0..to).map(of).collect())
    }
}

/// A pixelate of images of one size.
#[derive(Clone, Debug)]
pub(super) struct Pixelate {
    columns: Boxes,
    rows: Boxes,
}

impl Pixelate {
    /// The share of the side that is left.
    pub(super) fn share(tables: Tables, severity: u8) -> f64 {
        tables.pick(severity, [0.95, 0.9, 0.85, 0.75, 0.65], [0.6, 0.5, 0.4, 0.3, 0.25])
    }

    pub(super) fn new([h, w, _]: [usize; 3], share: f64) -> Self {
        let small = |side: usize| ((side as f64 * share) as usize).clamp(1, side);
        Self { columns: Boxes::new(w, small(w)), rows: Boxes::new(h, small(h)) }
    }

    pub(super) fn apply(
        &self,
        src: &[u8],
        [h, w, c]: [usize; 3],
        out: &mut [u8],
        [narrow, small]: [&mut Vec<u8>; 2],
    ) {
        let round = |sum: u32, weight: u64| {
            ((u64::from(sum) * weight + (1 << (PRECISION - 1))) >> PRECISION).min(255) as u8
        };
        let (small_h, small_w) = (self.rows.0.len(), self.columns.0.len());
        narrow.clear();
        for row in src.chunks_exact(w * c) {
            for &(first, count, weight) in &self.columns.0 {
                let pixels = &row[first * c..(first + count) * c];
                for channel in 0..c {
                    let sum = pixels[channel..].iter().step_by(c).map(|&value| u32::from(value)).sum();
                    narrow.push(round(sum, weight));
                }
            }
        }
        small.clear();
        for &(first, count, weight) in &self.rows.0 {
            let rows = &narrow[first * small_w * c..(first + count) * small_w * c];
            for x in 0..small_w * c {
                let sum = rows[x..].iter().step_by(small_w * c).map(|&value| u32::from(value)).sum();
                small.push(round(sum, weight));
            }
        }
        let nearest = |i: usize, n: usize, small: usize| ((2 * i + 1) * small / (2 * n)).min(small - 1);
        let columns: Vec<usize> = (0..w).map(|x| nearest(x, w, small_w) * c).collect();
        for (y, row) in out.chunks_exact_mut(w * c).enumerate() {
            let source = &small[nearest(y, h, small_h) * small_w * c..][..small_w * c];
            for (pixel, &x) in row.chunks_exact_mut(c).zip(&columns) {
                pixel.copy_from_slice(&source[x..][..c]);
            }
        }
    }
}

/// Numbers of elastic_transform, all in pixels.
#[derive(Clone, Debug)]
pub(super) struct Elastic {
    /// Half the range of the uniform numbers, after they were enlarged.
    reach: f32,
    half: Vec<f32>,
    /// How far the three points move.
    affine: f64,
}

impl Elastic {
    pub(super) fn new(tables: Tables, severity: u8, [h, w, _]: [usize; 3]) -> Self {
        let side = h.min(w) as f32;
        // enlarged by, sigma, points; as shares of the side
        let cifar =
            [(0.0, 0.0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)];
        let imagenet = [0.05, 0.065, 0.085, 0.1, 0.12].map(|alpha| (250.0 * alpha * 0.005, 0.01, 0.0));
        let (reach, sigma, affine) = tables.pick(severity, cifar, imagenet);
        debug_assert!(tables.set != Set::Mnist, "not one of MNIST-C");
        Self {
            reach: if tables.set == Set::Imagenet { reach * side * tables.factor } else { reach * side },
            half: plane::gaussian(sigma * side, 3.0),
            affine: f64::from(affine * side),
        }
    }

    pub(super) fn apply(
        &self,
        src: &[f32],
        size: [usize; 3],
        stream: &mut Stream,
        dst: &mut Vec<f32>,
        [down, across, row, between]: [&mut Vec<f32>; 4],
    ) {
        let [h, w, c] = size;
        let src_from_dst = self.draw_affine(size, stream);
        for shifts in [&mut *down, &mut *across] {
            shifts.clear();
            shifts.resize(h * w, 0.0);
            if self.reach > 0.0 {
                let unit = |bits: u64| bits as u32 as f32 * (2.0 / 4_294_967_296.0) - 1.0;
                for two in shifts.chunks_mut(2) {
                    let bits = stream.bits();
                    for (shift, bits) in two.iter_mut().zip([bits, bits >> 32]) {
                        *shift = self.reach * unit(bits);
                    }
                }
                plane::blur(shifts, [h, w, 1], &self.half, Edge::Reflect, [row, between]);
            }
        }
        let [[a, b, tx], [d, e, ty]] = src_from_dst.map(|row| row.map(|value| value as f32));
        dst.resize(src.len(), 0.0);
        for y in 0..h {
            for x in 0..w {
                let i = y * w + x;
                let (fx, fy) = (x as f32 + across[i], y as f32 + down[i]);
                let at = [a * fx + b * fy + tx, d * fx + e * fy + ty];
                sample(src, size, at, &mut dst[i * c..][..c]);
            }
        }
    }

    /// `src_from_dst` of three points that are moved.
    fn draw_affine(&self, [h, w, _]: [usize; 3], stream: &mut Stream) -> Matrix {
        let (half, arm) = ([(w / 2) as f64, (h / 2) as f64], (h.min(w) / 3) as f64);
        if self.affine == 0.0 || arm == 0.0 {
            return [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        }
        let mut moved = |signs: [f64; 2]| {
            [0, 1].map(|axis| half[axis] + signs[axis] * arm + stream.uniform(-self.affine, self.affine))
        };
        let (q0, q1, q2) = (moved([1.0, 1.0]), moved([1.0, -1.0]), moved([-1.0, -1.0]));
        let row = |axis: usize| {
            let (along_x, along_y) =
                ((q1[axis] - q2[axis]) / (2.0 * arm), (q0[axis] - q1[axis]) / (2.0 * arm));
            [along_x, along_y, q2[axis] - along_x * (half[0] - arm) - along_y * (half[1] - arm)]
        };
        invert(&[row(0), row(1)])
    }
}

/// Writes the pixel of `src` at `[x, y]`, between four, mirrored beyond the border.
fn sample(src: &[f32], [h, w, c]: [usize; 3], [x, y]: [f32; 2], out: &mut [f32]) {
    let (left, top) = (x.floor(), y.floor());
    let (share_x, share_y) = (x - left, y - top);
    let (left, top) = (left as isize, top as isize);
    let inside = left >= 0 && top >= 0 && left + 1 < w as isize && top + 1 < h as isize;
    let [columns, rows] = if inside {
        [[left as usize, left as usize + 1], [top as usize, top as usize + 1]]
    } else {
        [(left, w), (top, h)].map(|(first, n)| [first, first + 1].map(|i| Edge::Reflect.place(i, n)))
    };
    for (channel, out) in out.iter_mut().enumerate() {
        let at = |row: usize, column: usize| src[(rows[row] * w + columns[column]) * c + channel];
        let above = at(0, 0) + share_x * (at(0, 1) - at(0, 0));
        let below = at(1, 0) + share_x * (at(1, 1) - at(1, 0));
        *out = above + share_y * (below - above);
    }
}
