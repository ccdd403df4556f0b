//! What the trainings of one call share.

use seamripper_kernels::{Instructions, parallel::Threads};

use super::interrupt::Interrupt;
use super::progress::Progress;

/// What the trainings of one call share.
#[derive(Debug)]
pub struct Session<'a> {
    /// The instruction set.
    pub isa: Instructions,
    /// All threads of the call.
    pub threads: &'a Threads,
    /// Where progress goes.
    pub progress: &'a Progress,
    /// Whether to stop.
    pub interrupt: &'a Interrupt,
}
