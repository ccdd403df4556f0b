//! `seamripper eval`: the per-class report of a model, or of a table of predictions made anywhere.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use seamripper_core::digits::thousands;
use seamripper_core::fail::statistics::exact_test::binomial_at_least;
use seamripper_core::fail::{Evaluation, Paired, evaluate};
use seamripper_core::sample::Split;
use serde::Serialize;

use crate::args::Global;
use crate::diag::{Outcome, Stop, print, tell};
use crate::eval_model::{How, Seen, predict_model};
use crate::eval_text::{Style, print_report};
use crate::predictions_source::{self, of_split};

#[cfg(test)]
mod tests;

/// Arguments of `eval`.
#[derive(Debug, Args)]
#[command(
    override_usage = "seamripper eval [OPTIONS] MODEL\n       seamripper eval [OPTIONS] --predictions FILE"
)]
pub struct Eval {
    /// A run folder or a model file
    #[arg(conflicts_with = "predictions", value_name = "MODEL")]
    pub model: Option<String>,
    /// A table of predictions (CSV, Parquet or NPZ) to evaluate in place of a model
    #[arg(long, value_name = "FILE")]
    pub predictions: Option<PathBuf>,
    /// Take the scores of the table for logits, whatever its columns are called
    #[arg(long, requires = "predictions")]
    pub logits: bool,
    /// Images to predict [default: the data of the run]
    #[arg(long, value_name = "SOURCE")]
    pub data: Option<String>,
    /// Part of the data to evaluate [default: test]
    #[arg(long, value_enum, value_name = "SPLIT")]
    pub split: Option<SplitName>,
    /// Round the factors of products to bf16 (8 bits), and say what that changes; twice as fast on a CPU with AVX-512 BF16
    #[arg(long, conflicts_with = "predictions")]
    pub bf16: bool,
    /// Test-time augmentation: average the probabilities of an image and its mirror image (flip), of the two moved by a pixel to all sides
    /// (shift), or of all ten (flip,shift), and say what that changes
    #[arg(long, value_enum, value_name = "VIEWS", value_delimiter = ',', conflicts_with_all = ["predictions", "bf16"])]
    pub tta: Vec<Seen>,
    /// Write the JSON document to this file too
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// A split, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SplitName {
    /// What the weights were fitted on
    Train,
    /// What choices were made on
    Validation,
    /// What neither has seen
    Test,
}

impl From<SplitName> for Split {
    fn from(name: SplitName) -> Self {
        match name {
            SplitName::Train => Self::Train,
            SplitName::Validation => Self::Validation,
            SplitName::Test => Self::Test,
        }
    }
}

/// Runs the verb.
pub fn run(verb: &Eval, global: &Global) -> Outcome {
    let (predictions, plain) = match (&verb.predictions, &verb.model) {
        (Some(file), _) => {
            if verb.data.is_some() && !global.quiet {
                tell("note: --data is not read: a table of predictions holds its own labels");
            }
            let table = predictions_source::read(file, verb.logits)?;
            (of_split(table, verb.split.map(Split::from), file, global.quiet)?, None)
        }
        (None, Some(model)) => {
            let split = verb.split.map(Split::from);
            let how = How { bf16: verb.bf16, views: &verb.tta };
            let predicted = predict_model(model, verb.data.as_deref(), split, how, global)?;
            (predicted.table, predicted.plain)
        }
        (None, None) => {
            let hint = "seamripper eval runs/NAME, or seamripper eval --predictions FILE";
            return Err(Stop::problem(
                "eval: expected a MODEL or --predictions FILE, found neither",
                Some(hint.into()),
            ));
        }
    };
    let evaluation = evaluate(&predictions);
    if let Some(model) = verb.model.as_deref().filter(|_| !global.quiet) {
        no_better_than_chance(&evaluation, model, verb.data.as_deref()).into_iter().for_each(tell);
    }
    let changed = plain.map(|plain| Paired::of(&plain, &predictions));
    let document = match changed {
        None => document(&evaluation),
        Some(changed) => {
            let [bf16, tta] = [verb.bf16, !verb.tta.is_empty()].map(|asked| asked.then_some(changed));
            serde_json::to_string(&Changed { evaluation: &evaluation, bf16, tta }).expect("plain data")
        }
    };
    if let Some(file) = &verb.out {
        write_document(&document, file)?;
    }
    print(|out| {
        if global.json {
            return writeln!(out, "{document}");
        }
        print_report(&evaluation, out, Style::for_stdout())?;
        let way = if verb.bf16 {
            "bf16 in place of float32"
        } else {
            "views averaged, in place of the image alone"
        };
        changed.iter().try_for_each(|changed| print_changed(way, changed, out))
    })
}

/// Called better than chance if that is not chance at this level.
const LEVEL: f64 = 0.05;

/// What to do about a model that calls no more images rightly than always saying the most frequent class would: an exact binomial
/// test. Its images are probably not prepared as those that it was trained on.
fn no_better_than_chance(evaluation: &Evaluation, model: &str, data: Option<&str>) -> Option<String> {
    let most = evaluation.classes.iter().map(|class| class.actual).max()?;
    let right = (0..evaluation.classes.len()).map(|class| evaluation.confusion[class][class]).sum();
    let chance = most as f64 / evaluation.n.max(1) as f64;
    let p = binomial_at_least(right, evaluation.n, chance);
    // one class alone is always said rightly by saying it
    if chance >= 1.0 || p <= LEVEL {
        return None;
    }
    let data = data.map(|data| format!(" --data {data}")).unwrap_or_default();
    Some(format!(
        "hint: {:.1} % of {} images are right, and always saying one class would make it {:.1} % (p = {p:.2}): \
         `seamripper doctor --model {model}{data}` finds out whether the images are prepared as those the model was trained on",
        100.0 * evaluation.accuracy,
        thousands(evaluation.n),
        100.0 * chance
    ))
}

/// `eval.json` of a model run in another way than plainly, with what that changed.
#[derive(Serialize)]
struct Changed<'a> {
    #[serde(flatten)]
    evaluation: &'a Evaluation,
    #[serde(skip_serializing_if = "Option::is_none")]
    bf16: Option<Paired>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tta: Option<Paired>,
}

/// Says what a `way` of running the model changed.
fn print_changed(way: &str, paired: &Paired, out: &mut impl Write) -> io::Result<()> {
    let Paired { n, changed, gained, lost, difference, difference_ci: [low, high], p } = paired;
    let points = |x: f64| format!("{}{:.2}", if x < -0.005 / 100.0 { "-" } else { "+" }, 100.0 * x.abs());
    writeln!(
        out,
        "  {way}: accuracy {} points [{}, {}], {} of {} images are called otherwise \
         ({gained} became right, {lost} wrong, p = {p:.2})",
        points(*difference),
        points(*low),
        points(*high),
        thousands(*changed),
        thousands(*n),
    )
}

/// The document of `--json` and `eval.json`.
pub fn document(evaluation: &Evaluation) -> String {
    serde_json::to_string(evaluation).expect("an evaluation is plain data with string keys")
}

/// Writes `eval.json`: to a temporary name beside `file`, then renamed, so that no half document is ever there.
pub fn write_document(document: &str, file: &Path) -> Outcome {
    let mut partial = file.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let written = File::create(&partial)
        .and_then(|mut out| {
            writeln!(out, "{document}")?;
            out.sync_all()
        })
        .and_then(|()| fs::rename(&partial, file));
    written.map_err(|error| {
        // what is left of a failed write is of no use; that it cannot be removed either changes nothing
        let _ = fs::remove_file(&partial);
        let hint = (error.kind() == io::ErrorKind::NotFound)
            .then(|| "the folder must exist: create it first".to_owned());
        Stop::problem(format!("eval document {}: expected to write it, found: {error}", file.display()), hint)
    })
}
