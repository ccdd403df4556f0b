//! `seamripper data SOURCE`: what a data set holds and what is wrong with it, before the first epoch.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use seamripper_data::audit::{Audit, audit};
use seamripper_data::options::{Download, OpenOptions};
use seamripper_data::source::{self, Dataset, Source};

use crate::args::Global;
use crate::diag::{Outcome, Stop, print};

mod open_options;
mod progress;
mod text;

use open_options::Places;
use progress::Reader;

/// Arguments of `data`.
#[derive(Debug, Args)]
pub struct Data {
    /// What to audit: fashion-mnist, or idx:PATH for a folder of IDX files
    source: String,
    /// Folder to look for a named data set in first
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(verb: &Data, global: &Global) -> Outcome {
    let dataset = load(&verb.source, verb.data.clone(), global)?;
    let audit = audit(&dataset);
    if global.json {
        return print(|out| out.write_all(json(&audit).as_bytes()));
    }
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let text = text::report(&audit, &dataset.origin, io::stdout().is_terminal() && !no_color);
    print(|out| out.write_all(text.as_bytes()))
}

/// Reads the data set of a source as typed, looking where a user expects it to look, with progress on stderr.
pub fn load(source: &str, data: Option<PathBuf>, global: &Global) -> Result<Dataset, Stop> {
    let problem = |error: seamripper_data::Error| Stop::problem(&error, error.hint());
    let source = Source::parse(source).map_err(problem)?;
    let reader = Reader::new(global.quiet);
    let told = |progress: seamripper_data::options::Progress<'_>| reader.tell(progress);
    let outcome = source::open(&source, &Places::of_user(data).options(&told));
    reader.finish();
    outcome.map_err(problem)
}

/// The data set of a source if it is on this machine and as it should be; nothing is downloaded and nothing told.
pub fn load_if_here(source: &str) -> Option<Dataset> {
    let source = Source::parse(source).ok()?;
    let told = |_: seamripper_data::options::Progress<'_>| {};
    let options = OpenOptions { download: Download::Forbidden, ..Places::of_user(None).options(&told) };
    source::open(&source, &options).ok()
}

fn json(audit: &Audit) -> String {
    serde_json::to_string_pretty(audit).expect("plain data has a JSON form") + "\n"
}
