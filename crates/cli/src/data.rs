//! `seamripper data SOURCE`: what a data set holds and what is wrong with it, before the first epoch.

use std::collections::HashSet;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use seamripper_data::audit::{Audit, audit};
use seamripper_data::corrections::Changes;
use seamripper_data::options::{Download, ImageOptions, OpenOptions};
use seamripper_data::source::{self, Dataset, Source};
use serde::Serialize;

use crate::args::Global;
use crate::corrections::Corrections;
use crate::diag::{Outcome, Stop, print, tell};

mod open_options;
mod photos;
mod progress;
mod text;

use open_options::Places;
use progress::Reader;

/// Arguments of `data`.
#[derive(Debug, Args)]
pub struct Data {
    /// What to audit: fashion-mnist, or folder:, csv:, jsonl:, parquet:, npz: or idx: and a path
    source: String,
    /// Folder to look for a named data set in first
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Height and width of all pictures [default: their own, or 64x64 where they differ]
    #[arg(long, value_name = "HxW", value_parser = height_and_width)]
    size: Option<[usize; 2]>,
    /// Stop if a file cannot be used [default: leave it out and say so]
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    corrections: Corrections,
}

/// `28x28`
fn height_and_width(text: &str) -> Result<[usize; 2], String> {
    let lengths = text
        .split_once(['x', 'X', '×'])
        .and_then(|(h, w)| Some([h.trim().parse().ok()?, w.trim().parse().ok()?]));
    match lengths {
        Some(size @ [1..=4096, 1..=4096]) => Ok(size),
        _ => Err("expected a height and a width of 1 to 4096, such as 64x64".to_owned()),
    }
}

/// Runs the verb.
pub fn run(verb: &Data, global: &Global) -> Outcome {
    let images = ImageOptions { height_and_width: verb.size, strict: verb.strict, ..ImageOptions::default() };
    let dataset = load(&verb.source, verb.data.clone(), images, global)?;
    let (dataset, changes) = verb.corrections.apply(dataset, global.quiet)?;
    let audit = audit(&dataset);
    if global.json {
        let corrections = (!verb.corrections.is_empty()).then_some(changes);
        return print(|out| out.write_all(json(&audit, corrections).as_bytes()));
    }
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let text = text::report(&audit, &dataset.origin, io::stdout().is_terminal() && !no_color);
    print(|out| out.write_all(text.as_bytes()))
}

/// Reads the data set of a source as typed, looking where a user expects it to look, with progress on stderr.
pub fn load(
    source: &str,
    data: Option<PathBuf>,
    images: ImageOptions,
    global: &Global,
) -> Result<Dataset, Stop> {
    let dataset = read(source, data, images, None, global)?;
    if let Some(photos) = dataset.photos.as_ref().filter(|_| !global.quiet) {
        for line in photos::said(photos, &dataset) {
            tell(line);
        }
    }
    Ok(dataset)
}

/// The images of a source whose ids are among `only`, and nothing said about the others.
pub fn load_only(
    source: &str,
    data: Option<PathBuf>,
    images: ImageOptions,
    only: &HashSet<String>,
    global: &Global,
) -> Result<Dataset, Stop> {
    read(source, data, images, Some(only), global)
}

fn read(
    source: &str,
    data: Option<PathBuf>,
    images: ImageOptions,
    only: Option<&HashSet<String>>,
    global: &Global,
) -> Result<Dataset, Stop> {
    let problem = |error: seamripper_data::Error| Stop::problem(&error, error.hint());
    let source = Source::parse(source).map_err(problem)?;
    let reader = Reader::new(global.quiet);
    let told = |progress: seamripper_data::options::Progress<'_>| reader.tell(progress);
    let options = OpenOptions { only, ..Places::of_user(data).options(images, &told) };
    let outcome = source::open(&source, &options);
    reader.finish();
    outcome.map_err(problem)
}

/// `data --json`: the audit, and how much was corrected before it, if tables were given.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    audit: &'a Audit,
    #[serde(skip_serializing_if = "Option::is_none")]
    corrections: Option<Changes>,
}

fn json(audit: &Audit, corrections: Option<Changes>) -> String {
    let document = Document { audit, corrections };
    serde_json::to_string_pretty(&document).expect("plain data has a JSON form") + "\n"
}

/// The data set of a source if it is on this machine and as it should be; nothing is downloaded and nothing told.
pub fn load_if_here(source: &str) -> Option<Dataset> {
    let source = Source::parse(source).ok()?;
    let told = |_: seamripper_data::options::Progress<'_>| {};
    let options = Places::of_user(None).options(ImageOptions::default(), &told);
    source::open(&source, &OpenOptions { download: Download::Forbidden, ..options }).ok()
}
