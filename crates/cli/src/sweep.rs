//! `seamripper sweep`: a recipe with several values of its keys, the losers stopped early, a table at the end.

mod axes;
mod document;
mod halving;
mod search;
mod settings;
mod table;

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::Args;
use seamripper_core::problems::{self, Problem};
use seamripper_core::recipe::Recipe;
use seamripper_data::options::ImageOptions;
use seamripper_data::whole_file;

use crate::args::Global;
use crate::corrections::Corrections;
use crate::data_source::Chosen;
use crate::diag::{Outcome, Stop, print};
use crate::eval_text::Style;
use crate::model_source::read_recipe_to_train;
use crate::train::folder::RunFolder;
use crate::train::progress::Progress;
use crate::train::session::Session;
use crate::train::{environment, instructions, interrupt, split, threads};
use axes::Asked;
use document::{Document, Setting, Trial};
use halving::By;
use search::{Candidate, Search};

/// Arguments of `sweep`.
#[derive(Debug, Args)]
#[command(after_help = "\
Keys with lists make a grid: every combination is a setting. With a range LOW..HIGH among them, settings are drawn: evenly from \
the range, or evenly from its logarithms if it is positive and spans a factor of 10 or more. A setting is trained with every seed \
of train.seed=0,1,2.

After 1/8, 1/4 and 1/2 of the epochs the worse half of the settings is stopped, while more than two are left. Settings are compared on validation images; test \
images are not looked at.

  seamripper sweep recipes/seed.toml data.validation=0.1 train.rate=1e-3,3e-3,1e-2 train.batch=64,128
  seamripper sweep recipes/seed.toml data.validation=0.1 train.rate=1e-4..1e-1 --runs 20")]
pub struct Sweep {
    /// Recipe to begin with, a TOML file
    #[arg(value_name = "RECIPE", required_unless_present = "resume", conflicts_with = "resume")]
    recipe: Option<PathBuf>,
    /// Values to try: KEY=A,B,C or KEY=LOW..HIGH; KEY=VALUE changes the recipe for all
    #[arg(value_name = "KEY=VALUES", conflicts_with = "resume")]
    keys: Vec<String>,
    /// Settings to draw [default: the whole grid of lists, or 16 if there is a range]; each is trained with every seed
    #[arg(long, value_name = "N", conflicts_with = "resume", value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,
    /// What settings are judged by, on validation images
    #[arg(long, value_enum, default_value_t = By::Accuracy, conflicts_with = "resume")]
    by: By,
    /// Train every setting to its end
    #[arg(long, conflicts_with = "resume")]
    finish_all: bool,
    /// Trainings at a time [default: as many as threads]; the result does not depend on it
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// Seed of the draws and of the runs [default: the recipe's]
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    seed: Option<u64>,
    /// Sweep folder to write [default: runs/sweep-<name of the recipe>, numbered if it exists]
    #[arg(long, value_name = "SWEEP", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Go on with an interrupted sweep
    #[arg(long, value_name = "SWEEP")]
    resume: Option<PathBuf>,
    /// Folder to look for the data set in first, or another data source
    #[arg(long, value_name = "DIR|SOURCE")]
    data: Option<String>,
}

/// Runs the verb.
pub fn run(verb: &Sweep, global: &Global) -> Outcome {
    let isa = instructions()?;
    let (folder, base, mut document, corrections) = match &verb.resume {
        Some(path) => {
            let document = Document::read(path)?;
            let base = base_of(&document, path)?;
            let corrections = Corrections::of_run(path, &base.data)?;
            (RunFolder::sweep(path.clone()), base, document, corrections)
        }
        None => begin(verb)?,
    };
    document.place(&folder);
    let candidates = candidates(&base, &document, &folder)?;
    let threads = threads(global)?;
    let chosen = Chosen::of(&base.data.source, verb.data.as_deref());
    let images = ImageOptions::of(&base.data, candidates[0].graph.input);
    let data = crate::data::load(&chosen.source, chosen.folder, images, global)?;
    let (data, changes) = corrections.apply(data, global.quiet)?;
    let record = if corrections.is_empty() { None } else { Some(corrections.record(changes)?) };
    let environment = environment::describe(isa, threads.count(), &data, [("corrections", record)]);
    document.validation_images = Some(split(&base, &data.train).1.len() as u64);

    let progress = Progress::new(global.quiet).without_epochs();
    let interrupt = interrupt::watch();
    whole_file::create_folder(folder.path()).map_err(|error| Stop::problem(&error, error.hint()))?;
    corrections.keep(folder.path())?;
    document.write(&folder)?;
    progress.say(format_args!("{}", said(&document, &candidates)));
    let session = Session { isa, threads: &threads, progress: &progress, interrupt: &interrupt };
    let search = Search {
        session: &session,
        folder: &folder,
        corrections: &corrections,
        environment: &environment,
        images: &data.train,
        candidates: &candidates,
        at_once: verb.jobs.map_or(threads.count(), |jobs| jobs as usize),
        document: Mutex::new(document),
    };
    let document = search.run()?;
    print(|out| {
        if global.json {
            return writeln!(out, "{}", document.json());
        }
        table::print(&document, out, Style::for_stdout())
    })
}

/// A new sweep: its settings, and nothing written yet.
fn begin(verb: &Sweep) -> Result<(RunFolder, Recipe, Document, Corrections), Stop> {
    let mut asked = Asked::read(&verb.keys).map_err(|problems| stop(&problems))?;
    let path = verb.recipe.as_deref();
    let mut base = read_recipe_to_train(path.expect("the arguments ask for one"))?;
    base.override_all(asked.fixed.iter().map(String::as_str))
        .map_err(|error| Stop::problem(&error, error.hint()))?;
    let chosen = Chosen::of(&base.data.source, verb.data.as_deref());
    base.data.source = chosen.source;
    base.train.seed = verb.seed.unwrap_or(base.train.seed);
    check(&base)?;
    asked.settle(&base);
    let settings = match (verb.runs.map(|runs| runs as usize), settings::grid_size(&asked.axes)) {
        (None, Some(size)) if size > settings::MOST => {
            return Err(Stop::problem(
                format!("keys: expected a grid of at most {} settings, found {size}", settings::MOST),
                Some(format!("draw some of them with --runs {}", settings::DRAWN)),
            ));
        }
        (None, Some(_)) => settings::grid(&asked.axes),
        (Some(runs), Some(size)) if runs >= size => settings::grid(&asked.axes),
        (runs, _) => settings::draw(&asked.axes, runs.unwrap_or(settings::DRAWN), base.train.seed),
    };
    let seeds = if asked.seeds.is_empty() { vec![base.train.seed] } else { asked.seeds };
    let folder = RunFolder::new_sweep(verb.out.as_deref(), path)?;
    let mut document = Document::begin(&folder, verb.by, verb.finish_all, seeds, base.to_toml());
    document.settings = (1..)
        .zip(settings)
        .map(|(number, changes)| Setting {
            number,
            folder: String::new(),
            changes,
            accuracy: None,
            loss: None,
            runs: vec![Trial::default(); document.seeds.len()],
        })
        .collect();
    let corrections = Corrections::of_recipe(&base.data);
    Ok((folder, base, document, corrections))
}

/// Refuses a recipe that cannot be judged, or trains more than one model.
fn check(base: &Recipe) -> Outcome {
    let mut problems = Vec::new();
    if base.data.validation == 0.0 {
        problems.push(Problem {
            message: "data.validation: expected validation images to judge settings by, found 0".to_owned(),
            hint: Some("hold out a tenth of the training images with data.validation=0.1".to_owned()),
        });
    }
    if base.data.folds > 0 {
        problems.push(Problem {
            message: format!(
                "data.folds: expected 0, because folds train more models, found {}",
                base.data.folds
            ),
            hint: Some("leave them out with data.folds=0".to_owned()),
        });
    }
    if let Some(transfer) = &base.model.transfer {
        problems.push(Problem {
            message: format!(
                "model.from: expected a recipe that says its layers, found one that goes on from {}",
                transfer.from
            ),
            hint: Some(
                "compare such trainings with `seamripper train … --seeds N`, one call a setting".to_owned(),
            ),
        });
    }
    if let Some(teacher) = &base.train.teacher {
        problems.push(Problem {
            message: format!("train.teacher: expected none, found {}", teacher.model),
            hint: Some("leave it out with train.teacher=false".to_owned()),
        });
    }
    if problems.is_empty() { Ok(()) } else { Err(stop(&problems)) }
}

/// The recipe that a sweep to go on with began with.
fn base_of(document: &Document, path: &Path) -> Result<Recipe, Stop> {
    let name = format!("the recipe in {}", path.join(crate::train::folder::SWEEP).display());
    Recipe::from_toml(&document.recipe, &name).map_err(|error| Stop::problem(&error, error.hint()))
}

/// What is trained: each setting's recipe and network.
///
/// # Errors
/// Everything that is wrong with any of them, each once.
fn candidates(base: &Recipe, document: &Document, folder: &RunFolder) -> Result<Vec<Candidate>, Stop> {
    let mut problems: Vec<Problem> = Vec::new();
    let (mut candidates, mut seen) = (Vec::new(), HashSet::new());
    for setting in &document.settings {
        let Setting { number, changes, .. } = setting;
        let mut recipe = base.clone();
        recipe.train.seed = document.seeds[0];
        let graph = recipe
            .override_all(changes.iter().map(String::as_str))
            .map_err(|error| error.problems)
            .and_then(|()| recipe.graph().map_err(|error| error.list()));
        match graph {
            Ok(graph) => candidates.push(Candidate {
                recipe,
                graph,
                title: title(*number, changes),
                folder: setting.folder(folder),
            }),
            Err(found) => {
                for problem in found {
                    // What is wrong with a key is wrong with all its values.
                    let general = changes.iter().fold(problem.message.clone(), |message, change| {
                        message.replace(change, table::split(change).0)
                    });
                    if seen.insert(general) {
                        problems.push(problem);
                    }
                }
            }
        }
    }
    if problems.is_empty() { Ok(candidates) } else { Err(stop(&problems)) }
}

fn stop(problems: &[Problem]) -> Stop {
    Stop::problem(problems::message(problems), problems::hint(problems))
}

/// What is going to be done.
fn said(document: &Document, candidates: &[Candidate]) -> String {
    let Document { sweep, settings, seeds, validation_images, finish_all, .. } = document;
    let seeds = match seeds.len() {
        1 => String::new(),
        seeds => format!(", {seeds} seeds each"),
    };
    let rungs: Vec<_> = search::rungs_of(candidates).into_iter().map(halving::said).collect();
    let stopped = match rungs.is_empty() || *finish_all {
        true => String::new(),
        false => format!(", the worse half stopped after {} of the epochs", rungs.join(", ")),
    };
    format!(
        "sweep folder {sweep}: {} setting{}{seeds}, judged by {} validation images{stopped}",
        settings.len(),
        if settings.len() == 1 { "" } else { "s" },
        seamripper_core::digits::thousands(validation_images.unwrap_or(0)),
    )
}

/// A setting in short: `3 rate=0.01 batch=64`.
fn title(number: usize, changes: &[String]) -> String {
    format!("{number} {}", document::shortly(changes).join(" "))
}
