//! The report as text.

use std::fmt::Write;

use super::trial::{Report, Row};

/// A table of plants, what else there is to say about misses, and the floors.
pub fn report(report: &Report) -> String {
    let mut out = String::new();
    let seeds = if report.seeds == 1 {
        format!("seed {}", report.seed)
    } else {
        format!("seeds {} to {}", report.seed, report.seed + report.seeds - 1)
    };
    let _ = writeln!(out, "Failures planted in {}, {seeds}: what an audit finds", report.data);
    let names: Vec<String> =
        report.plants.iter().map(|row| format!("{}, {}", row.plant.name(), row.setting)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(5);
    let _ = writeln!(
        out,
        "\n  {:width$}  {:>9}  {:>9}  {:>5}  {:>12}  {:>8}  {:>7}",
        "plant", "found", "first", "worst", "false alarms", "measured", "seconds"
    );
    for (row, name) in report.plants.iter().zip(&names) {
        let _ = writeln!(out, "  {name:width$}  {}", cells(row));
    }
    let mut told: Vec<&str> = Vec::new();
    let _ = writeln!(out, "\nMeasured, for each plant");
    for row in &report.plants {
        let name = row.plant.measure();
        if !told.contains(&name) {
            told.push(name);
            let of: Vec<String> = {
                let mut plants: Vec<_> =
                    report.plants.iter().filter(|r| r.plant.measure() == name).map(|r| r.plant).collect();
                plants.dedup();
                plants.into_iter().map(super::Plant::name).collect()
            };
            let _ = writeln!(out, "  {}: {name}", of.join(", "));
        }
    }
    let missed: Vec<_> = report.trials.iter().filter(|trial| !trial.found).collect();
    if !missed.is_empty() {
        let _ = writeln!(out, "\nMissed, or said though nothing was planted");
        for trial in missed {
            let _ = writeln!(
                out,
                "  {}, {}, seed {}: {}",
                trial.plant.name(),
                trial.setting,
                trial.seed,
                trial.said
            );
        }
    }
    let _ = writeln!(out, "\nFloors");
    for floor in &report.floors {
        let verdict = if floor.met { "kept  " } else { "MISSED" };
        let bound = if floor.at_least { "at least" } else { "at most" };
        let _ = writeln!(
            out,
            "  {verdict}  {}: {:.3}, {bound} {:.2} ({} trials)",
            floor.what, floor.reached, floor.bound, floor.trials
        );
    }
    let _ = writeln!(out, "\n  {:.0} s in all", report.seconds);
    out
}

fn cells(row: &Row) -> String {
    let of = |count: usize| format!("{count} of {}", row.trials);
    let worst = row.worst_rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string());
    let first = if row.worst_rank.is_some() { of(row.first) } else { "-".to_owned() };
    format!(
        "{:>9}  {first:>9}  {worst:>5}  {:>12}  {:>8.3}  {:>7.1}",
        of(row.found),
        row.false_alarms,
        row.measure,
        row.seconds
    )
}
