//! The runs of a sweep: trained side by side to each rung, the worse half stopped, the rest trained to the end.

use std::sync::Mutex;

use seamripper_core::fail::Evaluation;
use seamripper_core::graph::Graph;
use seamripper_core::recipe::Recipe;
use seamripper_core::sample::ImageSet;

use super::document::{Document, State, Trial};
use super::halving::{By, Score, epochs_at, going_on, left_of, rungs, said};
use crate::corrections::Corrections;
use crate::diag::{Outcome, Stop};
use crate::train::fit::Ended;
use crate::train::folder::RunFolder;
use crate::train::metrics::{Epoch, Metrics};
use crate::train::progress::Whole;
use crate::train::run::Run;
use crate::train::seeds::evaluation;
use crate::train::session::Session;
use crate::train::side_by_side::side_by_side;

/// A setting with what is trained.
pub struct Candidate {
    /// With the setting's changes, and the first seed.
    pub recipe: Recipe,
    /// Its network.
    pub graph: Graph,
    /// The setting in short, for progress.
    pub title: String,
    /// Where its runs are.
    pub folder: RunFolder,
}

/// A sweep that is to be made, or gone on with.
pub struct Search<'a> {
    pub session: &'a Session<'a>,
    pub folder: &'a RunFolder,
    pub corrections: &'a Corrections,
    pub environment: &'a str,
    pub images: &'a ImageSet,
    /// In the order of the document's settings.
    pub candidates: &'a [Candidate],
    /// Trainings at a time.
    pub at_once: usize,
    pub document: Mutex<Document>,
}

/// What a sweep asks its document for at the beginning.
struct Plan {
    by: By,
    finish_all: bool,
    seeds: Vec<u64>,
}

impl Search<'_> {
    /// Trains everything that is not done. The document then has all results, best first.
    pub fn run(self) -> Result<Document, Stop> {
        let plan = {
            let document = self.document.lock().expect("no holder panics");
            Plan { by: document.by, finish_all: document.finish_all, seeds: document.seeds.clone() }
        };
        let mut left: Vec<usize> = (0..self.candidates.len()).collect();
        let rungs = if plan.finish_all { Vec::new() } else { rungs_of(self.candidates) };
        let whole = Whole::begin(0);
        for (number, &share) in rungs.iter().enumerate() {
            let before = number.checked_sub(1).map_or(0.0, |before| rungs[before]);
            whole.expect(self.steps(&left, plan.seeds.len(), &rungs[number..], before));
            let trials = self.train(&plan, &left, Some(share), &whole)?;
            let seeds = plan.seeds.len();
            let scores = left.iter().zip(trials.chunks(seeds)).map(|(&setting, runs)| {
                (setting, Score::mean(&runs.iter().map(Trial::score).collect::<Vec<_>>()))
            });
            let next = going_on(plan.by, scores.collect());
            self.session.progress.say(format_args!(
                "after {} of the epochs: {} of {} settings go on",
                said(share),
                next.len(),
                left.len()
            ));
            left = next;
        }
        let before = rungs.last().copied().unwrap_or(0.0);
        whole.expect(self.steps(&left, plan.seeds.len(), &[], before));
        self.train(&plan, &left, None, &whole)?;
        self.collect(&plan.seeds)
    }

    /// Steps until the end, from the share `before` of the epochs on, with settings stopped at `rungs`.
    fn steps(&self, left: &[usize], seeds: usize, rungs: &[f64], before: f64) -> u64 {
        let steps = |&setting: &usize| {
            let Recipe { data, augment, train, .. } = &self.candidates[setting].recipe;
            let trained =
                (1.0 - data.validation) * self.images.len() as f64 * (1 + augment.expand.len()) as f64;
            trained / train.batch as f64 * train.epochs as f64
        };
        let mean = left.iter().map(steps).sum::<f64>() / left.len().max(1) as f64;
        let (mut shares, mut from, mut settings) = (0.0, before, left.len());
        for &rung in rungs {
            shares += (rung - from) * settings as f64;
            (from, settings) = (rung, left_of(settings));
        }
        shares += (1.0 - from) * settings as f64;
        (shares * mean * seeds as f64) as u64
    }

    /// Trains the runs of some settings, seed after seed, to a share of their epochs or to the end.
    fn train(
        &self,
        plan: &Plan,
        settings: &[usize],
        share: Option<f64>,
        whole: &Whole,
    ) -> Result<Vec<Trial>, Stop> {
        let seeds = plan.seeds.len();
        let outcome = side_by_side(self.session, settings.len() * seeds, self.at_once, |job| {
            self.one(settings[job / seeds], job % seeds, plan.seeds[job % seeds], share, whole)
        });
        if let Err(Stop::Interrupted) = outcome {
            self.session
                .progress
                .say(format_args!("interrupted; `{}` goes on from these very steps", self.folder.go_on()));
        }
        outcome
    }

    /// Trains one run, unless it is there already.
    fn one(
        &self,
        setting: usize,
        place: usize,
        seed: u64,
        share: Option<f64>,
        whole: &Whole,
    ) -> Result<Trial, Stop> {
        let candidate = &self.candidates[setting];
        let until = share.map(|share| epochs_at(share, candidate.recipe.train.epochs));
        let folder = self.run_folder(setting, seed);
        let known = self.document.lock().expect("no holder panics").settings[setting].runs[place].clone();
        if known.state == Some(State::Diverged) {
            return Ok(known);
        }
        if let Some(trial) = reached(&folder, until)? {
            return Ok(trial);
        }
        let mut recipe = candidate.recipe.clone();
        recipe.train.seed = seed;
        let title = match self.several_seeds() {
            true => format!("{}, seed {seed}", candidate.title),
            false => candidate.title.clone(),
        };
        let run = Run {
            session: self.session,
            recipe: &recipe,
            graph: &candidate.graph,
            foundation: None,
            teacher: None,
            folder: &folder,
            corrections: self.corrections,
            environment: self.environment,
            title: &title,
            film: false,
            profile: false,
        };
        let trained = run.advance(self.images.clone(), None, Some(whole), until)?;
        match trained.ended {
            Ended::Interrupted => Err(Stop::Interrupted),
            Ended::Diverged(report) => {
                self.session.progress.say(format_args!("{title}: diverged in epoch {}", report.epoch));
                let trial = Trial {
                    state: Some(State::Diverged),
                    epochs: Some(report.epoch - 1),
                    ..Trial::default()
                };
                self.keep(setting, place, trial.clone())?;
                Ok(trial)
            }
            Ended::Paused | Ended::Done => {
                let trial = reached(&folder, until)?.ok_or_else(|| self.gone(&folder))?;
                self.session.progress.say(format_args!(
                    "{title}: epoch {} of {}, accuracy {:.2} %, loss {:.4}{}",
                    trial.epochs.unwrap_or(0),
                    recipe.train.epochs,
                    100.0 * trial.accuracy.unwrap_or(0.0),
                    trial.loss.unwrap_or(0.0),
                    whole.comma_left(),
                ));
                Ok(trial)
            }
        }
    }

    /// That a run has diverged is known nowhere else.
    fn keep(&self, setting: usize, place: usize, trial: Trial) -> Outcome {
        let mut document = self.document.lock().expect("no holder panics");
        document.settings[setting].runs[place] = trial;
        document.write(self.folder)
    }

    fn gone(&self, folder: &RunFolder) -> Stop {
        let message = format!("run {}: expected what was trained, found it gone", folder.path().display());
        Stop::problem(message, Some(format!("go on with `{}`", self.folder.go_on())))
    }

    fn several_seeds(&self) -> bool {
        self.document.lock().expect("no holder panics").seeds.len() > 1
    }

    fn run_folder(&self, setting: usize, seed: u64) -> RunFolder {
        let folder = &self.candidates[setting].folder;
        if self.several_seeds() { folder.seed(seed) } else { folder.clone() }
    }

    /// All runs as they are now, and the settings in the order of the table.
    fn collect(self, seeds: &[u64]) -> Result<Document, Stop> {
        let mut trials = Vec::new();
        for setting in 0..self.candidates.len() {
            let known = self.document.lock().expect("no holder panics").settings[setting].runs.clone();
            for (&seed, known) in seeds.iter().zip(known) {
                let folder = self.run_folder(setting, seed);
                trials.push(match known.state {
                    Some(State::Diverged) => known,
                    _ => latest(&folder)?.ok_or_else(|| self.gone(&folder))?,
                });
            }
        }
        let folder = self.folder;
        let mut document = self.document.into_inner().expect("no holder panics");
        for (setting, runs) in document.settings.iter_mut().zip(trials.chunks(seeds.len())) {
            setting.runs = runs.to_vec();
            setting.sum_up();
        }
        document.rank();
        document.write(folder)?;
        Ok(document)
    }
}

/// The shares of the epochs after which some are stopped.
pub fn rungs_of(candidates: &[Candidate]) -> Vec<f64> {
    let least = candidates.iter().map(|one| one.recipe.train.epochs).min().unwrap_or(0);
    rungs(candidates.len(), least)
}

/// What a run has come to after `until` epochs, or at its end; `None` if it is not there yet.
fn reached(folder: &RunFolder, until: Option<u64>) -> Result<Option<Trial>, Stop> {
    if let Some(trial) = finished(folder)? {
        return Ok(Some(trial));
    }
    let metrics = folder.metrics(until.map_or(usize::MAX, |until| until as usize))?;
    let last = metrics.epochs().last().filter(|last| Some(last.epoch) == until);
    Ok(last.map(of_epoch))
}

/// What a run that is not trained on has come to.
fn latest(folder: &RunFolder) -> Result<Option<Trial>, Stop> {
    if let Some(trial) = finished(folder)? {
        return Ok(Some(trial));
    }
    let metrics: Metrics = folder.metrics(usize::MAX)?;
    Ok(metrics.epochs().last().map(|last| Trial { state: Some(State::Stopped), ..of_epoch(last) }))
}

/// The report of a finished run on its validation images.
fn finished(folder: &RunFolder) -> Result<Option<Trial>, Stop> {
    if !folder.finished() {
        return Ok(None);
    }
    let Some(Evaluation { accuracy, log_loss, classes, .. }) = evaluation(folder)? else { return Ok(None) };
    let epochs = folder.metrics(usize::MAX)?.epochs().last().map(|last| last.epoch);
    let seen = classes.into_iter().filter(|class| class.actual > 0);
    let worst = seen.min_by(|a, b| a.recall.total_cmp(&b.recall));
    Ok(Some(Trial {
        state: Some(State::Finished),
        epochs,
        accuracy: Some(accuracy),
        loss: Some(log_loss),
        worst_recall: worst.as_ref().map(|class| class.recall),
        worst_class: worst.map(|class| class.name),
    }))
}

fn of_epoch(epoch: &Epoch) -> Trial {
    let recalls = epoch.classes.iter().filter_map(|class| Some((&class.name, class.recall?)));
    let worst = recalls.min_by(|a, b| a.1.total_cmp(&b.1));
    Trial {
        state: None,
        epochs: Some(epoch.epoch),
        accuracy: epoch.validation_accuracy,
        loss: epoch.validation_loss,
        worst_class: worst.map(|(name, _)| name.clone()),
        worst_recall: worst.map(|(_, recall)| recall),
    }
}
