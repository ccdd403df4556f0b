//! `seamripper lr-find RECIPE`: which learning rate to begin with.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use seamripper_core::digits::thousands;
use seamripper_core::recipe::Recipe;
use seamripper_core::train::Trainer;
use seamripper_core::train::rate_range::{RateRange, Suggestion, Trial, smoothed, suggest};
use seamripper_data::options::ImageOptions;
use serde::Serialize;

use crate::args::Global;
use crate::data_source::Chosen;
use crate::diag::{Outcome, Stop, print, tell};
use crate::foundation::Foundation;
use crate::kept_model::Typed;
use crate::model_source::read_recipe_to_train;
use crate::train::{Sets, instructions, threads};

/// Version of the document.
const SCHEMA: &str = "seamripper.lr-find/1";
/// Rates that are tried.
const LOWEST: f64 = 1e-6;
const HIGHEST: f64 = 10.0;
/// Rows of the table, and columns of its bars.
const ROWS: usize = 28;
const BAR: usize = 40;

/// Arguments of `lr-find`.
#[derive(Debug, Args)]
pub struct LrFind {
    /// Recipe to find a rate for, a TOML file
    #[arg(value_name = "RECIPE")]
    recipe: PathBuf,
    /// Changes of the recipe, for instance train.batch=64
    #[arg(value_name = "KEY=VALUE")]
    changes: Vec<String>,
    /// Folder to look for the data set in first, or another data source
    #[arg(long, value_name = "DIR|SOURCE")]
    data: Option<String>,
    /// Seed of every random draw [default: the recipe's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Steps to take, each at a larger rate
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(100..))]
    steps: u32,
}

/// `lr-find --json`.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    seed: u64,
    steps: usize,
    suggested: Option<f64>,
    edge: Option<f64>,
    trials: Vec<Row>,
    #[serde(skip)]
    recipe: &'a Recipe,
}

#[derive(Serialize)]
struct Row {
    rate: f64,
    loss: f64,
    smoothed: f64,
}

/// Runs the verb.
pub fn run(verb: &LrFind, global: &Global) -> Outcome {
    let isa = instructions()?;
    let mut recipe = read_recipe_to_train(&verb.recipe)?;
    recipe
        .override_all(verb.changes.iter().map(String::as_str))
        .map_err(|error| Stop::problem(&error, error.hint()))?;
    recipe.train.seed = verb.seed.unwrap_or(recipe.train.seed);
    // As many epochs as the steps may need, and nothing that ends them: the recipe's own schedule has no part in this.
    // A teacher changes what is learnt, not how long a step may be.
    recipe.train.teacher = None;
    let steps = verb.steps as usize;
    (recipe.train.epochs, recipe.train.early_stopping) = (steps, None);
    let typed = Typed { path: &verb.recipe, changes: &verb.changes };
    let foundation = Foundation::of(&recipe, typed, global)?;
    let threads = threads(global)?;
    let chosen = Chosen::of(&recipe.data.source, verb.data.as_deref());
    let images = ImageOptions::of(&recipe.data, recipe.model.input);
    let images = foundation.as_ref().map_or(images, |foundation| foundation.images(images));
    let data = crate::data::load(&chosen.source, chosen.folder, images, global)?;
    let (data, _) = crate::corrections::Corrections::of_recipe(&recipe.data).apply(data, global.quiet)?;
    let data = match &foundation {
        None => data,
        Some(foundation) => {
            foundation.fill_in(&mut recipe, Some(data.train.classes().len()), typed)?;
            foundation.arranged(data, typed)?
        }
    };
    let graph = recipe.graph().map_err(|error| Stop::problem(&error, error.hint()))?;
    let range = RateRange { lowest: LOWEST, highest: HIGHEST, steps };
    let trials = threads.run(|| -> Result<_, Stop> {
        let sets = Sets::of(&recipe, data.train)?;
        let mut trainer = Trainer::new(isa, &recipe, &graph, &sets.train, None)
            .map_err(|error| Stop::problem(&error, error.hint()))?;
        if let Some(foundation) = &foundation {
            trainer.begin_with(foundation.model());
        }
        Ok(range.run(&mut trainer))
    })?;
    let document = Document::of(&recipe, steps, &trials);
    if document.suggested.is_none() && !global.quiet {
        tell(
            "note: no rate was found at which anything is learnt and a larger one at which it is lost again",
        );
    }
    print(|out| {
        if global.json {
            return writeln!(out, "{}", serde_json::to_string(&document).expect("plain data"));
        }
        document.print(out)
    })
}

impl<'a> Document<'a> {
    fn of(recipe: &'a Recipe, steps: usize, trials: &[Trial]) -> Self {
        let found = suggest(trials, steps);
        let rows = trials.iter().zip(smoothed(trials, steps));
        Self {
            schema: SCHEMA,
            seed: recipe.train.seed,
            steps,
            suggested: found.map(|Suggestion { rate, .. }| rate),
            edge: found.map(|Suggestion { edge, .. }| edge),
            trials: rows.map(|(&Trial { rate, loss }, smoothed)| Row { rate, loss, smoothed }).collect(),
            recipe,
        }
    }

    /// A row for every fourth of a decade, the suggestion last.
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { trials, steps, recipe, .. } = self;
        writeln!(
            out,
            "{} steps of {} images, each at a larger rate",
            thousands(*steps as u64),
            recipe.train.batch
        )?;
        writeln!(out, "\n   rate    loss")?;
        let highest = trials.first().map_or(1.0, |first| 1.2 * first.smoothed);
        for row in 0..ROWS {
            let Some(Row { rate, smoothed, .. }) = trials.get(row * steps / ROWS) else {
                writeln!(out, "   from here on the loss is no number")?;
                break;
            };
            let cells = (smoothed / highest).min(1.0) * BAR as f64;
            let beyond = if *smoothed > highest { "…" } else { "" };
            writeln!(out, "{rate:7.0e}  {smoothed:6.3}  {}{beyond}", "█".repeat(cells.round() as usize))?;
        }
        match (self.suggested, self.edge) {
            (Some(rate), Some(edge)) => writeln!(
                out,
                "\nFrom {edge:.1e} on, steps are too long. Suggested: train.rate={rate:.1e}, as the peak of a schedule."
            ),
            _ => writeln!(out, "\nNo suggestion: try more --steps, or look at the recipe and its images."),
        }
    }
}
