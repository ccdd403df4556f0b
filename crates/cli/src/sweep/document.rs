//! `sweep.json`: what a sweep tries, from its beginning, and what came of it, at its end.

use std::fs;
use std::path::Path;

use seamripper_core::fail::spread::Band;
use serde::{Deserialize, Serialize};

use super::halving::{By, Score, better_first};
use super::table::{short, split};
use crate::diag::{Outcome, Stop};
use crate::train::folder::{RunFolder, SWEEP};

/// Version of the document.
const SCHEMA: &str = "seamripper.sweep/1";
/// Characters of a folder's name at most, after its number.
const NAME_MOST: usize = 60;

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
    /// At the end, unless a run has diverged: over the seeds.
    pub accuracy: Option<Band>,
    /// As `accuracy`; nats.
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
    /// The folder of its runs in that of the sweep.
    pub fn folder(&self, sweep: &RunFolder) -> RunFolder {
        sweep.part(&name(self.number, &self.changes))
    }

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
        let scores: Option<Vec<Score>> = self.runs.iter().map(Trial::score).collect();
        let scores = scores.unwrap_or_default();
        self.accuracy = Band::of(&scores.iter().map(|run| run.accuracy).collect::<Vec<_>>());
        self.loss = Band::of(&scores.iter().map(|run| run.loss).collect::<Vec<_>>());
    }

    /// What it is judged by: means over the seeds; `None` if a run has diverged.
    fn score(&self) -> Option<Score> {
        Some(Score { accuracy: self.accuracy?.mean, loss: self.loss?.mean })
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

    /// Says where its folders are; a sweep that is gone on with may have been moved.
    pub fn place(&mut self, folder: &RunFolder) {
        self.sweep = folder.path().display().to_string();
        for setting in &mut self.settings {
            setting.folder = setting.folder(folder).path().display().to_string();
        }
    }

    /// Puts the settings in the order of the table: finished ones first, then the longer trained; of those the better.
    pub fn rank(&mut self) {
        let by = self.by;
        self.settings.sort_by(|a, b| {
            let longer = || b.epochs().cmp(&a.epochs());
            let stopped = a.state() == Some(State::Stopped);
            (a.state().cmp(&b.state()))
                .then_with(|| if stopped { longer() } else { std::cmp::Ordering::Equal })
                .then_with(|| better_first(by, a.score(), b.score()))
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

/// The name of a setting's folder: `003-rate=0.01,batch=64`, of characters that every file system takes.
fn name(number: usize, changes: &[String]) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "._-+=,".contains(c) { c } else { '_' };
    let name: String = shortly(changes).join(",").chars().map(kept).take(NAME_MOST).collect();
    if name.is_empty() { format!("{number:03}") } else { format!("{number:03}-{name}") }
}

/// Changes with the last part of their keys.
pub fn shortly(changes: &[String]) -> Vec<String> {
    let split = changes.iter().map(|change| split(change));
    let keys: Vec<_> = split.clone().map(|(key, _)| key).collect();
    split.map(|(key, value)| format!("{}={value}", short(key, &keys))).collect()
}
