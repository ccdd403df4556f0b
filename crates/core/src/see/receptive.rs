//! Which pixels a response depends on: by geometry, by its window's products, and by its gradient.
//!
//! *Idea*: a region of a layer's output is followed back, layer by layer, to the image.
//! ```text
//! window layers:  rows start stride - before .. (end - 1) stride - before + size, clipped to the input
//! branches:       the smallest rectangle that holds each branch's region
//! dense, flatten, global pools:  everything
//! ```
//! *Reference*: Araujo, Norris & Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks", for the
//! geometry; Luo et al. 2016, "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks",
//! section 3, for the gradient.

use std::ops::Range;

use super::{FilterLayer, Model};
use crate::engine::{Engine, Executor, Wants};
use crate::graph::{Graph, Layer, NodeId, Padding, Role, Source, window_padding};
use crate::sample::ImageSet;

/// A rectangle of places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// From the top.
    pub rows: Range<usize>,
    /// From the left.
    pub columns: Range<usize>,
}

impl Region {
    /// The smallest region that holds both.
    fn and(self, other: Self) -> Self {
        let both = |a: Range<usize>, b: Range<usize>| a.start.min(b.start)..a.end.max(b.end);
        Self { rows: both(self.rows, other.rows), columns: both(self.columns, other.columns) }
    }
}

/// The pixels that the output of `node` at `[row, column]` can depend on.
///
/// # Panics
/// If there is no such node or place.
pub fn field(graph: &Graph, node: NodeId, [row, column]: [usize; 2]) -> Region {
    let [h, w, _] = graph.nodes[node].output;
    assert!(row < h && column < w, "place [{row}, {column}] of {h} x {w}");
    let mut regions: Vec<Option<Region>> = vec![None; node + 1];
    regions[node] = Some(Region { rows: row..row + 1, columns: column..column + 1 });
    let mut image: Option<Region> = None;
    for id in (0..=node).rev() {
        let Some(region) = regions[id].take() else { continue };
        for &source in &graph.nodes[id].inputs {
            let read = read(graph, id, source, &region);
            let so_far = match source {
                Source::Input => &mut image,
                Source::Node(from) => &mut regions[from],
            };
            *so_far = Some(match so_far.take() {
                Some(other) => other.and(read),
                None => read,
            });
        }
    }
    image.expect("every node depends on the image")
}

/// The part of `source` that `region` of node `id` is made from.
fn read(graph: &Graph, id: NodeId, source: Source, region: &Region) -> Region {
    let [h, w, _] = graph.shape(source);
    let (size, stride, padding) = match graph.nodes[id].layer {
        Layer::Conv2d { .. } | Layer::Depthwise { .. } => {
            let conv = graph.convolution(id).expect("a convolution");
            (conv.span(), conv.stride, conv.padding)
        }
        Layer::Pad { before, after } => ([1, 1], [1, 1], Padding::Explicit { before, after }),
        // A factor of [1, 1, c] is needed everywhere.
        Layer::Multiply if [h, w] == [1, 1] => return Region { rows: 0..1, columns: 0..1 },
        // Bilinear rows reach a pixel further on both sides.
        Layer::Resize { size: [out_h, out_w], .. } => {
            let axis = |range: &Range<usize>, from: usize, to: usize| {
                (range.start * from / to).saturating_sub(1)..((range.end * from).div_ceil(to) + 1).min(from)
            };
            return Region { rows: axis(&region.rows, h, out_h), columns: axis(&region.columns, w, out_w) };
        }
        Layer::MaxPool { size, stride, padding } | Layer::AvgPool { size, stride, padding } => {
            (size, stride, padding)
        }
        Layer::GlobalAvgPool | Layer::GlobalMaxPool | Layer::Dense { .. } | Layer::Flatten => {
            return Region { rows: 0..h, columns: 0..w };
        }
        Layer::BatchNorm { .. }
        | Layer::LayerNorm { .. }
        | Layer::Scale { .. }
        | Layer::Slice { .. }
        | Layer::Shuffle { .. }
        | Layer::Activation
        | Layer::Dropout { .. }
        | Layer::DropPath { .. }
        | Layer::Add
        | Layer::Concat
        | Layer::Multiply => return region.clone(),
    };
    let (before, _) = window_padding([h, w], size, stride, padding);
    let axis = |range: &Range<usize>, axis: usize, length: usize| {
        let start = (range.start * stride[axis]).saturating_sub(before[axis]);
        let end = ((range.end - 1) * stride[axis] + size[axis]).saturating_sub(before[axis]);
        // A window of nothing but padding counts as the pixel next to it.
        let start = start.min(length - 1);
        start..end.clamp(start + 1, length)
    };
    Region { rows: axis(&region.rows, 0, h), columns: axis(&region.columns, 1, w) }
}

/// The products behind one value of a convolution, before its activation.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Row and column of the window's corner in the layer's input; negative in the padding.
    pub corner: [isize; 2],
    /// `[kh, kw, c]`, `c` the channels of the filter's group.
    pub shape: [usize; 3],
    /// First channel of the filter's group in the layer's input.
    pub channel: usize,
    /// What the window holds, in its shape; 0 in the padding.
    pub input: Vec<f32>,
    /// What it is multiplied with, in its shape.
    pub weights: Vec<f32>,
    /// `input x weights`, in its shape.
    pub products: Vec<f32>,
    /// Added to their sum; 0 if the layer has none.
    pub bias: f32,
    /// Products and bias, summed in `f64`. What the engine computes lies within [`seamripper_kernels::sum_bound`] of it.
    pub sum: f32,
}

/// The window of convolution `node` at `[row, column]` of `filter`, for one image `[h, w, c]`, as [`Model::values`] gives it.
///
/// # Panics
/// If `node` is no convolution, or there is no such place or filter.
pub fn window(
    model: &Model<'_>,
    image: &[f32],
    node: NodeId,
    [row, column]: [usize; 2],
    filter: usize,
) -> Window {
    let graph = model.graph;
    let convolution = graph.convolution(node).expect("a convolution");
    let [oh, ow, filters] = graph.nodes[node].output;
    assert!(row < oh && column < ow && filter < filters, "filter {filter} at [{row}, {column}]");
    let source = graph.nodes[node].inputs[0];
    let [h, w, channels] = graph.shape(source);
    let read = output_of(model, image, source);
    let [kh, kw] = convolution.kernel;
    let (before, _) = window_padding([h, w], convolution.span(), convolution.stride, convolution.padding);
    let corner = [row * convolution.stride[0], column * convolution.stride[1]];
    let corner = [corner[0] as isize - before[0] as isize, corner[1] as isize - before[1] as isize];
    let c = channels / convolution.groups;
    let channel = filter / (filters / convolution.groups) * c;
    let parameter = |role: Role| {
        let mut own = graph.nodes[node].parameters.iter().map(|&at| &graph.parameters[at]);
        own.find(|parameter| parameter.role == role).map(|parameter| model.weights.of(parameter))
    };
    let kernel = parameter(Role::Kernel).expect("a convolution has a kernel");
    let weights: Vec<f32> = kernel.iter().skip(filter).step_by(filters).copied().collect();
    let mut input = Vec::with_capacity(kh * kw * c);
    for y in 0..kh {
        for x in 0..kw {
            let tap = [0, 1].map(|axis| ([y, x][axis] * convolution.dilation[axis]) as isize);
            let place = [corner[0] + tap[0], corner[1] + tap[1]].map(usize::try_from);
            match place {
                [Ok(y), Ok(x)] if y < h && x < w => {
                    input.extend_from_slice(&read[(y * w + x) * channels + channel..][..c]);
                }
                _ => input.resize(input.len() + c, 0.0),
            }
        }
    }
    let bias = parameter(Role::Bias).map_or(0.0, |bias| bias[filter]);
    let exact = input.iter().zip(&weights).map(|(&x, &weight)| f64::from(x) * f64::from(weight));
    let sum = (f64::from(bias) + exact.sum::<f64>()) as f32;
    let products = input.iter().zip(&weights).map(|(x, weight)| x * weight).collect();
    Window { corner, shape: [kh, kw, c], channel, input, weights, products, bias, sum }
}

/// What `source` gives for one image.
fn output_of(model: &Model<'_>, image: &[f32], source: Source) -> Vec<f32> {
    match source {
        Source::Input => image.to_vec(),
        Source::Node(node) => {
            let head = model.graph.head(node);
            let mut engine = Engine::new(&head.graph, model.isa, 1, Wants::INFERENCE);
            engine.forward(&head.weights(model.graph, model.weights), image).into_data()
        }
    }
}

/// The effective receptive field, `[h, w]`: the mean over images of the magnitude of the gradient of a response at the middle
/// place (`[h / 2, w / 2]` of the layer), summed over the image's channels. `filter` is one filter; without it the sum of
/// all is the response, as in Luo et al. 2016.
///
/// # Panics
/// If there is no such image or filter.
pub fn effective_field(
    model: &Model<'_>,
    set: &ImageSet,
    indices: &[usize],
    layer: &FilterLayer,
    filter: Option<usize>,
) -> Vec<f64> {
    /// Images at a time.
    const BATCH: usize = 64;
    let [h, w, filters] = layer.output;
    let channels = model.graph.input[2];
    let head = model.graph.head(layer.response);
    let weights = head.weights(model.graph, model.weights);
    let wants = Wants { input_gradient: true, ..Wants::INFERENCE };
    let mut engine = Engine::new(&head.graph, model.isa, BATCH.min(indices.len()), wants);
    let mut middle = vec![0.0; h * w * filters];
    let own = &mut middle[((h / 2) * w + w / 2) * filters..][..filters];
    match filter {
        Some(filter) => own[filter] = 1.0,
        None => own.fill(1.0),
    }
    let mut field = vec![0.0; model.image_len() / channels];
    for indices in indices.chunks(BATCH) {
        engine.forward(&weights, &model.values_of(set, indices));
        let input = engine.backward(&middle.repeat(indices.len())).input.expect("an input gradient");
        for image in input.data().chunks_exact(model.image_len()) {
            for (sum, pixel) in field.iter_mut().zip(image.chunks_exact(channels)) {
                *sum += pixel.iter().map(|&gradient| f64::from(gradient.abs())).sum::<f64>();
            }
        }
    }
    field.iter_mut().for_each(|sum| *sum /= indices.len().max(1) as f64);
    field
}
