//! Classes that count more than others in the loss.
//!
//! *Idea*: a weighted mean of the images' losses is the plain mean with other targets, so nothing behind the targets knows of it:
//! ```text
//! target'[i, c] = w[c] target[i, c] n / sum over images and classes of w[c] mixed[i, c]
//! ```
//! where `target = (1 - e) mixed + e / k` with label smoothing `e`, and `mixed` is the class of an image, or what mixup and cutmix
//! made of two. That is PyTorch's `CrossEntropyLoss(weight=w, label_smoothing=e)` with its mean reduction; with mixed images, of
//! which it takes no labels, the weight of an image is the mean of its two classes' in the proportions of the mixture.
//!
//! *Exactness*: losses and gradients of PyTorch within 1e-5 of the largest (`train/tests/loss.rs`).

use super::TrainError;
use crate::nearest::nearest;
use crate::recipe::ClassWeights;
use crate::sample::ImageSet;

/// The weight of each class of `set`; `None` if all are alike.
pub(super) fn of(set: &ImageSet, weights: &ClassWeights) -> Result<Option<Vec<f32>>, TrainError> {
    let classes = set.classes();
    match weights {
        ClassWeights::Equal => Ok(None),
        ClassWeights::Balanced => {
            let mut counts = vec![0_u64; classes.len()];
            set.labels().iter().for_each(|&label| counts[label as usize] += 1);
            let each = set.len() as f64 / classes.len() as f64;
            let weight = |&count: &u64| if count == 0 { 0.0 } else { (each / count as f64) as f32 };
            Ok(Some(counts.iter().map(weight).collect()))
        }
        ClassWeights::Named(named) => {
            let unknown: Vec<_> =
                named.keys().filter(|name| !classes.contains(name)).map(String::as_str).collect();
            if let Some(&first) = unknown.first() {
                return Err(TrainError::UnknownClasses {
                    found: unknown.join(", "),
                    nearest: nearest(first, classes.iter().map(String::as_str)).map(str::to_owned),
                    classes: classes.join(", "),
                });
            }
            let weight = |class: &String| named.get(class).map_or(1.0, |&weight| weight as f32);
            Ok(Some(classes.iter().map(weight).collect()))
        }
    }
}

/// Weighs `targets` `[n, k]`, of which `smoothing` was spread over all classes.
pub(super) fn weigh(weights: &[f32], smoothing: f32, targets: &mut [f32]) {
    let (k, smoothing) = (weights.len(), f64::from(smoothing));
    let n = (targets.len() / k) as f64;
    let spread = smoothing / k as f64 * weights.iter().map(|&w| f64::from(w)).sum::<f64>();
    let mut sum = 0.0;
    for row in targets.chunks_exact_mut(k) {
        for (target, &weight) in row.iter_mut().zip(weights) {
            *target *= weight;
            sum += f64::from(*target);
        }
    }
    let mixed = (sum - n * spread) / (1.0 - smoothing);
    if mixed > 0.0 {
        let factor = (n / mixed) as f32;
        targets.iter_mut().for_each(|target| *target *= factor);
    }
}
