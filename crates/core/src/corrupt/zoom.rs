//! zoom_blur, and enlarging the middle of a map as snow does.
//!
//! *Idea*: the mean of the image and of itself zoomed by each factor of a list. A zoom by `f` takes the middle
//! `ceil(h / f)` rows, and interpolates them to `round(ceil(h / f) f)` rows with the first and last where they were
//! (`scipy.ndimage.zoom`, order 1), of which the middle `h` are kept.
//!
//! *Departure*: rows are interpolated along x first and then blended, so the inner loop of the second runs over a row.

use super::tables::Tables;

/// Where the values of one axis come from: two places, and the share of the second.
#[derive(Clone, Debug)]
struct Axis {
    /// `(place, share)`: `(1 - share) src[place] + share src[place + 1]`.
    taps: Vec<(usize, f32)>,
}

impl Axis {
    fn new(n: usize, factor: f64) -> Self {
        let part = (n as f64 / factor).ceil() as usize;
        let first = (n - part) / 2;
        // Python rounds halves to even
        let long = ((part as f64 * factor).round_ties_even() as usize).max(n);
        let skip = (long - n) / 2;
        let scale = if long > 1 { (part - 1) as f64 / (long - 1) as f64 } else { 0.0 };
        let tap = |i: usize| {
            let at = (i + skip) as f64 * scale;
            let place = (at as usize).min(part.saturating_sub(2));
            (first + place, (at - place as f64) as f32)
        };
        Self { taps: (0..n).map(tap).collect() }
    }
}

/// A zoom of images of one size.
#[derive(Clone, Debug)]
pub(super) struct Zoom {
    rows: Axis,
    columns: Axis,
}

impl Zoom {
    pub(super) fn new([h, w, _]: [usize; 3], factor: f64) -> Self {
        Self { rows: Axis::new(h, factor), columns: Axis::new(w, factor) }
    }

    /// Rows and columns of the source that are read: `[top, bottom, left, right]`, the ends excluded.
    pub(super) fn region(&self) -> [usize; 4] {
        let span = |axis: &Axis| {
            let last = axis.taps.last().map_or(0, |tap| tap.0);
            [axis.taps[0].0, (last + 2).min(axis.taps.len())]
        };
        let ([top, bottom], [left, right]) = (span(&self.rows), span(&self.columns));
        [top, bottom, left, right]
    }

    /// Adds the zoomed `src` to `dst`.
    pub(super) fn add(&self, src: &[f32], dst: &mut [f32], c: usize, narrow: &mut Vec<f32>) {
        let w = self.columns.taps.len();
        let h = self.rows.taps.len();
        let [top, bottom, ..] = self.region();
        narrow.resize(src.len(), 0.0);
        for y in top..bottom {
            let (src, dst) = (&src[y * w * c..][..w * c], &mut narrow[y * w * c..][..w * c]);
            for (dst, &(place, share)) in dst.chunks_exact_mut(c).zip(&self.columns.taps) {
                let next = (place + 1).min(w - 1);
                for channel in 0..c {
                    let (a, b) = (src[place * c + channel], src[next * c + channel]);
                    dst[channel] = a + share * (b - a);
                }
            }
        }
        for (dst, &(place, share)) in dst.chunks_exact_mut(w * c).zip(&self.rows.taps) {
            let next = (place + 1).min(h - 1);
            let [above, below] = [place, next].map(|y| &narrow[y * w * c..][..w * c]);
            for ((dst, a), b) in dst.iter_mut().zip(above).zip(below) {
                *dst += a + share * (b - a);
            }
        }
    }
}

/// The zooms of zoom_blur.
pub(super) fn zooms(tables: Tables, severity: u8, size: [usize; 3]) -> Vec<Zoom> {
    // numpy's arange(1, end, step): how many, and the step
    let cifar = [(6, 0.01), (11, 0.01), (16, 0.01), (21, 0.01), (26, 0.01)];
    let imagenet = [(11, 0.01), (16, 0.01), (11, 0.02), (13, 0.02), (11, 0.03)];
    let (count, step) = tables.pick(severity, cifar, imagenet);
    (0..count).map(|i| Zoom::new(size, 1.0 + f64::from(i) * step)).collect()
}

/// zoom_blur of `plane`.
pub(super) fn blur(zooms: &[Zoom], plane: &mut [f32], c: usize, [sum, narrow]: [&mut Vec<f32>; 2]) {
    sum.clear();
    sum.extend_from_slice(plane);
    for zoom in zooms {
        zoom.add(plane, sum, c, narrow);
    }
    let share = 1.0 / (zooms.len() + 1) as f32;
    for (value, sum) in plane.iter_mut().zip(sum.iter()) {
        *value = sum * share;
    }
}
