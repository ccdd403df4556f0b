//! The memory a shard works in.

use std::ops::Range;

use seamripper_kernels::conv_pool_backward::Scratch;
use seamripper_kernels::{Aligned, SLACK};

use super::profile::Spent;

/// Index of an array of activations in [`Shard::values`] and [`Shard::gradients`].
pub(super) type Slot = usize;

/// A few images of the batch on their way through the network.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    /// Place of its first image in the batch.
    pub(super) first: usize,
    /// How many images it holds now, at most [`super::SHARD`].
    pub(super) images: usize,
    /// Those that an op is to work on now.
    pub(super) active: Range<usize>,
    /// `[images, h, w, c]` a slot, with [`SLACK`] more values.
    pub(super) values: Vec<Aligned>,
    /// As `values`; empty where no gradient is wanted.
    pub(super) gradients: Vec<Aligned>,
    /// What each op remembers from forward to backward.
    pub(super) memory: Vec<Memory>,
    /// Weight gradients of each op, in the op's own layout.
    pub(super) weights: Vec<Aligned>,
    /// Summed over its images.
    pub(super) loss: f64,
    /// Its time, if the engine is profiled.
    pub(super) spent: Spent,
}

/// One op's memory in one shard; each op uses what it needs.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// Winners of a fused pool.
    pub(super) bytes: Vec<u8>,
    /// An input as `bf16`.
    pub(super) halves: Vec<u16>,
    /// Winners of a pool.
    pub(super) offsets: Vec<u32>,
    /// A bordered input, a dropout mask, or sums.
    pub(super) floats: Aligned,
    /// A bordered output gradient, or more sums.
    pub(super) bordered: Aligned,
    /// Lists of live positions.
    pub(super) scratch: Scratch,
}

impl Shard {
    /// Where the active images lie in an array of `length` values an image.
    pub(super) fn span(&self, length: usize) -> Range<usize> {
        self.active.start * length..self.active.end * length
    }

    /// As [`Shard::span`], with the slack behind it.
    pub(super) fn slack_span(&self, length: usize) -> Range<usize> {
        self.active.start * length..self.active.end * length + SLACK
    }

    /// Takes the array out, so that others can be read while it is written; put it back.
    pub(super) fn take_value(&mut self, slot: Slot) -> Aligned {
        std::mem::take(&mut self.values[slot])
    }

    /// As [`Shard::take_value`], for a gradient.
    pub(super) fn take_gradient(&mut self, slot: Slot) -> Aligned {
        std::mem::take(&mut self.gradients[slot])
    }
}

/// Room for `images` images of `length` values, and slack.
pub(super) fn array(images: usize, length: usize) -> Aligned {
    Aligned::zeros(images * length + SLACK)
}
