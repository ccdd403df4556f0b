//! Vector scaling: a scale and a bias for each class.
//!
//! *Idea*: least `sum over images of -ln softmax(scale z + bias)[true] + 1/2 sum over classes of (scale - 1)² + bias²`.
//! It is convex; L-BFGS goes down with the last [`MEMORY`] steps, each halved until it gains enough (Armijo).
//!
//! *Departures* from Guo et al.: the second sum. It says that before any image is seen a scale is 1 ± 1 and a bias 0 ± 1;
//! against hundreds of images it weighs nothing, but a class that is always right, or without images, keeps a finite scale,
//! and there is one optimum only.
//!
//! *Exactness*: the loss of numpy's Newton method within 1e-9.
//! *Reference*: Guo, Pleiss, Sun & Weinberger (2017), "On calibration of modern neural networks", ICML, section 4.2; Nocedal
//! & Wright (2006), "Numerical Optimization", algorithms 3.1 and 7.4.

use std::collections::VecDeque;

use super::{logits, softmax};
use crate::predictions::Predictions;

/// Steps that L-BFGS remembers.
const MEMORY: usize = 20;
const MOST_STEPS: usize = 1000;
/// It stops where no derivative, a mean over images, is larger.
const FLAT: f64 = 1e-12;
/// A step has to gain this share of what the slope promises.
const ARMIJO: f64 = 1e-4;

/// `scale` and `bias`, both `[k]`, of a table that is not empty.
pub(super) fn fit(predictions: &Predictions) -> (Vec<f64>, Vec<f64>) {
    let k = predictions.classes.len();
    let logits = logits(predictions);
    let loss = |at: &[f64]| loss(&logits, &predictions.labels, at);
    let start = [vec![1.0; k], vec![0.0; k]].concat();
    let mut scale = descend(start, loss);
    let bias = scale.split_off(k);
    (scale, bias)
}

/// Mean loss and its derivatives at `[scale, bias]`.
fn loss(logits: &[f64], labels: &[u32], at: &[f64]) -> (f64, Vec<f64>) {
    let k = at.len() / 2;
    let (scale, bias) = at.split_at(k);
    let (mut total, mut gradient) = (0.0, vec![0.0; 2 * k]);
    let mut p = vec![0.0; k];
    for (z, &label) in logits.chunks_exact(k).zip(labels) {
        for class in 0..k {
            p[class] = scale[class] * z[class] + bias[class];
        }
        let of_label = p[label as usize];
        total += softmax(&mut p) - of_label;
        p[label as usize] -= 1.0;
        for class in 0..k {
            gradient[class] += p[class] * z[class];
            gradient[k + class] += p[class];
        }
    }
    for (index, value) in at.iter().enumerate() {
        let off = value - if index < k { 1.0 } else { 0.0 };
        total += 0.5 * off * off;
        gradient[index] += off;
    }
    let n = labels.len() as f64;
    gradient.iter_mut().for_each(|slope| *slope /= n);
    (total / n, gradient)
}

/// A step and how the gradient changed over it.
struct Step {
    moved: Vec<f64>,
    turned: Vec<f64>,
}

fn descend(mut at: Vec<f64>, loss: impl Fn(&[f64]) -> (f64, Vec<f64>)) -> Vec<f64> {
    let mut memory: VecDeque<Step> = VecDeque::new();
    let (mut value, mut gradient) = loss(&at);
    for _ in 0..MOST_STEPS {
        if gradient.iter().all(|slope| slope.abs() <= FLAT) {
            break;
        }
        let mut direction = direction(&memory, &gradient);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            memory.clear();
            direction = gradient.iter().map(|slope| -slope).collect();
            slope = dot(&direction, &gradient);
        }
        let mut length = 1.0;
        let found = loop {
            let next: Vec<f64> = at.iter().zip(&direction).map(|(at, by)| at + length * by).collect();
            let (next_value, next_gradient) = loss(&next);
            // near the optimum the gain is below the rounding of the value: there a smaller slope is what counts
            let flatter = next_value <= value + 1e-13 * value.abs()
                && dot(&next_gradient, &next_gradient) < dot(&gradient, &gradient);
            if next_value <= value + ARMIJO * length * slope || flatter {
                break Some((next, next_value, next_gradient));
            }
            length *= 0.5;
            if length < 1e-12 {
                break None;
            }
        };
        let Some((next, next_value, next_gradient)) = found else { break };
        let moved: Vec<f64> = next.iter().zip(&at).map(|(next, at)| next - at).collect();
        let turned: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(next, at)| next - at).collect();
        if dot(&moved, &turned) > 0.0 {
            memory.push_back(Step { moved, turned });
        }
        if memory.len() > MEMORY {
            memory.pop_front();
        }
        (at, value, gradient) = (next, next_value, next_gradient);
    }
    at
}

/// Downwards, by the two loops of algorithm 7.4; without a memory along the gradient, no longer than 1.
fn direction(memory: &VecDeque<Step>, gradient: &[f64]) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|slope| -slope).collect();
    let Some(last) = memory.back() else {
        let length = dot(gradient, gradient).sqrt().max(1.0);
        direction.iter_mut().for_each(|value| *value /= length);
        return direction;
    };
    let mut shares = Vec::with_capacity(memory.len());
    for step in memory.iter().rev() {
        let share = dot(&step.moved, &direction) / dot(&step.moved, &step.turned);
        direction.iter_mut().zip(&step.turned).for_each(|(value, turned)| *value -= share * turned);
        shares.push(share);
    }
    let scale = dot(&last.moved, &last.turned) / dot(&last.turned, &last.turned);
    direction.iter_mut().for_each(|value| *value *= scale);
    for (step, share) in memory.iter().zip(shares.into_iter().rev()) {
        let back = dot(&step.turned, &direction) / dot(&step.moved, &step.turned);
        direction.iter_mut().zip(&step.moved).for_each(|(value, moved)| *value += (share - back) * moved);
    }
    direction
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
