//! `seamripper train`.

use clap::Args;

use crate::args::Global;
use crate::diag::{Outcome, Stop};

/// Arguments of `train`.
#[derive(Debug, Args)]
pub struct Train {}

/// Runs the verb.
pub fn run(_verb: &Train, _global: &Global) -> Outcome {
    Err(Stop::problem("train is being written", None))
}
