//! The table at the end of a sweep, and what it is worth.

use std::io::{self, Write};

use seamripper_core::digits::thousands;
use seamripper_core::fail::spread::Band;

use super::document::{Document, Setting, State};
use crate::eval_text::{Style, left, right, shortened, width};

/// Columns of a value, and of a class name, at most.
const VALUE_MOST: usize = 28;
const CLASS_MOST: usize = 16;

/// Prints it.
pub fn print(document: &Document, out: &mut impl Write, style: Style) -> io::Result<()> {
    let keys = keys(document);
    let mut rows = vec![head(&keys)];
    rows.extend((1..).zip(&document.settings).map(|(rank, setting)| row(rank, setting, keys.len())));
    let columns = rows[0].len();
    let widths: Vec<_> =
        (0..columns).map(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0)).collect();
    for (number, row) in rows.iter().enumerate() {
        // the rank is a number, the settings' values and what stands last are words
        let cell = |column: usize| match column {
            column if column == 0 || (column > keys.len() && column + 1 < columns) => {
                right(&row[column], widths[column])
            }
            column => left(&row[column], widths[column]),
        };
        let line = (0..columns).map(cell).collect::<Vec<_>>().join("  ");
        match number {
            0 => writeln!(out, "{}", style.title(line.trim_end()))?,
            _ => writeln!(out, "{}", line.trim_end())?,
        }
    }
    worth(document, out)
}

/// What the accuracies mean, and how to go on.
fn worth(document: &Document, out: &mut impl Write) -> io::Result<()> {
    let Document { settings, seeds, validation_images, sweep, .. } = document;
    let n = validation_images.unwrap_or(0);
    write!(out, "\nJudged by {} validation images", thousands(n))?;
    match seeds.len() {
        1 => writeln!(out, " and one seed. No test image was looked at.")?,
        seeds => writeln!(out, " a run, mean ± sd over {seeds} seeds. No test image was looked at.")?,
    }
    let best = &settings[0];
    let (Some(accuracy), true) = (best.accuracy, n > 0) else {
        return writeln!(out, "Every setting has diverged: try lower rates.\n\nsweep folder: {sweep}");
    };
    let error = (accuracy.mean * (1.0 - accuracy.mean) / n as f64).sqrt();
    let near = |setting: &&Setting| {
        let near = setting.accuracy.is_some_and(|one| (accuracy.mean - one.mean).abs() <= error);
        near && setting.state() == Some(State::Finished)
    };
    writeln!(
        out,
        "An accuracy of {:.2} % on so many images has a standard error of {:.2} points; {} within that of the first.",
        100.0 * accuracy.mean,
        100.0 * error,
        match settings.iter().skip(1).filter(near).count() {
            0 => "no other finished setting is".to_owned(),
            1 => "one other finished setting is".to_owned(),
            others => format!("{others} other finished settings are"),
        }
    )?;
    let run = match seeds[..] {
        [_] => best.folder.clone(),
        [first, ..] => format!("{}/seed-{first}", best.folder),
        [] => unreachable!("a sweep has a seed"),
    };
    let changes: Vec<_> = best.changes.iter().map(|change| quoted(change)).collect();
    writeln!(
        out,
        "To be first of {} takes some luck: only the test images, looked at once, say what it is worth.",
        settings.len()
    )?;
    writeln!(out, "\n  seamripper eval {run} --split test")?;
    if !changes.is_empty() {
        writeln!(out, "  seamripper train RECIPE {}", changes.join(" "))?;
    }
    writeln!(out, "\nsweep folder: {sweep}")
}

/// The keys that are tried: their last part, or all of it where two have the same.
fn keys(document: &Document) -> Vec<String> {
    let full: Vec<_> = document.settings[0].changes.iter().map(|change| split(change).0).collect();
    full.iter().map(|key| short(key, &full).to_owned()).collect()
}

/// The last part of a key, if it is no other key's.
pub fn short<'k>(key: &'k str, all: &[&str]) -> &'k str {
    let last = |key: &'k str| key.rsplit('.').next().unwrap_or(key);
    let same = all.iter().filter(|other| other.rsplit('.').next() == Some(last(key))).count();
    if same > 1 { key } else { last(key) }
}

/// A change as its key and its value.
pub fn split(change: &str) -> (&str, &str) {
    change.split_once('=').unwrap_or((change, ""))
}

fn head(keys: &[String]) -> Vec<String> {
    let mut cells = vec!["#".to_owned()];
    cells.extend(keys.iter().cloned());
    cells.extend(["accuracy %", "loss", "worst recall %", "epochs", ""].map(str::to_owned));
    cells
}

fn row(rank: usize, setting: &Setting, keys: usize) -> Vec<String> {
    let mut cells = vec![rank.to_string()];
    let values = setting.changes.iter().map(|change| shortened(split(change).1, VALUE_MOST));
    cells.extend(values.take(keys));
    cells.push(band(setting.accuracy.as_ref(), 100.0, 2));
    cells.push(band(setting.loss.as_ref(), 1.0, 4));
    cells.push(worst(setting));
    cells.push(setting.epochs().to_string());
    cells.push(
        match setting.state() {
            Some(State::Stopped) => "stopped",
            Some(State::Diverged) => "diverged",
            Some(State::Finished) | None => "",
        }
        .to_owned(),
    );
    cells
}

/// The lowest recall of all its runs, and of which class.
fn worst(setting: &Setting) -> String {
    let of = |run: &super::document::Trial| Some((run.worst_class.clone()?, run.worst_recall?));
    let lowest = setting.runs.iter().filter_map(of).min_by(|a, b| a.1.total_cmp(&b.1));
    lowest.map_or_else(
        || "–".to_owned(),
        |(class, recall)| format!("{} {:.1}", shortened(&class, CLASS_MOST), 100.0 * recall),
    )
}

fn band(band: Option<&Band>, unit: f64, decimals: usize) -> String {
    match band {
        None => "–".to_owned(),
        Some(Band { mean, sd: Some(sd), .. }) => {
            format!("{:.decimals$} ± {:.decimals$}", unit * mean, unit * sd)
        }
        Some(Band { mean, .. }) => format!("{:.decimals$}", unit * mean),
    }
}

/// As it is typed in a shell.
fn quoted(change: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+=/:,".contains(c);
    if change.chars().all(plain) { change.to_owned() } else { format!("'{}'", change.replace('\'', r"'\''")) }
}
