//! How well a model predicts images that were prepared in one way, whatever its outputs are called.
//!
//! *Idea*: the log loss, after one temperature; and accuracy. A way that makes a model less sure of everything, as a lower
//! contrast does, has a lower loss with an over-confident model though it is none the better, hence the temperature.
//! ```text
//! loss[i] = -ln softmax(ln p[i] / T)[output of the label of i],   T with the least mean loss of these images
//! named:    the output of a label is what the model's file says
//! matched:  the order of the outputs is learned from every other image and read off the rest, and the other way round
//! ```
//! So neither is flattered by images that it was fitted on, and the two can be compared.

use super::order::{best_order, is_straight};
use crate::fail::calibration::scaling::{Scaling, temperature};
use crate::predictions::Predictions;
use crate::tensor::argmax;

/// How the outputs are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// As the model's file says.
    Named,
    /// As matches best.
    Matched,
}

/// Probabilities of some images, `[n, k]`, and their labels, as outputs of the model.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// `[n]`, below `k`.
    pub labels: Vec<u32>,
    /// `[n, k]`
    pub probs: Vec<f64>,
    /// Outputs.
    pub k: usize,
}

/// What one way comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Under which naming.
    pub naming: Naming,
    /// Images that are right.
    pub right: Vec<bool>,
    /// Log loss of each image after a temperature, in nats.
    pub losses: Vec<f64>,
}

impl Score {
    /// Mean of the losses.
    pub fn loss(&self) -> f64 {
        self.losses.iter().sum::<f64>() / self.losses.len().max(1) as f64
    }

    /// How many are right.
    pub fn count(&self) -> u64 {
        self.right.iter().filter(|&&right| right).count() as u64
    }

    /// Share that is right.
    pub fn accuracy(&self) -> f64 {
        self.count() as f64 / self.right.len().max(1) as f64
    }
}

impl Rows {
    /// Number of images.
    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    fn called(&self, row: usize) -> usize {
        argmax(&self.probs[row * self.k..][..self.k])
    }

    /// The order of the outputs that matches these images best.
    pub fn order(&self) -> Vec<usize> {
        best_order((0..self.len()).map(|row| (self.labels[row] as usize, self.called(row))), self.k)
    }

    /// With the outputs as they are called.
    pub fn named(&self) -> Score {
        self.scored(Naming::Named, self.labels.clone())
    }

    /// With the outputs as each half says of the other; `None` if both say that nothing is to be changed.
    pub fn matched(&self) -> Option<Score> {
        let half = |part: usize| {
            let rows = (part..self.len()).step_by(2);
            best_order(rows.map(|row| (self.labels[row] as usize, self.called(row))), self.k)
        };
        let orders = [half(1), half(0)]; // of the half that is judged
        if orders.iter().all(|order| is_straight(order)) {
            return None;
        }
        let output = |(row, &label): (usize, &u32)| orders[row % 2][label as usize] as u32;
        Some(self.scored(Naming::Matched, self.labels.iter().enumerate().map(output).collect()))
    }

    /// With the outputs in `order`.
    pub fn ordered(&self, order: &[usize]) -> Score {
        self.scored(Naming::Matched, self.labels.iter().map(|&label| order[label as usize] as u32).collect())
    }

    /// `named` or `matched`, whichever has the lower loss.
    pub fn better(&self) -> Score {
        let named = self.named();
        match self.matched() {
            Some(matched) if matched.loss() < named.loss() => matched,
            _ => named,
        }
    }

    fn scored(&self, naming: Naming, labels: Vec<u32>) -> Score {
        let k = self.k;
        let right = (0..self.len()).map(|row| self.called(row) == labels[row] as usize).collect();
        let table = Predictions {
            classes: vec![String::new(); k],
            ids: Vec::new(),
            splits: Vec::new(),
            labels,
            probs: self.probs.clone(),
        };
        if table.is_empty() {
            return Score { naming, right, losses: Vec::new() };
        }
        let scaled = Scaling::Temperature { temperature: temperature::fit(&table) }.apply(&table);
        let loss = |row: usize| -scaled.row(row)[scaled.labels[row] as usize].max(f64::MIN_POSITIVE).ln();
        Score { naming, right, losses: (0..self.len()).map(loss).collect() }
    }
}
