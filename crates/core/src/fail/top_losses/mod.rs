//! The images to look at first: those that cost most, those that are wrong and sure, those that are right and unsure.
//!
//! Often the first are wrong labels, the second what the model has not understood, and the third what it understands by luck.

use serde::{Deserialize, Serialize};

use crate::predictions::Predictions;

#[cfg(test)]
mod tests;

/// One image of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its row in the table.
    pub row: usize,
    /// Its id.
    pub id: String,
    /// Index of the true class.
    pub label: usize,
    /// Index of the most probable class.
    pub predicted: usize,
    /// Probability of the most probable class.
    pub confidence: f64,
    /// `-ln` of the probability of the true class, clipped as in [`super::scores::log_loss`]: at most 36.
    pub loss: f64,
    /// Probability of the most probable class less that of the next one.
    pub margin: f64,
}

/// Three lists of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopLosses {
    /// Largest loss first.
    pub top_losses: Vec<Row>,
    /// Wrong images, most confident first.
    pub confident_and_wrong: Vec<Row>,
    /// Right images, smallest margin first.
    pub unsure_and_right: Vec<Row>,
}

impl TopLosses {
    /// At most `most` images a list; ties are in the order of the table.
    pub fn of(predictions: &Predictions, most: usize) -> Self {
        let marks: Vec<Marks> = (0..predictions.len()).map(|row| Marks::of(predictions, row)).collect();
        let list = |is_in: &dyn Fn(&Marks) -> bool, key: &dyn Fn(&Marks) -> f64| -> Vec<Row> {
            let mut list: Vec<usize> = (0..marks.len()).filter(|&row| is_in(&marks[row])).collect();
            list.sort_by(|&a, &b| key(&marks[b]).total_cmp(&key(&marks[a])));
            list.into_iter().take(most).map(|row| marks[row].described(predictions, row)).collect()
        };
        Self {
            top_losses: list(&|_| true, &|row| row.loss),
            confident_and_wrong: list(&|row| row.is_wrong, &|row| row.confidence),
            unsure_and_right: list(&|row| !row.is_wrong, &|row| -row.margin),
        }
    }
}

/// What a row is sorted by.
struct Marks {
    is_wrong: bool,
    confidence: f64,
    loss: f64,
    margin: f64,
}

impl Marks {
    fn of(predictions: &Predictions, row: usize) -> Self {
        let (probs, predicted) = (predictions.row(row), predictions.top1(row));
        let label = predictions.labels[row] as usize;
        let others = probs.iter().enumerate().filter(|&(class, _)| class != predicted).map(|(_, &p)| p);
        Self {
            is_wrong: label != predicted,
            confidence: probs[predicted],
            loss: -probs[label].clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln(),
            margin: probs[predicted] - others.fold(0.0, f64::max),
        }
    }

    fn described(&self, predictions: &Predictions, row: usize) -> Row {
        Row {
            row,
            id: predictions.ids[row].clone(),
            label: predictions.labels[row] as usize,
            predicted: predictions.top1(row),
            confidence: self.confidence,
            loss: self.loss,
            margin: self.margin,
        }
    }
}
