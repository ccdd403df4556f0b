//! The confident joint: how many images of each true class bear each label.
//!
//! *Idea*: a model is not equally sure of all classes, so "sure of class j" is a matter of class j:
//!
//! ```text
//! threshold(j) = mean of p(j) over the images labelled j
//! count[i][j]  = images labelled i with p(j) >= threshold(j); of several such j the most probable
//! joint[i][j]  = images labelled i · count[i][j] / sum over j of count[i][j], divided by all images
//! ```
//!
//! *Edges*: a class without images has no threshold and no image is counted for it. A label none of whose images is counted
//! is taken to be right. Of no images the joint is 0 everywhere.
//!
//! *Exactness*: the counts are those of `cleanlab.count.compute_confident_joint` 2.9 with `calibrate=False`, with its
//! allowance of 1e-6 below a threshold and its one image at least on the diagonal; the joint is
//! that of `cleanlab.count.estimate_joint` before it rounds to whole images.
//! *Reference*: Northcutt, Jiang & Chuang (2021), "Confident learning: estimating uncertainty in dataset labels", JAIR 70,
//! 1373–1411, eq. 1–3.

use serde::{Deserialize, Serialize};

use crate::predictions::Predictions;
use crate::tensor::argmax;

/// An image within this of a threshold reaches it.
const ALLOWANCE: f64 = 1e-6;
/// A threshold below this is raised to it, so that a probability of 0 reaches none.
const LEAST_THRESHOLD: f64 = 2e-6;

/// Labels against the classes images seem to be of; rows are the given label, columns the true class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfidentJoint {
    /// `[k]`, mean self-confidence of the images with a label; `None` if there are none.
    pub thresholds: Vec<Option<f64>>,
    /// `[k][k]`
    pub counts: Vec<Vec<u64>>,
    /// `[k][k]`, share of all images; sums to 1.
    pub joint: Vec<Vec<f64>>,
}

impl ConfidentJoint {
    /// From out-of-fold probabilities.
    pub fn of(predictions: &Predictions) -> Self {
        let k = predictions.classes.len();
        let (mut sums, mut labelled) = (vec![0.0; k], vec![0_u64; k]);
        for (row, &label) in predictions.labels.iter().enumerate() {
            sums[label as usize] += predictions.row(row)[label as usize];
            labelled[label as usize] += 1;
        }
        let thresholds: Vec<Option<f64>> = sums
            .iter()
            .zip(&labelled)
            .map(|(sum, &n)| (n > 0).then(|| (sum / n as f64).max(LEAST_THRESHOLD)))
            .collect();
        let mut counts = vec![vec![0; k]; k];
        for (row, &label) in predictions.labels.iter().enumerate() {
            if let Some(class) = confident_class(predictions.row(row), &thresholds) {
                counts[label as usize][class] += 1;
            }
        }
        for class in 0..k {
            counts[class][class] = counts[class][class].max(1);
        }
        let n = (predictions.len() as f64).max(1.0);
        let joint = (0..k)
            .map(|label| {
                let counted: u64 = counts[label].iter().sum();
                let scale = labelled[label] as f64 / (counted as f64 * n);
                counts[label].iter().map(|&count| count as f64 * scale).collect()
            })
            .collect();
        Self { thresholds, counts, joint }
    }

    /// Estimated share of wrong labels: all of the joint but its diagonal.
    pub fn error_rate(&self) -> f64 {
        let off = |(label, row): (usize, &Vec<f64>)| row.iter().sum::<f64>() - row[label];
        self.joint.iter().enumerate().map(off).sum::<f64>().max(0.0)
    }

    /// `[k][k]`, `P(given label | true class)`, columns sum to 1: how each class is mislabelled. A class that no image seems
    /// to be of is taken to be labelled rightly.
    pub fn noise_matrix(&self) -> Vec<Vec<f64>> {
        let k = self.joint.len();
        let mut noise = vec![vec![0.0; k]; k];
        for class in 0..k {
            let total: f64 = self.joint.iter().map(|row| row[class]).sum();
            for label in 0..k {
                let right = f64::from(u8::from(label == class));
                noise[label][class] = if total > 0.0 { self.joint[label][class] / total } else { right };
            }
        }
        noise
    }

    /// `[k][k]`, `P(true class | given label)`, rows sum to 1: what to expect behind each label.
    pub fn inverse_noise_matrix(&self) -> Vec<Vec<f64>> {
        let row = |(label, row): (usize, &Vec<f64>)| {
            let total: f64 = row.iter().sum();
            let right = |class: usize| f64::from(u8::from(label == class));
            let share = |(class, part): (usize, &f64)| if total > 0.0 { part / total } else { right(class) };
            row.iter().enumerate().map(share).collect()
        };
        self.joint.iter().enumerate().map(row).collect()
    }
}

/// The class a row is sure of: the one whose threshold it reaches; of several, the most probable of all classes.
fn confident_class(row: &[f64], thresholds: &[Option<f64>]) -> Option<usize> {
    let reaches =
        |&class: &usize| thresholds[class].is_some_and(|threshold| row[class] >= threshold - ALLOWANCE);
    let mut reached = (0..row.len()).filter(reaches);
    let first = reached.next()?;
    match reached.next() {
        None => Some(first),
        Some(_) => Some(argmax(row)),
    }
}
