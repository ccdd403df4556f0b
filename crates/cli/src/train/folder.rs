//! A run folder: its name, its files, each written whole or not at all; and the folders of folds and seeds in it.

use std::fs;
use std::io::ErrorKind::{FileTooLarge, NotADirectory, NotFound, QuotaExceeded, StorageFull};
use std::path::{Path, PathBuf};

use seamripper_core::graph::{ModelFile, to_safetensors};
use seamripper_core::predictions::Predictions;
use seamripper_core::train::{CheckpointError, State, Trainer};
use seamripper_data::{predictions_file, whole_file};

use super::events::{EVENTS, Events};
use super::metrics::Metrics;
use crate::diag::{Outcome, Stop};
use crate::model_source::read_trained;

const MODEL: &str = "model.safetensors";
const RECIPE: &str = "recipe.toml";
const METRICS: &str = "metrics.jsonl";
const CHECKPOINT: &str = "checkpoints/last.safetensors";
/// What trainings on a part of the images leave in a run folder, each in a folder of its own.
const FOLDS: &str = "folds";
/// What only a folder of runs of several seeds has.
pub const SEEDS: &str = "seeds.json";
/// What only the folder of a sweep has.
pub const SWEEP: &str = "sweep.json";

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// What `--resume` is given to go on with it: the folder, or the one that it is a part of.
    resume: PathBuf,
    /// The verb that goes on with it.
    verb: &'static str,
}

impl RunFolder {
    /// A folder for a new run, not yet made: `out`, or `runs/<recipe>`, `runs/<recipe>-2`, ….
    pub fn new(out: Option<&Path>, recipe: Option<&Path>) -> Result<Self, Stop> {
        let path = out.map_or_else(|| free("", recipe), Path::to_owned);
        Self::refuse_begun(&path)?;
        Ok(Self::at(path))
    }

    /// A folder for a new sweep, not yet made: `out`, or `runs/sweep-<recipe>`, `runs/sweep-<recipe>-2`, ….
    pub fn new_sweep(out: Option<&Path>, recipe: Option<&Path>) -> Result<Self, Stop> {
        let path = out.map_or_else(|| free("sweep-", recipe), Path::to_owned);
        Self::refuse_begun(&path)?;
        Ok(Self::sweep(path))
    }

    /// Refuses a folder in which something was begun.
    fn refuse_begun(path: &Path) -> Outcome {
        if path.join(MODEL).exists() {
            return Err(Stop::problem(
                format!("run folder {}: expected a new one, found a finished run", path.display()),
                Some("choose another with --out, or remove it".to_owned()),
            ));
        }
        let begun = [
            (CHECKPOINT, "an interrupted run", "train"),
            (FOLDS, "an interrupted run", "train"),
            (SEEDS, "runs of several seeds", "train"),
            (SWEEP, "a sweep", "sweep"),
        ];
        if let Some((_, found, verb)) = begun.into_iter().find(|(name, ..)| path.join(name).exists()) {
            return Err(Stop::problem(
                format!("run folder {}: expected a new one, found {found}", path.display()),
                Some(format!("go on with it: `seamripper {verb} --resume {}`", path.display())),
            ));
        }
        Ok(())
    }

    fn at(path: PathBuf) -> Self {
        Self { resume: path.clone(), path, verb: "train" }
    }

    /// The folder of a sweep.
    pub fn sweep(path: PathBuf) -> Self {
        Self { verb: "sweep", ..Self::at(path) }
    }

    /// A folder in it.
    pub fn part(&self, name: &str) -> Self {
        Self { path: self.path.join(name), ..self.clone() }
    }

    /// The folder of one of its folds, counted from 1.
    pub fn fold(&self, number: usize) -> Self {
        self.part(FOLDS).part(&number.to_string())
    }

    /// The run of one of its seeds.
    pub fn seed(&self, seed: u64) -> Self {
        self.part(&format!("seed-{seed}"))
    }

    /// The command that goes on with it.
    pub fn go_on(&self) -> String {
        format!("seamripper {} --resume {}", self.verb, self.resume.display())
    }

    /// Whether it holds a finished run.
    pub fn finished(&self) -> bool {
        self.path.join(MODEL).exists()
    }

    /// Makes the folder, or clears away what a killed run had not yet given its name.
    pub fn begin(&self) -> Outcome {
        for part in [self.path.clone(), self.path.join("checkpoints")] {
            whole_file::create_folder(&part)
                .and_then(|()| whole_file::remove_leftovers(&part))
                .map_err(|error| Stop::problem(&error, error.hint()))?;
        }
        Ok(())
    }

    /// The folder of a run that was begun.
    pub fn existing(path: &Path) -> Result<Self, Stop> {
        if path.join(RECIPE).is_file() {
            return Ok(Self::at(path.to_owned()));
        }
        let found = match (path.is_dir(), path.exists()) {
            (true, _) => "no recipe.toml in it",
            (_, true) => "a file",
            _ => "no such folder",
        };
        let hint = match fs::read_dir("runs").map(|runs| {
            let mut names: Vec<_> = runs.flatten().map(|run| run.path().display().to_string()).collect();
            names.sort();
            names
        }) {
            Ok(names) if !names.is_empty() => format!("the runs here are {}", names.join(", ")),
            _ => "`seamripper train RECIPE` begins one".to_owned(),
        };
        let message = format!("run folder {}: expected one that train wrote, found {found}", path.display());
        Err(Stop::problem(message, Some(hint)))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one of its files.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Outcome {
        whole_file::write_bytes(&self.path.join(name), bytes).map_err(|error| self.unwritten(&error))
    }

    /// Writes the metrics, then the state: a checkpoint never lacks its metrics.
    pub fn checkpoint(&self, state: &State, metrics: &Metrics) -> Outcome {
        self.write(METRICS, metrics.text().as_bytes())?;
        self.write(CHECKPOINT, &state.to_bytes())
    }

    /// Opens the events of its epochs, of which `metrics` has those so far.
    pub fn events(&self, metrics: &Metrics) -> Result<Events, Stop> {
        Events::go_on(&self.path.join(EVENTS), metrics).map_err(|error| self.unwritten(&error))
    }

    /// Appends the last epoch to them.
    pub fn event(&self, events: &mut Events, metrics: &Metrics) -> Outcome {
        let last = metrics.epochs().last().map_or(Ok(()), |epoch| events.add(epoch));
        last.map_err(|error| self.unwritten(&error))
    }

    /// Writes a table of predictions.
    pub fn table(&self, name: &str, table: &Predictions) -> Outcome {
        predictions_file::write_parquet(&self.path.join(name), table).map_err(|error| self.unwritten(&error))
    }

    /// Writes `model.safetensors`.
    pub fn model(&self, model: &ModelFile) -> Outcome {
        let bytes = to_safetensors(model).map_err(|error| Stop::problem(&error, error.hint()))?;
        self.write(MODEL, &bytes)
    }

    /// Reads the model back.
    pub fn read_model(&self) -> Result<ModelFile, Stop> {
        read_trained(&self.path.join(MODEL))
    }

    /// A failed write: what has its name is whole, so that a run that has begun can go on when there is room.
    fn unwritten(&self, error: &seamripper_data::Error) -> Stop {
        let full = matches!(error, seamripper_data::Error::Io { source, .. }
            if matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge));
        let first = if full { "make room" } else { "mend that" };
        let begun = [RECIPE, SWEEP].iter().any(|name| self.resume.join(name).is_file());
        let go_on = begun.then(|| format!("{first}, then go on with `{}`", self.go_on()));
        Stop::problem(error, go_on.or(error.hint()))
    }

    /// Puts `trainer` where the last checkpoint stands, if there is one, and gives the metrics up to there.
    pub fn restore(&self, trainer: &mut Trainer<'_>) -> Result<Metrics, Stop> {
        let path = self.path.join(CHECKPOINT);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            // New, or stopped before its first checkpoint: from the beginning. (A folder that cannot be made is told when it is.)
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => return Ok(Metrics::default()),
            Err(error) => {
                let message =
                    format!("checkpoint {}: expected a readable file, found: {error}", path.display());
                return Err(Stop::problem(message, None));
            }
        };
        let refused = |error: CheckpointError| {
            Stop::problem(format!("checkpoint {}: {error}", path.display()), error.hint())
        };
        let state = State::from_bytes(&bytes, trainer.state()).map_err(refused)?;
        let epochs = state.epoch as usize;
        trainer.resume(state).map_err(refused)?;
        self.metrics(epochs)
    }

    /// The metrics of the first `epochs` epochs, or of as many as there are.
    pub fn metrics(&self, epochs: usize) -> Result<Metrics, Stop> {
        let path = self.path.join(METRICS);
        let text = fs::read_to_string(&path).unwrap_or_default();
        Metrics::read(&text, epochs).map_err(|(line, error)| {
            let message = format!("{} line {line}: expected an epoch, found: {error}", path.display());
            Stop::problem(message, Some("the file was changed: undo that, or remove it".to_owned()))
        })
    }
}

/// `runs/<prefix><recipe>`, or with the first number that is free.
fn free(prefix: &str, recipe: Option<&Path>) -> PathBuf {
    let stem = recipe.and_then(Path::file_stem).and_then(|stem| stem.to_str()).unwrap_or("run");
    let first = Path::new("runs").join(format!("{prefix}{stem}"));
    let numbered = (2..).map(|number| Path::new("runs").join(format!("{prefix}{stem}-{number}")));
    let mut free = std::iter::once(first).chain(numbered).filter(|path| !path.exists());
    free.next().expect("there is always a next number")
}
