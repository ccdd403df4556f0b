//! Which of several ways to prepare images was a model fitted with?
//!
//! *Idea*: part of a labelled sample chooses, the rest confirms.
//! ```text
//! way   = a form (values, colors, layout) and a size (fit, filter); the outputs as they are named, or as matches best
//! best  = the way with the least log loss on the first part; of equals the nearest to the current one   (`search`, `score`)
//! gain  = the best way against the current one on the second part, image by image:
//!         accuracy (McNemar, exact) and loss (z of the mean difference), each at half of LEVEL
//! verdict:  nothing works   if the best way is not better than chance, LEVEL, exact binomial test
//!           another way     if it is better than the current one by accuracy or loss, and worse by neither
//!           the current way otherwise
//! ```
//! The second part has chosen nothing, so its accuracies, intervals and p-values need no correction for the number of ways. It
//! has not fitted the order of the outputs either, which fits any images it is learned from.
//!
//! *Why the loss*: weights were fitted to have little loss on images as they were then prepared, and a first layer without
//! padding can undo any other scale and mean. So at the end of training the loss of the training images is least for the very way,
//! while their accuracy may be the same for several.
//!
//! *Exactness*: of 230 planted faults 222 were named (96.5 %), on images the models were fitted on, 15 of 20 of the filter (bilinear for bicubic and the
//! reverse). Where nothing was planted it was quiet in 210 of 210 trials (`doctor_trials` of the program; `bench/results.md`).

mod order;
mod sample;
mod score;
mod search;
mod verdict;

#[cfg(test)]
mod tests;

use crate::fail::statistics::interval::Interval;

pub use order::{best_order, is_straight};
pub use sample::Sample;
pub use score::{Naming, Rows, Score};
pub use verdict::{Comparison, Verdict};

/// Called another, or better than chance, only if it is no chance at this level.
pub const LEVEL: f64 = 0.01;

/// Ways that are confirmed beside the best one.
const CONFIRMED: usize = 4;

/// A way to prepare images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Way {
    /// Place in the caller's list of forms.
    pub form: usize,
    /// Place in the caller's list of sizes.
    pub picture: usize,
}

impl Way {
    /// As the model's file says: the first of both lists.
    pub const CURRENT: Self = Self { form: 0, picture: 0 };
}

/// Probabilities `[n, k]` of the images at some rows, prepared in a way.
pub type Predict<'a> = dyn FnMut(Way, &[usize]) -> Vec<f64> + 'a;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The output that each image's class is called, `[n]`.
    pub labels: &'a [u32],
    /// Outputs of the model.
    pub outputs: usize,
    /// In how many things each form differs from the current one, which is the first.
    pub forms: &'a [usize],
    /// The same of sizes.
    pub pictures: &'a [usize],
    /// Which images choose and which confirm.
    pub sample: &'a Sample,
}

/// A way on the images to confirm.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Which.
    pub way: Way,
    /// The output that is each class, `[outputs]`, if it is not the one it is called.
    pub order: Option<Vec<usize>>,
    /// Mean log loss of the images to choose on, by which it was chosen.
    pub chosen_by: f64,
    /// Images.
    pub n: u64,
    /// How many are right.
    pub right: u64,
    /// Their share.
    pub accuracy: f64,
    /// 95 % interval of the share (Wilson).
    pub accuracy_ci: Interval,
    /// Mean log loss, after one temperature.
    pub loss: f64,
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// In a word.
    pub verdict: Verdict,
    /// The current way with the outputs as they are called.
    pub current: Measured,
    /// The way that is right: `current` if the verdict is not another. If nothing works, the one with the least loss.
    pub best: Measured,
    /// From `current` to `best`.
    pub gain: Comparison,
    /// The next best after `best`, if there is any.
    pub runner_up: Option<(Measured, Comparison)>,
    /// Those with the least loss on the images to choose on, least first; `best` and the current form are among them. The first is
    /// another than `best` if these images do not tell the two apart and `best` takes fewer changes.
    pub ranked: Vec<Measured>,
    /// Accuracy of the best constant answer on the images to confirm on.
    pub chance: f64,
    /// p-value of "`best` is no better than chance".
    pub chance_p: f64,
    /// Images to choose on.
    pub choosing: u64,
    /// Images predicted in all, each as often as it was.
    pub predicted: usize,
}

/// How many images are predicted at most.
pub fn most_predicted(question: &Question<'_>) -> usize {
    let Question { forms, pictures, sample, .. } = question;
    search::most([forms.len(), pictures.len()], sample.choose.len()) + (CONFIRMED + 2) * sample.confirm.len()
}

/// Tries all ways. Ways whose predictions are equal are told apart by place: what comes first in the lists wins.
///
/// # Panics
/// If the sample has no image on either side, a row or label is not there, or `predict` gives another number of values.
pub fn examine(question: &Question<'_>, predict: &mut Predict<'_>) -> Diagnosis {
    let Question { labels, outputs, sample, .. } = *question;
    let Sample { choose, confirm } = sample;
    assert!(!choose.is_empty() && !confirm.is_empty(), "images on both sides");
    let searched = search::search(question, predict);
    let mut predicted = searched.predicted;
    let mut rows_of = |way: Way| {
        predicted += confirm.len();
        let labels = confirm.iter().map(|&row| labels[row]).collect();
        Rows { labels, probs: predict(way, confirm), k: outputs }
    };
    let confirmed =
        |place: usize, way: Way| place <= CONFIRMED || place == searched.best || way == Way::CURRENT;
    let (mut ranked, mut best, mut current) = (Vec::new(), 0, None);
    for (place, trial) in searched.trials.iter().enumerate().filter(|(at, trial)| confirmed(*at, trial.way)) {
        let rows = rows_of(trial.way);
        let order = Some(trial.rows.order())
            .filter(|order| trial.score.naming == Naming::Matched && !is_straight(order));
        let score = order.as_ref().map_or_else(|| rows.named(), |order| rows.ordered(order));
        if trial.way == Way::CURRENT {
            let named = rows.named();
            current = Some((Measured::of(trial.way, None, trial.rows.named().loss(), &named), named));
        }
        if place == searched.best {
            best = ranked.len();
        }
        ranked.push((Measured::of(trial.way, order, trial.score.loss(), &score), score));
    }
    let current = current.expect("the current way is kept");
    let labels: Vec<u32> = confirm.iter().map(|&row| labels[row]).collect();
    verdict::judge(ranked, best, current, &labels, choose.len() as u64, predicted)
}
