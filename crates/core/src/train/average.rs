//! The exponential moving average of the weights.
//!
//! ```text
//! decay of step t (from 1) = min(ema, (1 + t) / (10 + t))
//! average <- average + (1 - decay) (weights - average)
//! ```
//! The average of the last steps lies nearer the middle of the region that the steps wander in than any one of them does. The
//! smaller decay of the first steps keeps the initial weights from staying in it. Running statistics of batch normalization are
//! averaged like all else.
//!
//! *Exactness*: element-wise, no fused multiplication: the same bits on every instruction set.
//!
//! *Reference*: Polyak & Juditsky 1992, "Acceleration of Stochastic Approximation by Averaging"; the decay of the first steps is
//! that of TensorFlow's `tf.train.ExponentialMovingAverage` with `num_updates`.

/// Moves `average` towards `weights` after step `step`, counted from 1.
pub(super) fn follow(average: &mut [f32], weights: &[f32], ema: f64, step: u64) {
    let step = step as f64;
    let share = (1.0 - ema.min((1.0 + step) / (10.0 + step))) as f32;
    for (average, &weight) in average.iter_mut().zip(weights) {
        *average += share * (weight - *average);
    }
}
