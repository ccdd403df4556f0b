//! `seamripper report`: one HTML file of a run or a model, to be opened from disk and sent to others.

mod at_end;
mod found;
mod given;
mod parts;
mod serve;

use std::borrow::Cow;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use seamripper_core::graph::{ModelFile, to_safetensors};
use seamripper_core::predictions::Predictions;
use seamripper_core::see::Model;
use seamripper_data::whole_file;
use seamripper_report::{Inputs, Neighbors, Pictures, assemble, has_engine, page};
use serde_json::json;

use crate::args::Global;
use crate::diag::{Outcome, Stop, print};
use crate::eval::SplitName;
use crate::predictions_source::{self, of_split};
use crate::runnable::Runnable;
use crate::train::{instructions, threads};
pub use at_end::AtEnd;
pub use given::Given;
use parts::Parts;
use serve::{Served, serve};

/// The file in a run folder.
const FILE: &str = "report.html";

/// Arguments of `report`.
#[derive(Debug, Default, Args)]
#[command(
    override_usage = "seamripper report [OPTIONS] RUN\n       seamripper report [OPTIONS] MODEL --data SOURCE\n       \
                            seamripper report [OPTIONS] --predictions FILE"
)]
pub struct Report {
    /// A run folder, or a model file with --data
    #[arg(value_name = "MODEL", required_unless_present = "predictions")]
    pub model: Option<PathBuf>,
    /// Another run on the same images: what it gets right that MODEL does not, and the reverse
    #[arg(long, value_name = "RUN2")]
    pub compare: Option<PathBuf>,
    /// File to write [default: report.html in the run folder, or here]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Predictions made anywhere, in place of the model's: CSV, Parquet or NPZ
    #[arg(long, value_name = "FILE")]
    pub predictions: Option<PathBuf>,
    /// Take the scores of --predictions for logits, whatever their columns are called
    #[arg(long, requires = "predictions")]
    pub logits: bool,
    /// Images [default: the data of the run]; with --predictions, images found by their ids
    #[arg(long, value_name = "SOURCE")]
    pub data: Option<String>,
    /// Part of the data to report on [default: test, or what there are predictions of]
    #[arg(long, value_enum, value_name = "SPLIT")]
    pub split: Option<SplitName>,
    /// Folder that audit wrote [default: the run folder, or audit here]
    #[arg(long, value_name = "DIR")]
    pub audit: Option<PathBuf>,
    /// Folder that see wrote [default: see in the run folder, or see here]
    #[arg(long, value_name = "DIR")]
    pub see: Option<PathBuf>,
    /// Serve the page to this machine, with every picture however many there are, and write no file
    #[arg(long, conflicts_with = "out")]
    pub serve: bool,
}

impl Report {
    /// Of a run as it is.
    pub fn of_run(run: &Path) -> Self {
        Self { model: Some(run.to_owned()), ..Self::default() }
    }

    /// The run folder, if it is of one: what is no file and is not called like one.
    fn run(&self) -> Option<&Path> {
        let is_folder = |model: &&Path| model.is_dir() || (!model.is_file() && model.extension().is_none());
        self.model.as_deref().filter(is_folder)
    }
}

/// What came of it.
enum Made {
    File { file: PathBuf, bytes: usize, findings: usize, is_live: bool },
    Served(Served),
}

/// Runs the verb.
pub fn run(verb: &Report, global: &Global) -> Outcome {
    let (file, bytes, findings) = match make(verb, None, global)? {
        Made::Served(served) => return serve(&served, global.json, global.quiet),
        Made::File { file, bytes, findings, .. } => (file, bytes, findings),
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

fn make(verb: &Report, given: Option<Given>, global: &Global) -> Result<Made, Stop> {
    let isa = instructions()?;
    let threads = threads(global)?;
    let mut parts = verb.run().map_or(Ok(Parts::default()), Parts::read)?;
    let Given { table, model, images, training } = match given {
        Some(given) => given,
        None => threads.run(|| Given::read(verb, &mut parts, isa, global))?,
    };
    let other = verb.compare.as_deref().map(|run| compared(run, table.as_ref(), global)).transpose()?;
    let mut missing = std::mem::take(&mut parts.missing);
    let file = model.as_ref().and_then(Runnable::readable).or(parts.model.as_ref().map(|(file, _)| &**file));
    let (served, findings) = threads.run(|| -> Result<_, Stop> {
        let (audit, see) =
            found::read(verb, table.as_ref(), model.as_ref().zip(images.as_ref()), file, &mut missing)?;
        let pictures = table.as_ref().zip(images.as_ref()).map(|(table, set)| Pictures::of(table, set));
        if let Some(found) = pictures.as_ref().filter(|found| found.count() < found.images().len()) {
            let without = found.images().len() - found.count();
            missing.push([
                format!("pictures of {without} images"),
                "no image of the data has their ids".to_owned(),
            ]);
        }
        let neighbors = match (file, &images, &table, &pictures, &training) {
            (Some(file), Some(images), Some(table), Some(pictures), Some(training)) => {
                let ModelFile { graph, weights, preprocessing, .. } = file;
                let model = Model { isa, graph, weights, preprocessing };
                Neighbors::of(&model, table, images, pictures.images(), training)
            }
            _ => None,
        };
        missing.extend(no_live_model(model.as_ref(), file));
        let own = parts.model.as_ref().map(|(_, bytes)| Cow::Borrowed(&bytes[..]));
        let bytes = own.or_else(|| file.map(|file| Cow::Owned(to_safetensors(file).expect("it was read"))));
        let split = table.as_ref().and_then(|table| table.splits.first());
        let assembled = assemble(Inputs {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            name: name(verb),
            source: verb.data.clone().or_else(|| parts.source.clone()),
            split: split.map(|split| split.name().to_owned()),
            predictions: table.as_ref(),
            evaluation: parts.evaluation.clone(),
            audit,
            see,
            history: parts.history.clone(),
            model: file.zip(bytes.as_deref()),
            pictures,
            neighbors,
            film: parts.film.clone(),
            compared: other.as_ref().map(|(name, table)| (name.clone(), table)),
            missing,
            served: verb.serve,
        });
        let html = page(&assembled).map_err(|error| Stop::problem(error, Some(error.hint())))?;
        Ok((Served { html, tiles: assembled.tiles }, assembled.report.findings.len()))
    })?;
    if verb.serve {
        return Ok(Made::Served(served));
    }
    let html = served.html;
    let path = match (&verb.out, verb.run()) {
        (Some(out), _) => out.clone(),
        (None, Some(run)) => run.join(FILE),
        (None, None) => PathBuf::from(FILE),
    };
    whole_file::write_bytes(&path, html.as_bytes()).map_err(|error| Stop::problem(&error, error.hint()))?;
    Ok(Made::File { file: path, bytes: html.len(), findings, is_live: file.is_some() && has_engine() })
}

/// Why `model` does not run in the page, if it does not; `file` is what could be read of it.
fn no_live_model(model: Option<&Runnable>, file: Option<&ModelFile>) -> Option<[String; 2]> {
    match (model, file) {
        (Some(Runnable::Blackbox(file)), _) => {
            Some(["the live model, its filters and gradients".to_owned(), file.unread()])
        }
        (_, Some(_)) if !has_engine() => Some([
            "the live model".to_owned(),
            "this program was built without it: `rustup target add wasm32-unknown-unknown`, `cargo run -p xtask -- web`, \
             then build again"
                .to_owned(),
        ]),
        _ => None,
    }
}

/// What a report is called: the run's folder, or the file of the model or table.
fn name(verb: &Report) -> String {
    let path = verb.predictions.as_deref().or(verb.model.as_deref()).unwrap_or(Path::new(FILE));
    // `report .` is of the folder one is in
    let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    whole.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
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
