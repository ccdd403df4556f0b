//! Averages of the weights: exponential over all steps, or plain over the last epochs.
//!
//! ```text
//! ema:  decay of step t (from 1) = min(ema, (1 + t) / (10 + t))
//!       average <- average + (1 - decay) (weights - average)              after every step
//! swa:  average <- average + (weights - average) / n                      after the n-th of the last epochs
//! ```
//! The average of the last steps lies nearer the middle of the region that the steps wander in than any one of them does. The
//! smaller decay of the first steps keeps the initial weights from staying in it. Running statistics of batch normalization are
//! averaged like all else; those of a plain average, whose weights lie far apart, are then found anew from training images.
//!
//! *Exactness*: element-wise, no fused multiplication: the same bits on every instruction set.
//!
//! *Reference*: Polyak & Juditsky 1992, "Acceleration of Stochastic Approximation by Averaging"; the decay of the first steps is
//! that of TensorFlow's `tf.train.ExponentialMovingAverage` with `num_updates`. Izmailov et al. 2018, "Averaging Weights Leads to Wider
//! Optima and Better Generalization", algorithm 1, with an epoch for a cycle.

/// Moves `average` towards `weights` after step `step`, counted from 1.
pub(super) fn follow(average: &mut [f32], weights: &[f32], ema: f64, step: u64) {
    let step = step as f64;
    move_by(average, weights, 1.0 - ema.min((1.0 + step) / (10.0 + step)));
}

/// Takes the weights after `epoch` epochs of `epochs` into the average of those after `from`, a share of the run. Before that
/// the average is the weights. Returns whether there is more than one in it.
pub(super) fn take(average: &mut [f32], weights: &[f32], from: f64, epoch: u64, epochs: u64) -> bool {
    let first = ((from * epochs as f64).ceil() as u64).max(1);
    let taken = (epoch + 1).saturating_sub(first);
    if taken <= 1 {
        average.copy_from_slice(weights);
        return false;
    }
    move_by(average, weights, 1.0 / taken as f64);
    true
}

fn move_by(average: &mut [f32], weights: &[f32], share: f64) {
    let share = share as f32;
    for (average, &weight) in average.iter_mut().zip(weights) {
        *average += share * (weight - *average);
    }
}
