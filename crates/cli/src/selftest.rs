//! `seamripper selftest`: plants known failures, audits, and says what was found and what was missed.
//!
//! *Idea*:
//! ```text
//! for each seed:  deal images to training, validation and test; train a small model on what is as it should be
//!     for each plant and setting:  change data, model or table so that one thing is known to be wrong; audit;
//!                                  found?  which place among the findings of its kind?  what was said besides?
//! for each plant: a floor on what is found over all seeds; exit code 1 if one is missed
//! ```
//! A null run is a table in which nothing is wrong: `plants::null` says what that means.

use std::io::Write;
use std::time::Instant;

use clap::{Args, ValueEnum};

use crate::args::Global;
use crate::diag::{Outcome, Stop, print};
use crate::stages::Stages;
use crate::train::{instructions, threads};

mod bench;
mod floors;
mod plants;
mod pool;
pub mod shapes;
mod text;
mod trial;

use bench::{Bench, Scale};
use trial::{Report, Trial};

/// Seeds of a full selftest, if none are asked for.
const SEEDS: u64 = 10;

/// Arguments of `selftest`.
#[derive(Debug, Args)]
pub struct SelfTest {
    /// Under a minute: drawn shapes, smaller models, one seed
    #[arg(long)]
    pub quick: bool,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// How many seeds [default: 10; with --quick 1]
    #[arg(long, value_name = "N")]
    pub seeds: Option<u64>,
    /// Plant only these
    #[arg(long, value_enum, value_name = "PLANT", value_delimiter = ',')]
    pub only: Vec<Plant>,
    /// Images to plant in: a source, or "shapes" for drawn ones [default: fashion-mnist where it is, else shapes; with --quick
    /// shapes]
    #[arg(long, value_name = "SOURCE")]
    pub data: Option<String>,
}

/// What can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plant {
    /// Labels changed to any other class
    NoiseSymmetric,
    /// Labels changed to the next class
    NoisePair,
    /// Labels changed by a rule on pixels
    NoiseInstance,
    /// A class with a fraction of its training images
    Starved,
    /// A class whose training images come several times
    Oversampled,
    /// A white patch on 95 % of a class's training images
    Patch,
    /// 5 % of a class's test images turned by 90 degrees
    Rotated,
    /// A part of a class left out of training
    Dropped,
    /// Errors drawn more often for images with two properties in common
    Slice,
    /// Training images among the test images, unchanged
    ExactDuplicate,
    /// Training images among the test images, shifted, mirrored, noisy or lighter
    NearDuplicate,
    /// Calibrated probabilities made too sure or not sure enough
    Temperature,
    /// Outputs in another order
    ClassOrder,
    /// Nothing at all
    Null,
}

impl Plant {
    /// As typed.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Runs the verb.
pub fn run(verb: &SelfTest, global: &Global) -> Outcome {
    let began = Instant::now();
    let seeds = verb.seeds.unwrap_or(if verb.quick { 1 } else { SEEDS });
    if seeds == 0 {
        return Err(Stop::problem(
            "--seeds: expected at least 1, found 0",
            Some("leave it out for the usual number".to_owned()),
        ));
    }
    let wanted: Vec<Plant> = Plant::value_variants()
        .iter()
        .copied()
        .filter(|plant| verb.only.is_empty() || verb.only.contains(plant))
        .collect();
    let pool = pool::choose(verb.data.as_deref(), verb.quick, global)?;
    let scale = if verb.quick { Scale::QUICK } else { Scale::FULL };
    let bench = Bench { pool, scale, isa: instructions()? };
    let mut stages = Stages::new(global.quiet);
    let trials = threads(global)?.run(|| -> Result<Vec<Trial>, Stop> {
        let mut trials = Vec::new();
        for seed in verb.seed..verb.seed + seeds {
            let name = |what: &str| format!("seed {seed}: {what}");
            let base = stages.run(&name("model"), 1, |_| bench.base(seed))?;
            for &plant in &wanted {
                trials.extend(stages.run(&name(&plant.name()), 1, |_| plants::run(plant, &bench, &base))?);
            }
        }
        Ok(trials)
    })?;
    let report = Report::of(&bench, verb.seed, seeds, &wanted, trials, began.elapsed().as_secs_f64());
    print(|out| {
        if global.json {
            return writeln!(out, "{}", serde_json::to_string(&report).expect("plain data"));
        }
        out.write_all(text::report(&report).as_bytes())
    })?;
    let missed: Vec<String> =
        report.floors.iter().filter(|floor| !floor.met).map(|floor| floor.to_string()).collect();
    if missed.is_empty() {
        Ok(())
    } else {
        Err(Stop::failed(format!("selftest: {}", missed.join("\nselftest: "))))
    }
}
