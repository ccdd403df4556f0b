//! `seamripper audit`: where a model fails, as ranked findings with evidence.

mod calibrated;
mod claim;
mod files;
mod gathered;
mod progress;
mod text;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use seamripper_core::fail::Kind;
use seamripper_core::fail::audit::{Wants, audit};

use crate::args::Global;
use crate::diag::{Outcome, print};
use crate::eval::SplitName;
use crate::eval_text::Style;
use crate::report::{AtEnd, Report};
use crate::train::threads;
pub use calibrated::NAME as CALIBRATED;
use gathered::Gathered;
use progress::Stages;

/// Arguments of `audit`.
#[derive(Debug, Args)]
#[command(
    override_usage = "seamripper audit [OPTIONS] MODEL…\n       seamripper audit [OPTIONS] --predictions FILE"
)]
pub struct Audit {
    /// A run folder or a model file; with several, the first is audited and the others show what another seed changes
    #[arg(conflicts_with = "predictions", value_name = "MODEL")]
    pub models: Vec<String>,
    /// A table of predictions (CSV, Parquet or NPZ) in place of a model
    #[arg(long, value_name = "FILE")]
    pub predictions: Option<PathBuf>,
    /// Take the scores of tables for logits, whatever their columns are called
    #[arg(long)]
    pub logits: bool,
    /// Images to audit [default: the data of the run]; with --predictions, images found by their ids
    #[arg(long, value_name = "SOURCE")]
    pub data: Option<String>,
    /// Part of the data to audit [default: test]
    #[arg(long, value_enum, value_name = "SPLIT")]
    pub split: Option<SplitName>,
    /// Kinds of finding to look for [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KIND")]
    pub only: Vec<KindName>,
    /// Other images (a source) or a table of predictions of them, to say what has drifted
    #[arg(long, value_name = "DATA")]
    pub against: Option<String>,
    /// Predictions of validation images, to fit scalings and thresholds on [default: those of the run, or of the table]
    #[arg(long, value_name = "FILE")]
    pub validation: Option<PathBuf>,
    /// Out-of-fold predictions, to judge labels by [default: out_of_fold.parquet of the run, or else the audited images]
    #[arg(long, value_name = "FILE")]
    pub out_of_fold: Option<PathBuf>,
    /// Columns about the images (CSV with `id` and others), to look for slices in
    #[arg(long, value_name = "FILE")]
    pub metadata: Option<PathBuf>,
    /// Check a statement about a class: its name and its bias, for instance "Sneaker 1.6"
    #[arg(long, value_name = "CLASS BIAS")]
    pub claim: Vec<String>,
    /// Write calibrated.safetensors too: the model with a temperature, fitted on validation images, in its last layer
    #[arg(long, value_enum, value_name = "METHOD", conflicts_with = "predictions")]
    pub calibrate: Option<Calibrate>,
    /// Precision that thresholds of classes should reach
    #[arg(long, value_name = "SHARE", default_value_t = 0.95)]
    pub precision: f64,
    /// At most this many images are changed to see what the model stands
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub images: usize,
    /// Folder for audit.json, relabel.csv and drop.csv [default: the run folder, or audit here]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Seed of every random draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub at_end: AtEnd,
}

/// A scaling that a model file can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Calibrate {
    /// One number that all logits are divided by
    Temperature,
}

/// A kind of finding, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum KindName {
    /// Classes predicted too often or too seldom, pairs confused one way, top losses
    Bias,
    /// Images with something in common that are wrong more often
    Slice,
    /// Changes of the image that should not matter
    Robustness,
    /// Probabilities that are not what they say, and what abstaining buys
    Calibration,
    /// Labels that are probably wrong
    #[value(alias = "label-error")]
    LabelError,
    /// Images that are there more than once
    Duplicate,
    /// Test images that were trained on
    Leak,
    /// What the model reads that has nothing to do with the class
    Spurious,
    /// Other images that are not like these
    Drift,
    /// Images in another form, or classes in another order, than the model was fitted on
    Preprocessing,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Bias => Self::Bias,
            KindName::Slice => Self::Slice,
            KindName::Robustness => Self::Robustness,
            KindName::Calibration => Self::Calibration,
            KindName::LabelError => Self::LabelError,
            KindName::Duplicate => Self::Duplicate,
            KindName::Leak => Self::Leak,
            KindName::Spurious => Self::Spurious,
            KindName::Drift => Self::Drift,
            KindName::Preprocessing => Self::Preprocessing,
        }
    }
}

/// Runs the verb.
pub fn run(verb: &Audit, global: &Global) -> Outcome {
    let mut wants = wants(verb)?;
    let threads = threads(global)?;
    let gathered = threads.run(|| Gathered::read(verb, &wants, global))?;
    wants.claims = claim::all(&verb.claim, &gathered.predictions.classes)?;
    let mut audited = threads.run(|| {
        let mut stages = Stages::new(global.quiet);
        let audited = audit(gathered.subject(), &wants, &mut |stage| stages.tell(stage));
        stages.finish();
        audited
    });
    gathered.check()?;
    audited.document.subject = gathered.digest();
    let written = files::write(verb, &gathered, &audited)?;
    print(|out| {
        if global.json {
            return out.write_all(written.document.as_bytes());
        }
        text::print(&audited.document, &written, out, Style::for_stdout())
    })?;
    if verb.out.is_some() {
        return Ok(());
    }
    let report = Report {
        model: verb.models.first().map(PathBuf::from),
        predictions: verb.predictions.clone(),
        logits: verb.logits,
        data: verb.data.clone(),
        split: verb.split,
        ..Report::default()
    };
    verb.at_end.write_of(&report, || Ok(gathered.into_given()), global)
}

fn wants(verb: &Audit) -> Result<Wants, crate::diag::Stop> {
    if !(0.0..1.0).contains(&verb.precision) {
        return Err(crate::diag::Stop::problem(
            format!("--precision: expected a share from 0 to below 1, found {}", verb.precision),
            Some("0.95 asks for 95 of 100 right".to_owned()),
        ));
    }
    let kinds = verb.only.iter().map(|&kind| Kind::from(kind));
    let all = Wants::default();
    Ok(Wants {
        kinds: if verb.only.is_empty() { all.kinds.clone() } else { kinds.collect() },
        seed: verb.seed,
        precision: verb.precision,
        changed_most: verb.images.max(1),
        ..all
    })
}
