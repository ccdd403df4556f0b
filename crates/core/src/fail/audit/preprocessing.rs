//! Is the model given its images, and are its outputs named, as when it was fitted?
//!
//! *Idea*: undo what is most often forgotten, and see whether the model gets better.
//! ```text
//! for each way to change all images: inverted, channels in reverse, rows and columns swapped, upside down, mirrored
//!     accuracy with it against accuracy as given, image by image           (paired; Benjamini–Hochberg)
//! names: the class that images of each class are mostly called; if this is another order of the classes, accuracy with it
//! ```
//! A model that was fitted on what it is given gets worse by all of them.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::subject::Predict;
use crate::fail::finding::{Finding, Kind, harm};
use crate::fail::paired::difference_interval;
use crate::fail::statistics::exact_test::mcnemar_exact;
use crate::fail::statistics::interval::Interval;
use crate::fail::statistics::multiple::benjamini_hochberg;
use crate::predictions::Predictions;
use crate::sample::ImageSet;

/// A gain smaller than this is no mistake of the input.
const LEAST_GAIN: f64 = 0.05;
/// Called better only if this is not chance.
const LEVEL: f64 = 0.05;

/// The section: what was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreprocessingSection {
    /// One entry a way.
    pub tried: Vec<Tried>,
}

/// A way to give the images, or to name the outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// In words: `inverted`.
    pub what: String,
    /// Images it was tried on.
    pub n: u64,
    /// Accuracy of these as given.
    pub accuracy: f64,
    /// Accuracy with it, less that.
    pub gain: f64,
    /// 95 % interval of the gain.
    pub gain_ci: Interval,
    /// p-value of "as many become right as wrong".
    pub p: f64,
    /// Corrected for all ways.
    pub p_corrected: f64,
    gained: u64,
    lost: u64,
}

pub(super) fn section(
    predictions: &Predictions,
    called: &[u32],
    images: Option<(&ImageSet, &mut Predict<'_>)>,
) -> (PreprocessingSection, Vec<Finding>) {
    let mut tried = Vec::new();
    if let Some((images, predict)) = images {
        let right = |table: &Predictions| -> Vec<bool> {
            (0..table.len()).map(|row| table.top1(row) == table.labels[row] as usize).collect()
        };
        let as_given = right(&predict(images));
        for (what, changed) in ways(images.size()) {
            let pixels = (0..images.len()).flat_map(|index| changed(&images.image(index))).collect();
            let (labels, classes, ids) =
                (images.labels().to_vec(), images.classes().clone(), images.ids().clone());
            let set = ImageSet::new(images.size(), pixels, labels, classes, ids);
            tried.push(compared(what, &as_given, &right(&predict(&set))));
        }
    }
    let renamed = names(predictions, called);
    tried.extend(renamed.as_ref().map(|renamed| renamed.0.clone()));
    let p: Vec<f64> = tried.iter().map(|tried: &Tried| tried.p).collect();
    tried.iter_mut().zip(benjamini_hochberg(&p)).for_each(|(tried, p)| tried.p_corrected = p);
    let better = |tried: &&Tried| tried.p_corrected <= LEVEL && tried.gain >= LEAST_GAIN;
    let order = renamed.map(|renamed| renamed.1);
    let findings =
        tried.iter().filter(better).map(|tried| finding(tried, predictions, order.as_deref())).collect();
    (PreprocessingSection { tried }, findings)
}

type Way = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// What is most often forgotten, of images `[h, w, c]`.
fn ways([h, w, c]: [usize; 3]) -> Vec<(&'static str, Way)> {
    // the pixel of the image at each place of the changed one
    let moved = move |from: fn([usize; 4]) -> usize| -> Way {
        Box::new(move |image: &[u8]| {
            let places = (0..h).flat_map(|y| (0..w).map(move |x| from([y, x, h, w])));
            places.flat_map(|place| image[place * c..][..c].iter().copied()).collect()
        })
    };
    let mut ways: Vec<(&'static str, Way)> = vec![
        ("inverted, black for white", Box::new(|image| image.iter().map(|&value| 255 - value).collect())),
        ("upside down", moved(|[y, x, h, w]| (h - 1 - y) * w + x)),
        ("mirrored", moved(|[y, x, _, w]| y * w + w - 1 - x)),
    ];
    if h == w {
        ways.push(("with rows and columns swapped", moved(|[y, x, _, w]| x * w + y)));
    }
    if c == 3 {
        let reversed =
            |image: &[u8]| image.chunks_exact(3).flat_map(|rgb| [rgb[2], rgb[1], rgb[0]]).collect();
        ways.push(("with red and blue swapped", Box::new(reversed)));
    }
    ways
}

fn compared(what: &str, before: &[bool], after: &[bool]) -> Tried {
    let count = |is: fn(bool, bool) -> bool| {
        before.iter().zip(after).filter(|&(&before, &after)| is(before, after)).count() as u64
    };
    let (gained, lost) = (count(|before, after| !before && after), count(|before, after| before && !after));
    let n = before.len() as u64;
    let share = |count: u64| count as f64 / n.max(1) as f64;
    Tried {
        what: what.to_owned(),
        n,
        accuracy: share(before.iter().filter(|&&right| right).count() as u64),
        gain: share(gained) - share(lost),
        gain_ci: difference_interval(gained, lost, n),
        p: mcnemar_exact(gained, lost),
        p_corrected: 1.0,
        gained,
        lost,
    }
}

/// If the class that images of each class are mostly called is another order of the classes: accuracy with that order. The
/// order is read from one half of the images and judged on the other.
fn names(predictions: &Predictions, called: &[u32]) -> Option<(Tried, Vec<usize>)> {
    let k = predictions.classes.len();
    let mut counts = vec![vec![0_u64; k]; k];
    let pairs =
        || predictions.labels.iter().zip(called).map(|(&label, &called)| (label as usize, called as usize));
    pairs().step_by(2).for_each(|(label, called)| counts[label][called] += 1);
    // classes without images keep their name
    let mostly = |label: usize| (0..k).rev().max_by_key(|&called| (counts[label][called], called == label));
    let order: Vec<usize> = (0..k).filter_map(mostly).collect();
    let mut named = vec![false; k];
    order.iter().for_each(|&called| named[called] = true);
    if order.iter().enumerate().all(|(label, &called)| label == called) || named.contains(&false) {
        return None;
    }
    let judged: Vec<(usize, usize)> = pairs().skip(1).step_by(2).collect();
    let before: Vec<bool> = judged.iter().map(|&(label, called)| label == called).collect();
    let after: Vec<bool> = judged.iter().map(|&(label, called)| order[label] == called).collect();
    Some((compared("with the classes in another order", &before, &after), order))
}

/// `effect` is the gain.
fn finding(tried: &Tried, predictions: &Predictions, order: Option<&[usize]>) -> Finding {
    let [low, high] = tried.gain_ci.map(|end| 100.0 * end);
    let renamed = order.filter(|_| tried.what.contains("classes"));
    let what = if renamed.is_some() { "the outputs are read" } else { "the images are given" };
    let wrong = tried.n - (tried.accuracy * tried.n as f64).round() as u64;
    let name = |class: usize| predictions.classes[class].as_str();
    Finding {
        kind: Kind::Preprocessing,
        title: format!(
            "Accuracy is {:.1} %, and {:.1} % if {what} {}: {:.1} points more (95 % interval {low:.1} to {high:.1}).",
            100.0 * tried.accuracy,
            100.0 * (tried.accuracy + tried.gain),
            tried.what,
            100.0 * tried.gain,
        ),
        effect: tried.gain,
        interval: Some(tried.gain_ci),
        p: Some(tried.p),
        p_corrected: Some(tried.p_corrected),
        confirmed: true,
        n: tried.n,
        harm: harm(tried.gained, tried.lost as f64, wrong),
        examples: Vec::new(),
        evidence: json!({
            "what": tried.what,
            "called": renamed.map(|order| {
                let moved = order.iter().enumerate().filter(|(label, called)| label != *called);
                moved.map(|(label, &called)| json!({ "class": name(label), "is_called": name(called) })).collect::<Vec<_>>()
            }),
        }),
    }
}
