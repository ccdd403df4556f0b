//! `seamripper data`.

use clap::Args;

use crate::args::Global;
use crate::diag::{Outcome, Stop};

/// Arguments of `data`.
#[derive(Debug, Args)]
pub struct Data {}

/// Runs the verb.
pub fn run(_verb: &Data, _global: &Global) -> Outcome {
    Err(Stop::problem("data is being written", None))
}
