//! `seamripper train`: a recipe becomes a run folder.

mod board;
mod ensemble;
pub mod environment;
mod events;
mod film;
pub mod fit;
pub mod folder;
mod folds;
pub mod interrupt;
pub mod metrics;
mod profile;
pub mod progress;
mod report;
pub mod run;
pub mod seeds;
pub mod session;
mod sets;
pub mod side_by_side;

use std::path::{Path, PathBuf};

use clap::Args;
use seamripper_core::recipe::Recipe;
use seamripper_data::options::ImageOptions;
use seamripper_kernels::{Instructions, parallel::Threads};

use crate::args::Global;
use crate::corrections::Corrections;
use crate::data_source::Chosen;
use crate::diag::{Outcome, Stop};
use crate::foundation::Foundation;
use crate::kept_model::{KeptModel, Typed};
use crate::model_source::read_recipe_to_train;
use crate::report::AtEnd;
use crate::teacher;
use folder::RunFolder;
use progress::Progress;
use run::Run;
use seeds::{Document, Seeds};
use session::Session;

pub use sets::{Sets, split};

/// Arguments of `train`.
#[derive(Debug, Args)]
pub struct Train {
    /// Recipe to train, a TOML file
    #[arg(value_name = "RECIPE", required_unless_present = "resume", conflicts_with = "resume")]
    recipe: Option<PathBuf>,
    /// Changes of the recipe, for instance train.epochs=3
    #[arg(value_name = "KEY=VALUE", conflicts_with = "resume")]
    changes: Vec<String>,
    /// Run folder to write [default: runs/<name of the recipe>, numbered if it exists]
    #[arg(long, value_name = "RUN", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Go on with an interrupted run, from its last checkpoint
    #[arg(long, value_name = "RUN")]
    resume: Option<PathBuf>,
    /// Folder to look for the data set in first, or another data source
    #[arg(long, value_name = "DIR|SOURCE")]
    data: Option<String>,
    /// Seed of every random draw [default: the recipe's]
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    seed: Option<u64>,
    /// Train on K folds too, for out_of_fold.parquet: each training image predicted by a model that has not seen it
    #[arg(long, value_name = "K", conflicts_with = "resume", value_parser = clap::value_parser!(u32).range(2..))]
    folds: Option<u32>,
    /// Train with N seeds, each a run RUN/seed-S, and print how much the results differ
    #[arg(long, value_name = "N", conflicts_with_all = ["resume", "folds", "film", "profile"], value_parser = clap::value_parser!(u32).range(1..))]
    seeds: Option<u32>,
    #[command(flatten)]
    corrections: Corrections,
    /// Stop if a file of the data set cannot be used [default: leave it out and say so]
    #[arg(long)]
    strict: bool,
    /// Keep the filters of the first convolution after every epoch, and show them as an animated PNG, film.png
    #[arg(long)]
    film: bool,
    /// Measure where a step's time goes, and print it at the end or after Ctrl-C; changes no result
    #[arg(long)]
    profile: bool,
    #[command(flatten)]
    at_end: AtEnd,
}

/// Runs the verb.
pub fn run(verb: &Train, global: &Global) -> Outcome {
    let isa = instructions()?;
    let begun = verb.resume.as_deref().map(Document::read).transpose()?.flatten();
    let mut recipe = recipe(verb)?;
    let path = recipe_path(verb)?;
    let typed = Typed { path: &path, changes: &verb.changes };
    let foundation = match &verb.resume {
        Some(run) => Foundation::of_run(&recipe, run)?,
        None => Foundation::of(&recipe, typed, global)?,
    };
    let teacher = match &verb.resume {
        Some(run) => teacher::of_run(&recipe, run)?,
        None => teacher::of(&recipe, typed, global)?,
    };
    let threads = threads(global)?;
    let chosen = Chosen::of(&recipe.data.source, verb.data.as_deref());
    let progress = Progress::new(global.quiet);
    let folder = match &verb.resume {
        Some(folder) => RunFolder::existing(folder)?,
        None => RunFolder::new(verb.out.as_deref(), verb.recipe.as_deref())?,
    };
    let corrections = corrections(verb, &recipe, &folder)?;
    let seeds = match (begun, verb.seeds) {
        (Some(document), _) => Some(document),
        (None, Some(count)) => Some(Document::begin(&folder, recipe.train.seed, count as usize)?),
        (None, None) => None,
    };
    let images = ImageOptions { strict: verb.strict, ..ImageOptions::of(&recipe.data, recipe.model.input) };
    let images = foundation.as_ref().map_or(images, |foundation| foundation.images(images));
    let data = crate::data::load(&chosen.source, chosen.folder, images, global)?;
    let (data, changes) = corrections.apply(data, global.quiet)?;
    recipe.data.source = chosen.source;
    let data = match &foundation {
        None => data,
        Some(foundation) => {
            (recipe.data.fit, recipe.data.resize) = (images.fit, images.filter);
            foundation.fill_in(&mut recipe, Some(data.train.classes().len()), typed)?;
            foundation.arranged(data, typed)?
        }
    };
    let graph = recipe.graph().map_err(|error| Stop::problem(&error, error.hint()))?;
    if let Some(foundation) = &foundation {
        progress.say(format_args!("{}", foundation.said(&recipe, &graph)));
    }
    let record = if corrections.is_empty() { None } else { Some(corrections.record(changes)?) };
    if let Some(said) = teacher::said(&recipe) {
        progress.say(format_args!("{said}"));
    }
    let from = foundation.as_ref().map(|foundation| foundation.kept.record()).transpose()?;
    let taught = teacher.as_ref().map(KeptModel::record).transpose()?;
    let more = [("corrections", record), ("from", from), ("teacher", taught)];
    let environment = environment::describe(isa, threads.count(), &data, more);

    let interrupt = interrupt::watch();
    let session = Session { isa, threads: &threads, progress: &progress, interrupt: &interrupt };
    let (session, recipe, graph, folder) = (&session, &recipe, &graph, &folder);
    let (corrections, environment, foundation) = (&corrections, &environment[..], foundation.as_ref());
    let teacher = teacher.as_ref();
    if let Some(document) = seeds {
        return Seeds { session, recipe, graph, foundation, teacher, folder, corrections, environment }
            .train(document, &data, global);
    }
    let (film, profile) = (verb.film, verb.profile);
    let title = "";
    let run = Run {
        session,
        recipe,
        graph,
        foundation,
        teacher,
        folder,
        corrections,
        environment,
        title,
        film,
        profile,
    };
    let trained = run.train(data.train, data.test.as_ref(), None)?;
    report::print_trained(&trained, folder, global)?;
    trained.ended.done()?;
    if trained.evaluation.is_some() {
        verb.at_end.write(folder.path(), global);
    }
    Ok(())
}

/// The instruction set to use: the best, or what the environment forces.
pub fn instructions() -> Result<Instructions, Stop> {
    Instructions::detect().map_err(|error| {
        let hint = "unset it to use the best instruction set of this CPU";
        Stop::problem(error, Some(hint.to_owned()))
    })
}

/// Whether `path` is the folder of a run that was begun.
pub fn existing_run(path: &std::path::Path) -> Outcome {
    RunFolder::existing(path).map(|_| ())
}

/// The threads of `--threads`.
pub fn threads(global: &Global) -> Result<Threads, Stop> {
    if global.threads == Some(0) {
        return Err(Stop::problem(
            "--threads: expected at least 1, found 0",
            Some("leave it out to use all cores".to_owned()),
        ));
    }
    Threads::new(global.threads).map_err(|error| {
        let hint = "ask for fewer with --threads N".to_owned();
        Stop::problem(format!("--threads: expected the system to give them, found: {error}"), Some(hint))
    })
}

fn recipe_path(verb: &Train) -> Result<PathBuf, Stop> {
    Ok(match (&verb.recipe, &verb.resume) {
        (Some(path), _) => path.clone(),
        (None, Some(run)) => RunFolder::existing(run)?.path().join("recipe.toml"),
        (None, None) => unreachable!("the arguments ask for one of them"),
    })
}

fn recipe(verb: &Train) -> Result<Recipe, Stop> {
    let mut recipe = read_recipe_to_train(&recipe_path(verb)?)?;
    recipe
        .override_all(verb.changes.iter().map(String::as_str))
        .map_err(|error| Stop::problem(&error, error.hint()))?;
    if let Some(seed) = verb.seed {
        recipe.train.seed = seed;
    }
    if let Some(folds) = verb.folds {
        recipe.data.folds = folds as usize;
    }
    if verb.seeds.is_some() && recipe.data.folds > 0 {
        return Err(Stop::problem(
            format!("--seeds: expected a recipe without folds, found data.folds = {}", recipe.data.folds),
            Some("train one seed with folds, or several with data.folds=0".to_owned()),
        ));
    }
    if verb.resume.is_none() {
        let text = |path: &Path| path.display().to_string();
        let Corrections { relabel, drop } = &verb.corrections;
        let own = &mut recipe.data;
        own.relabel = relabel.as_deref().map(text).or(own.relabel.take());
        own.drop = drop.as_deref().map(text).or(own.drop.take());
    }
    Ok(recipe)
}

/// The tables to apply: the recipe's, or the copies that the run to go on with keeps.
fn corrections(verb: &Train, recipe: &Recipe, folder: &RunFolder) -> Result<Corrections, Stop> {
    if verb.resume.is_none() {
        return Ok(Corrections::of_recipe(&recipe.data));
    }
    let own = Corrections::of_run(folder.path(), &recipe.data)?;
    own.same(folder.path(), &verb.corrections)?;
    Ok(own)
}
