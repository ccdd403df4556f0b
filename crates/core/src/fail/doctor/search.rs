//! The way with the least loss, without trying every way on every image.
//!
//! *Idea*: successive halving. All ways on a few images; the better ones on more; the best few on all.
//! ```text
//! for (share, kept) in RUNGS:  score what is left on that share of the images;  keep the best, and the current way
//! then the best form and the current one with pictures resized otherwise; the other forms that are left with the best size
//! of ways that cannot be told from the best one by the loss of the images (z of the mean difference, TIE), the one with the
//! fewest changes is the best; the current one only if it has the least loss itself, since the images to confirm on, which are more,
//! decide between the two
//! ```
//! A way that is right is far better than one that is wrong, which a few images show; near ways are told apart by all images.
//!
//! *Reference*: Jamieson & Talwalkar (2016), "Non-stochastic best arm identification and hyperparameter optimization", AISTATS.

use super::score::{Naming, Rows, Score};
use super::verdict::Comparison;
use super::{Predict, Question, Way};

/// Share of the images to choose on, and how many ways are left after it.
const RUNGS: [(f64, usize); 3] = [(0.125, 16), (0.5, 6), (1.0, 6)];
/// The first rung has at least this many images.
const FEWEST: usize = 48;

/// Two ways are the same if the difference of their losses is chance at this level.
const TIE: f64 = 0.05;

/// A way with what it came to on the images to choose on.
pub(super) struct Trial {
    pub way: Way,
    pub rows: Rows,
    pub score: Score,
}

/// All ways that are left, least loss first; which of them is the best; and how many images were predicted in all.
pub(super) struct Searched {
    pub trials: Vec<Trial>,
    pub best: usize,
    pub predicted: usize,
}

/// Where images are predicted, and how many have been.
struct Bench<'a, 'p> {
    labels: &'a [u32],
    choose: &'a [usize],
    k: usize,
    predict: &'a mut Predict<'p>,
    predicted: usize,
}

impl Bench<'_, '_> {
    /// Predicts so many of the images with a way, those that it has not predicted yet.
    fn extend(&mut self, trial: &mut Trial, count: usize) {
        let rows = &self.choose[trial.rows.len()..count];
        if rows.is_empty() {
            return;
        }
        trial.rows.probs.extend((self.predict)(trial.way, rows));
        trial.rows.labels.extend(rows.iter().map(|&row| self.labels[row]));
        self.predicted += rows.len();
        trial.score = trial.rows.better();
    }

    fn trial(&self, way: Way) -> Trial {
        let rows = Rows { k: self.k, ..Rows::default() };
        let score = rows.named();
        Trial { way, rows, score }
    }
}

/// How many images are predicted at most.
pub(super) fn most([forms, pictures]: [usize; 2], choose: usize) -> usize {
    let mut left = forms;
    let mut sum = 0;
    let mut before = 0;
    for (share, kept) in RUNGS {
        let count = count(share, choose);
        sum += left * (count - before);
        (left, before) = (left.min(kept + 1), count);
    }
    let again = if pictures > 1 { 2 * (pictures - 1) + RUNGS[RUNGS.len() - 1].1 } else { 0 };
    sum + again * choose
}

fn count(share: f64, choose: usize) -> usize {
    ((choose as f64 * share).ceil() as usize).max(FEWEST).min(choose)
}

/// Searches all ways on the images to choose on, whose every beginning should have all classes.
pub(super) fn search(question: &Question<'_>, predict: &mut Predict<'_>) -> Searched {
    let Question { labels, outputs, forms, pictures, sample } = *question;
    let choose = &sample.choose[..];
    let mut bench = Bench { labels, choose, k: outputs, predict, predicted: 0 };
    let mut trials: Vec<Trial> = (0..forms.len()).map(|form| bench.trial(Way { form, picture: 0 })).collect();
    for (share, kept) in RUNGS {
        let count = count(share, choose.len());
        trials.iter_mut().for_each(|trial| bench.extend(trial, count));
        sort(&mut trials);
        let mut place = 0;
        trials.retain(|trial| {
            place += 1;
            place <= kept || trial.way == Way::CURRENT
        });
    }
    if pictures.len() > 1 {
        let mut add = |trials: &mut Vec<Trial>, way: Way| {
            if trials.iter().all(|trial| trial.way != way) {
                let mut trial = bench.trial(way);
                bench.extend(&mut trial, choose.len());
                trials.push(trial);
            }
        };
        // a form may only make up for a wrong size, so the current one gets the other sizes too
        for form in [trials[best(&trials, question)].way.form, Way::CURRENT.form] {
            (1..pictures.len()).for_each(|picture| add(&mut trials, Way { form, picture }));
        }
        sort(&mut trials);
        let picture = trials[self::best(&trials, question)].way.picture;
        let kept: Vec<usize> = trials.iter().map(|trial| trial.way.form).collect();
        for form in kept {
            add(&mut trials, Way { form, picture });
        }
        sort(&mut trials);
    }
    Searched { best: candidate(&trials, question), trials, predicted: bench.predicted }
}

/// Least loss first; ties by place in the lists, where what is more usual comes first.
fn sort(trials: &mut [Trial]) {
    trials.sort_by(|a, b| a.score.loss().total_cmp(&b.score.loss()).then(a.way.cmp(&b.way)));
}

/// The one with the fewest changes, of those that cannot be told from the first.
fn best(trials: &[Trial], question: &Question<'_>) -> usize {
    fewest_changes(trials, question, |_| true)
}

/// The same, to be confirmed against the current way: another one, unless that is the first.
fn candidate(trials: &[Trial], question: &Question<'_>) -> usize {
    let is_current = |trial: &Trial| trial.way == Way::CURRENT && trial.score.naming != Naming::Matched;
    match is_current(&trials[0]) {
        true => 0,
        false => fewest_changes(trials, question, |trial| !is_current(trial)),
    }
}

fn fewest_changes(trials: &[Trial], question: &Question<'_>, asked: impl Fn(&Trial) -> bool) -> usize {
    let changes = |place: usize| {
        let Trial { way: Way { form, picture }, score, .. } = &trials[place];
        question.forms[*form] + question.pictures[*picture] + usize::from(score.naming == Naming::Matched)
    };
    let alike = |place: &usize| Comparison::of(&trials[0].score, &trials[*place].score).loss_p > TIE;
    (0..trials.len())
        .filter(|&place| asked(&trials[place]))
        .filter(alike)
        .min_by_key(|&place| changes(place))
        .unwrap_or(0)
}
