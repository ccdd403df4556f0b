//! How much the reports of several runs of one recipe differ.
//!
//! A difference between two recipes says something only beside the difference that seeds make. Means and standard deviations
//! are over runs: `sd = sqrt(sum (x - mean)^2 / (n - 1))`, which one run does not have. With few runs the standard deviation
//! itself is uncertain (for 5 runs, a 95 % interval of it reaches from 0.6 to 2.9 times the estimate), so the lowest and the
//! highest value stand beside it.

use serde::{Deserialize, Serialize};

use super::Evaluation;

#[cfg(test)]
mod tests;

/// One number over the runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// Mean.
    pub mean: f64,
    /// Standard deviation of the runs; `None` of one run.
    pub sd: Option<f64>,
    /// Lowest.
    pub lowest: f64,
    /// Highest.
    pub highest: f64,
}

impl Band {
    /// Of the values of all runs; `None` without values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            mean,
            sd: (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()),
            lowest: values.iter().copied().reduce(f64::min)?,
            highest: values.iter().copied().reduce(f64::max)?,
        })
    }
}

/// One class over the runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassSpread {
    /// Its name.
    pub name: String,
    /// Recall; `None` without images.
    pub recall: Option<Band>,
    /// Bias; `None` without images.
    pub bias: Option<Band>,
    /// Runs in which it is predicted too often or too seldom beyond chance.
    pub flagged: usize,
}

/// Several runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Number of runs.
    pub runs: usize,
    /// Images of each.
    pub n: u64,
    /// Accuracy.
    pub accuracy: Band,
    /// In the order of the tables.
    pub classes: Vec<ClassSpread>,
}

impl Spread {
    /// Class indices, lowest mean recall first; classes without images last.
    pub fn worst_first(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.classes.len()).collect();
        let recall = |class: usize| self.classes[class].recall.map_or(f64::INFINITY, |band| band.mean);
        order.sort_by(|&i, &j| recall(i).total_cmp(&recall(j)));
        order
    }
}

/// The spread of the reports of several runs on the same images.
///
/// # Panics
/// If there is none, or they are of other classes.
pub fn of(runs: &[Evaluation]) -> Spread {
    let first = runs.first().expect("a spread of no runs");
    let class = |index: usize| {
        let of = |run: &Evaluation| run.classes[index].clone();
        let classes: Vec<_> = runs.iter().map(of).collect();
        let name = first.classes[index].name.clone();
        assert!(classes.iter().all(|class| class.name == name), "runs of other classes");
        let seen: Vec<_> = classes.iter().filter(|class| class.actual > 0).collect();
        let recalls: Vec<f64> = seen.iter().map(|class| class.recall).collect();
        let biases: Vec<f64> = seen.iter().filter_map(|class| class.bias).collect();
        let flagged = classes.iter().filter(|class| class.flagged).count();
        ClassSpread { name, recall: Band::of(&recalls), bias: Band::of(&biases), flagged }
    };
    let accuracies: Vec<f64> = runs.iter().map(|run| run.accuracy).collect();
    Spread {
        runs: runs.len(),
        n: first.n,
        accuracy: Band::of(&accuracies).expect("at least one run"),
        classes: (0..first.classes.len()).map(class).collect(),
    }
}
