//! Looking for a learning rate.
//!
//! *Idea*: steps are taken at a rate that grows by the same factor each step, and the loss is watched.
//! ```text
//! rate of step t of n = lowest (highest / lowest)^(t / (n - 1))
//! loss(t)  = mean of the steps within SMOOTHED of the range about t
//! worst    = the loss at the lowest rates, where nothing is learnt yet
//! best     = the lowest smoothed loss, at t*
//! edge     = the first rate after t* at which the loss has climbed back by CLIMB of the way from best to worst
//! suggested = edge * SAFETY
//! ```
//! Too small rates show nothing but how long one waited, so the suggestion is measured from the other side: from where steps are
//! too long, which depends on the network and the images and hardly on the number of steps.
//!
//! *Reference*: Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3, for the range test.

use super::Trainer;

/// Share of the range that a loss is averaged over, to both sides.
const SMOOTHED: f64 = 0.02;
/// The part of what was learnt that is lost again at the edge.
const CLIMB: f64 = 0.25;
/// The part of the loss that must be gone for anything to be learnt.
const LEARNT: f64 = 0.1;
/// A suggestion is this much below the edge.
const SAFETY: f64 = 0.1;

/// Which rates are tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateRange {
    /// Of the first step.
    pub lowest: f64,
    /// Of the last step.
    pub highest: f64,
    /// How many; at least 2.
    pub steps: usize,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Its rate.
    pub rate: f64,
    /// Loss of its images before it, nats.
    pub loss: f64,
}

impl RateRange {
    /// The rate of step `step`, counted from 0.
    pub fn rate(&self, step: usize) -> f64 {
        self.lowest * (self.highest / self.lowest).powf(step as f64 / (self.steps - 1) as f64)
    }

    /// Takes the steps with `trainer`, which is at its beginning and must have epochs enough. Ends when the
    /// loss is no number any more.
    pub fn run(&self, trainer: &mut Trainer<'_>) -> Vec<Trial> {
        let mut trials = Vec::with_capacity(self.steps);
        for step in 0..self.steps {
            let rate = self.rate(step);
            let loss = trainer.step_at(rate);
            if !loss.is_finite() {
                break;
            }
            trials.push(Trial { rate, loss });
        }
        trials
    }
}

/// The losses of `trials`, of `steps` that were to be taken, each the mean of its neighbourhood.
pub fn smoothed(trials: &[Trial], steps: usize) -> Vec<f64> {
    let reach = (SMOOTHED * steps as f64).ceil() as usize;
    let around = |at: usize| &trials[at.saturating_sub(reach)..(at + reach + 1).min(trials.len())];
    let mean = |trials: &[Trial]| trials.iter().map(|trial| trial.loss).sum::<f64>() / trials.len() as f64;
    (0..trials.len()).map(|at| mean(around(at))).collect()
}

/// A rate, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suggestion {
    /// To begin with, as the peak of a schedule.
    pub rate: f64,
    /// From here on steps are too long.
    pub edge: f64,
}

/// A rate after `steps` trials, or fewer if the loss was no number any more; `None` if nothing was learnt, or nothing lost again.
pub fn suggest(trials: &[Trial], steps: usize) -> Option<Suggestion> {
    let losses = smoothed(trials, steps);
    let beginning = losses.get(..(steps / 10).max(1).min(losses.len()))?;
    let worst = beginning.iter().sum::<f64>() / beginning.len() as f64;
    let (lowest, best) = losses.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1))?;
    if worst - best < LEARNT * worst {
        return None;
    }
    let level = best + CLIMB * (worst - best);
    let climbed = (lowest..losses.len()).find(|&at| losses[at] > level);
    let edge = trials[climbed.or((trials.len() < steps).then(|| trials.len() - 1))?].rate;
    Some(Suggestion { rate: SAFETY * edge, edge })
}
