//! One file an operation: forward and backward side by side.

mod activation;
mod add;
mod border;
mod channels;
mod concat;
mod conv;
mod conv_input;
mod conv_pool;
mod conv_weights;
mod depthwise;
mod dropout;
mod grouped;
mod layer_norm;
mod multiply;
mod norm;
mod pad;
mod pool;
mod resize;
mod scale;
mod winograd;

pub(super) use activation::Activate;
pub(super) use add::Add;
pub(super) use border::Border;
pub(super) use channels::Channels;
pub(super) use concat::Concat;
pub(super) use conv::{Conv, Geometry, Options as ConvOptions};
pub(super) use conv_pool::{ConvPool, Options as ConvPoolOptions};
pub(super) use conv_weights::ConvWeights;
pub(super) use depthwise::Depthwise;
pub(super) use dropout::Dropout;
pub(super) use grouped::Grouped;
pub(super) use layer_norm::LayerNorm;
pub(super) use multiply::Multiply;
pub(super) use norm::{BatchNorm, Folded, Parameters as NormParameters};
pub(super) use pad::Pad;
pub(super) use pool::{Pool, PoolKind};
pub(super) use resize::{Resize, ends};
pub(super) use scale::Scale;
pub(super) use winograd::Winograd;

use seamripper_kernels::Instructions;
use seamripper_kernels::elementwise::Function;

use super::buffers::{Memory, Shard, Slot};
use crate::graph::{Activation, Parameter, Weights};

/// What an op may know of the step it is part of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// The instruction set to use.
    pub(super) isa: Instructions,
    /// Number of images in the batch.
    pub(super) images: usize,
    /// Names the draws of dropout.
    pub(super) seed: u64,
    /// Names the draws of dropout.
    pub(super) step: u64,
    /// Most images an op works on at a time.
    pub(super) block: usize,
}

/// A slot an op reads, and whether its gradient is wanted and has been begun by an op that reads it too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input {
    pub(super) slot: Slot,
    /// Values of one image.
    pub(super) length: usize,
    /// Whether the gradient is wanted.
    pub(super) gradient: bool,
    /// Whether the gradient is added to what is there.
    pub(super) accumulate: bool,
    /// Whether the gradient lies where the output's does, of which it is a copy.
    pub(super) handed_on: bool,
}

/// One operation of a compiled graph. Its index in the plan is also its place in [`Shard::memory`].
pub(super) trait Op: Send + Sync + std::fmt::Debug {
    /// Once for new weights: packs them.
    fn prepare(&mut self, _step: &Step, _weights: &Weights) {}
    /// Fresh memory for one shard of `images` images.
    fn memory(&self, _step: &Step, _images: usize) -> Memory {
        Memory::default()
    }
    /// Number of stretches; the shards meet between the first and the second.
    fn phases(&self) -> usize {
        1
    }
    /// So many images are better than fewer at a time.
    fn together(&self) -> usize {
        1
    }
    /// Computes its output slot, for the active images.
    fn forward(&self, step: &Step, phase: usize, shard: &mut Shard);
    /// After phase 0 of every shard.
    fn meet_forward(&mut self, _step: &Step, _shards: &[Shard]) {}
    /// Computes the gradients of its inputs and weights, for the active images; phases run in reverse.
    fn backward(&self, step: &Step, phase: usize, shard: &mut Shard);
    /// After phase 1 of every shard.
    fn meet_backward(&mut self, _step: &Step, _shards: &[Shard]) {}
    /// Values of its weight gradient, in its own layout.
    fn gradient_len(&self) -> usize {
        0
    }
    /// Writes the summed gradient to the graph's layout.
    fn finish_gradient(&self, _own: &[f32], _gradient: &mut [f32]) {}
    /// Writes changed running statistics.
    fn update_moving(&self, _weights: &mut Weights) {}
    /// Moves running statistics by this share of the way to the batch's.
    fn average_moving(&self, _weights: &mut Weights, _share: f32) {}
    /// The slots it reads.
    fn inputs_mut(&mut self) -> &mut [Input];
}

/// The kernels' word for an activation.
pub(crate) fn function(activation: Activation) -> Function {
    match activation {
        Activation::Identity => Function::Identity,
        Activation::Relu => Function::Relu,
        Activation::Relu6 => Function::Relu6,
        Activation::LeakyRelu(slope) => Function::LeakyRelu(slope),
        Activation::Elu => Function::Elu,
        Activation::Gelu => Function::Gelu,
        Activation::Silu => Function::Silu,
        Activation::Sigmoid => Function::Sigmoid,
        Activation::Tanh => Function::Tanh,
        Activation::Softplus => Function::Softplus,
        Activation::HardSwish => Function::HardSwish,
        Activation::HardSigmoid => Function::HardSigmoid,
        Activation::Clip(low, high) => Function::Clip(low, high),
    }
}

/// The values of `parameter` in `weights`.
fn values<'a>(parameter: &Parameter, weights: &'a Weights) -> &'a [f32] {
    &weights.values[parameter.range()]
}
