//! `seamripper train`: a recipe becomes a run folder.

mod environment;
mod film;
mod folder;
mod interrupt;
mod metrics;
mod profile;
mod progress;

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use seamripper_core::augment::expand;
use seamripper_core::digits::thousands;
use seamripper_core::fail::{Evaluation, evaluate};
use seamripper_core::graph::{Graph, ModelFile, Preprocessing, to_safetensors};
use seamripper_core::predictions::Predictions;
use seamripper_core::recipe::Recipe;
use seamripper_core::sample::{ImageSet, Split};
use seamripper_core::train::{EpochReport, Predictor, Trainer};
use seamripper_data::split::stratified;
use seamripper_kernels::{Instructions, parallel::Threads};

use crate::args::Global;
use crate::data_source::{self, Chosen};
use crate::diag::{Outcome, Stop, print};
use crate::eval_text::{Style, print_report};
use crate::model_source::read_recipe_to_train;
use film::Film;
use folder::RunFolder;
use metrics::Metrics;
use profile::Measured;
use progress::Progress;

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
    /// Keep the filters of the first convolution after every epoch, and show them as an animated PNG, film.png
    #[arg(long)]
    film: bool,
    /// Measure where a step's time goes, and print it at the end or after Ctrl-C; changes no result
    #[arg(long)]
    profile: bool,
}

/// Runs the verb.
pub fn run(verb: &Train, global: &Global) -> Outcome {
    let isa = instructions()?;
    let recipe = recipe(verb)?;
    let graph = recipe.graph().map_err(|error| Stop::problem(&error, error.hint()))?;
    let threads = threads(global)?;
    let chosen = Chosen::of(&recipe.data.source, verb.data.as_deref());
    let progress = Progress::new(global.quiet);
    let run = match &verb.resume {
        Some(folder) => RunFolder::existing(folder)?,
        None => RunFolder::new(verb.out.as_deref(), verb.recipe.as_deref())?,
    };
    let data = crate::data::load(&chosen.source, chosen.folder, global)?;
    let environment = environment::describe(isa, threads.count(), &data);
    let classes = data.train.classes().clone();

    threads.run(|| {
        let sets = Sets::of(&recipe, data.train, data.test, &progress)?;
        let mut trainer = Trainer::new(isa, &recipe, &graph, &sets.train, Some(&sets.validation))
            .map_err(|error| Stop::problem(&error, error.hint()))?;
        let mut metrics = match verb.resume {
            Some(_) => run.restore(&mut trainer)?,
            None => Metrics::default(),
        };

        // Only now, so that a run that cannot begin leaves nothing behind.
        run.begin()?;
        progress.say(format_args!("run folder {}", run.path().display()));
        let resolved = Recipe { data: data_source::options(&recipe, &chosen.source), ..recipe.clone() };
        run.write("recipe.toml", resolved.to_toml().as_bytes())?;
        run.write("environment.json", environment.as_bytes())?;

        if verb.profile {
            trainer.watch(profile::clock);
        }
        let film = match verb.film {
            true => Some(Film::begin(isa, &graph, sets.shown(), &run, trainer.state())?),
            false => None,
        };
        let outcome = fit(&mut trainer, &run, &mut metrics, &classes, &progress, film.as_ref());
        let measured = || verb.profile.then(|| Measured::of(&trainer, isa, threads.count()));
        match outcome {
            Ok(()) => {
                film.as_ref().map_or(Ok(()), |film| film.develop(&progress))?;
                let evaluation = finish(isa, &graph, &trainer, &run, &sets, &progress)?;
                report(&evaluation, measured(), trainer.state().epoch, &run, global)?;
                if evaluation.is_some() {
                    let folder = run.path().display();
                    progress.say(format_args!(
                        "`seamripper report {folder}` makes one page of it, with the model alive in it"
                    ));
                }
                Ok(())
            }
            Err(Stop::Interrupted) => {
                if let Some(measured) = measured() {
                    report(&None, Some(measured), trainer.state().epoch, &run, global)?;
                }
                Err(Stop::Interrupted)
            }
            problem => problem,
        }
    })
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

fn recipe(verb: &Train) -> Result<Recipe, Stop> {
    let path = match (&verb.recipe, &verb.resume) {
        (Some(path), _) => path.clone(),
        (None, Some(run)) => RunFolder::existing(run)?.path().join("recipe.toml"),
        (None, None) => unreachable!("the arguments ask for one of them"),
    };
    let mut recipe = read_recipe_to_train(&path)?;
    recipe
        .override_all(verb.changes.iter().map(String::as_str))
        .map_err(|error| Stop::problem(&error, error.hint()))?;
    if let Some(seed) = verb.seed {
        recipe.train.seed = seed;
    }
    Ok(recipe)
}

/// The images of a run, split and expanded.
struct Sets {
    train: ImageSet,
    validation: ImageSet,
    test: Option<ImageSet>,
}

impl Sets {
    /// Takes the images, so that those which are all trained on are not in memory twice.
    fn of(recipe: &Recipe, all: ImageSet, test: Option<ImageSet>, progress: &Progress) -> Result<Self, Stop> {
        let (train, validation) = split(recipe, &all);
        let (kept, validation) = if validation.is_empty() {
            let none = all.select(&[]);
            (all, none)
        } else {
            (all.select(&train), all.select(&validation))
        };
        let originals = kept.len();
        let expanded = expand(kept, &recipe.augment.expand, recipe.train.seed)
            .map_err(|error| Stop::problem(&error, error.hint()))?;
        progress.say(format_args!(
            "{} training images{}, {} validation, {} test",
            thousands(expanded.len() as u64),
            if expanded.len() > originals {
                format!(" (expanded from {})", thousands(originals as u64))
            } else {
                String::new()
            },
            thousands(validation.len() as u64),
            thousands(test.as_ref().map_or(0, ImageSet::len) as u64),
        ));
        Ok(Self { train: expanded, validation, test })
    }

    /// The images that a film shows: not those of the test split.
    fn shown(&self) -> &ImageSet {
        if self.validation.is_empty() { &self.train } else { &self.validation }
    }
}

/// Indices of the images a recipe trains on, and of those it holds out.
pub fn split(recipe: &Recipe, all: &ImageSet) -> (Vec<usize>, Vec<usize>) {
    stratified(all.labels(), all.classes().len(), recipe.data.validation, recipe.train.seed)
}

/// Trains to the end, with a checkpoint after every epoch.
fn fit(
    trainer: &mut Trainer<'_>,
    run: &RunFolder,
    metrics: &mut Metrics,
    classes: &[String],
    progress: &Progress,
    film: Option<&Film<'_>>,
) -> Outcome {
    let interrupt = interrupt::watch();
    let epochs = trainer.epochs();
    let mut meter = progress.begin(trainer, classes);
    while !trainer.done() {
        let began = Instant::now();
        let images = trainer.state().seen;
        let mut report = None;
        while report.is_none() {
            report = trainer.step();
            meter.step(trainer);
            if interrupt.requested() {
                if let Some(report) = &report {
                    metrics.add(report, began.elapsed(), trainer.images_in_epoch() - images, classes);
                }
                meter.leave();
                run.checkpoint(trainer.state(), metrics)?;
                let (place, whole) = if report.is_some() { ("after", 0) } else { ("in", 1) };
                progress.say(format_args!(
                    "interrupted {place} epoch {} of {epochs}; `seamripper train --resume {}` goes on from this very step",
                    trainer.state().epoch + whole,
                    run.path().display()
                ));
                return Err(Stop::Interrupted);
            }
        }
        if let Some(report) = report {
            if !report.train_loss.is_finite() || trainer.state().weights.values.iter().any(|w| !w.is_finite())
            {
                meter.leave();
                return Err(diverged(&report));
            }
            metrics.add(&report, began.elapsed(), trainer.images_in_epoch() - images, classes);
            film.map_or(Ok(()), |film| film.keep(trainer.state()))?;
            run.checkpoint(trainer.state(), metrics)?;
            meter.epoch(&report, metrics.last_rate(), trainer);
        }
    }
    meter.leave();
    Ok(())
}

/// Weights that are no numbers predict nothing, and no later step mends them.
fn diverged(report: &EpochReport) -> Stop {
    let EpochReport { epoch, train_loss, rate, .. } = report;
    let hint =
        format!("the steps are too long: lower train.rate (it was {rate:?}), or set train.clip_norm=1");
    Stop::problem(
        format!(
            "training in epoch {epoch}: expected finite weights and a finite loss, found a loss of {train_loss}"
        ),
        Some(hint),
    )
}

/// Writes the model, the predictions and their evaluation.
fn finish(
    isa: Instructions,
    graph: &Graph,
    trainer: &Trainer<'_>,
    run: &RunFolder,
    sets: &Sets,
    progress: &Progress,
) -> Result<Option<Evaluation>, Stop> {
    let weights = trainer.result();
    let model = ModelFile {
        graph: graph.clone(),
        weights: weights.clone(),
        classes: sets.train.classes().to_vec(),
        preprocessing: Preprocessing::new(graph.input[2]),
    };
    let bytes = to_safetensors(&model).map_err(|error| Stop::problem(&error, error.hint()))?;
    run.write("model.safetensors", &bytes)?;

    let mut parts = Vec::new();
    let predictor = Predictor { isa, graph, weights, preprocessing: &model.preprocessing, bf16: false };
    for (set, split) in [(Some(&sets.validation), Split::Validation), (sets.test.as_ref(), Split::Test)] {
        if let Some(set) = set.filter(|set| !set.is_empty()) {
            parts.push(predictor.predict(set, split, |_| {}));
        }
    }
    let evaluation = parts.last().map(evaluate);
    match &evaluation {
        Some(evaluation) => {
            run.write("eval.json", (crate::eval::document(evaluation) + "\n").as_bytes())?;
            run.predictions(&joined(parts))?;
        }
        None => progress
            .say(format_args!("there are no validation and no test images, so there is nothing to report")),
    }
    Ok(evaluation)
}

/// Prints the report and the profile, if there are any, and the run folder. A profile was asked for if there is `Some`, and
/// no step taken if nothing is in it.
fn report(
    evaluation: &Option<Evaluation>,
    profile: Option<Option<Measured>>,
    epochs: u64,
    run: &RunFolder,
    global: &Global,
) -> Outcome {
    let folder = run.path().display();
    print(|out| {
        if global.json {
            let mut document = serde_json::json!({
                "schema": "seamripper.train/1",
                "run": folder.to_string(),
                "epochs": epochs,
                "eval": evaluation,
            });
            if let Some(profile) = &profile {
                document["profile"] = profile.as_ref().map(Measured::json).into();
            }
            return writeln!(out, "{document}");
        }
        if let Some(evaluation) = evaluation {
            print_report(evaluation, out, Style::for_stdout())?;
            writeln!(out)?;
        }
        match &profile {
            Some(Some(measured)) => {
                measured.print(out)?;
                writeln!(out)?;
            }
            Some(None) => writeln!(out, "no step was taken, so there is no profile\n")?,
            None => {}
        }
        writeln!(out, "run folder: {folder}")
    })
}

/// One table of several.
fn joined(parts: Vec<Predictions>) -> Predictions {
    let mut parts = parts.into_iter();
    let mut all = parts.next().expect("at least one part");
    for part in parts {
        all.ids.extend(part.ids);
        all.splits.extend(part.splits);
        all.labels.extend(part.labels);
        all.probs.extend(part.probs);
    }
    all
}
