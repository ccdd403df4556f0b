//! What became of each plant, and all of it together: `seamripper.selftest/1`.

use serde::Serialize;

use super::Plant;
use super::bench::Bench;
use super::floors::{Floor, floors};

/// One plant in one setting with one seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// What was planted.
    pub plant: Plant,
    /// How much of it, or where.
    pub setting: String,
    /// The seed.
    pub seed: u64,
    /// Whether it was found: [`super::plants`] says when, plant by plant.
    pub found: bool,
    /// Place of the culprit among the findings of its kind, counted from 1.
    pub rank: Option<usize>,
    /// What was confirmed, or flagged, besides what was planted.
    pub false_alarms: usize,
    /// What was confirmed, or flagged, in all.
    pub confirmed: usize,
    /// The plant's own number: [`Plant::measure`].
    pub measure: f64,
    /// What was said first, or what was missed.
    pub said: String,
    /// Time, training included.
    pub seconds: f64,
}

impl Plant {
    /// What [`Trial::measure`] is.
    pub fn measure(self) -> &'static str {
        match self {
            Self::NoiseSymmetric | Self::NoisePair | Self::NoiseInstance => "F1 of the flags",
            Self::Starved | Self::Oversampled => "bias of the class",
            Self::Patch => "weakest of the lower ends: turned, beyond elsewhere, associated",
            Self::Rotated | Self::Dropped | Self::Slice => "share of the slice that is covered",
            Self::ExactDuplicate | Self::NearDuplicate => "share of the copies found",
            Self::Temperature => "temperature, of the planted one",
            Self::ClassOrder => "gain of accuracy",
            Self::Null => "confirmed findings",
        }
    }
}

/// A plant in one setting over all seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What was planted.
    pub plant: Plant,
    /// How much of it, or where.
    pub setting: String,
    /// Trials.
    pub trials: usize,
    /// Those in which it was found.
    pub found: usize,
    /// Those in which it came first.
    pub first: usize,
    /// The last place it came in, where it came at all.
    pub worst_rank: Option<usize>,
    /// Sum over trials.
    pub false_alarms: usize,
    /// Sum over trials.
    pub confirmed: usize,
    /// Mean over trials.
    pub measure: f64,
    /// Mean over trials.
    pub seconds: f64,
}

/// `selftest --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `seamripper.selftest/1`.
    pub schema: &'static str,
    /// What was planted in.
    pub data: String,
    /// Whether this was a quick one.
    pub quick: bool,
    /// The first seed.
    pub seed: u64,
    /// How many.
    pub seeds: u64,
    /// What had to be reached.
    pub floors: Vec<Floor>,
    /// A row a plant and setting.
    pub plants: Vec<Row>,
    /// Time in all.
    pub seconds: f64,
    /// Every trial.
    pub trials: Vec<Trial>,
}

impl Report {
    /// Adds the trials up.
    pub fn of(
        bench: &Bench,
        seed: u64,
        seeds: u64,
        wanted: &[Plant],
        trials: Vec<Trial>,
        seconds: f64,
    ) -> Self {
        Self {
            schema: "seamripper.selftest/1",
            data: bench.pool.name.clone(),
            quick: bench.scale.quick,
            seed,
            seeds,
            floors: floors(&trials, wanted, bench.scale.quick),
            plants: rows(&trials),
            seconds,
            trials,
        }
    }
}

fn rows(trials: &[Trial]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for trial in trials {
        let same = |row: &Row| row.plant == trial.plant && row.setting == trial.setting;
        if !rows.iter().any(same) {
            let of: Vec<&Trial> =
                trials.iter().filter(|t| t.plant == trial.plant && t.setting == trial.setting).collect();
            let n = of.len() as f64;
            rows.push(Row {
                plant: trial.plant,
                setting: trial.setting.clone(),
                trials: of.len(),
                found: of.iter().filter(|t| t.found).count(),
                first: of.iter().filter(|t| t.rank == Some(1)).count(),
                worst_rank: of.iter().filter_map(|t| t.rank).max(),
                false_alarms: of.iter().map(|t| t.false_alarms).sum(),
                confirmed: of.iter().map(|t| t.confirmed).sum(),
                measure: of.iter().map(|t| t.measure).sum::<f64>() / n,
                seconds: of.iter().map(|t| t.seconds).sum::<f64>() / n,
            });
        }
    }
    rows.sort_by_key(|row| row.plant);
    rows
}
