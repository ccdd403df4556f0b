//! Isotonic scaling: for each class the rising curve that fits "belongs to the class" best, by pooling violators.
//!
//! *Idea*: one class against the rest at a time. Images are sorted by their probability `p`, equal ones are one point with
//! their mean outcome; then, from left to right, a block whose mean is not above that of the block before is pooled with it.
//! Between the points the curve is straight, beyond them level. The `k` results of an image are divided by their sum: the
//! curves alone do not add up to 1.
//!
//! *Edges*: if all `k` curves say 0 for an image, its probabilities become uniform (as scikit-learn's
//! `CalibratedClassifierCV` has it). A class without validation images gets the curve 0. Certainty is learned where a stretch
//! of validation images had one outcome, so a new image can get probability 0 for its true class, and the log loss, clipped
//! as it is, can rise though the calibration error falls.
//!
//! *Exactness*: `sklearn.isotonic.IsotonicRegression(out_of_bounds="clip")` within 1e-9.
//! *Reference*: Zadrozny & Elkan (2002), "Transforming classifier scores into accurate multiclass probability estimates",
//! KDD; pooling: Ayer et al. (1955), Annals of Mathematical Statistics 26, 641–647.

use serde::{Deserialize, Serialize};

use crate::predictions::Predictions;

/// A rising curve through points, straight between them, level beyond them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Probabilities as they were, rising.
    pub from: Vec<f64>,
    /// What they become, not falling; as many.
    pub to: Vec<f64>,
}

impl Curve {
    /// What `p` becomes; of a curve without points, `p`.
    pub fn at(&self, p: f64) -> f64 {
        let right = self.from.partition_point(|&from| from < p);
        match right {
            0 => self.to.first().copied().unwrap_or(p),
            right if right == self.from.len() => self.to[right - 1],
            right => {
                let (x, y) = (&self.from[right - 1..=right], &self.to[right - 1..=right]);
                y[0] + (y[1] - y[0]) * ((p - x[0]) / (x[1] - x[0]))
            }
        }
    }
}

/// Images pooled to one level.
#[derive(Clone, Copy)]
struct Block {
    first: f64,
    last: f64,
    hits: f64,
    n: f64,
}

impl Block {
    fn mean(&self) -> f64 {
        self.hits / self.n
    }
}

/// One curve a class.
pub(super) fn fit(predictions: &Predictions) -> Vec<Curve> {
    (0..predictions.classes.len()).map(|class| curve(predictions, class)).collect()
}

fn curve(predictions: &Predictions, class: usize) -> Curve {
    let mut order: Vec<usize> = (0..predictions.len()).collect();
    let p = |index: usize| predictions.row(index)[class];
    order.sort_by(|&i, &j| p(i).total_cmp(&p(j)));
    let mut points: Vec<Block> = Vec::new();
    for index in order {
        let hit = f64::from(u8::from(predictions.labels[index] as usize == class));
        match points.last_mut().filter(|point| point.first == p(index)) {
            Some(point) => (point.hits, point.n) = (point.hits + hit, point.n + 1.0),
            None => points.push(Block { first: p(index), last: p(index), hits: hit, n: 1.0 }),
        }
    }
    let mut blocks: Vec<Block> = Vec::new();
    for mut block in points {
        while let Some(before) = blocks.pop_if(|before| before.mean() >= block.mean()) {
            block =
                Block { first: before.first, hits: before.hits + block.hits, n: before.n + block.n, ..block };
        }
        blocks.push(block);
    }
    let mut curve = Curve { from: Vec::new(), to: Vec::new() };
    for block in blocks {
        for p in [block.first, block.last] {
            if curve.from.last() != Some(&p) {
                curve.from.push(p);
                curve.to.push(block.mean());
            }
        }
    }
    curve
}

/// Bends one image's probabilities and makes them sum to 1 again.
pub(super) fn apply(curves: &[Curve], row: &mut [f64]) {
    assert_eq!(curves.len(), row.len(), "a scaling of as many classes");
    row.iter_mut().zip(curves).for_each(|(p, curve)| *p = curve.at(*p));
    let (sum, uniform) = (row.iter().sum::<f64>(), 1.0 / row.len() as f64);
    row.iter_mut().for_each(|p| *p = if sum > 0.0 { *p / sum } else { uniform });
}
