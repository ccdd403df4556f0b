//! Which labels are probably wrong, from out-of-fold probabilities: of each image by a model that has not seen it.
//!
//! *Idea*: a model trained on labels, some of them wrong, predicts labels, some of them wrong. What is wanted is the chance
//! that the label at hand is wrong, which takes three steps:
//!
//! ```text
//! 1. p(given | x)         the table, tempered to fit the given labels      (scaling::temperature)
//! 2. p(given | true)      how each class is mislabelled                    (noise)
//! 3. p(true | x, given)   by Bayes' rule from both                         (posterior)
//! ```
//! An image is flagged if that makes the expected F1 of all flags largest (`flag`). "The most probable class is another
//! one", the naive rule, asks for `p(true | x)` alone: it accuses every image the model does not know, however seldom labels
//! are wrong.
//!
//! Nothing but the table is read: no true label, no other data, no constant fitted to a benchmark.
//!
//! *Edges*: of no images there are no suspects. A row that is certain of another class is as suspect as the noise allows. With
//! one class only no label can be wrong. In-sample probabilities, of images the model was trained on, hide errors: it has
//! learnt them by heart.

pub mod flag;
pub mod joint;
pub mod noise;
pub mod posterior;
pub mod scores;

#[cfg(test)]
mod tests;

use seamripper_kernels::parallel;
use serde::{Deserialize, Serialize};

use super::calibration::scaling::{Scaling, temperature};
use crate::predictions::Predictions;
use joint::ConfidentJoint;

/// Rows a thread judges at a time; part of no result.
const PIECE: usize = 1024;

/// Which images are mislabelled. Probabilities cannot tell, so the caller has to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assumption {
    /// Sure and unsure ones of a class alike: slips, codes mixed up, classes that were misunderstood.
    #[default]
    Alike,
    /// Just those that are hard to tell apart, by people who had to guess: every image has one true class, and what the
    /// tempered model leaves to other classes than the given one is the chance of an error. Where no label is wrong, that
    /// accuses all the same.
    WhereUnsure,
}

/// A label under suspicion.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suspect {
    /// Its row in the table.
    pub row: usize,
    /// The class it is labelled.
    pub given: usize,
    /// The class it most probably is; the given one, if nothing is more probable.
    pub suggested: usize,
    /// Estimated chance that the given label is right.
    pub score: f64,
    /// Whether it should be looked at.
    pub flagged: bool,
}

/// What a table says about its labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelErrors {
    /// Number of images.
    pub n: u64,
    /// How many are flagged.
    pub flagged: u64,
    /// How many labels are estimated to be wrong, flagged or not.
    pub expected: f64,
    /// How many of the flagged are estimated to be wrong.
    pub expected_flagged: f64,
    /// What was assumed.
    pub assumption: Assumption,
    /// What the table was tempered with.
    pub temperature: f64,
    /// `[k][k]`, `P(given label | true class)`, rows are the given label, columns sum to 1: [`noise::anchored`].
    pub noise: Vec<Vec<f64>>,
    /// Counts of confident images, for comparison: it takes classes that are hard to tell apart for noise.
    pub joint: ConfidentJoint,
    /// A row an image, the most suspect first; rows that are equally suspect in the order of the table.
    pub suspects: Vec<Suspect>,
}

/// Judges every label of a table of out-of-fold probabilities.
///
/// # Panics
/// If a label is not an index into `classes`: readers check that.
pub fn label_errors(out_of_fold: &Predictions, assumption: Assumption) -> LabelErrors {
    let joint = ConfidentJoint::of(out_of_fold);
    let temperature = if out_of_fold.is_empty() { 1.0 } else { temperature::fit(out_of_fold) };
    let tempered = Scaling::Temperature { temperature }.apply(out_of_fold);
    let noise = noise::anchored(&tempered);
    let judge = |row: usize| {
        let (probs, given) = (tempered.row(row), tempered.labels[row] as usize);
        match assumption {
            Assumption::Alike => posterior::judge(probs, given, &noise),
            Assumption::WhereUnsure => {
                let wrong = (1.0 - probs[given]).clamp(0.0, 1.0);
                posterior::Judged { wrong, suggested: tempered.top1(row) }
            }
        }
    };
    let mut judged = vec![posterior::Judged { wrong: 0.0, suggested: 0 }; tempered.len()];
    parallel::for_each_chunk(&mut judged, PIECE, |first, judged| {
        judged.iter_mut().zip(first..).for_each(|(slot, row)| *slot = judge(row));
    });
    let wrong: Vec<f64> = judged.iter().map(|judged| judged.wrong).collect();
    let flagged = flag::best_f1(&wrong);
    let suspect = |row: usize| Suspect {
        row,
        given: tempered.labels[row] as usize,
        suggested: judged[row].suggested,
        score: 1.0 - wrong[row],
        flagged: flagged[row],
    };
    let mut suspects: Vec<Suspect> = (0..tempered.len()).map(suspect).collect();
    suspects.sort_by(|a, b| a.score.total_cmp(&b.score));
    LabelErrors {
        n: tempered.len() as u64,
        flagged: flagged.iter().filter(|&&flagged| flagged).count() as u64,
        expected: wrong.iter().sum(),
        expected_flagged: wrong.iter().zip(&flagged).filter(|(_, flagged)| **flagged).map(|(p, _)| p).sum(),
        assumption,
        temperature,
        noise,
        joint,
        suspects,
    }
}
