//! A table of predicted class probabilities, made here or anywhere else.

use crate::sample::{ImageSet, Split};
use crate::tensor::argmax;

/// One row an image: its id, true class, and a probability for every class.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// Class names, in the order of the probability columns.
    pub classes: Vec<String>,
    /// `[n]`, what each image is called.
    pub ids: Vec<String>,
    /// `[n]`, the part of the data each image belongs to.
    pub splits: Vec<Split>,
    /// `[n]`, index of the true class.
    pub labels: Vec<u32>,
    /// `[n, k]`, row-major; each row sums to 1. `f64`, because tables made elsewhere are analysed as they are.
    pub probs: Vec<f64>,
}

impl Predictions {
    /// The table of the images of `set`, all of `split`: `probs` gives the probabilities `[n, k]` for the pixels `[n, h, w, c]` of up to
    /// `batch` images at a time.
    ///
    /// # Panics
    /// If `probs` does not give a probability for every class of the set.
    pub fn of(set: &ImageSet, split: Split, batch: usize, mut probs: impl FnMut(&[u8]) -> Vec<f32>) -> Self {
        let mut table = Vec::with_capacity(set.len() * set.classes().len());
        for pixels in set.chunks(batch) {
            table.extend(probs(&pixels).into_iter().map(f64::from));
        }
        assert_eq!(table.len(), set.len() * set.classes().len(), "probabilities");
        Self {
            classes: set.classes().to_vec(),
            ids: (0..set.len()).map(|index| set.ids().id(index)).collect(),
            splits: vec![split; set.len()],
            labels: set.labels().to_vec(),
            probs: table,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The probabilities of row `index`, `[k]`.
    pub fn row(&self, index: usize) -> &[f64] {
        let k = self.classes.len();
        &self.probs[index * k..][..k]
    }

    /// The class with the highest probability in row `index`; the first of equals, as `argmax` in numpy.
    pub fn top1(&self, index: usize) -> usize {
        argmax(self.row(index))
    }
}
