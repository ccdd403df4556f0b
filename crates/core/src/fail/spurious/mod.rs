//! Does the model read what has nothing to do with the class? Found by putting it in and taking it out, never by looking at a
//! heat-map: attribution cannot find features nobody has thought of, and accuses wrongly (Adebayo et al. 2022).
//!
//! *Idea*: the model is a closure from images to predictions, so this room still knows no engine.
//! ```text
//! halves      = images of each class, dealt to two halves at random
//! artifacts   = a fixed list, and what the images of a class have in common        (candidates)
//! first half: effect[artifact][class] = share of the other classes' images that are called the class with it, less
//!             without it
//! chosen      = strongest artifact of each class; then the strongest that share no pixel with it …
//! second half: the same again, and with as much put in elsewhere: moved, and scattered       (artifact)
//! data        : share of the class's images that carry it, and of the others                 (association)
//! taken out   : how many images of the class that carry it are still called so
//! ```
//! Any large enough blot turns images into something. So an artifact is *confirmed* on the second half only if
//!
//! 1. it turns at least [`LEAST_TURNED`] of the other classes' images into its class, and
//! 2. at least [`LEAST_BEYOND`] more than as much of it elsewhere does (whole interval; exact test, corrected by
//!    Benjamini–Hochberg for all that were tested), and
//! 3. if the images the model was trained on are at hand: those of the class carry it at least [`LEAST_ASSOCIATED`] more often than
//!    others do. Where they do not the model is fragile, which `robustness` says, but has learnt no shortcut.
//!
//! A background and an aspect have no elsewhere: they are confirmed with training images only. A white background turns most garments
//! into bags for models in which nothing is wrong.
//!
//! *Exactness*: `selftest` plants patches and counts what is found and what is said of models without one; docs/audit.md has the
//! numbers.
//!
//! *Reference*: why interventions: Adebayo, Muelly, Abelson & Kim (2022), "Post hoc explanations may be ineffective for detecting
//! unknown spurious correlation", ICLR (arXiv 2212.04629). Patches planted into training images: Gu, Dolan-Gavitt & Garg (2017),
//! "BadNets" (arXiv 1708.06733), and, for finding them by the smallest change that turns all images into a class, Wang et al.
//! (2019), "Neural Cleanse", IEEE S&P. Shortcuts: Geirhos et al. (2020), Nature Machine Intelligence 2, 665–673.

mod artifact;
mod association;
mod candidates;
mod sentence;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::finding::{EXAMPLES_MOST, Finding, Kind, harm};
use super::paired::difference_interval;
use super::statistics::exact_test::mcnemar_exact;
use super::statistics::interval::Interval;
use super::statistics::multiple::benjamini_hochberg;
use crate::predictions::Predictions;
use crate::random::{Purpose, Stream};
use crate::sample::ImageSet;

pub use artifact::{Artifact, CARRIED, Level, TOLERANCE};
pub use association::Association;

/// A confirmed artifact turns at least this share of the other classes' images into its class, by the lower end of the interval. Models
/// without a planted patch stay below .10 (with what stands elsewhere taken off), weak planted patches start at .14: `selftest`.
pub const LEAST_TURNED: f64 = 0.12;

/// A confirmed artifact turns at least this share more than as much of it elsewhere.
pub const LEAST_BEYOND: f64 = 0.1;

/// The data associate an artifact with a class whose images carry it this much more often than others, at least.
pub const LEAST_ASSOCIATED: f64 = 0.1;

/// Artifacts with a smaller effect on the first half are not tested on the second.
const LEAST_TESTED: f64 = 0.05;

/// Classes that are listed for an artifact.
pub const LISTED: usize = 5;

/// How to look for spurious features.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpuriousOptions {
    /// Of the halves and of what is put in elsewhere.
    pub seed: u64,
    /// At most so many images are looked at in each half.
    pub images_most: usize,
    /// At most so many pairs of artifact and class are tested on the second half.
    pub tested_most: usize,
    /// At most so many training images are looked at, as many of each class as can be.
    pub data_most: usize,
    /// Of the confirmed artifacts, at most this share is false, on average.
    pub false_discovery_rate: f64,
}

impl Default for SpuriousOptions {
    fn default() -> Self {
        Self { seed: 0, images_most: 1_000, tested_most: 20, data_most: 20_000, false_discovery_rate: 0.05 }
    }
}

/// All that was tried and tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spurious {
    /// Class names.
    pub classes: Vec<String>,
    /// Images of the first half that were looked at.
    pub n_tried: u64,
    /// Images of the second half that were looked at.
    pub n_tested: u64,
    /// Every artifact, as it did on the first half.
    pub tried: Vec<Tried>,
    /// What was tested on the second half: confirmed ones first, then the strongest.
    pub tested: Vec<Tested>,
}

/// An artifact on the first half.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// What was put in.
    pub artifact: Artifact,
    /// The same in words.
    pub words: String,
    /// The classes it makes most of, [`LISTED`] at most and none that it makes less of: index, and the share of the other classes'
    /// images that are called so with it, less without it.
    pub effects: Vec<(usize, f64)>,
}

/// Of the same images, how many are called a class with one change and how many with another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Images.
    pub n: u64,
    /// Called the class with the artifact in its place.
    pub with: u64,
    /// Called the class otherwise.
    pub without: u64,
    /// Difference of the two shares.
    pub effect: f64,
    /// 95 % interval of the difference: [`difference_interval`].
    pub interval: Interval,
    /// Exact p-value of "no more with than without": [`mcnemar_exact`]; 1 if there are fewer.
    pub p: f64,
}

/// An artifact and the class it makes, on the second half.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// What was put in.
    pub artifact: Artifact,
    /// The same in words.
    pub words: String,
    /// Index of the class.
    pub class: usize,
    /// Images of other classes with and without it.
    pub put_in: Compared,
    /// With it in its place and moved.
    pub moved: Option<Compared>,
    /// With it in its place and scattered.
    pub scattered: Option<Compared>,
    /// Images of the class that carry it (training images, if there are any): called the class with it and with it taken out.
    pub taken_out: Option<Compared>,
    /// Who carries it.
    pub association: Association,
    /// Whether [`Tested::association`] is that of the training images.
    pub of_training: bool,
    /// Of the tests in [`Tested::put_in`], [`Tested::moved`] and [`Tested::scattered`] the largest p-value.
    pub p: f64,
    /// Corrected for all that were tested.
    pub p_corrected: f64,
    /// Whether it meets all three conditions of the head of this room.
    pub confirmed: bool,
    /// Rows of images of other classes that it turned into the class.
    pub examples: Vec<u32>,
}

/// Tries and tests artifacts on `set`. `training` is what the model was trained on, if that is known. `predict` must keep the order
/// of images. `progress` is told how many of how many predictions of a set are done.
pub fn find(
    set: &ImageSet,
    training: Option<&ImageSet>,
    options: &SpuriousOptions,
    mut predict: impl FnMut(&ImageSet) -> Predictions,
    mut progress: impl FnMut(usize, usize),
) -> Spurious {
    let [first, second] = halves(set, options);
    let data = training.map(|training| training.select(&stratified(training, options)));
    let data = data.as_ref().filter(|data| !data.is_empty());
    let mut artifacts = candidates::fixed(set.size());
    artifacts.extend(candidates::learnt(data.unwrap_or(&set.select(&first))));
    let steps = artifacts.len() + 4 * options.tested_most;

    let searched = set.select(&first);
    let clean = called(&predict(&searched));
    let tried: Vec<Tried> = artifacts
        .into_iter()
        .enumerate()
        .map(|(done, artifact)| {
            let with = called(&predict(&artifact.put(&searched)));
            progress(done + 1, steps);
            Tried { artifact, words: artifact.words(set.size()), effects: effects(&searched, &with, &clean) }
        })
        .collect();

    let held = set.select(&second);
    let clean = called(&predict(&held));
    let mut tested: Vec<Tested> = Vec::new();
    for (artifact, class) in chosen(&tried, set, options) {
        let test = Test { artifact, class, held: &held, clean: &clean, rows: &second, options };
        tested.push(test.run(set, data, &mut predict));
        progress(tried.len() + 4 * tested.len(), steps);
    }
    judge(&mut tested, options);
    progress(steps, steps);
    Spurious {
        classes: set.classes().to_vec(),
        n_tried: first.len() as u64,
        n_tested: second.len() as u64,
        tried,
        tested,
    }
}

/// At most [`SpuriousOptions::images_most`] images in each of two halves, as many of each class as can be.
fn halves(set: &ImageSet, options: &SpuriousOptions) -> [Vec<usize>; 2] {
    let dealt = dealt(set, options.seed, 0);
    let half = (dealt.len() / 2).min(options.images_most);
    // every other one, so that both halves have the same classes
    let mut halves =
        [0, 1].map(|turn| dealt.iter().copied().skip(turn).step_by(2).take(half).collect::<Vec<_>>());
    halves.iter_mut().for_each(|half| half.sort_unstable());
    halves
}

fn stratified(set: &ImageSet, options: &SpuriousOptions) -> Vec<usize> {
    let mut dealt = dealt(set, options.seed, 1);
    dealt.truncate(options.data_most);
    dealt.sort_unstable();
    dealt
}

/// All images in an order in which the classes take turns, two images at a time, each class in an order of its own.
fn dealt(set: &ImageSet, seed: u64, what: u64) -> Vec<usize> {
    let mut of_classes = vec![Vec::new(); set.classes().len()];
    for (index, &label) in set.labels().iter().enumerate() {
        of_classes[label as usize].push(index);
    }
    for (class, rows) in of_classes.iter_mut().enumerate() {
        Stream::new(seed, Purpose::Spurious, 16 + what, class as u64).shuffle(rows);
    }
    let longest = of_classes.iter().map(Vec::len).max().unwrap_or(0);
    let turn =
        |start: usize| of_classes.iter().flat_map(move |rows| rows.iter().skip(start).take(2).copied());
    (0..longest).step_by(2).flat_map(turn).collect()
}

fn called(predictions: &Predictions) -> Vec<usize> {
    (0..predictions.len()).map(|row| predictions.top1(row)).collect()
}

/// [`Tried::effects`], all classes in one pass.
fn effects(set: &ImageSet, with: &[usize], without: &[usize]) -> Vec<(usize, f64)> {
    let k = set.classes().len();
    let (mut others, mut surplus) = (vec![set.len() as f64; k], vec![0.0; k]);
    for (row, &label) in set.labels().iter().enumerate() {
        others[label as usize] -= 1.0;
        let counts = |called: usize| called != label as usize && with[row] != without[row];
        surplus[with[row]] += f64::from(u8::from(counts(with[row])));
        surplus[without[row]] -= f64::from(u8::from(counts(without[row])));
    }
    let share = |(class, surplus): (usize, f64)| (class, surplus / others[class].max(1.0));
    let mut effects: Vec<(usize, f64)> =
        surplus.into_iter().enumerate().map(share).filter(|&(_, effect)| effect > 0.0).collect();
    effects.sort_by(|a, b| b.1.total_cmp(&a.1));
    effects.truncate(LISTED);
    effects
}

/// Compares what images of classes other than `class` are called.
fn compare(set: &ImageSet, class: usize, with: &[usize], without: &[usize]) -> Compared {
    let rows = (0..set.len()).filter(|&row| set.labels()[row] as usize != class);
    Compared::of(rows.map(|row| (with[row] == class, without[row] == class)))
}

impl Compared {
    /// Of pairs "called so with it", "called so without it".
    fn of(pairs: impl Iterator<Item = (bool, bool)>) -> Self {
        let (mut n, mut with, mut without, mut gained, mut lost) = (0, 0, 0, 0, 0);
        for (a, b) in pairs {
            n += 1;
            with += u64::from(a);
            without += u64::from(b);
            gained += u64::from(a && !b);
            lost += u64::from(b && !a);
        }
        Self {
            n,
            with,
            without,
            effect: (gained as f64 - lost as f64) / (n as f64).max(1.0),
            interval: difference_interval(gained, lost, n),
            p: if gained > lost { mcnemar_exact(gained, lost) } else { 1.0 },
        }
    }

    /// Share called the class with it.
    pub fn share_with(&self) -> f64 {
        self.with as f64 / self.n.max(1) as f64
    }

    /// Share called the class otherwise.
    pub fn share_without(&self) -> f64 {
        self.without as f64 / self.n.max(1) as f64
    }
}

/// What is tested on the second half: of each class the strongest, then the strongest that share no pixel with it, and so on;
/// the strongest of all first.
fn chosen(tried: &[Tried], set: &ImageSet, options: &SpuriousOptions) -> Vec<(Artifact, usize)> {
    let mut pairs: Vec<(f64, Artifact, usize)> = tried
        .iter()
        .flat_map(|tried| {
            let large = tried.effects.iter().filter(|&&(_, effect)| effect >= LEAST_TESTED);
            large.map(|&(class, effect)| (effect, tried.artifact, class))
        })
        .collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut chosen: Vec<(Artifact, usize)> = Vec::new();
    for (_, artifact, class) in pairs {
        let is_new = |&(other, of): &(Artifact, usize)| of != class || !artifact.overlaps(&other, set.size());
        if chosen.len() < options.tested_most && chosen.iter().all(is_new) {
            chosen.push((artifact, class));
        }
    }
    chosen
}

/// One artifact and one class on the second half.
struct Test<'a> {
    artifact: Artifact,
    class: usize,
    held: &'a ImageSet,
    clean: &'a [usize],
    rows: &'a [usize],
    options: &'a SpuriousOptions,
}

impl Test<'_> {
    fn run(
        &self,
        set: &ImageSet,
        data: Option<&ImageSet>,
        predict: &mut impl FnMut(&ImageSet) -> Predictions,
    ) -> Tested {
        let Self { artifact, class, held, .. } = *self;
        let with = called(&predict(&artifact.put(held)));
        let mut against = |changed: Option<ImageSet>| {
            changed.map(|changed| compare(held, class, &with, &called(&predict(&changed))))
        };
        let put_in = compare(held, class, &with, self.clean);
        let moved = against(artifact.put_elsewhere(held, self.options.seed));
        let scattered = against(artifact.put_scattered(held, self.options.seed));
        let turned = (0..held.len()).filter(|&row| {
            held.labels()[row] as usize != class && with[row] == class && self.clean[row] != class
        });
        let tests = [Some(put_in), moved, scattered];
        Tested {
            artifact,
            words: artifact.words(held.size()),
            class,
            put_in,
            moved,
            scattered,
            taken_out: self.taken_out(data.unwrap_or(set), predict),
            association: Association::of(data.unwrap_or(set), &artifact, class),
            of_training: data.is_some(),
            p: tests.iter().flatten().map(|compared| compared.p).fold(0.0, f64::max),
            p_corrected: 1.0,
            confirmed: false,
            examples: turned.take(EXAMPLES_MOST).map(|row| self.rows[row] as u32).collect(),
        }
    }

    /// Takes it out of images of the class that carry it; what stands there then is of images of other classes that do not.
    fn taken_out(
        &self,
        data: &ImageSet,
        predict: &mut impl FnMut(&ImageSet) -> Predictions,
    ) -> Option<Compared> {
        let carried = self.artifact.carriers(data);
        let of_class = |index: &usize| data.labels()[*index] as usize == self.class;
        let carriers: Vec<usize> = (0..data.len())
            .filter(of_class)
            .filter(|&index| carried[index])
            .take(self.options.images_most)
            .collect();
        let others: Vec<usize> =
            (0..data.len()).filter(|index| !of_class(index)).filter(|&index| !carried[index]).collect();
        if carriers.is_empty() || others.is_empty() {
            return None;
        }
        let mut stream = Stream::new(self.options.seed, Purpose::Spurious, 3, self.class as u64);
        let donors: Vec<usize> =
            carriers.iter().map(|_| others[stream.below(others.len() as u64) as usize]).collect();
        let carriers = data.select(&carriers);
        let without = called(&predict(&self.artifact.take_out(&carriers, data, &donors)?));
        let with = called(&predict(&carriers));
        Some(Compared::of(with.iter().zip(&without).map(|(&a, &b)| (a == self.class, b == self.class))))
    }
}

/// Corrects the tests, decides, and sorts.
fn judge(tested: &mut [Tested], options: &SpuriousOptions) {
    let p: Vec<f64> = tested.iter().map(|tested| tested.p).collect();
    for (tested, corrected) in tested.iter_mut().zip(benjamini_hochberg(&p)) {
        tested.p_corrected = corrected;
        tested.confirmed = corrected <= options.false_discovery_rate && tested.is_large();
    }
    tested.sort_by(|a, b| b.confirmed.cmp(&a.confirmed).then(b.put_in.effect.total_cmp(&a.put_in.effect)));
}

impl Tested {
    /// Whether it meets the conditions on its size; the test comes on top.
    fn is_large(&self) -> bool {
        let evidence = if self.of_training {
            self.association.difference.interval[0] >= LEAST_ASSOCIATED
        } else {
            self.scattered.is_some()
        };
        let beyond = |compared: Option<Compared>| compared.is_none_or(|c| c.interval[0] >= LEAST_BEYOND);
        evidence && self.put_in.interval[0] >= LEAST_TURNED && beyond(self.moved) && beyond(self.scattered)
    }

    /// The weakest of what speaks for it, each as the lower end of its interval: the share it turns, how much more that is than with as
    /// much of it elsewhere, and, if the training images are known, how much more often the class carries it.
    pub fn strength(&self) -> f64 {
        let elsewhere =
            [self.moved, self.scattered].into_iter().flatten().map(|compared| compared.interval[0]);
        let least = elsewhere.fold(self.put_in.interval[0], f64::min);
        if self.of_training { least.min(self.association.difference.interval[0]) } else { least }
    }

    /// One sentence about it.
    pub fn title(&self, classes: &[String]) -> String {
        sentence::title(self, classes)
    }
}

impl Spurious {
    /// What was confirmed, as findings about `predictions`, the table of the set: `effect` is the share of images it turns.
    /// Unconfirmed ones are left out: any blot turns some images.
    pub fn findings(&self, set: &ImageSet, predictions: &Predictions) -> Vec<Finding> {
        let errors =
            (0..predictions.len()).filter(|&row| predictions.top1(row) != predictions.labels[row] as usize);
        let errors = errors.count() as u64;
        self.tested
            .iter()
            .filter(|tested| tested.confirmed)
            .map(|tested| tested.finding(&self.classes, set, predictions, errors))
            .collect()
    }
}

impl Tested {
    fn finding(&self, classes: &[String], set: &ImageSet, predictions: &Predictions, errors: u64) -> Finding {
        // errors of images that carry it and are called its class, beyond the rate of those that do not carry it
        let (mut n_in, mut wrong_in, mut n_out, mut wrong_out) = (0_u64, 0, 0_u64, 0);
        let carried = self.artifact.carriers(set);
        for row in (0..set.len()).filter(|&row| set.labels()[row] as usize != self.class) {
            let wrong = u64::from(predictions.top1(row) == self.class);
            if carried[row] {
                (n_in, wrong_in) = (n_in + 1, wrong_in + wrong);
            } else {
                (n_out, wrong_out) = (n_out + 1, wrong_out + wrong);
            }
        }
        let expected = n_in as f64 * wrong_out as f64 / n_out.max(1) as f64;
        Finding {
            kind: Kind::Spurious,
            title: self.title(classes),
            effect: self.put_in.effect,
            interval: Some(self.put_in.interval),
            p: Some(self.p),
            p_corrected: Some(self.p_corrected),
            confirmed: self.confirmed,
            n: self.put_in.n,
            harm: harm(wrong_in, expected, errors),
            examples: self.examples.iter().map(|&row| predictions.ids[row as usize].clone()).collect(),
            evidence: serde_json::json!({
                "class": classes[self.class],
                "artifact": self.artifact,
                "put_in": self.put_in,
                "moved": self.moved,
                "scattered": self.scattered,
                "taken_out": self.taken_out,
                "association": self.association,
                "of_training": self.of_training,
            }),
        }
    }
}
