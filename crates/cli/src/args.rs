//! What can be typed.

use clap::{Args as ClapArgs, Parser, Subcommand};

/// Trains image classifiers, shows what every filter sees, and finds where a model fails.
#[derive(Debug, Parser)]
#[command(name = "seamripper", version, propagate_version = true)]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options every verb takes.
#[derive(Clone, Debug, ClapArgs)]
pub struct Global {
    /// Print one JSON document on stdout and nothing else there
    #[arg(long, global = true)]
    pub json: bool,
    /// Print no progress
    #[arg(long, global = true)]
    pub quiet: bool,
    /// Threads to use [default: all cores]; the result does not depend on it
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<usize>,
}

impl Global {
    /// How many threads there are, for what has threads of its own.
    pub fn thread_count(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into))
    }
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Train a recipe and write a run folder
    Train(crate::train::Train),
    /// Train a recipe with several values of its keys, stop the losers early, and say which is best
    Sweep(crate::sweep::Sweep),
    /// Which learning rate to train a recipe with
    LrFind(crate::lr_find::LrFind),
    /// Per-class report of a run's model, or of a table of predictions
    Eval(crate::eval::Eval),
    /// Where a model fails: ranked findings with evidence
    Audit(crate::audit::Audit),
    /// What every filter sees, what it is needed for, which pixels a prediction rests on
    See(crate::see::See),
    /// One HTML file of a run, a model or a table of predictions, with the model alive in it
    Report(crate::report::Report),
    /// Audit a data set before the first epoch
    Data(crate::data::Data),
    /// Layers, output shapes and parameters of a model
    Model(crate::model::Model),
    /// Plant known failures, and say which of them an audit finds
    Selftest(crate::selftest::SelfTest),
    /// Make a model of an ONNX file, or of a recipe and the weights of PyTorch or Keras
    Import(crate::import::Import),
    /// Which preprocessing, and which order of classes, a model was trained with
    Doctor(crate::doctor::Doctor),
    /// Write a model as ONNX (opset 17) or safetensors, or its weights for PyTorch or Keras
    Export(crate::export::Export),
}
