//! `--relabel FILE` and `--drop FILE`: training images corrected before anything else is done with them.
//!
//! A run keeps copies of its tables in `corrections/`, and their digests in `environment.json`: it goes on, and is evaluated,
//! with the labels it began with, whatever becomes of the files they came from.

use std::fs;
use std::path::{Path, PathBuf};

use seamripper_core::digits::thousands;
use seamripper_core::recipe::DataOptions;
use seamripper_data::checksum::HashingReader;
use seamripper_data::corrections::{Changes, Tables};
use seamripper_data::source::Dataset;
use seamripper_data::whole_file;
use serde_json::{Value, json};

use crate::diag::{Outcome, Stop, tell};

/// The folder of the copies in a run folder.
const FOLDER: &str = "corrections";

/// Tables of corrections, as typed or as a recipe names them.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct Corrections {
    /// Table of labels to correct (id, given, suggested, score, flagged): flagged rows get the suggested class
    #[arg(long, value_name = "FILE")]
    pub relabel: Option<PathBuf>,
    /// Table of training images to leave out: its flagged rows, or all rows if there is no column `flagged`
    #[arg(long, value_name = "FILE")]
    pub drop: Option<PathBuf>,
}

impl Corrections {
    /// Those of a recipe.
    pub fn of_recipe(options: &DataOptions) -> Self {
        let path = |file: &Option<String>| file.as_ref().map(PathBuf::from);
        Self { relabel: path(&options.relabel), drop: path(&options.drop) }
    }

    /// The copies in a run folder whose recipe has these options.
    pub fn of_run(run: &Path, options: &DataOptions) -> Result<Self, Stop> {
        let copies = Self::of_recipe(options).map(|name, _| copy(run, name));
        let lost: Vec<_> =
            copies.each().filter(|(_, path)| !path.is_file()).map(|(name, _)| file_name(name)).collect();
        if lost.is_empty() {
            return Ok(copies);
        }
        Err(Stop::problem(
            format!(
                "run folder {}: expected its tables of corrections, found no {FOLDER}/{}",
                run.display(),
                lost.join(&format!(" and no {FOLDER}/"))
            ),
            Some("its images cannot be told without them: bring them back, or train again".to_owned()),
        ))
    }

    fn map(&self, change: impl Fn(&'static str, &Path) -> PathBuf) -> Self {
        let of = |name, path: &Option<PathBuf>| path.as_deref().map(|path| change(name, path));
        Self { relabel: of("relabel", &self.relabel), drop: of("drop", &self.drop) }
    }

    /// The tables there are, with their names.
    fn each(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let both = [("relabel", &self.relabel), ("drop", &self.drop)];
        both.into_iter().filter_map(|(name, path)| Some((name, path.as_deref()?)))
    }

    /// Whether there is no table.
    pub fn is_empty(&self) -> bool {
        self.each().next().is_none()
    }

    /// Applies the tables to the training images, and says how much they changed.
    pub fn apply(&self, dataset: Dataset, quiet: bool) -> Result<(Dataset, Changes), Stop> {
        let tables = Tables { relabel: self.relabel.as_deref(), drop: self.drop.as_deref() };
        if tables.is_empty() {
            return Ok((dataset, Changes::default()));
        }
        let (train, changes) = tables.apply(dataset.train).map_err(|errors| {
            let hint = errors.first().and_then(seamripper_data::Error::hint);
            let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
            Stop::problem(errors.join("\n\nerror: "), hint)
        })?;
        if !quiet {
            tell(self.said(changes));
        }
        Ok((Dataset { train, ..dataset }, changes))
    }

    fn said(&self, changes: Changes) -> String {
        let count =
            |n: usize, one: &str| format!("{} {one}{}", thousands(n as u64), if n == 1 { "" } else { "s" });
        let labels = format!("{} changed", count(changes.relabelled, "label"));
        let images = format!("{} dropped", count(changes.dropped, "image"));
        match (&self.relabel, &self.drop) {
            (Some(_), Some(_)) => format!("{labels}, {images}"),
            (Some(_), None) => labels,
            _ => images,
        }
    }

    /// Puts copies of the tables into a run folder. Copies that are there already stay.
    pub fn keep(&self, run: &Path) -> Outcome {
        let problem = |error: seamripper_data::Error| Stop::problem(&error, error.hint());
        for (name, path) in self.each() {
            let copy = copy(run, name);
            if copy != path {
                whole_file::create_folder(&run.join(FOLDER)).map_err(problem)?;
                whole_file::write_bytes(&copy, &read(path)?).map_err(problem)?;
            }
        }
        Ok(())
    }

    /// The entry of `environment.json`: digests of the tables, and how much they changed.
    pub fn record(&self, changes: Changes) -> Result<Value, Stop> {
        let mut record = json!({"relabelled": changes.relabelled, "dropped": changes.dropped});
        for (name, path) in self.each() {
            record[name] = json!({"sha256": digest(&read(path)?)});
        }
        Ok(record)
    }

    /// Refuses to go on with a run whose tables are not those it began with: copies that were changed, or other files `typed`.
    pub fn same(&self, run: &Path, typed: &Self) -> Outcome {
        let environment = fs::read(run.join("environment.json")).unwrap_or_default();
        let environment: Value = serde_json::from_slice(&environment).unwrap_or_default();
        let mut problems = Vec::new();
        for (name, path) in self.each() {
            let began = environment["corrections"][name]["sha256"].as_str();
            if began.is_some_and(|began| began != digest(&read(path).unwrap_or_default())) {
                problems.push(format!(
                    "table {}: expected the one that the run began with, found another",
                    path.display()
                ));
            }
        }
        for (name, path) in typed.each() {
            let own = self.each().find(|(own, _)| *own == name);
            let found = match own {
                Some((_, own)) if read(own)? == read(path)? => continue,
                Some(_) => format!("another, {}", path.display()),
                None => format!("{}, where it began with none", path.display()),
            };
            problems.push(format!("--{name}: expected the table that the run began with, found {found}"));
        }
        if problems.is_empty() {
            return Ok(());
        }
        let hint = "a run goes on with the labels it began with: leave the option out, or begin a new run";
        Err(Stop::problem(problems.join("\n\nerror: "), Some(hint.to_owned())))
    }
}

fn file_name(name: &str) -> String {
    format!("{name}.csv")
}

fn copy(run: &Path, name: &str) -> PathBuf {
    run.join(FOLDER).join(file_name(name))
}

fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    fs::read(path).map_err(|error| {
        Stop::problem(format!("table {}: expected a readable file, found: {error}", path.display()), None)
    })
}

fn digest(bytes: &[u8]) -> String {
    let mut reader = HashingReader::new(bytes);
    reader.append(bytes.len() as u64, &mut Vec::new()).expect("memory can be read");
    reader.finish()
}
