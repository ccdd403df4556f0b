//! Convolution 3 x 3 with stride 1 in training, by [`seamripper_kernels::winograd`]: a quarter of the multiplications.
//!
//! *Idea*: [`TOGETHER`] tiles at a time, of one image or several, go through the 36 products: enough rows for each. The input is read twice,
//! forward and for the weight gradient, and so is the output's gradient, for both gradients.
//!
//! *Departures*:
//! 1. What the points hold is memory of the thread, not of the shard: it is written and read at once, and so stays in the second-level
//!    cache from one layer and shard to the next.
//! 2. At inference, and for gradients of images, convolutions stay direct: what is measured and shown keeps their smaller errors.
//!
//! *Gain*: see `bench/results.md`.

use std::cell::RefCell;
use std::ops::Range;

use seamripper_kernels::winograd::{
    Grid, KERNEL, Kernels, POINTS, TILE, Write, add_kernel_gradient, gradients, products, read_outputs,
    read_windows, slab, transform_kernel, write_outputs,
};
use seamripper_kernels::{Aligned, elementwise};

use super::conv::{Geometry, Options};
use super::conv_weights::ConvWeights;
use super::{Border, Input, Op, Step};
use crate::engine::buffers::{Shard, Slot};
use crate::graph::{Graph, NodeId, Weights, window_padding};

/// Tiles taken together: rows of a product.
const TOGETHER: usize = 48;

/// Fewest channels and filters for which the transforms are worth it.
const CHANNELS: usize = 16;
/// Fewest rows and columns of an output.
const SIDE: usize = 6;

/// What a thread works with.
#[derive(Default)]
struct Scratch {
    /// Inputs at points.
    v: Aligned,
    /// Outputs, or their gradients, at points.
    m: Aligned,
    /// The kernel's gradient at points.
    du: Aligned,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// At least `length` values.
fn room(values: &mut Aligned, length: usize) -> &mut [f32] {
    if values.len() < length {
        values.resize(length);
    }
    &mut values[..length]
}

/// Tiles of `images` images, [`TOGETHER`] at a time.
fn chunks(images: usize, grid: &Grid) -> impl Iterator<Item = Range<usize>> + use<> {
    let tiles = images * grid.count();
    (0..tiles).step_by(TOGETHER).map(move |first| first..tiles.min(first + TOGETHER))
}

/// The op.
#[derive(Debug)]
pub(in crate::engine) struct Winograd {
    op: usize,
    input: [Input; 1],
    output: Slot,
    relu: bool,
    channels: usize,
    filters: usize,
    weights: ConvWeights,
    /// Images that have so many tiles.
    together: usize,
    /// Windows of the input.
    windows: Grid,
    /// Tiles of the output.
    outputs: Grid,
    /// Windows of the output's gradient, for the input's.
    back_windows: Grid,
    /// Tiles of the input's gradient.
    inputs: Grid,
    forward: Kernels,
    back: Kernels,
    /// Offsets of tiles, so many channels each: of inputs and of outputs.
    offsets: [Vec<u32>; 2],
    flipped: Vec<f32>,
}

impl Winograd {
    /// Whether a convolution is better computed this way.
    pub(in crate::engine) fn serves(graph: &Graph, id: NodeId) -> bool {
        let Some(conv) = graph.convolution(id) else { return false };
        let [h, w, c] = graph.shape(graph.nodes[id].inputs[0]);
        let [oh, ow, filters] = graph.nodes[id].output;
        let (before, _) = window_padding([h, w], conv.kernel, conv.stride, conv.padding);
        conv.kernel == [KERNEL; 2]
            && (conv.stride, conv.dilation, conv.groups) == ([1, 1], [1, 1], 1)
            && before.iter().all(|&before| before < KERNEL)
            && c.min(filters) >= CHANNELS
            && oh.min(ow) >= SIDE
    }

    /// Images that make [`TOGETHER`] tiles of `[h, w, _]` outputs.
    pub(in crate::engine) fn images([h, w, _]: [usize; 3]) -> usize {
        TOGETHER.div_ceil(h.div_ceil(TILE) * w.div_ceil(TILE))
    }

    /// `border` says where the image lies in what windows read.
    pub(in crate::engine) fn new(
        (op, input, output): (usize, Input, Slot),
        geometry: Geometry,
        border: Border,
        options: Options,
    ) -> Self {
        let Geometry { output: [oh, ow], needed, filters, .. } = geometry;
        let [h, w, c] = border.input;
        let Options { isa, weights, relu, needed_input, images, .. } = options;
        let before = border.before.map(|before| before as isize);
        let windows =
            Grid { image: [h, w, c], inside: [h, w], origin: before.map(|before| -before), size: needed };
        let outputs = Grid { image: [oh, ow, filters], inside: needed, origin: [0, 0], size: needed };
        // What window reaches an input first begins two rows before it, less the rows of the border.
        let origin = before.map(|before| before - (KERNEL - 1) as isize);
        let back_windows = Grid { origin, size: needed_input, ..outputs };
        let offsets =
            |channels: usize| -> Vec<u32> { (0..TOGETHER).map(|tile| (tile * channels) as u32).collect() };
        Self {
            op,
            input: [input],
            output,
            relu,
            channels: c,
            filters,
            weights,
            together: Self::images([oh, ow, filters]).min(images),
            windows,
            outputs,
            back_windows,
            inputs: Grid { origin: [0, 0], size: needed_input, ..windows },
            forward: Kernels::new(isa),
            back: Kernels::new(isa),
            offsets: [offsets(c), offsets(filters)],
            flipped: Vec::new(),
        }
    }

    /// Values of an output image in memory.
    fn output_len(&self) -> usize {
        self.outputs.image.iter().product()
    }

    /// Offsets of so many tiles of inputs and of outputs.
    fn offsets(&self, tiles: usize) -> (&[u32], &[u32]) {
        (&self.offsets[0][..tiles], &self.offsets[1][..tiles])
    }

    /// Adds the gradient of the kernel from the inputs and the outputs' gradients of so many images.
    fn weight_gradient(
        &self,
        step: &Step,
        Scratch { v, m, du }: &mut Scratch,
        images: usize,
        (x, dy): (&[f32], &[f32]),
        dw: &mut [f32],
    ) {
        let (isa, c, filters) = (step.isa, self.channels, self.filters);
        let du = room(du, POINTS * slab(c, filters));
        for tiles in chunks(images, &self.outputs) {
            let v = room(v, POINTS * slab(tiles.len(), c));
            let d = room(m, POINTS * slab(tiles.len(), filters));
            read_windows(isa, &self.windows, tiles.clone(), x, v);
            read_outputs(isa, &self.outputs, tiles.clone(), dy, d);
            gradients(isa, [c, filters], self.offsets(tiles.len()), (v, d), du, tiles.start == 0);
        }
        add_kernel_gradient(isa, du, [c, filters], dw);
    }

    /// Writes, or adds, the gradient of the inputs of so many images.
    fn input_gradient(
        &self,
        step: &Step,
        Scratch { v, m, .. }: &mut Scratch,
        images: usize,
        dy: &[f32],
        dx: &mut [f32],
    ) {
        let (isa, c, filters) = (step.isa, self.channels, self.filters);
        for tiles in chunks(images, &self.inputs) {
            let v = room(v, POINTS * slab(tiles.len(), filters));
            let m = room(m, POINTS * slab(tiles.len(), c));
            read_windows(isa, &self.back_windows, tiles.clone(), dy, v);
            let (of_inputs, of_outputs) = self.offsets(tiles.len());
            products(isa, &self.back, (of_outputs, of_inputs), v, m);
            let write = Write { bias: None, relu: false, accumulate: self.input[0].accumulate };
            write_outputs(isa, &self.inputs, tiles, m, write, dx);
        }
    }

    /// Adds the gradient of the bias from `dy` of so many images.
    fn bias_gradient(&self, step: &Step, images: usize, dy: &[f32], db: &mut [f32]) {
        let Grid { image: [_, width, filters], size: [rows, columns], .. } = self.outputs;
        for image in 0..images {
            for row in 0..rows {
                let at = image * self.output_len() + row * width * filters;
                for values in dy[at..][..columns * filters].chunks_exact(filters) {
                    elementwise::add_to(step.isa, values, db);
                }
            }
        }
    }
}

impl Op for Winograd {
    fn prepare(&mut self, step: &Step, weights: &Weights) {
        let (c, filters) = (self.channels, self.filters);
        let kernel = self.weights.folded(weights);
        transform_kernel(step.isa, kernel, [c, filters], &mut self.forward);
        if self.input[0].gradient {
            self.flipped.clear();
            for taps in kernel.chunks_exact(c * filters).rev() {
                for filter in 0..filters {
                    self.flipped.extend(taps.iter().skip(filter).step_by(filters));
                }
            }
            transform_kernel(step.isa, &self.flipped, [filters, c], &mut self.back);
        }
    }

    fn together(&self) -> usize {
        self.together
    }

    fn forward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let mut out = shard.take_value(self.output);
        let (isa, c, filters) = (step.isa, self.channels, self.filters);
        let x = &shard.value(self.input[0].slot)[shard.active.start * self.input[0].length..];
        let y = &mut out[shard.active.start * self.output_len()..];
        SCRATCH.with_borrow_mut(|Scratch { v, m, .. }| {
            for tiles in chunks(shard.active.len(), &self.outputs) {
                let v = room(v, POINTS * slab(tiles.len(), c));
                let m = room(m, POINTS * slab(tiles.len(), filters));
                read_windows(isa, &self.windows, tiles.clone(), x, v);
                products(isa, &self.forward, self.offsets(tiles.len()), v, m);
                let bias = Some(&self.weights.bias_values[..]);
                let write = Write { bias, relu: self.relu, accumulate: false };
                write_outputs(isa, &self.outputs, tiles, m, write, y);
            }
        });
        shard.put_value(self.output, out);
    }

    fn backward(&self, step: &Step, _: usize, shard: &mut Shard) {
        let [input] = self.input;
        let mut own = std::mem::take(&mut shard.weights[self.op]);
        let mut gradient = shard.take_gradient(self.output);
        let span = shard.gradient_span(self.output, self.output_len());
        if self.relu {
            let y = &shard.value(self.output)[shard.span(self.output_len())];
            elementwise::mask_positive(step.isa, y, &mut gradient[span.clone()]);
        }
        let dy = &gradient[span.start..];
        let images = shard.active.len();
        SCRATCH.with_borrow_mut(|scratch| {
            if !own.is_empty() {
                let (dw, db) = own.split_at_mut(self.weights.kernel.len());
                let x = &shard.value(input.slot)[shard.active.start * input.length..];
                self.weight_gradient(step, scratch, images, (x, dy), dw);
                if self.weights.bias.is_some() {
                    self.bias_gradient(step, images, dy, db);
                }
            }
            if input.gradient {
                let first = shard.active.start * input.length;
                let dx = &mut shard.gradient_mut(input.slot)[first..];
                self.input_gradient(step, scratch, images, dy, dx);
            }
        });
        shard.put_gradient(self.output, gradient);
        shard.weights[self.op] = own;
    }

    fn gradient_len(&self) -> usize {
        self.weights.gradient_len()
    }

    fn finish_gradient(&self, own: &[f32], gradient: &mut [f32]) {
        self.weights.finish_gradient(own, gradient);
    }

    fn inputs_mut(&mut self) -> &mut [Input] {
        &mut self.input
    }
}
