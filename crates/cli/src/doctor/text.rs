//! What the doctor says, to be read.

use std::fmt::Write as _;

use seamripper_core::digits::thousands;
use seamripper_core::fail::doctor::{Comparison, Diagnosis, Measured, Verdict};

use super::document::Told;
use super::outputs::By;

/// Renamed outputs that are listed.
const LISTED: usize = 10;

/// The report.
pub fn report(told: &Told<'_>) -> String {
    let Diagnosis { verdict, current, best, gain, runner_up, ranked, .. } = told.diagnosis;
    let mut out = String::new();
    let choosing = told.diagnosis.choosing;
    line(
        &mut out,
        format_args!(
            "{}: {} of {} images ({} of {}), as many of every class as there are; {} chose, the other {} are counted below\n",
            told.model,
            thousands(choosing + best.n),
            thousands(told.of),
            told.split.name(),
            told.source,
            thousands(choosing),
            thousands(best.n)
        ),
    );
    line(&mut out, format_args!("{}\n", verdict_line(told)));
    line(&mut out, format_args!("  now    {}\n         {}", told.prepared(current), measured(current)));
    if *verdict == Verdict::Other {
        line(&mut out, format_args!("  right  {}\n         {}", told.prepared(best), measured(best)));
        line(&mut out, format_args!("  gain   {}", compared(gain)));
    }
    if let Some((next, against)) = runner_up.as_ref().filter(|_| *verdict != Verdict::Nothing) {
        line(&mut out, format_args!("  next   {}\n         {}", told.prepared(next), measured(next)));
        let apart = if against.tells_apart() {
            "so these images tell it from the one above"
        } else {
            "so these images do not tell it from the one above"
        };
        line(&mut out, format_args!("         against it {}; {apart}", compared(against)));
    }
    line(&mut out, format_args!("\nBy log loss of the {} images that chose:", thousands(choosing)));
    for each in ranked {
        line(
            &mut out,
            format_args!("  {:.4}  {:5.1} %  {}", each.chosen_by, 100.0 * each.accuracy, told.prepared(each)),
        );
    }
    names(&mut out, told);
    end(&mut out, told);
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{text}"); // a String takes everything
}

fn verdict_line(told: &Told<'_>) -> String {
    let Diagnosis { verdict, best, gain, chance, chance_p, .. } = told.diagnosis;
    match verdict {
        Verdict::Current => "The preprocessing is right: no other is better.".to_owned(),
        Verdict::Other if gain.difference > 0.0 => format!(
            "The model was trained with another preprocessing: {:.1} points more are right with it.",
            100.0 * gain.difference
        ),
        Verdict::Other => {
            "The model was probably trained with another preprocessing: its log loss is lower, its accuracy much the same."
                .to_owned()
        }
        Verdict::Nothing => format!(
            "Nothing works: the best of all calls {:.1} % rightly, which is not better than the {:.1} % of always saying one class \
             (exact binomial test, p = {}). The weights, the labels or the size of the images are others than the model's.",
            100.0 * best.accuracy,
            100.0 * chance,
            p_value(*chance_p)
        ),
    }
}

fn measured(of: &Measured) -> String {
    let [low, high] = of.accuracy_ci.map(|end| 100.0 * end);
    format!("accuracy {:.1} % [{low:.1}, {high:.1}], log loss {:.4}", 100.0 * of.accuracy, of.loss)
}

fn compared(of: &Comparison) -> String {
    let [low, high] = of.difference_ci.map(|end| 100.0 * end);
    format!(
        "{:+.1} points [{low:.1}, {high:.1}], {} become right and {} wrong (p = {}), log loss {:+.4} (p = {})",
        100.0 * of.difference,
        thousands(of.gained),
        thousands(of.lost),
        p_value(of.p),
        of.loss_difference,
        p_value(of.loss_p)
    )
}

fn p_value(p: f64) -> String {
    match p {
        p if p >= 0.001 => format!("{p:.3}"),
        p if p < 1e-99 => "below 1e-99".to_owned(),
        p => format!("{p:.0e}"),
    }
}

fn names(out: &mut String, told: &Told<'_>) {
    if told.by == By::Place && told.diagnosis.verdict != Verdict::Nothing {
        let last = told.old.last().map(String::as_str).unwrap_or_default();
        line(
            out,
            format_args!(
                "\nThe model knows none of the {} classes of the data (it has {} to {last}), so images say which output is which.",
                told.data_classes.len(),
                told.old[0]
            ),
        );
    }
    let Some(classes) = told.classes else { return };
    let renamed: Vec<(usize, &String)> =
        classes.iter().enumerate().filter(|&(output, name)| *name != told.old[output]).collect();
    line(out, format_args!("\nOutputs that are called otherwise:"));
    for (output, name) in renamed.iter().take(LISTED) {
        line(out, format_args!("  output {output}, called {}, is {name}", told.old[*output]));
    }
    if renamed.len() > LISTED {
        line(out, format_args!("  and {} more", renamed.len() - LISTED));
    }
}

fn end(out: &mut String, told: &Told<'_>) {
    let changed = told.diagnosis.verdict == Verdict::Other || told.classes.is_some();
    match &told.written {
        Some(file) => {
            line(out, format_args!("\nWritten to {file}."));
            if told.run && std::path::Path::new(file).starts_with(told.model) {
                line(out, format_args!("The predictions and reports of the run are still those of before."));
            }
        }
        None if changed => line(out, format_args!("\n--write FILE.safetensors writes it into the model.")),
        None => {}
    }
}
