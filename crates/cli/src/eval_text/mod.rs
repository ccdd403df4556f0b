//! An evaluation as text: classes first, the one with most errors on top, accuracy last.
//!
//! *Idea*: the order of the page is the order in which to look. The table says which classes fail; the sentences say how,
//! for the classes where it is not chance; the matrix shows between which classes. Accuracy comes last, because one
//! number hides all of that. Nothing is said by color alone: what is colored has a sign or a number as well.

mod matrix;
mod style;
mod table;
#[cfg(test)]
mod tests;
mod words;

use std::io::{self, Write};

use seamripper_core::digits::thousands;
use seamripper_core::fail::Evaluation;

pub use style::Style;
use words::percent;
pub use words::{left, printable, right, shortened, width, wrapped};

/// Said in place of sentences if no class is flagged.
const NOTHING_STANDS_OUT: &str =
    "No class is predicted too often or too seldom by 5 % or more beyond chance.";

/// Prints the per-class report.
pub fn print_report(evaluation: &Evaluation, out: &mut impl Write, style: Style) -> io::Result<()> {
    table::print(evaluation, out, style)?;
    print_sentences(evaluation, out, style)?;
    if !matrix::print(evaluation, out, style)? {
        matrix::print_pairs(evaluation, out, style)?;
    }
    print_scores(evaluation, out, style)
}

fn print_sentences(evaluation: &Evaluation, out: &mut impl Write, style: Style) -> io::Result<()> {
    writeln!(out, "\n{}", style.title("What stands out"))?;
    if !evaluation.classes.iter().any(|class| class.flagged) {
        writeln!(out, "  {NOTHING_STANDS_OUT}")?;
    }
    for sentence in &evaluation.sentences {
        for (row, line) in wrapped(sentence, style.width.saturating_sub(4)).iter().enumerate() {
            writeln!(out, "  {} {line}", if row == 0 { "-" } else { " " })?;
        }
    }
    Ok(())
}

/// Accuracy with its interval: `91.66 % [91.10–92.19]`.
pub fn accuracy(evaluation: &Evaluation) -> String {
    let [low, high] = evaluation.accuracy_ci;
    format!("{} % [{}–{}]", percent(evaluation.accuracy, 2), percent(low, 2), percent(high, 2))
}

fn print_scores(evaluation: &Evaluation, out: &mut impl Write, style: Style) -> io::Result<()> {
    writeln!(out, "\n{}", style.title("All classes together"))?;
    writeln!(
        out,
        "  accuracy {} of {} {}",
        accuracy(evaluation),
        thousands(evaluation.n),
        if evaluation.n == 1 { "image" } else { "images" },
    )?;
    writeln!(
        out,
        "  log loss {:.4}, Brier score {:.4}, calibration error (ECE) {} %",
        evaluation.log_loss,
        evaluation.brier,
        percent(evaluation.ece, 2),
    )
}
