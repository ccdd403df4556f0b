//! How a model holds when its images are made worse: accuracy, classes and turning points over a list of changes.
//!
//! *Idea*: the model is a closure from images to predictions, so this room still knows no engine.
//!
//! ```text
//! clean = predict(set)
//! for each change:  compare(clean, predict(corrupt(set, change, seed)))   paired, image by image
//! p of all changes, and of all classes under all changes: Benjamini–Hochberg
//! for each family, class and direction: the first number at which most of its images are called another class
//! ```
//!
//! *Reference*: mean corruption error: Hendrycks & Dietterich (2019), section 3, without the division by AlexNet's errors, which
//! nobody has for other data; the difference to the clean error takes its place ("relative mCE"). The tests are
//! [`Paired`]'s.

mod advice;
pub(in crate::fail) mod sentences;
mod turning;

use serde::{Deserialize, Serialize};

use super::evaluation::{Evaluation, evaluate};
use super::paired::Paired;
use super::statistics::exact_test::mcnemar_exact;
use super::statistics::interval::Interval;
use super::statistics::multiple::benjamini_hochberg;
use crate::corrupt::{Change, corrupt};
use crate::predictions::Predictions;
use crate::sample::ImageSet;

pub use advice::Advice;
pub use turning::TurningPoint;

#[cfg(test)]
mod tests;

/// The version of the document [`Robustness`] is written as.
pub const SCHEMA: &str = "seamripper.robustness/1";

/// A loss of accuracy smaller than this is not worth a sentence, however sure it is.
pub const MIN_LOSS: f64 = 0.05;

/// What a sweep says about a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Robustness {
    /// [`SCHEMA`].
    pub schema: String,
    /// Class names.
    pub classes: Vec<String>,
    /// Number of images.
    pub n: u64,
    /// The unchanged images.
    pub clean: Level,
    /// One entry a change, in the order given.
    pub changes: Vec<UnderChange>,
    /// Changes with the same name together, largest mean loss first.
    pub families: Vec<Family>,
    /// Mean over families of [`Family::mean_error`].
    pub mean_error: f64,
    /// For each class that loses beyond chance, the change that hurts it most.
    pub worst: Vec<WorstForClass>,
    /// Where classes become others, nearest to the unchanged image first.
    pub turning_points: Vec<TurningPoint>,
    /// What in a recipe would help.
    pub advice: Vec<Advice>,
    /// All of it in words, most harm first.
    pub sentences: Vec<String>,
}

/// Accuracy and classes of one table of predictions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Share of images that are right.
    pub accuracy: f64,
    /// 95 % interval (Wilson).
    pub accuracy_ci: Interval,
    /// One entry a class.
    pub classes: Vec<ClassLevel>,
}

/// One class of a [`Level`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassLevel {
    /// Share of its images that are right; 0 if there are none.
    pub recall: f64,
    /// 95 % interval (Wilson).
    pub recall_ci: Option<Interval>,
    /// Predicted / actual.
    pub bias: Option<f64>,
    /// 95 % interval of the bias.
    pub bias_ci: Option<Interval>,
    /// What its images were called, without zeros: index of a class and how many, classes rising.
    pub called: Vec<(usize, u64)>,
}

/// What one change does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnderChange {
    /// The change.
    pub change: Change,
    /// Its name and number: `rotate 35 degrees`.
    pub label: String,
    /// Accuracy and classes.
    pub level: Level,
    /// Against the unchanged images, image by image.
    pub paired: Paired,
    /// [`Paired::p`] corrected for the number of changes.
    pub p_corrected: f64,
    /// For each class, the p-value of "as many of its images are gained as lost", corrected for classes and changes.
    pub class_p_corrected: Vec<f64>,
}

/// Changes that differ in their number only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// [`Change::family`].
    pub name: String,
    /// Places in [`Robustness::changes`].
    pub changes: Vec<usize>,
    /// Mean share of wrong images.
    pub mean_error: f64,
    /// [`Family::mean_error`] less the share of wrong unchanged images.
    pub mean_loss: f64,
    /// The change with the lowest accuracy, a place in [`Robustness::changes`].
    pub worst: usize,
}

/// What hurts a class most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorstForClass {
    /// Index of the class.
    pub class: usize,
    /// Place in [`Robustness::changes`].
    pub change: usize,
    /// Recall without the change.
    pub clean_recall: f64,
    /// Recall under it.
    pub recall: f64,
    /// 95 % interval (Wilson).
    pub recall_ci: Interval,
    /// The class its images are called most often, itself excepted, and how many.
    pub called: Option<(usize, u64)>,
}

/// Predicts `set` as it is and after each change. `progress` is told how many changes are done. The images and their ids
/// keep their order, so `predict` must too.
///
/// # Panics
/// If `set` is empty, a change has a [`Change::problem`], or `predict` returns a table of other images.
pub fn sweep(
    set: &ImageSet,
    changes: &[Change],
    seed: u64,
    mut predict: impl FnMut(&ImageSet) -> Predictions,
    mut progress: impl FnMut(usize),
) -> Robustness {
    let mut sweep = Sweep::new(predict(set));
    for (done, change) in changes.iter().enumerate() {
        let changed = predict(&corrupt(set, change, seed));
        sweep.add(*change, &changed);
        progress(done + 1);
    }
    sweep.finish()
}

/// A sweep whose predictions come one table at a time, from anywhere.
#[derive(Clone, Debug)]
pub struct Sweep {
    clean: Predictions,
    called: Vec<usize>,
    changes: Vec<UnderChange>,
}

impl Sweep {
    /// Starts with the predictions of the unchanged images.
    pub fn new(clean: Predictions) -> Self {
        let called = (0..clean.len()).map(|row| clean.top1(row)).collect();
        Self { clean, called, changes: Vec::new() }
    }

    /// Adds the predictions after one change.
    ///
    /// # Panics
    /// If they are not of the same images in the same order.
    pub fn add(&mut self, change: Change, changed: &Predictions) {
        let k = self.clean.classes.len();
        let (mut gained, mut lost) = (vec![0; k], vec![0; k]);
        for (row, &label) in changed.labels.iter().enumerate() {
            let label = label as usize;
            let [before, after] = [self.called[row], changed.top1(row)].map(|called| called == label);
            gained[label] += u64::from(!before && after);
            lost[label] += u64::from(before && !after);
        }
        let p = gained.iter().zip(&lost).map(|(&gained, &lost)| mcnemar_exact(gained, lost));
        let paired = Paired::of(&self.clean, changed);
        self.changes.push(UnderChange {
            change,
            label: change.label(),
            level: Level::of(&evaluate(changed)),
            paired,
            p_corrected: paired.p,
            class_p_corrected: p.collect(),
        });
    }

    /// The analysis.
    ///
    /// # Panics
    /// If there are no images.
    pub fn finish(mut self) -> Robustness {
        self.correct();
        let clean = Level::of(&evaluate(&self.clean));
        let families = families(&clean, &self.changes);
        let mean_error =
            mean(families.iter().map(|family| family.mean_error)).unwrap_or(1.0 - clean.accuracy);
        let mut robustness = Robustness {
            schema: SCHEMA.to_owned(),
            classes: self.clean.classes.clone(),
            n: self.clean.len() as u64,
            worst: worst(&clean, &self.changes),
            clean,
            changes: self.changes,
            families,
            mean_error,
            turning_points: Vec::new(),
            advice: Vec::new(),
            sentences: Vec::new(),
        };
        robustness.turning_points = turning::find(&robustness);
        robustness.advice = advice::advice(&robustness);
        robustness.sentences = sentences::sentences(&robustness);
        robustness
    }

    fn correct(&mut self) {
        let p: Vec<f64> = self.changes.iter().map(|change| change.p_corrected).collect();
        let of_classes: Vec<f64> =
            self.changes.iter().flat_map(|change| change.class_p_corrected.clone()).collect();
        let (p, of_classes) = (benjamini_hochberg(&p), benjamini_hochberg(&of_classes));
        let k = self.clean.classes.len();
        for (i, change) in self.changes.iter_mut().enumerate() {
            change.p_corrected = p[i];
            change.class_p_corrected.copy_from_slice(&of_classes[i * k..][..k]);
        }
    }
}

impl Level {
    fn of(evaluation: &Evaluation) -> Self {
        let class = |(i, class): (usize, &super::ClassEvaluation)| ClassLevel {
            recall: class.recall,
            recall_ci: class.recall_ci,
            bias: class.bias,
            bias_ci: class.bias_ci,
            called: evaluation.confusion[i].iter().copied().enumerate().filter(|cell| cell.1 > 0).collect(),
        };
        Self {
            accuracy: evaluation.accuracy,
            accuracy_ci: evaluation.accuracy_ci,
            classes: evaluation.classes.iter().enumerate().map(class).collect(),
        }
    }
}

impl ClassLevel {
    /// Images that belong to the class.
    pub fn actual(&self) -> u64 {
        self.called.iter().map(|cell| cell.1).sum()
    }

    /// How many of its images were called `other`.
    pub fn called(&self, other: usize) -> u64 {
        self.called.iter().find(|cell| cell.0 == other).map_or(0, |cell| cell.1)
    }

    /// The class its images are called most often, `class` itself excepted.
    fn most_called(&self, class: usize) -> Option<(usize, u64)> {
        let others = self.called.iter().copied().filter(|&(other, _)| other != class);
        others.max_by_key(|&(other, count)| (count, std::cmp::Reverse(other)))
    }
}

impl UnderChange {
    /// Whether accuracy falls beyond chance, and by enough to matter.
    pub fn hurts(&self) -> bool {
        self.p_corrected <= super::evaluation::FALSE_DISCOVERY_RATE && -self.paired.difference >= MIN_LOSS
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let n = values.len();
    (n > 0).then(|| values.sum::<f64>() / n as f64)
}

fn families(clean: &Level, changes: &[UnderChange]) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for (i, under) in changes.iter().enumerate() {
        let name = under.change.family();
        match families.iter_mut().find(|family| family.name == name) {
            Some(family) => family.changes.push(i),
            None => {
                families.push(Family { name, changes: vec![i], mean_error: 0.0, mean_loss: 0.0, worst: i });
            }
        }
    }
    for family in &mut families {
        let accuracy = |&i: &usize| changes[i].level.accuracy;
        family.mean_error = 1.0 - mean(family.changes.iter().map(accuracy)).expect("a family has a change");
        family.mean_loss = family.mean_error - (1.0 - clean.accuracy);
        let lowest = |&a: &usize, &b: &usize| accuracy(&a).total_cmp(&accuracy(&b));
        family.worst = family.changes.iter().copied().min_by(lowest).expect("a family has a change");
    }
    families.sort_by(|a, b| b.mean_loss.total_cmp(&a.mean_loss));
    families
}

fn worst(clean: &Level, changes: &[UnderChange]) -> Vec<WorstForClass> {
    let of_class = |(class, before): (usize, &ClassLevel)| {
        let recall = |under: &UnderChange| under.level.classes[class].recall;
        let sure = |under: &UnderChange| {
            under.class_p_corrected[class] <= super::evaluation::FALSE_DISCOVERY_RATE
                && before.recall - recall(under) >= MIN_LOSS
        };
        let (change, under) = changes
            .iter()
            .enumerate()
            .filter(|(_, under)| sure(under))
            .min_by(|(_, a), (_, b)| recall(a).total_cmp(&recall(b)))?;
        let after = &under.level.classes[class];
        Some(WorstForClass {
            class,
            change,
            clean_recall: before.recall,
            recall: after.recall,
            recall_ci: after.recall_ci?,
            called: after.most_called(class),
        })
    };
    clean.classes.iter().enumerate().filter_map(of_class).collect()
}
