//! RISE: random masks, weighted by the probability the class keeps under them.
//!
//! *Departure*: divided by the sum of the masks at each pixel instead of by its expectation, so that a pixel which few masks
//! happen to show is not dark for that.
//!
//! *Reference*: Petsiuk, Das & Saenko 2018, "RISE", equation 6 and section 3.3.

use super::occlusion::BATCH;
use super::resized;
use crate::random::{Purpose, Stream};
use crate::see::Classifier;

/// Cells of a mask's grid each way, and the chance of a cell to be shown (section 4.1 of the paper).
const CELLS: usize = 7;
const SHOWN: f64 = 0.5;

/// `count` masks `[h, w]` in `[0, 1]`: grids of 7 × 7 cells, one cell larger, drawn smoothly and shifted within a cell.
pub fn rise_masks(seed: u64, count: usize, [h, w]: [usize; 2]) -> Vec<f32> {
    let mut stream = Stream::new(seed, Purpose::Rise, 0, 0);
    let cell = [h.div_ceil(CELLS), w.div_ceil(CELLS)];
    let mut masks = Vec::with_capacity(count * h * w);
    for _ in 0..count {
        let grid: Vec<f32> =
            (0..(CELLS + 1) * (CELLS + 1)).map(|_| f32::from(u8::from(stream.unit() < SHOWN))).collect();
        let wide = cell.map(|cell| (CELLS + 1) * cell);
        let drawn = resized(&grid, [CELLS + 1; 2], wide);
        let shift = cell.map(|cell| stream.below(cell as u64) as usize);
        for row in 0..h {
            masks.extend_from_slice(&drawn[(row + shift[0]) * wide[1] + shift[1]..][..w]);
        }
    }
    masks
}

/// `[h, w]`: the mean probability of `class` when a pixel is shown; hidden parts show `baseline`. `image` and `baseline` are
/// `[h, w, c]`, `masks` `[masks, h, w]`.
pub fn rise(
    model: &mut dyn Classifier,
    image: &[f32],
    baseline: &[f32],
    class: usize,
    masks: &[f32],
) -> Vec<f32> {
    let [h, w, c] = model.input();
    let classes = model.outputs();
    let (mut weighted, mut total) = (vec![0.0_f64; h * w], vec![0.0_f64; h * w]);
    for masks in masks.chunks(BATCH * h * w) {
        let mut images = Vec::with_capacity(masks.len() * c);
        for mask in masks.chunks_exact(h * w) {
            for ((&shown, pixel), hidden) in
                mask.iter().zip(image.chunks_exact(c)).zip(baseline.chunks_exact(c))
            {
                images.extend(pixel.iter().zip(hidden).map(|(x, b)| b + shown * (x - b)));
            }
        }
        let probs = model.probs(&images);
        for (mask, row) in masks.chunks_exact(h * w).zip(probs.chunks_exact(classes)) {
            let score = f64::from(row[class]);
            for ((weighted, total), &shown) in weighted.iter_mut().zip(&mut total).zip(mask) {
                *weighted += score * f64::from(shown);
                *total += f64::from(shown);
            }
        }
    }
    weighted
        .iter()
        .zip(&total)
        .map(|(&weighted, &total)| (weighted / total.max(f64::MIN_POSITIVE)) as f32)
        .collect()
}
