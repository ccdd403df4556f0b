//! Where an engine's time goes: thread time by op and direction, beside what each computes and moves.
//!
//! *Idea*: this room has no clock, so one is given ([`Clock`]); without it nothing is measured and nothing allocated. A shard has
//! times of its own ([`Spent`]), which are added up when somebody asks:
//! ```text
//! for each shard, on its thread:     last = clock()
//!     for each op of the block:      run it; now = clock(); spent[op] += now - last; last = now
//! ```
//! Only pieces of work that never wait for other threads are measured, so the sum of all is at most wall time x threads; what is
//! left are threads that had nothing to do.
//!
//! *Exactness*: no result depends on the clock (`profiling_changes_no_bit`).

use std::sync::atomic::{AtomicU64, Ordering};

use super::cost::Cost;

#[cfg(test)]
mod tests;

/// Nanoseconds since any moment; never runs backwards.
pub type Clock = fn() -> u64;

/// Adds up the time of pieces of work, on whatever threads they run; does nothing until it has a clock.
#[derive(Debug, Default)]
pub struct Meter {
    clock: Option<Clock>,
    nanoseconds: AtomicU64,
}

impl Meter {
    /// A meter that runs.
    pub fn new(clock: Clock) -> Self {
        Self { clock: Some(clock), nanoseconds: AtomicU64::new(0) }
    }

    /// Before a piece of work.
    pub fn begin(&self) -> Option<u64> {
        self.clock.map(|clock| clock())
    }

    /// After it, with what [`Meter::begin`] returned.
    pub fn end(&self, began: Option<u64>) {
        if let (Some(clock), Some(began)) = (self.clock, began) {
            self.nanoseconds.fetch_add(clock().saturating_sub(began), Ordering::Relaxed);
        }
    }

    /// Nanoseconds so far.
    pub fn nanoseconds(&self) -> u64 {
        self.nanoseconds.load(Ordering::Relaxed)
    }
}

/// One direction of an op, over everything that was run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassProfile {
    /// Thread time.
    pub nanoseconds: u64,
    /// Floating-point operations, a multiply-add counted as two.
    pub flop: u64,
    /// Whether `flop` is an upper limit: backward through a fused max-pool only the winner of each window is visited, and
    /// only where the ReLU let it through; how many those are is not counted.
    pub at_most: bool,
    /// Bytes of values, gradients and weights, each counted once a pass over it.
    pub bytes: u64,
}

/// One op.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpProfile {
    /// The layers it stands for: `conv1 + relu + max_pool1`, or `out: batch_norm + relu` where one was named `out`.
    pub name: String,
    /// The kind of op: `conv + max_pool`, `conv`, `dense`, `activation`, or the layer's word in a recipe.
    pub kernel: &'static str,
    /// Layers to the logits.
    pub forward: PassProfile,
    /// And back.
    pub backward: PassProfile,
}

/// An engine's time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineProfile {
    /// Images that went forward.
    pub images: u64,
    /// In the network's order.
    pub ops: Vec<OpProfile>,
    /// Thread time of copying images into the shards, nanoseconds; likewise below.
    pub input: u64,
    /// Packing weights.
    pub packing: u64,
    /// Loss and its gradient.
    pub loss: u64,
    /// Clearing the shards' weight gradients and summing them.
    pub summing: u64,
}

pub(super) const FORWARD: usize = 0;
pub(super) const BACKWARD: usize = 1;

/// What a lap was spent on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// An op and its direction.
    Op(usize, usize),
    Input,
    Packing,
    Loss,
    Clearing,
}

/// Nanoseconds of one shard, or of what the shards do together.
#[derive(Clone, Debug, Default)]
pub(super) struct Spent {
    ops: Vec<[u64; 2]>,
    input: u64,
    packing: u64,
    loss: u64,
    clearing: u64,
    /// Images that went forward and backward.
    images: [u64; 2],
    /// And in how many blocks.
    blocks: [u64; 2],
}

impl Spent {
    /// Nothing yet, for `ops` ops.
    pub(super) fn new(ops: usize) -> Self {
        Self { ops: vec![[0; 2]; ops], ..Self::default() }
    }

    fn add(&mut self, other: &Self) {
        for direction in [FORWARD, BACKWARD] {
            for (sum, op) in self.ops.iter_mut().zip(&other.ops) {
                sum[direction] += op[direction];
            }
            self.images[direction] += other.images[direction];
            self.blocks[direction] += other.blocks[direction];
        }
        self.input += other.input;
        self.packing += other.packing;
        self.loss += other.loss;
        self.clearing += other.clearing;
    }
}

/// A stopwatch of one thread.
#[derive(Debug)]
pub(super) struct Laps {
    clock: Option<Clock>,
    last: u64,
}

impl Laps {
    /// Starts it, if there is a clock.
    pub(super) fn begin(clock: Option<Clock>) -> Self {
        Self { clock, last: clock.map_or(0, |clock| clock()) }
    }

    /// The time since the last lap was spent on `part`.
    pub(super) fn end(&mut self, spent: &mut Spent, part: Part) {
        let Some(clock) = self.clock else { return };
        let now = clock();
        let time = now.saturating_sub(self.last);
        self.last = now;
        match part {
            Part::Op(op, direction) => spent.ops[op][direction] += time,
            Part::Input => spent.input += time,
            Part::Packing => spent.packing += time,
            Part::Loss => spent.loss += time,
            Part::Clearing => spent.clearing += time,
        }
    }

    /// A block of `images` goes in `direction`.
    pub(super) fn count(&self, spent: &mut Spent, direction: usize, images: usize) {
        if self.clock.is_some() {
            spent.images[direction] += images as u64;
            spent.blocks[direction] += 1;
        }
    }
}

/// What an engine needs to measure itself.
#[derive(Debug)]
pub(super) struct Profiler {
    pub(super) clock: Clock,
    pub(super) costs: Vec<Cost>,
}

impl Profiler {
    /// Adds up what shards and engine have spent.
    pub(super) fn profile<'a>(
        &self,
        spent: impl Iterator<Item = &'a Spent>,
        summing: &Meter,
    ) -> EngineProfile {
        let mut total = Spent::new(self.costs.len());
        spent.for_each(|spent| total.add(spent));
        let pass = |op: usize, cost: &Cost, direction: usize| {
            let work = cost.work[direction];
            let (images, blocks) = (total.images[direction], total.blocks[direction]);
            PassProfile {
                nanoseconds: total.ops[op][direction],
                flop: work.flop * images,
                at_most: work.at_most,
                bytes: work.bytes * images + work.block_bytes * blocks,
            }
        };
        let op = |(op, cost): (usize, &Cost)| OpProfile {
            name: cost.name.clone(),
            kernel: cost.kernel,
            forward: pass(op, cost, FORWARD),
            backward: pass(op, cost, BACKWARD),
        };
        EngineProfile {
            images: total.images[FORWARD],
            ops: self.costs.iter().enumerate().map(op).collect(),
            input: total.input,
            packing: total.packing,
            loss: total.loss,
            summing: total.clearing + summing.nanoseconds(),
        }
    }
}
