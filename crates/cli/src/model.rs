//! `seamripper model`.

use clap::Args;

use crate::args::Global;
use crate::diag::{Outcome, Stop};

/// Arguments of `model`.
#[derive(Debug, Args)]
pub struct Model {}

/// Runs the verb.
pub fn run(_verb: &Model, _global: &Global) -> Outcome {
    Err(Stop::problem("model is being written", None))
}
