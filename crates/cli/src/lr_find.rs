//! `seamripper lr-find RECIPE`: which learning rate to begin with.

use std::io::{self, Write};
use std::iter;
use std::path::PathBuf;

use clap::Args;
use seamripper_core::recipe::Recipe;
use seamripper_core::train::Trainer;
use seamripper_core::train::rate_range::{RateRange, STEPS, Search, Suggestion, Test, Trial, search};
use seamripper_data::options::ImageOptions;
use serde::Serialize;

use crate::args::Global;
use crate::data_source::Chosen;
use crate::diag::{Outcome, Stop, print, tell};
use crate::foundation::Foundation;
use crate::kept_model::Typed;
use crate::model_source::read_recipe_to_train;
use crate::stages::Stages;
use crate::train::{Sets, instructions, threads};

/// Version of the document.
const SCHEMA: &str = "seamripper.lr-find/2";
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
    /// Tests that count, each of 200 steps from other weights; more of them, more exact
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u32).range(3..=1000))]
    tests: u32,
}

/// `lr-find --json`.
#[derive(Serialize)]
struct Document {
    schema: &'static str,
    seed: u64,
    suggested: Option<f64>,
    edge: Option<f64>,
    /// The first is over all rates and only says where to look.
    tests: Vec<TestRow>,
}

#[derive(Serialize)]
struct TestRow {
    lowest: f64,
    highest: f64,
    steps: usize,
    edge: Option<f64>,
    trials: Vec<Row>,
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
    (recipe.train.epochs, recipe.train.early_stopping) = (STEPS, None);
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
    let tests = verb.tests as usize;
    let found = threads.run(|| -> Result<_, Stop> {
        let sets = Sets::of(&recipe, data.train)?;
        Stages::new(global.quiet).run("tests of rates", tests + 1, |done| {
            search(tests, |number, range| {
                let mut recipe = recipe.clone();
                recipe.train.seed = recipe.train.seed.wrapping_add(number as u64);
                let mut trainer = Trainer::new(isa, &recipe, &graph, &sets.train, None)
                    .map_err(|error| Stop::problem(&error, error.hint()))?;
                if let Some(foundation) = &foundation {
                    trainer.begin_with(foundation.model());
                }
                let trials = range.run(&mut trainer);
                done(number + 1);
                Ok(trials)
            })
        })
    })?;
    if found.suggestion.is_none() && !global.quiet {
        tell(
            "note: too few tests found a rate at which anything is learnt and a larger one at which it is lost again",
        );
    }
    print(|out| {
        if global.json {
            let document = Document::of(&recipe, &found);
            return writeln!(out, "{}", serde_json::to_string(&document).expect("plain data"));
        }
        text(&recipe, &found, out)
    })
}

impl Document {
    fn of(recipe: &Recipe, found: &Search) -> Self {
        Self {
            schema: SCHEMA,
            seed: recipe.train.seed,
            suggested: found.suggestion.map(|Suggestion { rate, .. }| rate),
            edge: found.suggestion.map(|Suggestion { edge, .. }| edge),
            tests: iter::once(&found.first).chain(&found.tests).map(TestRow::of).collect(),
        }
    }
}

impl TestRow {
    fn of(test: &Test) -> Self {
        let RateRange { lowest, highest, steps } = test.range;
        let rows = test.trials.iter().zip(test.range.smoothed(&test.trials));
        let trials = rows.map(|(&Trial { rate, loss }, smoothed)| Row { rate, loss, smoothed }).collect();
        Self { lowest, highest, steps, edge: test.edge, trials }
    }
}

/// The first test, a row for every fourth of a decade; then where the others found their edges, and the suggestion.
fn text(recipe: &Recipe, found: &Search, out: &mut impl Write) -> io::Result<()> {
    let Search { first, tests, suggestion } = found;
    let losses = first.range.smoothed(&first.trials);
    writeln!(
        out,
        "a first look: {} steps of {} images, each at a larger rate",
        first.range.steps, recipe.train.batch
    )?;
    writeln!(out, "\n   rate    loss")?;
    let highest = losses.first().map_or(1.0, |first| 1.2 * first);
    for row in 0..ROWS {
        let at = row * first.range.steps / ROWS;
        let (Some(Trial { rate, .. }), Some(loss)) = (first.trials.get(at), losses.get(at)) else {
            writeln!(out, "   from here on the loss is no number")?;
            break;
        };
        let cells = (loss / highest).min(1.0) * BAR as f64;
        let beyond = if *loss > highest { "…" } else { "" };
        writeln!(out, "{rate:7.0e}  {loss:6.3}  {}{beyond}", "█".repeat(cells.round() as usize))?;
    }
    let edges: Vec<_> =
        tests.iter().map(|test| test.edge.map_or("none".to_owned(), |edge| format!("{edge:.1e}"))).collect();
    if !edges.is_empty() {
        writeln!(
            out,
            "\n{} slower tests of {STEPS} steps, each from other weights: steps are too long from {} on.",
            tests.len(),
            edges.join(", ")
        )?;
    }
    match suggestion {
        Some(Suggestion { rate, edge }) => {
            writeln!(out, "Mean {edge:.1e}. Suggested: train.rate={rate:.1e}, as the peak of a schedule.")
        }
        None => writeln!(out, "\nNo suggestion: look at the recipe and its images."),
    }
}
