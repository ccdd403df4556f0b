//! Classes that the model was trained on too seldom, or too often, for the images at hand: a cause of bias that can be seen.
//!
//! *Idea*: a model learns how often classes occur, so a class with a tenth of its share is called too seldom.
//! ```text
//! rate(class)  = training images of the class / audited images of it
//! ratio(class) = rate(class) / median rate of all classes
//! ```
//! 1 is in proportion. The median, not the share of all, because one class that comes ten times makes all others seldom.
//!
//! *Reference*: what shares in training do to predictions: Saerens, Latinne & Decaestecker (2002), "Adjusting the outputs of a
//! classifier to new a priori probabilities", Neural Computation 14, 21–41. The interval is that of a ratio of counts: Katz et al.
//! (1978), "Obtaining confidence intervals for the risk ratio", Biometrics 34, 469–474.

use serde::{Deserialize, Serialize};

use super::Training;
use crate::fail::evaluation::Evaluation;
use crate::fail::statistics::interval::{Interval, Z_95};

/// A class is out of proportion if its ratio is this far from 1, up or down, by its whole interval.
pub const OUT_OF_PROPORTION: f64 = 1.5;

/// How a class's share in training compares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// Index of the class.
    pub class: usize,
    /// Training images of it.
    pub trained: u64,
    /// Their share of all training images.
    pub training_share: f64,
    /// The class's share of the audited images.
    pub share: f64,
    /// See the head of this file.
    pub ratio: f64,
    /// 95 % interval of the ratio.
    pub ratio_ci: Interval,
}

impl Proportion {
    /// Whether the class came too seldom; else too often.
    pub fn is_starved(&self) -> bool {
        self.ratio < 1.0
    }

    /// As a sentence to go behind another.
    pub fn sentence(&self) -> String {
        let percent = |share: f64| {
            let digits = usize::from(share < 0.1);
            format!("{:.digits$} %", 100.0 * share)
        };
        format!(
            "It makes up {} of the images the model was trained on, and {} of these.",
            percent(self.training_share),
            percent(self.share)
        )
    }
}

/// The classes that are out of proportion, in their order; none without training images.
pub(super) fn out_of_proportion(training: Option<Training<'_>>, evaluation: &Evaluation) -> Vec<Proportion> {
    let Some(images) = training.map(|training| training.images) else { return Vec::new() };
    let mut trained = vec![0_u64; evaluation.classes.len()];
    images.labels().iter().for_each(|&label| trained[label as usize] += 1);
    let known = || evaluation.classes.iter().zip(&trained).enumerate().filter(|(_, (of, _))| of.actual > 0);
    let mut rates: Vec<f64> = known().map(|(_, (of, &count))| count as f64 / of.actual as f64).collect();
    rates.sort_by(f64::total_cmp);
    let Some(&median) = rates.get(rates.len() / 2).filter(|&&median| median > 0.0) else { return Vec::new() };
    let of_class = |(class, (of, &count)): (usize, (&crate::fail::ClassEvaluation, &u64))| {
        let ratio = count as f64 / of.actual as f64 / median;
        // half an image for none
        let some = (count as f64).max(0.5);
        let half = Z_95 * (1.0 / some + 1.0 / of.actual as f64).sqrt();
        let middle = some / of.actual as f64 / median;
        Proportion {
            class,
            trained: count,
            training_share: count as f64 / images.len() as f64,
            share: of.actual as f64 / evaluation.n as f64,
            ratio,
            ratio_ci: [middle * (-half).exp(), middle * half.exp()],
        }
    };
    let is_out =
        |of: &Proportion| of.ratio_ci[1] < 1.0 / OUT_OF_PROPORTION || of.ratio_ci[0] > OUT_OF_PROPORTION;
    known().map(of_class).filter(is_out).collect()
}
