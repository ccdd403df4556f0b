//! What a selftest has to reach. A floor that is missed is exit code 1.

use std::fmt;

use serde::Serialize;

use super::Plant;
use super::plants::patch::CLEAN;
use super::trial::Trial;

/// One floor, or ceiling.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Floor {
    /// Of what, in words.
    pub what: String,
    /// What was reached.
    pub reached: f64,
    /// The bound.
    pub bound: f64,
    /// Whether the bound is the least that will do; else the most.
    pub at_least: bool,
    /// Whether it was kept.
    pub met: bool,
    /// Trials behind it.
    pub trials: usize,
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = if self.at_least { "at least" } else { "at most" };
        write!(
            f,
            "{}: expected {bound} {:.2}, found {:.2} in {} trials",
            self.what, self.bound, self.reached, self.trials
        )
    }
}

impl Floor {
    fn least(what: &str, bound: f64, reached: f64, trials: usize) -> Self {
        Self { what: what.to_owned(), reached, bound, at_least: true, met: reached >= bound, trials }
    }

    fn most(what: &str, bound: f64, reached: f64, trials: usize) -> Self {
        Self { what: what.to_owned(), reached, bound, at_least: false, met: reached <= bound, trials }
    }
}

/// Share of planted slices that are found: over all seeds, and in the four trials of a quick selftest, one of which may be missed.
const SLICES_FOUND: [f64; 2] = [0.8, 0.75];

/// The floors of the plants that were wanted.
pub fn floors(trials: &[Trial], wanted: &[Plant], quick: bool) -> Vec<Floor> {
    let mut floors = Vec::new();
    let has = |plant: Plant| wanted.contains(&plant);
    let of =
        |plants: &[Plant]| -> Vec<&Trial> { trials.iter().filter(|t| plants.contains(&t.plant)).collect() };
    let share = |of: &[&Trial], is: fn(&Trial) -> bool| {
        of.iter().filter(|trial| is(trial)).count() as f64 / of.len().max(1) as f64
    };
    let noise = of(&[Plant::NoiseSymmetric, Plant::NoisePair, Plant::NoiseInstance]);
    let strong: Vec<&Trial> = noise.into_iter().filter(|trial| !trial.setting.starts_with("1 %")).collect();
    if !strong.is_empty() {
        floors.push(Floor::least(
            "label noise of 5 % and more found",
            0.8,
            share(&strong, |t| t.found),
            strong.len(),
        ));
    }
    let balance = of(&[Plant::Starved, Plant::Oversampled]);
    if !balance.is_empty() {
        let (caused, first) = (share(&balance, |t| t.found), share(&balance, |t| t.rank == Some(1)));
        floors.push(Floor::least(
            "starved or oversampled class named first of those with a cause",
            0.95,
            caused,
            balance.len(),
        ));
        floors.push(Floor::least("the same class first of all findings of bias", 0.5, first, balance.len()));
    }
    if has(Plant::Patch) {
        let patches = of(&[Plant::Patch]);
        let [clean, planted]: [Vec<&Trial>; 2] = [true, false]
            .map(|clean| patches.iter().copied().filter(|t| (t.setting == CLEAN) == clean).collect());
        let scores = |of: &[&Trial]| of.iter().map(|trial| trial.measure).collect::<Vec<f64>>();
        floors.push(Floor::least(
            "patch against clean models, AUROC",
            0.95,
            auroc(&scores(&planted), &scores(&clean)),
            patches.len(),
        ));
        floors.push(Floor::least("patch found", 0.9, share(&planted, |t| t.found), planted.len()));
    }
    let slices = of(&[Plant::Rotated, Plant::Dropped, Plant::Slice]);
    if !slices.is_empty() {
        floors.push(Floor::least(
            "planted slices found",
            SLICES_FOUND[usize::from(quick)],
            share(&slices, |t| t.found),
            slices.len(),
        ));
    }
    if has(Plant::Slice) {
        let drawn = of(&[Plant::Slice]);
        let (alarms, confirmed) =
            drawn.iter().fold((0, 0), |(a, c), trial| (a + trial.false_alarms, c + trial.confirmed));
        floors.push(Floor::most(
            "confirmed slices that are false",
            0.1,
            alarms as f64 / confirmed.max(1) as f64,
            drawn.len(),
        ));
    }
    for (plant, what, bound) in [
        (Plant::ExactDuplicate, "exact duplicates found", 1.0),
        (Plant::NearDuplicate, "near duplicates found", 0.9),
    ] {
        let of = of(&[plant]);
        if !of.is_empty() {
            let least = of.iter().map(|trial| trial.measure).sum::<f64>() / of.len() as f64;
            floors.push(Floor::least(what, bound, least, of.len()));
        }
    }
    let temperatures = of(&[Plant::Temperature]);
    if !temperatures.is_empty() {
        let worst = temperatures.iter().map(|trial| (trial.measure - 1.0).abs()).fold(0.0, f64::max);
        floors.push(Floor::most(
            "planted temperature, largest relative error",
            0.02,
            worst,
            temperatures.len(),
        ));
    }
    let orders = of(&[Plant::ClassOrder]);
    if !orders.is_empty() {
        floors.push(Floor::least("class order named", 1.0, share(&orders, |t| t.found), orders.len()));
    }
    let nulls = of(&[Plant::Null]);
    if !nulls.is_empty() {
        floors.push(Floor::most(
            "null runs with a confirmed finding",
            0.1,
            share(&nulls, |t| t.confirmed > 0),
            nulls.len(),
        ));
    }
    floors
}

/// The chance that a planted model scores higher than a clean one, ties counting half (Hanley & McNeil 1982, Radiology 143, 29–36).
fn auroc(planted: &[f64], clean: &[f64]) -> f64 {
    let pairs = planted.iter().flat_map(|p| clean.iter().map(move |c| (p, c)));
    let won: f64 = pairs
        .map(|(p, c)| {
            if p > c {
                1.0
            } else if p == c {
                0.5
            } else {
                0.0
            }
        })
        .sum();
    won / (planted.len() * clean.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auroc_counts_pairs() {
        assert_eq!(auroc(&[2.0, 3.0], &[1.0, 1.5]), 1.0);
        assert_eq!(auroc(&[1.0], &[1.0]), 0.5);
        assert_eq!(auroc(&[1.0, 3.0], &[2.0]), 0.5);
        assert_eq!(auroc(&[], &[2.0]), 0.0);
    }

    fn trial(plant: Plant, found: bool, rank: Option<usize>) -> Trial {
        Trial {
            plant,
            setting: String::new(),
            seed: 0,
            found,
            rank,
            false_alarms: 0,
            confirmed: usize::from(found),
            measure: 1.0,
            said: String::new(),
            seconds: 0.0,
        }
    }

    #[test]
    fn a_floor_is_missed_by_what_is_missed() {
        let met = |trials: &[Trial]| floors(trials, &[], false).iter().all(|floor| floor.met);
        let starved = |rank| trial(Plant::Starved, rank == 1, Some(rank));
        assert!(met(&[starved(1)]));
        assert!(!met(&[starved(1), starved(2)]));
        assert!(!met(&[trial(Plant::ClassOrder, false, None)]));
        assert!(!met(&[trial(Plant::Null, true, None)]));
        let missed = floors(&[starved(1), starved(2)], &[], false);
        assert_eq!(
            missed[0].to_string(),
            "starved or oversampled class named first of those with a cause: expected at least 0.95, found 0.50 in 2 trials"
        );
    }
}
