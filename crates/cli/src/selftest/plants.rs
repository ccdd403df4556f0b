//! What is planted, and when it counts as found. One file an idea; every draw is named by the seed.

use std::time::Instant;

use seamripper_core::fail::audit::{Document, Subject, Wants, audit};
use seamripper_core::fail::finding::{Finding, Kind};

use super::Plant;
use super::bench::{Base, Bench};
use super::trial::Trial;
use crate::diag::Stop;

mod balance;
mod copies;
mod noise;
mod null;
mod outputs;
pub mod patch;
mod slice;

/// Plants one thing in all its settings, audits, and says what became of it.
pub fn run(plant: Plant, bench: &Bench, base: &Base) -> Result<Vec<Trial>, Stop> {
    match plant {
        Plant::NoiseSymmetric | Plant::NoisePair | Plant::NoiseInstance => noise::run(plant, bench, base),
        Plant::Starved | Plant::Oversampled => balance::run(plant, bench, base),
        Plant::Patch => patch::run(bench, base),
        Plant::Rotated => slice::rotated(bench, base),
        Plant::Dropped => slice::dropped(bench, base),
        Plant::Slice => slice::drawn(bench, base),
        Plant::ExactDuplicate | Plant::NearDuplicate => copies::run(plant, bench, base),
        Plant::Temperature => outputs::temperature(bench, base),
        Plant::ClassOrder => outputs::class_order(bench, base),
        Plant::Null => null::run(bench, base),
    }
}

/// Begins a trial: nothing found yet.
fn trial(plant: Plant, setting: impl Into<String>, base: &Base) -> Trial {
    Trial {
        plant,
        setting: setting.into(),
        seed: base.seed,
        found: false,
        rank: None,
        false_alarms: 0,
        confirmed: 0,
        measure: 0.0,
        said: String::new(),
        seconds: 0.0,
    }
}

/// Ends it.
fn timed(began: Instant, trial: Trial) -> Trial {
    Trial { seconds: began.elapsed().as_secs_f64(), ..trial }
}

/// Audits for some kinds.
fn audited(subject: Subject<'_>, kinds: &[Kind], seed: u64) -> Document {
    let wants = Wants { seed, ..Wants::only(kinds.iter().copied()) };
    audit(subject, &wants, &mut |_| {}).document
}

/// The findings of a kind, in their order.
fn of_kind(document: &Document, kind: Kind) -> Vec<&Finding> {
    document.audit.findings.iter().filter(|finding| finding.kind == kind).collect()
}

/// What was said first.
fn first_said(findings: &[&Finding]) -> String {
    findings.first().map_or_else(|| "nothing was said".to_owned(), |finding| finding.title.clone())
}
