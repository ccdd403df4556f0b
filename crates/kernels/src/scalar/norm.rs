//! The plain-loop twins of [`crate::norm`].

use crate::norm::{CHAINS, Factors};

/// The sum of `value(position)` in [`CHAINS`] chains, added pairwise.
fn chained(positions: usize, value: impl Fn(usize) -> f32) -> f32 {
    let mut sums = [0.0; CHAINS];
    for position in 0..positions {
        sums[position % CHAINS] += value(position);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// Twin of [`crate::norm::moments`].
pub fn moments(x: &[f32], mean: &mut [f32], deviation: &mut [f32]) {
    let c = mean.len();
    let positions = x.len() / c;
    for channel in 0..c {
        let at = |position: usize| x[position * c + channel];
        mean[channel] = chained(positions, at) * (1.0 / positions as f32);
        let distance = |position: usize| at(position) - mean[channel];
        deviation[channel] = chained(positions, |position| distance(position) * distance(position));
    }
}

/// Twin of [`crate::norm::scale_shift`].
pub fn scale_shift(x: &[f32], scale: &[f32], shift: &[f32], relu: bool, y: &mut [f32]) {
    for (index, (y, x)) in y.iter_mut().zip(x).enumerate() {
        let value = x * scale[index % scale.len()] + shift[index % scale.len()];
        *y = if relu && value <= 0.0 { 0.0 } else { value };
    }
}

/// Twin of [`crate::norm::gradient_sums`].
pub fn gradient_sums(
    (x, mean): (&[f32], &[f32]),
    y: Option<&[f32]>,
    dy: &mut [f32],
    (sum, product): (&mut [f32], &mut [f32]),
) {
    let c = mean.len();
    for (index, dy) in dy.iter_mut().enumerate() {
        if y.is_some_and(|y| y[index] <= 0.0) {
            *dy = 0.0;
        }
    }
    for channel in 0..c {
        let at = |values: &[f32], position: usize| values[position * c + channel];
        sum[channel] += chained(x.len() / c, |position| at(dy, position));
        product[channel] +=
            chained(x.len() / c, |position| at(dy, position) * (at(x, position) - mean[channel]));
    }
}

/// Twin of [`crate::norm::normalize_backward`].
pub fn normalize_backward(x: &[f32], dy: &[f32], factors: Factors<'_>, dx: &mut [f32], accumulate: bool) {
    for (index, dx) in dx.iter_mut().enumerate() {
        let channel = index % factors.mean.len();
        let far = (x[index] - factors.mean[channel]) * factors.distance[channel];
        let gradient = dy[index] * factors.gradient[channel] + far + factors.constant[channel];
        *dx = if accumulate { *dx + gradient } else { gradient };
    }
}
