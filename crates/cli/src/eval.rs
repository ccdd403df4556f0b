//! `seamripper eval`.

use clap::Args;

use crate::args::Global;
use crate::diag::{Outcome, Stop};

/// Arguments of `eval`.
#[derive(Debug, Args)]
pub struct Eval {}

/// Runs the verb.
pub fn run(_verb: &Eval, _global: &Global) -> Outcome {
    Err(Stop::problem("eval is being written", None))
}
