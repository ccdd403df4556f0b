//! Looking for a learning rate.
//!
//! *Idea*: a test takes steps from new weights at a rate that grows by the same factor each step, and watches the loss.
//! ```text
//! rate of step t of n = lowest (highest / lowest)^(t / (n - 1))
//! loss(t)  = mean of the steps within SMOOTHED of the test about t
//! worst    = the loss at the lowest rates, where nothing is learnt yet
//! best     = the lowest smoothed loss, at t*
//! edge     = the first rate after t* at which the loss has climbed back by CLIMB of the way from best to worst
//! ```
//! Too small rates show nothing but how long one waited, so the suggestion is measured from the other side: from where steps are
//! too long. One edge depends on the weights a test begins with (a factor of 4 between seeds) and on how slowly its rates grow, so a
//! first test over all rates only says where to look, and the suggestion is from several more about there, each of [`STEPS`] steps over
//! the same factor of rates, whatever their number:
//! ```text
//! suggested = SAFETY * geometric mean of the tests' edges
//! ```
//! A test is never longer for being one of few or many: edges of longer tests are higher, so that lengths would not be comparable.
//!
//! *Reference*: Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3, for the range test.

use super::Trainer;

/// Steps of a test.
pub const STEPS: usize = 200;
/// The rates of the first test.
pub const WHOLE: RateRange = RateRange { lowest: 1e-6, highest: 10.0, steps: STEPS };
/// The other tests begin at this part of the edge that is expected, and end at this multiple of it.
const AROUND: [f64; 2] = [1.0 / 30.0, 5.0];
/// Share of the range that a loss is averaged over, to both sides.
const SMOOTHED: f64 = 0.02;
/// The part of what was learnt that is lost again at the edge.
const CLIMB: f64 = 0.25;
/// The part of the loss that must be gone for anything to be learnt: in the first test, which has few steps for each rate, and in others.
const LEARNT: [f64; 2] = [0.01, 0.05];
/// A suggestion is this much below the edge.
const SAFETY: f64 = 0.1;

/// Which rates are tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateRange {
    /// Of the first step.
    pub lowest: f64,
    /// Of the last step.
    pub highest: f64,
    /// How many; at least 2.
    pub steps: usize,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Its rate.
    pub rate: f64,
    /// Loss of its images before it, nats.
    pub loss: f64,
}

impl RateRange {
    /// The rate of step `step`, counted from 0.
    pub fn rate(&self, step: usize) -> f64 {
        self.lowest * (self.highest / self.lowest).powf(step as f64 / (self.steps - 1) as f64)
    }

    /// Takes the steps with `trainer`, which is at its beginning and must have epochs enough. Ends when the
    /// loss is no number any more.
    pub fn run(&self, trainer: &mut Trainer<'_>) -> Vec<Trial> {
        let mut trials = Vec::with_capacity(self.steps);
        for step in 0..self.steps {
            let rate = self.rate(step);
            let loss = trainer.step_at(rate);
            if !loss.is_finite() {
                break;
            }
            trials.push(Trial { rate, loss });
        }
        trials
    }

    /// The losses of `trials` of this range, each the mean of its neighbourhood.
    pub fn smoothed(&self, trials: &[Trial]) -> Vec<f64> {
        let reach = (SMOOTHED * self.steps as f64).ceil() as usize;
        let around = |at: usize| &trials[at.saturating_sub(reach)..(at + reach + 1).min(trials.len())];
        let mean =
            |trials: &[Trial]| trials.iter().map(|trial| trial.loss).sum::<f64>() / trials.len() as f64;
        (0..trials.len()).map(|at| mean(around(at))).collect()
    }

    /// From which rate on steps are too long, after `trials` of this range, fewer if the loss was no number any more. Anything is
    /// learnt where more than the part `learnt` of the loss was gone.
    fn edge(&self, trials: &[Trial], learnt: f64) -> Result<f64, NoEdge> {
        let losses = self.smoothed(trials);
        let beginning = &losses[..(self.steps / 10).max(1).min(losses.len())];
        let worst = beginning.iter().sum::<f64>() / beginning.len() as f64;
        let lowest = losses.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        let learnt = lowest.filter(|(_, best)| worst - best >= learnt * worst);
        let (lowest, best) = learnt.ok_or(NoEdge::NothingLearnt)?;
        let level = best + CLIMB * (worst - best);
        let climbed = (lowest..losses.len()).find(|&at| losses[at] > level);
        let ended = (trials.len() < self.steps).then(|| trials.len() - 1);
        climbed.or(ended).map(|at| trials[at].rate).ok_or(NoEdge::NothingLost)
    }
}

/// Why a test has no edge.
enum NoEdge {
    NothingLearnt,
    NothingLost,
}

/// A test and what it said.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The rates.
    pub range: RateRange,
    /// The steps, all or those before the loss was no number any more.
    pub trials: Vec<Trial>,
    /// From here on steps are too long; `None` if nothing was learnt, or nothing lost again.
    pub edge: Option<f64>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// Over all rates.
    pub first: Test,
    /// Those that count.
    pub tests: Vec<Test>,
    /// `None` unless more than half of the tests have an edge.
    pub suggestion: Option<Suggestion>,
}

/// A rate, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suggestion {
    /// To begin with, as the peak of a schedule.
    pub rate: f64,
    /// From here on steps are too long.
    pub edge: f64,
}

/// Does a test over all rates and `tests` more where it says. `trials` takes the steps of a range from new weights: others for
/// each number, which counts from 0.
pub fn search<E>(
    tests: usize,
    mut trials: impl FnMut(usize, RateRange) -> Result<Vec<Trial>, E>,
) -> Result<Search, E> {
    let first = trials(0, WHOLE)?;
    let edge = WHOLE.edge(&first, LEARNT[0]).ok();
    let ended = first.last().filter(|_| first.len() < WHOLE.steps).map(|last| last.rate);
    let mut search = Search {
        first: Test { range: WHOLE, trials: first, edge },
        tests: Vec::with_capacity(tests),
        suggestion: None,
    };
    let Some(mut expected) = edge.or(ended) else { return Ok(search) };
    let mut edges = Vec::with_capacity(tests);
    for number in 1..=tests {
        let [lowest, highest] = AROUND.map(|part| part * expected);
        let range = RateRange { lowest, highest, steps: STEPS };
        let trials = trials(number, range)?;
        let edge = range.edge(&trials, LEARNT[1]);
        edges.extend(edge.as_ref().ok());
        expected = match (geometric_mean(&edges), &edge) {
            (Some(mean), _) => mean,
            // The first look was at too low rates.
            (None, Err(NoEdge::NothingLost)) => highest,
            (None, _) => expected,
        };
        search.tests.push(Test { range, trials, edge: edge.ok() });
    }
    if 2 * edges.len() > tests {
        search.suggestion = geometric_mean(&edges).map(|edge| Suggestion { rate: SAFETY * edge, edge });
    }
    Ok(search)
}

fn geometric_mean(rates: &[f64]) -> Option<f64> {
    let sum: f64 = rates.iter().map(|rate| rate.ln()).sum();
    (!rates.is_empty()).then(|| (sum / rates.len() as f64).exp())
}
