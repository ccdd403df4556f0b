//! A sweep over changes as curves: accuracy, and recall and bias of the classes that suffer most.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Wants;
use super::document::{Excluded, short, short_interval};
use super::subject::Predict;
use super::wants::{Stage, changes};
use crate::corrupt::{Change, corrupt};
use crate::fail::finding::{Finding, Kind};
use crate::fail::robustness::sentences::{family as family_sentence, turning_point as turning_sentence};
use crate::fail::robustness::{Advice, Robustness, Sweep, TurningPoint, UnderChange, WorstForClass};
use crate::fail::statistics::interval::Interval;
use crate::random::{Purpose, Stream};
use crate::sample::ImageSet;

/// Classes that have curves of their own; those that lose most under some change.
pub const CLASSES_MOST: usize = 20;
/// Turning points that are listed, the nearest.
pub const TURNING_POINTS_MOST: usize = 500;
/// Turning points that are findings: the nearest of as many classes, for turning the image.
const TURNING_FINDINGS: usize = 20;

/// The section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobustnessSection {
    /// Images that were changed.
    pub n: u64,
    /// Accuracy of these without a change.
    pub accuracy: f64,
    /// 95 % interval (Wilson).
    pub accuracy_ci: Interval,
    /// Class indices that `recall` and `bias` of a point are about, in this order.
    pub shown: Vec<usize>,
    /// Recall and bias without a change.
    pub clean: Vec<ClassPoint>,
    /// A curve a kind of change, largest mean loss first.
    pub curves: Vec<Curve>,
    /// Mean over kinds of change of the mean share of wrong images.
    pub mean_error: f64,
    /// From which number on a class becomes another, nearest first, [`TURNING_POINTS_MOST`] at most.
    pub turning_points: Vec<Turning>,
    /// What hurts each class most.
    pub worst: Vec<Worst>,
    /// What in a recipe would help.
    pub advice: Vec<Advice>,
    /// The whole in words.
    pub sentences: Vec<String>,
}

/// A kind of change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// `rotate`, `common/fog`.
    pub family: String,
    /// The number at which nothing is changed.
    pub neutral: f64,
    /// Mean share of wrong images over its points.
    pub mean_error: f64,
    /// Less that without a change.
    pub mean_loss: f64,
    /// In the order of their numbers.
    pub points: Vec<Point>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Its number.
    pub parameter: f64,
    /// The number in words: `35 degrees`.
    pub amount: String,
    /// Share of images that are right.
    pub accuracy: f64,
    /// 95 % interval (Wilson).
    pub accuracy_ci: Interval,
    /// Accuracy less that without the change, image by image.
    pub difference: f64,
    /// 95 % interval of that.
    pub difference_ci: Interval,
    /// p-value of "as many images become right as wrong", corrected for all changes.
    pub p_corrected: f64,
    /// One entry a class of [`RobustnessSection::shown`].
    pub classes: Vec<ClassPoint>,
}

/// A class under a change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassPoint {
    /// Share of its images that are right.
    pub recall: f64,
    /// 95 % interval (Wilson).
    pub recall_ci: Option<Interval>,
    /// Predicted / actual.
    pub bias: Option<f64>,
    /// 95 % interval of that.
    pub bias_ci: Option<Interval>,
}

/// Where a class becomes another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turning {
    /// `rotate`.
    pub family: String,
    /// The number.
    pub parameter: f64,
    /// `40 degrees`.
    pub amount: String,
    /// Index of the class.
    pub class: usize,
    /// Index of what most of its images are called.
    pub becomes: usize,
    /// How many are called that.
    pub count: u64,
    /// Of so many.
    pub actual: u64,
    /// 95 % interval of the share (Wilson).
    pub share_ci: Interval,
}

/// What hurts a class most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worst {
    /// Index of the class.
    pub class: usize,
    /// The change: `rotate 90 degrees`.
    pub change: String,
    /// Recall without it.
    pub clean_recall: f64,
    /// Recall under it.
    pub recall: f64,
    /// 95 % interval (Wilson).
    pub recall_ci: Interval,
    /// Index of what its images are called most, itself excepted.
    pub called: Option<usize>,
}

pub(super) fn section(
    wants: &Wants,
    images: &ImageSet,
    predict: &mut Predict<'_>,
    excluded: &mut Vec<Excluded>,
    progress: &mut dyn FnMut(Stage),
) -> (RobustnessSection, Vec<Finding>) {
    let chosen = chosen(images, wants);
    let sample = (chosen.len() < images.len()).then(|| {
        excluded.push(Excluded {
            what: "images".to_owned(),
            count: (images.len() - chosen.len()) as u64,
            from: "the changes of robustness: an equal share of each class was drawn".to_owned(),
            names: Vec::new(),
        });
        images.select(&chosen)
    });
    let images = sample.as_ref().unwrap_or(images);
    let changes = wants.changes.clone().unwrap_or_else(|| changes(images.size()));
    let name = "changed images";
    progress(Stage { name, done: 0, of: changes.len() });
    let mut sweep = Sweep::new(predict(images));
    for (done, change) in changes.iter().enumerate() {
        sweep.add(*change, &predict(&corrupt(images, change, wants.seed)));
        progress(Stage { name, done: done + 1, of: changes.len() });
    }
    let robustness = sweep.finish();
    (described(&robustness), findings(&robustness))
}

/// Pixels of changed images in memory at a time.
const CHANGED_BYTES_MOST: usize = 256 << 20;

/// All rows, or at most [`Wants::changed_most`] of them, and as many as fit into memory: of each class an equal share, in the
/// order of the table.
fn chosen(images: &ImageSet, wants: &Wants) -> Vec<usize> {
    let (labels, n, classes) = (images.labels(), images.len(), images.classes().len());
    let fitting = CHANGED_BYTES_MOST / images.size().iter().product::<usize>();
    let most = wants.changed_most.min(fitting).max(1);
    if n <= most {
        return (0..n).collect();
    }
    let mut of_class = vec![Vec::new(); classes];
    labels.iter().enumerate().for_each(|(row, &label)| of_class[label as usize].push(row));
    let mut chosen = Vec::with_capacity(most);
    for (class, rows) in of_class.iter_mut().enumerate() {
        Stream::new(wants.seed, Purpose::AuditSample, class as u64, 0).shuffle(rows);
        chosen.extend_from_slice(&rows[..(rows.len() * most).div_ceil(n).min(rows.len())]);
    }
    chosen.sort_unstable();
    chosen
}

fn described(robustness: &Robustness) -> RobustnessSection {
    let shown = shown(robustness);
    let classes = |level: &crate::fail::robustness::Level| -> Vec<ClassPoint> {
        let point = |&class: &usize| {
            let of = &level.classes[class];
            ClassPoint {
                recall: short(of.recall),
                recall_ci: of.recall_ci.map(short_interval),
                bias: of.bias.map(short),
                bias_ci: of.bias_ci.map(short_interval),
            }
        };
        shown.iter().map(point).collect()
    };
    let point = |under: &UnderChange| Point {
        parameter: under.change.parameter(),
        amount: under.change.amount(),
        accuracy: short(under.level.accuracy),
        accuracy_ci: short_interval(under.level.accuracy_ci),
        difference: short(under.paired.difference),
        difference_ci: short_interval(under.paired.difference_ci),
        p_corrected: short(under.p_corrected),
        classes: classes(&under.level),
    };
    let curve = |family: &crate::fail::robustness::Family| {
        let mut ordered = family.changes.clone();
        let parameter = |i: &usize| robustness.changes[*i].change.parameter();
        ordered.sort_by(|a, b| parameter(a).total_cmp(&parameter(b)));
        Curve {
            family: family.name.clone(),
            neutral: robustness.changes[family.changes[0]].change.neutral(),
            mean_error: short(family.mean_error),
            mean_loss: short(family.mean_loss),
            points: ordered.into_iter().map(|i| point(&robustness.changes[i])).collect(),
        }
    };
    RobustnessSection {
        n: robustness.n,
        accuracy: robustness.clean.accuracy,
        accuracy_ci: robustness.clean.accuracy_ci,
        clean: classes(&robustness.clean),
        curves: robustness.families.iter().map(curve).collect(),
        mean_error: short(robustness.mean_error),
        turning_points: {
            let listed = robustness.turning_points.iter().take(TURNING_POINTS_MOST);
            listed.map(|point| turning(robustness, point)).collect()
        },
        worst: robustness.worst.iter().map(|worst| worst_of(robustness, worst)).collect(),
        advice: robustness.advice.clone(),
        sentences: robustness.sentences.clone(),
        shown,
    }
}

/// The classes whose recall falls most under some change, in the order of the table.
fn shown(robustness: &Robustness) -> Vec<usize> {
    let k = robustness.classes.len();
    let lowest = |class: usize| {
        let recalls = robustness.changes.iter().map(|under| under.level.classes[class].recall);
        robustness.clean.classes[class].recall - recalls.fold(1.0, f64::min)
    };
    let falls: Vec<f64> = (0..k).map(lowest).collect();
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|&a, &b| falls[b].total_cmp(&falls[a]));
    order.truncate(CLASSES_MOST);
    order.sort_unstable();
    order
}

fn turning(robustness: &Robustness, point: &TurningPoint) -> Turning {
    let change: &Change = &robustness.changes[point.change].change;
    Turning {
        family: point.family.clone(),
        parameter: change.parameter(),
        amount: change.amount(),
        class: point.class,
        becomes: point.becomes,
        count: point.count,
        actual: point.actual,
        share_ci: short_interval(point.share_ci),
    }
}

fn worst_of(robustness: &Robustness, worst: &WorstForClass) -> Worst {
    Worst {
        class: worst.class,
        change: robustness.changes[worst.change].label.clone(),
        clean_recall: short(worst.clean_recall),
        recall: short(worst.recall),
        recall_ci: short_interval(worst.recall_ci),
        called: worst.called.map(|called| called.0),
    }
}

/// One finding a kind of change that hurts, at its worst; and for turning the image, one a class that becomes another.
///
/// None of them explains an error of the images as they are, so their harm is 0.
fn findings(robustness: &Robustness) -> Vec<Finding> {
    let hurting = robustness.families.iter().filter(|family| robustness.changes[family.worst].hurts());
    let of_family = |family: &crate::fail::robustness::Family| {
        let under = &robustness.changes[family.worst];
        let advice = robustness.advice.iter().find(|advice| advice.family == family.name);
        Finding {
            kind: Kind::Robustness,
            title: family_sentence(robustness, family),
            effect: under.paired.difference,
            interval: Some(under.paired.difference_ci),
            p: Some(under.paired.p),
            p_corrected: Some(under.p_corrected),
            // every change was tested, and corrected for
            confirmed: true,
            n: robustness.n,
            harm: 0.0,
            examples: Vec::new(),
            evidence: json!({
                "family": family.name,
                "worst": under.change.amount(),
                "mean_loss": family.mean_loss,
                "lost": under.paired.lost,
                "gained": under.paired.gained,
                "try": advice.and_then(|advice| advice.recipe.as_ref()),
            }),
        }
    };
    let families = hurting.map(of_family);
    let mut seen = BTreeSet::new();
    let turned = robustness.turning_points.iter().filter(|point| point.family == "rotate");
    let first_of_class = turned.filter(move |point| seen.insert(point.class)).take(TURNING_FINDINGS);
    families.chain(first_of_class.map(|point| turning_finding(robustness, point))).collect()
}

fn turning_finding(robustness: &Robustness, point: &TurningPoint) -> Finding {
    let under = &robustness.changes[point.change];
    let p_corrected = under.class_p_corrected[point.class];
    Finding {
        kind: Kind::Robustness,
        title: turning_sentence(robustness, point),
        effect: point.count as f64 / point.actual as f64,
        interval: Some(point.share_ci),
        p: None,
        p_corrected: Some(p_corrected),
        confirmed: p_corrected <= crate::fail::evaluation::FALSE_DISCOVERY_RATE,
        n: point.actual,
        harm: 0.0,
        examples: Vec::new(),
        evidence: json!({
            "family": point.family,
            "at": under.change.amount(),
            "class": robustness.classes[point.class],
            "becomes": robustness.classes[point.becomes],
            "count": point.count,
        }),
    }
}
