//! `sweep.json`: what a sweep tries, from its beginning, and what came of it, at its end.

use std::fs;
use std::path::Path;

use seamripper_core::fail::spread::Band;
use serde::{Deserialize, Serialize};

use super::halving::{By, Score, better_first};
use crate::diag::{Outcome, Stop};
use crate::train::folder::{RunFolder, SWEEP};

/// Version of the document.
const SCHEMA: &str = "seamripper.sweep/1";

/// `sweep.json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Document {
    schema: String,
    /// The folder.
    pub sweep: String,
    /// What settings are judged by.
    pub by: By,
    /// Whether all settings are trained to the end.
    pub finish_all: bool,
    /// Of every setting.
    pub seeds: Vec<u64>,
    /// Validation images of a run, once that is known.
    pub validation_images: Option<u64>,
    /// By number until the end, then best first.
    pub settings: Vec<Setting>,
    /// What is not changed, as TOML.
    pub recipe: String,
}

/// A setting.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Setting {
    /// Counted from 1.
    pub number: usize,
    /// `key=value`.
    pub changes: Vec<String>,
    /// Where its runs are.
    pub folder: String,
    /// At the end, unless a run has diverged: means over the seeds.
    pub score: Option<Score>,
    /// Over the seeds.
    pub accuracy: Option<Band>,
    /// Over the seeds.
    pub loss: Option<Band>,
    /// In the order of the seeds.
    pub runs: Vec<Trial>,
}

/// A run of a setting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// What became of it; `None` until the end, but for what has diverged.
    pub state: Option<State>,
    /// Epochs it has behind it.
    pub epochs: Option<u64>,
    pub accuracy: Option<f64>,
    pub loss: Option<f64>,
    /// The class with the lowest recall.
    pub worst_class: Option<String>,
    pub worst_recall: Option<f64>,
}

/// What became of a run. In the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Trained to the end.
    Finished,
    /// Not trained on, as one of the worse half.
    Stopped,
    /// Its loss was no longer a number.
    Diverged,
}

impl Trial {
    /// What it is judged by.
    pub fn score(&self) -> Option<Score> {
        Some(Score { accuracy: self.accuracy?, loss: self.loss? })
    }
}

impl Setting {
    /// What became of it: the worst of its runs.
    pub fn state(&self) -> Option<State> {
        self.runs.iter().filter_map(|run| run.state).max()
    }

    /// Epochs that all its runs have behind them.
    pub fn epochs(&self) -> u64 {
        self.runs.iter().filter_map(|run| run.epochs).min().unwrap_or(0)
    }

    /// Sums its runs up.
    pub fn sum_up(&mut self) {
        let scores: Vec<_> = self.runs.iter().map(Trial::score).collect();
        self.score = Score::mean(&scores);
        let of = |value: fn(&Score) -> f64| Band::of(&scores.iter().flatten().map(value).collect::<Vec<_>>());
        let all = self.score.is_some();
        self.accuracy = of(|score| score.accuracy).filter(|_| all);
        self.loss = of(|score| score.loss).filter(|_| all);
    }
}

impl Document {
    /// Of settings without results.
    pub fn begin(folder: &RunFolder, by: By, finish_all: bool, seeds: Vec<u64>, recipe: String) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            sweep: folder.path().display().to_string(),
            by,
            finish_all,
            seeds,
            validation_images: None,
            settings: Vec::new(),
            recipe,
        }
    }

    /// Of the folder of a sweep, its settings by number.
    pub fn read(folder: &Path) -> Result<Self, Stop> {
        let path = folder.join(SWEEP);
        let problem = |found: String, hint: &str| {
            let message = format!("{}: expected a document of {SCHEMA}, found: {found}", path.display());
            Stop::problem(message, Some(hint.to_owned()))
        };
        let damaged = "the file is damaged: begin anew with another --out";
        let bytes = fs::read(&path)
            .map_err(|error| problem(error.to_string(), "`seamripper sweep RECIPE key=a,b,c` begins one"))?;
        let mut document: Self =
            serde_json::from_slice(&bytes).map_err(|error| problem(error.to_string(), damaged))?;
        if document.schema != SCHEMA {
            return Err(problem(document.schema, damaged));
        }
        let seeds = document.seeds.len();
        if seeds == 0 || document.settings.iter().any(|setting| setting.runs.len() != seeds) {
            return Err(problem("other runs than seeds".to_owned(), damaged));
        }
        document.settings.sort_by_key(|setting| setting.number);
        Ok(document)
    }

    /// Puts the settings in the order of the table: finished ones first, then the longer trained; of those the better.
    pub fn rank(&mut self) {
        let by = self.by;
        self.settings.sort_by(|a, b| {
            let longer = || b.epochs().cmp(&a.epochs());
            let stopped = a.state() == Some(State::Stopped);
            (a.state().cmp(&b.state()))
                .then_with(|| if stopped { longer() } else { std::cmp::Ordering::Equal })
                .then_with(|| better_first(by, a.score, b.score))
                .then(a.number.cmp(&b.number))
        });
    }

    /// The document as JSON.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("plain data")
    }

    /// Writes `sweep.json`.
    pub fn write(&self, folder: &RunFolder) -> Outcome {
        folder.write(SWEEP, (self.json() + "\n").as_bytes())
    }
}
