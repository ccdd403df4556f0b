//! The memory a shard works in.

use seamripper_kernels::SLACK;
use seamripper_kernels::conv_pool_backward::Scratch;
use seamripper_kernels::gemm::Panels;

/// Index of an array of activations in [`Shard::values`] and [`Shard::gradients`].
pub(super) type Slot = usize;

/// A few images of the batch on their way through the network.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    /// Place of its first image in the batch.
    pub(super) first: usize,
    /// How many images it holds now, at most [`super::SHARD`].
    pub(super) images: usize,
    /// `[images, h, w, c]` a slot, with [`SLACK`] more values.
    pub(super) values: Vec<Vec<f32>>,
    /// As `values`; empty where no gradient is wanted.
    pub(super) gradients: Vec<Vec<f32>>,
    /// What each op remembers from forward to backward.
    pub(super) memory: Vec<Memory>,
    /// Weight gradients of each op, in the op's own layout.
    pub(super) weights: Vec<Vec<f32>>,
    /// Summed over its images.
    pub(super) loss: f64,
}

/// One op's memory in one shard; each op uses what it needs.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// Winners of a fused pool.
    pub(super) bytes: Vec<u8>,
    /// Winners of a pool.
    pub(super) offsets: Vec<u32>,
    /// A bordered input, a dropout mask, or sums.
    pub(super) floats: Vec<f32>,
    /// A bordered output gradient, or more sums.
    pub(super) bordered: Vec<f32>,
    /// A packed output gradient.
    pub(super) panels: Option<Panels>,
    /// Lists of live positions.
    pub(super) scratch: Scratch,
}

impl Shard {
    /// The values of `slot` in use, without slack.
    pub(super) fn value(&self, slot: Slot, length: usize) -> &[f32] {
        &self.values[slot][..self.images * length]
    }

    /// Takes the array out, so that others can be read while it is written; put it back.
    pub(super) fn take_value(&mut self, slot: Slot) -> Vec<f32> {
        std::mem::take(&mut self.values[slot])
    }

    /// As [`Shard::take_value`], for a gradient.
    pub(super) fn take_gradient(&mut self, slot: Slot) -> Vec<f32> {
        std::mem::take(&mut self.gradients[slot])
    }
}

/// Room for `images` images of `length` values, and slack.
pub(super) fn array(images: usize, length: usize) -> Vec<f32> {
    vec![0.0; images * length + SLACK]
}
