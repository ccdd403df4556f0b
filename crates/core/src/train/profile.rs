//! Where the time of training steps goes.

use crate::engine::{Clock, EngineProfile, Meter};

/// The time of training steps, validation images included; nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Steps measured.
    pub steps: u64,
    /// Wall time of the steps and of looking at validation images.
    pub wall: u64,
    /// Wall time of looking at validation images, in which all threads take part.
    pub evaluation: u64,
    /// Thread time of the network, by op.
    pub engine: EngineProfile,
    /// Thread time of making batches: order, changed copies, targets.
    pub batches: u64,
    /// Thread time of counting predictions.
    pub counting: u64,
    /// Thread time of clipping, the optimizer and running statistics.
    pub optimizer: u64,
}

/// What a trainer measures.
#[derive(Debug, Default)]
pub(super) struct Meters {
    first_step: u64,
    pub(super) steps: Meter,
    pub(super) evaluation: Meter,
    pub(super) counting: Meter,
    pub(super) optimizer: Meter,
}

impl Meters {
    pub(super) fn new(clock: Clock, first_step: u64) -> Self {
        let meter = || Meter::new(clock);
        Self { first_step, steps: meter(), evaluation: meter(), counting: meter(), optimizer: meter() }
    }

    pub(super) fn profile(&self, engine: EngineProfile, batches: &Meter, step: u64) -> Profile {
        Profile {
            steps: step - self.first_step,
            wall: self.steps.nanoseconds(),
            evaluation: self.evaluation.nanoseconds(),
            engine,
            batches: batches.nanoseconds(),
            counting: self.counting.nanoseconds(),
            optimizer: self.optimizer.nanoseconds(),
        }
    }
}
