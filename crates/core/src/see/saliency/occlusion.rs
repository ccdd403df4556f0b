//! Occlusion: how far the target falls when a window of the image is covered.
//!
//! *Exactness*: within 1e-4 of Captum's `Occlusion` (golden file `captum`).
//!
//! *Reference*: Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 4.2.

use super::Target;
use crate::see::Classifier;

/// Images at a time.
pub(super) const BATCH: usize = 128;

/// The windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occlusion {
    /// `[h, w]` of a window.
    pub window: [usize; 2],
    /// `[down, right]` from one window to the next; the last ones end with the image.
    pub stride: [usize; 2],
}

impl Occlusion {
    /// Windows of about a sixth of the image's sides, each overlapping the next by more than half.
    pub fn of_size([h, w, _]: [usize; 3]) -> Self {
        let side = |length: usize| (length / 6 + 1).clamp(1, length);
        let window = [side(h), side(w)];
        Self { window, stride: window.map(|side| (side / 3).max(1)) }
    }
}

/// `[h, w]`: the mean, over the windows that cover a pixel, of the target's fall when the window shows `baseline`.
/// `image` and `baseline` are `[h, w, c]`.
pub fn occlusion(
    model: &mut dyn Classifier,
    image: &[f32],
    baseline: &[f32],
    target: Target,
    Occlusion { window, stride }: Occlusion,
) -> Vec<f32> {
    let [h, w, c] = model.input();
    let starts = |length: usize, window: usize, stride: usize| {
        let count = length.saturating_sub(window).div_ceil(stride) + 1;
        (0..count).map(move |index| index * stride).collect::<Vec<_>>()
    };
    let windows: Vec<[usize; 4]> = starts(h, window[0], stride[0])
        .iter()
        .flat_map(|&top| {
            starts(w, window[1], stride[1])
                .into_iter()
                .map(move |left| [top, (top + window[0]).min(h), left, (left + window[1]).min(w)])
        })
        .collect();
    let classes = model.outputs();
    let mut predict = |images: &[f32]| -> Vec<f64> {
        model.logits(images).chunks_exact(classes).map(|row| f64::from(target.of(row))).collect()
    };
    let before = predict(image)[0];
    let (mut total, mut covered) = (vec![0.0_f64; h * w], vec![0.0_f64; h * w]);
    for windows in windows.chunks(BATCH) {
        let mut images = Vec::with_capacity(windows.len() * image.len());
        for &[top, bottom, left, right] in windows {
            let begin = images.len();
            images.extend_from_slice(image);
            for row in top..bottom {
                let span = (row * w + left) * c..(row * w + right) * c;
                images[begin..][span.clone()].copy_from_slice(&baseline[span]);
            }
        }
        for (&[top, bottom, left, right], after) in windows.iter().zip(predict(&images)) {
            for row in top..bottom {
                for pixel in row * w + left..row * w + right {
                    total[pixel] += before - after;
                    covered[pixel] += 1.0;
                }
            }
        }
    }
    total.iter().zip(&covered).map(|(&total, &covered)| (total / covered.max(1.0)) as f32).collect()
}
