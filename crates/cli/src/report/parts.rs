//! What a run folder holds for a report. Only what is there and cannot be read is a problem.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use seamripper_core::fail::Evaluation;
use seamripper_core::graph::{ModelFile, from_safetensors};
use seamripper_core::predictions::Predictions;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::diag::Stop;
use crate::model_source::read_recipe;
use crate::predictions_source;
use crate::train::existing_run;

/// The table of a run.
pub const PREDICTIONS: &str = "predictions.parquet";

/// The files of a run.
#[derive(Debug, Default)]
pub struct Parts {
    /// The table of predictions, and its file.
    pub table: Option<(Predictions, PathBuf)>,
    /// `eval.json`, where there is no table.
    pub evaluation: Option<Evaluation>,
    /// Lines of `metrics.jsonl`.
    pub history: Vec<Value>,
    /// The model and its bytes.
    pub model: Option<(Box<ModelFile>, Vec<u8>)>,
    /// `film.png`.
    pub film: Option<Vec<u8>>,
    /// Where the recipe takes its images from.
    pub source: Option<String>,
    /// What is not there, and the command that adds it.
    pub missing: Vec<[String; 2]>,
}

impl Parts {
    /// Reads what is in `run`.
    pub fn read(run: &Path) -> Result<Self, Stop> {
        existing_run(run)?;
        let mut parts = Self::default();
        parts.read_run(run)?;
        Ok(parts)
    }

    fn read_run(&mut self, run: &Path) -> Result<(), Stop> {
        let table = run.join(PREDICTIONS);
        if table.is_file() {
            self.table = Some((predictions_source::read(&table, false)?, table));
        } else {
            self.evaluation = document(&run.join("eval.json"), seamripper_core::fail::evaluation::SCHEMA)?;
        }
        self.history = history(&run.join("metrics.jsonl"))?;
        self.film = optional(&run.join("film.png"))?;
        let model = run.join("model.safetensors");
        if let Some(bytes) = optional(&model)? {
            let file = from_safetensors(&bytes).map_err(|error| {
                Stop::problem(format!("model {}: {error}", model.display()), error.hint())
            })?;
            self.model = Some((Box::new(file), bytes));
        }
        let recipe = run.join("recipe.toml");
        self.source =
            recipe.is_file().then(|| read_recipe(&recipe)).transpose()?.map(|recipe| recipe.data.source);
        let shown = run.display();
        if self.table.is_none() {
            self.lacks("predictions of its images", format!("seamripper train --resume {shown}"));
        }
        Ok(())
    }

    fn lacks(&mut self, what: &str, command: String) {
        self.missing.push([what.to_owned(), command]);
    }
}

/// A file's bytes, if it is there.
fn optional(path: &Path) -> Result<Option<Vec<u8>>, Stop> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(Stop::problem(format!("{}: expected a readable file, found: {error}", path.display()), None))
        }
    }
}

/// A document of the run, if it is there.
pub fn document<T: DeserializeOwned>(path: &Path, schema: &str) -> Result<Option<T>, Stop> {
    let Some(bytes) = optional(path)? else { return Ok(None) };
    let problem = |found: String| {
        let hint = Some("make it again with this version of seamripper, or remove it".to_owned());
        Stop::problem(format!("{}: expected a document {schema}, found {found}", path.display()), hint)
    };
    let value: Value =
        serde_json::from_slice(&bytes).map_err(|error| problem(format!("no JSON: {error}")))?;
    match value["schema"].as_str() {
        Some(found) if found == schema => {
            serde_json::from_value(value).map(Some).map_err(|error| problem(error.to_string()))
        }
        Some(found) => Err(problem(format!("\"{found}\""))),
        None => Err(problem("no schema".to_owned())),
    }
}

/// The lines of `metrics.jsonl`.
fn history(path: &Path) -> Result<Vec<Value>, Stop> {
    let bytes = optional(path)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let line = |(index, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| {
            let place = format!("{} line {}", path.display(), index + 1);
            Stop::problem(format!("{place}: expected a JSON object, found: {error}"), None)
        })
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(line).collect()
}
