//! The memory a shard works in.

use std::ops::Range;
use std::sync::Arc;

use seamripper_kernels::conv_pool_backward::Scratch;
use seamripper_kernels::{Aligned, SLACK};

use super::profile::Spent;

/// Number of an array of activations; [`Arrays`] says where its values and its gradient lie.
pub(super) type Slot = usize;

/// In which array each slot's values, or gradients, lie.
#[derive(Clone, Debug)]
pub(super) struct Arrays {
    /// The array of each slot; `None` if there is none.
    of: Vec<Option<usize>>,
    /// Values of an image, and whether it holds a block's images instead of a shard's.
    arrays: Vec<(usize, bool)>,
}

impl Arrays {
    /// No arrays yet for `slots` slots.
    pub(super) fn new(slots: usize) -> Self {
        Self { of: vec![None; slots], arrays: Vec::new() }
    }

    /// The array of `slot`.
    pub(super) fn array(&self, slot: Slot) -> Option<usize> {
        self.of[slot]
    }

    /// Values of an image in `array`.
    pub(super) fn length(&self, array: usize) -> usize {
        self.arrays[array].0
    }

    /// Puts `slot` into `array`.
    pub(super) fn put(&mut self, slot: Slot, array: usize) {
        self.of[slot] = Some(array);
    }

    /// Puts `slot` into an array of its own.
    pub(super) fn put_new(&mut self, slot: Slot, length: usize) {
        self.put(slot, self.arrays.len());
        self.arrays.push((length, false));
    }

    /// Puts `slot` into the array for one block, which is made if there is none, and is as long as its longest slot.
    pub(super) fn put_block(&mut self, slot: Slot, block: &mut Option<usize>, length: usize) {
        let array = *block.get_or_insert(self.arrays.len());
        if array == self.arrays.len() {
            self.arrays.push((0, true));
        }
        self.put(slot, array);
        self.arrays[array].0 = self.arrays[array].0.max(length);
    }

    /// Fresh arrays for `images` images in blocks of up to `block`.
    fn allocate(&self, images: usize, block: usize) -> Vec<Aligned> {
        let images = |whole: bool| if whole { block.min(images) } else { images };
        self.arrays.iter().map(|&(length, block)| array(images(block), length)).collect()
    }

    /// Values of an image in all of them.
    #[cfg(test)]
    pub(super) fn values(&self) -> usize {
        self.arrays.iter().filter(|array| !array.1).map(|array| array.0).sum()
    }
}

/// A few images of the batch on their way through the network.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    /// Place of its first image in the batch.
    pub(super) first: usize,
    /// How many images it holds now, at most [`super::SHARD`].
    pub(super) images: usize,
    /// Those that an op is to work on now.
    pub(super) active: Range<usize>,
    /// Values: `[images, h, w, c]` a slot, with [`SLACK`] more values.
    values: Held,
    /// Likewise gradients.
    gradients: Held,
    /// What each op remembers from forward to backward.
    pub(super) memory: Vec<Memory>,
    /// Weight gradients of each op, in the op's own layout.
    pub(super) weights: Vec<Aligned>,
    /// Summed over its images.
    pub(super) loss: f64,
    /// `[images, k]`, of a plan that keeps no values.
    pub(super) logits: Vec<f32>,
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
    /// Fresh memory for up to `images` images from `first` on; `values` and `gradients` say which arrays there are.
    pub(super) fn new(
        [values, gradients]: &[Arc<Arrays>; 2],
        (first, images, block): (usize, usize, usize),
        memory: Vec<Memory>,
        weights: Vec<Aligned>,
    ) -> Self {
        Self {
            first,
            images: 0,
            active: 0..0,
            values: Held::new(values, images, block),
            gradients: Held::new(gradients, images, block),
            memory,
            weights,
            loss: 0.0,
            logits: Vec::new(),
            spent: Spent::default(),
        }
    }

    /// Where the active images lie in an array of `length` values an image.
    pub(super) fn span(&self, length: usize) -> Range<usize> {
        self.active.start * length..self.active.end * length
    }

    /// As [`Shard::span`], with the slack behind it.
    pub(super) fn slack_span(&self, length: usize) -> Range<usize> {
        self.active.start * length..self.active.end * length + SLACK
    }

    /// The array that holds the values of `slot`.
    pub(super) fn value(&self, slot: Slot) -> &[f32] {
        self.values.get(slot)
    }

    /// Likewise, to be written.
    pub(super) fn value_mut(&mut self, slot: Slot) -> &mut [f32] {
        self.values.get_mut(slot)
    }

    /// The array that holds the gradient of `slot`; empty if none is wanted.
    pub(super) fn gradient(&self, slot: Slot) -> &[f32] {
        self.gradients.get(slot)
    }

    /// Likewise, to be written.
    pub(super) fn gradient_mut(&mut self, slot: Slot) -> &mut [f32] {
        self.gradients.get_mut(slot)
    }

    /// Takes the array out, so that others can be read while it is written; put it back.
    pub(super) fn take_value(&mut self, slot: Slot) -> Aligned {
        self.values.take(slot)
    }

    /// Puts back what [`Shard::take_value`] took.
    pub(super) fn put_value(&mut self, slot: Slot, array: Aligned) {
        self.values.put(slot, array);
    }

    /// As [`Shard::take_value`], for a gradient.
    pub(super) fn take_gradient(&mut self, slot: Slot) -> Aligned {
        self.gradients.take(slot)
    }

    /// Puts back what [`Shard::take_gradient`] took.
    pub(super) fn put_gradient(&mut self, slot: Slot, array: Aligned) {
        self.gradients.put(slot, array);
    }

    /// Place in the shard of the first image that the gradient array of `slot` holds.
    pub(super) fn gradient_start(&self, slot: Slot) -> usize {
        if self.gradients.is_block(slot) { self.active.start } else { 0 }
    }

    /// Where the values of the active images lie in the array of `slot`.
    pub(super) fn value_span(&self, slot: Slot, length: usize) -> Range<usize> {
        self.span_from(if self.values.is_block(slot) { self.active.start } else { 0 }, length)
    }

    /// Where the gradients of the active images lie in the array of `slot`.
    pub(super) fn gradient_span(&self, slot: Slot, length: usize) -> Range<usize> {
        self.span_from(self.gradient_start(slot), length)
    }

    fn span_from(&self, start: usize, length: usize) -> Range<usize> {
        (self.active.start - start) * length..(self.active.end - start) * length
    }
}

/// A shard's arrays.
#[derive(Clone, Debug)]
struct Held {
    arrays: Arc<Arrays>,
    held: Vec<Aligned>,
}

impl Held {
    fn new(arrays: &Arc<Arrays>, images: usize, block: usize) -> Self {
        Self { arrays: Arc::clone(arrays), held: arrays.allocate(images, block) }
    }

    fn get(&self, slot: Slot) -> &[f32] {
        self.arrays.of[slot].map_or(&[], |array| &self.held[array])
    }

    fn get_mut(&mut self, slot: Slot) -> &mut [f32] {
        self.arrays.of[slot].map_or(&mut [], |array| &mut self.held[array])
    }

    fn take(&mut self, slot: Slot) -> Aligned {
        self.arrays.of[slot].map_or_else(Aligned::default, |array| std::mem::take(&mut self.held[array]))
    }

    fn put(&mut self, slot: Slot, values: Aligned) {
        if let Some(array) = self.arrays.of[slot] {
            self.held[array] = values;
        }
    }

    fn is_block(&self, slot: Slot) -> bool {
        self.arrays.of[slot].is_some_and(|array| self.arrays.arrays[array].1)
    }
}

/// Room for `images` images of `length` values, and slack.
pub(super) fn array(images: usize, length: usize) -> Aligned {
    Aligned::zeros(images * length + SLACK)
}
