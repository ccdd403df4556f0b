//! From ways with their scores on the images to confirm on to a verdict.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use statrs::function::erf::erfc;

use super::score::Score;
use super::{Diagnosis, LEVEL, Measured, Way};
use crate::fail::finding::{Finding, Kind, harm};
use crate::fail::paired::difference_interval;
use crate::fail::statistics::exact_test::{binomial_at_least, mcnemar_exact};
use crate::fail::statistics::interval::{Interval, wilson};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing: no other way is better.
    Current,
    /// Prepare images, or call outputs, in another way.
    Other,
    /// No way that was tried is better than chance.
    Nothing,
}

/// One way against another on the same images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Images that only the second calls rightly.
    pub gained: u64,
    /// Images that only the first calls rightly.
    pub lost: u64,
    /// Accuracy of the second less that of the first.
    pub difference: f64,
    /// Its 95 % interval (Agresti & Min).
    pub difference_ci: Interval,
    /// p-value of "as many are gained as lost" (McNemar, exact).
    pub p: f64,
    /// Mean loss of the second less that of the first.
    pub loss_difference: f64,
    /// p-value of "the losses have the same mean": z of the mean difference, two-sided.
    pub loss_p: f64,
}

impl Comparison {
    pub(super) fn of(first: &Score, second: &Score) -> Self {
        let pairs = || first.right.iter().zip(&second.right);
        let gained = pairs().filter(|&(&before, &after)| !before && after).count() as u64;
        let lost = pairs().filter(|&(&before, &after)| before && !after).count() as u64;
        let n = first.right.len() as f64;
        let differences: Vec<f64> = first.losses.iter().zip(&second.losses).map(|(a, b)| b - a).collect();
        let mean = differences.iter().sum::<f64>() / n;
        let variance = differences.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        let z = if variance > 0.0 { mean / (variance / n).sqrt() } else { 0.0 };
        Self {
            gained,
            lost,
            difference: (gained as f64 - lost as f64) / n,
            difference_ci: difference_interval(gained, lost, n as u64),
            p: mcnemar_exact(gained, lost),
            loss_difference: mean,
            loss_p: erfc(z.abs() / std::f64::consts::SQRT_2),
        }
    }

    /// Whether the second is better: by accuracy or loss, and worse by neither. Two tests, so each at half of [`LEVEL`].
    pub fn is_better(&self) -> bool {
        let accuracy = if self.p <= LEVEL / 2.0 { self.difference } else { 0.0 };
        let loss = if self.loss_p <= LEVEL / 2.0 { -self.loss_difference } else { 0.0 };
        accuracy >= 0.0 && loss >= 0.0 && accuracy + loss > 0.0
    }

    /// Whether the two differ in accuracy or loss.
    pub fn tells_apart(&self) -> bool {
        self.p.min(self.loss_p) <= LEVEL / 2.0
    }
}

impl Measured {
    pub(super) fn of(way: Way, order: Option<Vec<usize>>, chosen_by: f64, score: &Score) -> Self {
        let (right, n) = (score.count(), score.right.len() as u64);
        let accuracy_ci = wilson(right, n).expect("at least one image");
        Self { way, order, chosen_by, n, right, accuracy: score.accuracy(), accuracy_ci, loss: score.loss() }
    }
}

/// `ranked`: by loss, with the place of the best; `labels`: of the images to confirm on.
pub(super) fn judge(
    ranked: Vec<(Measured, Score)>,
    best: usize,
    current: (Measured, Score),
    labels: &[u32],
    choosing: u64,
    predicted: usize,
) -> Diagnosis {
    let best = &ranked[best];
    let chance = most_frequent(labels) as f64 / labels.len() as f64;
    let chance_p = |of: &(Measured, Score)| binomial_at_least(of.0.right, of.0.n, chance);
    let (verdict, best) = if chance_p(best) > LEVEL && chance_p(&current) > LEVEL {
        (Verdict::Nothing, best)
    } else if Comparison::of(&current.1, &best.1).is_better() {
        (Verdict::Other, best)
    } else {
        (Verdict::Current, &current)
    };
    let same = |a: &Measured, b: &Measured| a.way == b.way && a.order == b.order;
    let next = ranked.iter().find(|other| !same(&other.0, &best.0));
    Diagnosis {
        verdict,
        gain: Comparison::of(&current.1, &best.1),
        runner_up: next.map(|next| (next.0.clone(), Comparison::of(&best.1, &next.1))),
        chance,
        chance_p: chance_p(best),
        best: best.0.clone(),
        ranked: ranked.iter().map(|(measured, _)| measured.clone()).collect(),
        current: current.0,
        choosing,
        predicted,
    }
}

fn most_frequent(labels: &[u32]) -> u64 {
    let k = labels.iter().max().map_or(0, |&label| label as usize + 1);
    let mut counts = vec![0_u64; k];
    labels.iter().for_each(|&label| counts[label as usize] += 1);
    counts.into_iter().max().unwrap_or(0)
}

impl Diagnosis {
    /// What is said of another way; `None` if the verdict is not another. `now` and `right` are the ways in words, `evidence` what
    /// else is known of the best way.
    pub fn finding(&self, now: &str, right: &str, evidence: Value) -> Option<Finding> {
        let Self { gain, current, best, .. } = self;
        let [low, high] = gain.difference_ci.map(|end| 100.0 * end);
        (self.verdict == Verdict::Other).then(|| Finding {
            kind: Kind::Preprocessing,
            title: format!(
                "Accuracy is {:.1} % as the model is given its images ({now}), and {:.1} % as it was trained ({right}): {:+.1} points \
                 (95 % interval {low:.1} to {high:.1}).",
                100.0 * current.accuracy,
                100.0 * best.accuracy,
                100.0 * gain.difference,
            ),
            effect: gain.difference,
            interval: Some(gain.difference_ci),
            p: Some(gain.p),
            p_corrected: Some(gain.p),
            confirmed: true,
            n: best.n,
            harm: harm(gain.gained, gain.lost as f64, current.n - current.right),
            examples: Vec::new(),
            evidence: json!({ "now": now, "right": right, "loss_p": gain.loss_p, "more": evidence }),
        })
    }
}
