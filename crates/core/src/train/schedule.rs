//! The learning rate over a run.

use std::f64::consts::PI;

use crate::recipe::Schedule;

/// What the peak rate is multiplied by at `step` of `steps` (both in steps; `epoch` = steps in an epoch).
///
/// Sources are at [`Schedule`]'s variants.
pub fn factor(schedule: &Schedule, step: u64, steps: u64, epoch: u64) -> f64 {
    let at = step as f64;
    let last = steps.saturating_sub(1).max(1) as f64;
    match *schedule {
        Schedule::Constant => 1.0,
        Schedule::Step { every, factor } => factor.powi((step / (epoch.max(1) * every.max(1) as u64)) as i32),
        Schedule::Cosine { warmup, floor } => {
            let warm = warmup * epoch as f64;
            if at < warm {
                return (at + 1.0) / (warm + 1.0);
            }
            floor + (1.0 - floor) * half_cosine(1.0, 0.0, (at - warm) / (last - warm).max(1.0))
        }
        Schedule::CosineRestarts { first, factor, floor } => {
            // Not below one step, so that there are no more cycles than steps.
            let (mut from, mut length) = (0.0, (first * epoch as f64).max(1.0));
            if factor == 1.0 {
                from = (at / length).floor() * length;
            } else {
                while at >= from + length {
                    from += length;
                    length *= factor;
                }
            }
            floor + (1.0 - floor) * half_cosine(1.0, 0.0, (at - from) / length)
        }
        Schedule::OneCycle { rise, start, end } => {
            let top = rise * steps as f64 - 1.0;
            if at <= top {
                half_cosine(1.0 / start, 1.0, if top > 0.0 { at / top } else { 1.0 })
            } else {
                half_cosine(1.0, 1.0 / (start * end), (at - top) / (last - top).max(1.0))
            }
        }
    }
}

/// From `from` to `to` along half a cosine, `share` of the way.
fn half_cosine(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) / 2.0 * (1.0 + (PI * share.clamp(0.0, 1.0)).cos())
}
