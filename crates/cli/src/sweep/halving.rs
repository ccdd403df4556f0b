//! Which settings are trained on: successive halving.
//!
//! *Idea*: all settings are trained for a part of their epochs; the better half goes on to the next part, until what is left is
//! trained to its end. A setting with several seeds is judged by the mean of its runs, and goes on or ends with all of them.
//!
//! ```text
//! for share in RUNGS:      train all that are left for `share` of their own epochs
//!                          keep the better half, at least LEFT
//! train what is left to the end
//! ```
//!
//! Every run follows the schedule of its whole length, so a run that goes on is the run it would have been alone. All settings are
//! compared at the same share of their own schedule and only when all of them are there: who goes on depends neither on the
//! number of threads nor on which run was first.
//!
//! What this can cost: a setting that is slow to begin with and best in the end is stopped. `--finish-all` trains all.
//!
//! *Reference*: Jamieson & Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", algorithm 1.

use std::cmp::Ordering;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Shares of the epochs after which the worse half is stopped.
const RUNGS: [f64; 3] = [0.125, 0.25, 0.5];
/// Settings that are trained to the end at least: the best one needs one to be compared with.
const LEFT: usize = 2;

/// What settings are judged by, on validation images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The highest accuracy
    Accuracy,
    /// The lowest loss (cross-entropy, nats)
    Loss,
}

/// What a setting has come to; the mean over its runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    pub accuracy: f64,
    pub loss: f64,
}

impl Score {
    /// The mean of the runs of a setting; `None` of one of which a run has diverged.
    pub fn mean(runs: &[Option<Self>]) -> Option<Self> {
        let runs: Vec<Self> = runs.iter().copied().collect::<Option<_>>()?;
        let mean = |of: fn(&Self) -> f64| runs.iter().map(of).sum::<f64>() / runs.len() as f64;
        Some(Self { accuracy: mean(|run| run.accuracy), loss: mean(|run| run.loss) })
    }
}

/// The better first; what has diverged last.
pub fn better_first(by: By, a: Option<Score>, b: Option<Score>) -> Ordering {
    let (Some(a), Some(b)) = (a, b) else { return b.is_some().cmp(&a.is_some()) };
    let accuracy = b.accuracy.total_cmp(&a.accuracy);
    let loss = a.loss.total_cmp(&b.loss);
    match by {
        By::Accuracy => accuracy.then(loss),
        By::Loss => loss.then(accuracy),
    }
}

/// The shares at which some of `settings` are stopped, if the shortest run has `epochs`: each run has a whole epoch behind it by
/// then.
pub fn rungs(settings: usize, epochs: usize) -> Vec<f64> {
    let mut left = settings;
    let whole = RUNGS.into_iter().filter(|share| epochs as f64 * share >= 1.0);
    let stops = whole.take_while(|_| {
        let before = left;
        left = left_of(left);
        left < before
    });
    stops.collect()
}

/// A rung in words: `1/8`.
pub fn said(share: f64) -> String {
    format!("1/{:.0}", 1.0 / share)
}

/// Epochs that a run of `epochs` has behind it at a share of them.
pub fn epochs_at(share: f64, epochs: usize) -> u64 {
    (share * epochs as f64) as u64
}

/// How many of `settings` go on.
pub fn left_of(settings: usize) -> usize {
    settings.div_ceil(2).max(LEFT).min(settings)
}

/// The settings that go on, in the order of their numbers. Equal ones go by their numbers.
pub fn going_on(by: By, mut scores: Vec<(usize, Option<Score>)>) -> Vec<usize> {
    let left = left_of(scores.len());
    scores.sort_by(|a, b| better_first(by, a.1, b.1).then(a.0.cmp(&b.0)));
    let mut left: Vec<_> = scores
        .into_iter()
        .take(left)
        .filter(|(_, score)| score.is_some())
        .map(|(number, _)| number)
        .collect();
    left.sort_unstable();
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(accuracy: f64, loss: f64) -> Option<Score> {
        Some(Score { accuracy, loss })
    }

    #[test]
    fn the_better_half_goes_on_and_what_diverged_never() {
        let scores = vec![
            (0, score(0.8, 0.5)),
            (1, score(0.9, 0.6)),
            (2, None),
            (3, score(0.9, 0.4)),
            (4, score(0.7, 0.3)),
        ];
        assert_eq!(going_on(By::Accuracy, scores.clone()), [0, 1, 3]);
        assert_eq!(going_on(By::Loss, scores.clone()), [0, 3, 4]);
        let mut turned = scores;
        turned.reverse();
        assert_eq!(going_on(By::Accuracy, turned), [0, 1, 3], "whatever the order");
        assert_eq!(going_on(By::Accuracy, vec![(7, None), (8, None)]), [0; 0]);
        // equal ones by number
        let equal = (0..6).map(|number| (number, score(0.5, 0.5))).collect();
        assert_eq!(going_on(By::Loss, equal), [0, 1, 2]);
    }

    #[test]
    fn at_least_two_are_left() {
        assert_eq!([1, 2, 3, 4, 5, 12].map(left_of), [1, 2, 2, 2, 3, 6]);
    }

    #[test]
    fn settings_are_compared_after_whole_epochs_while_there_are_some_to_stop() {
        assert_eq!(rungs(9, 1), [0.0; 0]);
        assert_eq!(rungs(9, 2), [0.5]);
        assert_eq!(rungs(9, 20), [0.125, 0.25, 0.5]);
        assert_eq!(rungs(4, 20), [0.125]);
        assert_eq!(rungs(2, 20), [0.0; 0]);
        assert_eq!([0.125, 0.25, 0.5].map(|share| epochs_at(share, 20)), [2, 5, 10]);
    }

    #[test]
    fn a_setting_is_the_mean_of_its_runs() {
        assert_eq!(Score::mean(&[score(0.5, 1.0), score(1.0, 2.0)]), score(0.75, 1.5));
        assert_eq!(Score::mean(&[score(0.5, 1.0), None]), None, "one has diverged");
    }
}
