//! `seamripper report`: one HTML file of a run, to be opened from disk and sent to others.

mod parts;
mod serve;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use seamripper_core::graph::ModelFile;
use seamripper_core::predictions::Predictions;
use seamripper_core::sample::Split;
use seamripper_core::see::Model;
use seamripper_data::whole_file;
use seamripper_report::{Inputs, Neighbors, Pictures, assemble, has_engine, page};
use serde_json::json;

use crate::args::Global;
use crate::diag::{Outcome, Stop, print, tell};
use crate::predictions_source::{self, of_split};
use crate::subject::Subject;
use crate::train::{instructions, threads};
use parts::Parts;
use serve::{Served, serve};

/// The file in a run folder.
const FILE: &str = "report.html";

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct Report {
    /// A run folder
    #[arg(value_name = "RUN", required_unless_present = "predictions")]
    pub run: Option<PathBuf>,
    /// Another run on the same images: what it gets right that RUN does not, and the reverse
    #[arg(long, value_name = "RUN2")]
    pub compare: Option<PathBuf>,
    /// File to write [default: report.html in the run folder, or here]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Predictions made anywhere, in place of the run's: CSV, Parquet or NPZ
    #[arg(long, value_name = "FILE")]
    pub predictions: Option<PathBuf>,
    /// Take the scores of --predictions for logits, whatever their columns are called
    #[arg(long, requires = "predictions")]
    pub logits: bool,
    /// Images [default: the data of the run]
    #[arg(long, value_name = "SOURCE", requires = "run")]
    pub data: Option<String>,
    /// Serve the page to this machine, with every picture however many there are, and write no file
    #[arg(long, conflicts_with = "out")]
    pub serve: bool,
}

/// The option of verbs that end with a report.
#[derive(Clone, Copy, Debug, Args)]
pub struct AtEnd {
    /// Do not write report.html at the end
    #[arg(long)]
    pub no_report: bool,
}

impl AtEnd {
    /// Writes the report of `run` anew and says where it is. That there is none is said too, and is no error: what the verb was
    /// asked for is done.
    pub fn write(self, run: &Path, global: &Global) {
        if self.no_report {
            return;
        }
        let verb = Report {
            run: Some(run.to_owned()),
            compare: None,
            out: None,
            predictions: None,
            logits: false,
            data: None,
            serve: false,
        };
        // What is read again was reported when it was read first.
        let quietly = Global { quiet: true, ..global.clone() };
        match make(&verb, &quietly) {
            Ok(Made::File { file, .. }) if !global.quiet => {
                tell(format_args!("{}: all of it on one page, with the model alive in it", file.display()));
            }
            Ok(_) => {}
            Err(Stop::Problem { message, hint }) if !global.quiet => {
                tell(format_args!("note: no report was written: {message}"));
                if let Some(hint) = hint {
                    tell(format_args!("hint: {hint}"));
                }
            }
            Err(Stop::Failed(message)) if !global.quiet => {
                tell(format_args!("note: no report was written: {message}"));
            }
            Err(_) => {}
        }
    }
}

/// What came of it.
enum Made {
    File { file: PathBuf, bytes: usize, findings: usize },
    Served(Served),
}

/// Runs the verb.
pub fn run(verb: &Report, global: &Global) -> Outcome {
    let (file, bytes, findings) = match make(verb, global)? {
        Made::Served(served) => return serve(&served, global.json, global.quiet),
        Made::File { file, bytes, findings } => (file, bytes, findings),
    };
    print(|out| {
        if global.json {
            let document =
                json!({ "file": file.display().to_string(), "bytes": bytes, "findings": findings });
            return writeln!(out, "{document}");
        }
        let megabytes = bytes as f64 / 1e6;
        writeln!(out, "{} ({megabytes:.1} MB): open it in a browser", file.display())
    })
}

/// That MODEL of other verbs is no run: its predictions are in no folder.
fn no_run(run: &Path) -> Result<(), Stop> {
    if run.extension().is_none_or(|extension| extension != "onnx") || !run.is_file() {
        return Ok(());
    }
    let hint = "`seamripper eval` and `seamripper audit` report on it in the terminal and as JSON; `seamripper report --predictions \
                FILE` makes a page of predictions made anywhere, without the live model";
    Err(Stop::problem(
        format!("run {}: expected a run folder, which has predictions, found an ONNX file", run.display()),
        Some(hint.to_owned()),
    ))
}

fn make(verb: &Report, global: &Global) -> Result<Made, Stop> {
    verb.run.as_deref().map_or(Ok(()), no_run)?;
    let isa = instructions()?;
    let parts = Parts::read(verb.run.as_deref(), verb.predictions.as_deref(), verb.logits)?;
    let table = parts.table.as_ref().map(|(table, file)| of_split(table.clone(), None, file, global.quiet));
    let table = table.transpose()?;
    let other = verb.compare.as_deref().map(|run| compared(run, table.as_ref(), global)).transpose()?;
    let mut missing = parts.missing.clone();
    let split = table.as_ref().and_then(|table| table.splits.first().copied());
    let subject = verb.run.as_deref().filter(|_| parts.model.is_some()).and_then(|run| {
        let asked = split.unwrap_or(Split::Test);
        images(run, verb.data.as_deref(), asked, global).map_err(|problem| missing.push(problem)).ok()
    });
    let made = threads(global)?.run(|| -> Result<(Served, usize), Stop> {
        let set = subject.as_ref().map(|subject| &subject.images);
        let pictures = table.as_ref().zip(set).map(|(table, set)| Pictures::of(table, set));
        if let Some(found) = pictures.as_ref().filter(|found| found.count() < found.images().len()) {
            let without = found.images().len() - found.count();
            missing.push([format!("pictures of {without} images"), "no image of the data has their ids".to_owned()]);
        }
        let neighbors = match (&parts.model, &subject, &table, &pictures) {
            (Some((model, _)), Some(subject), Some(table), Some(pictures)) => {
                subject.training.as_ref().and_then(|training| {
                    let ModelFile { graph, weights, preprocessing, .. } = &**model;
                    let model = Model { isa, graph, weights, preprocessing };
                    Neighbors::of(&model, table, &subject.images, pictures.images(), training)
                })
            }
            _ => None,
        };
        if parts.model.is_some() && !has_engine() {
            missing.push([
                "the live model".to_owned(),
                "this program was built without it: `rustup target add wasm32-unknown-unknown`, `cargo run -p xtask -- web`, \
                 then build again"
                    .to_owned(),
            ]);
        }
        let assembled = assemble(Inputs {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            name: name(verb),
            source: verb.data.clone().or_else(|| parts.source.clone()),
            split: split.map(|split| split.name().to_owned()),
            predictions: table.as_ref(),
            evaluation: parts.evaluation.clone(),
            audit: parts.audit.clone(),
            see: parts.see.clone(),
            history: parts.history.clone(),
            model: parts.model.as_ref().map(|(model, bytes)| (&**model, &bytes[..])),
            pictures,
            neighbors,
            film: parts.film.clone(),
            compared: other.as_ref().map(|(name, table)| (name.clone(), table)),
            missing,
            served: verb.serve,
        });
        let html = page(&assembled).map_err(|error| Stop::problem(error, Some(error.hint())))?;
        let findings = assembled.report.findings.len();
        Ok((Served { html, tiles: assembled.tiles }, findings))
    });
    let (served, findings) = made?;
    if verb.serve {
        return Ok(Made::Served(served));
    }
    let html = served.html;
    let file = match (&verb.out, &verb.run) {
        (Some(out), _) => out.clone(),
        (None, Some(run)) if run.is_dir() => run.join(FILE),
        _ => PathBuf::from(FILE),
    };
    whole_file::write_bytes(&file, html.as_bytes()).map_err(|error| Stop::problem(&error, error.hint()))?;
    Ok(Made::File { file, bytes: html.len(), findings })
}

/// What a report is called: the run's folder, or the table's file.
fn name(verb: &Report) -> String {
    let path = verb.predictions.as_deref().or(verb.run.as_deref()).unwrap_or(Path::new(FILE));
    // `report .` is of the folder one is in
    let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    whole.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The images and the training images of a run. That they cannot be read is no reason to have no report.
fn images(run: &Path, data: Option<&str>, split: Split, global: &Global) -> Result<Subject, [String; 2]> {
    let shown = run.to_string_lossy();
    Subject::read(&shown, data, Some(split), true, global).map_err(|stop| {
        let (message, hint) = match stop {
            Stop::Problem { message, hint } => (message, hint),
            Stop::Failed(message) => (message, None),
            Stop::Interrupted => ("interrupted".to_owned(), None),
        };
        tell(format_args!("note: the report is made without images: {message}"));
        [format!("the images: {message}"), hint.unwrap_or_default()]
    })
}

/// The table of the run to compare with.
fn compared(run: &Path, mine: Option<&Predictions>, global: &Global) -> Result<(String, Predictions), Stop> {
    let file = if run.is_dir() { run.join(parts::PREDICTIONS) } else { run.to_owned() };
    let table = of_split(predictions_source::read(&file, false)?, None, &file, global.quiet)?;
    let shown = run.display();
    let Some(mine) = mine else {
        let hint = "report RUN needs predictions.parquet in RUN, or --predictions FILE".to_owned();
        return Err(Stop::problem(
            format!("--compare {shown}: expected predictions of RUN, found none"),
            Some(hint),
        ));
    };
    if mine.classes != table.classes {
        let [expected, found] = [mine, &table].map(|table| table.classes.join(", "));
        return Err(Stop::problem(
            format!("--compare {shown}: expected the classes {expected}, found {found}"),
            None,
        ));
    }
    let ids: std::collections::HashSet<&str> = mine.ids.iter().map(String::as_str).collect();
    if !table.ids.iter().any(|id| ids.contains(id.as_str())) {
        let [expected, found] =
            [mine, &table].map(|table| table.ids.first().map_or("none", String::as_str).to_owned());
        return Err(Stop::problem(
            format!(
                "--compare {shown}: expected images of RUN ({expected}, …), found none of them ({found}, …)"
            ),
            Some("both runs must be evaluated on the same images".to_owned()),
        ));
    }
    Ok((name_of(run), table))
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
