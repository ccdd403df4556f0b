//! What shape a layer makes of its input, and which parameters it has for that.

use super::error::Fault;
use super::layer::Convolution;
use super::{Layer, Padding, Role};

/// Where windows of `size` start over an image of `input`, and how many there are: `([top, left], [out_h, out_w])`.
///
/// `top` and `left` are the zeros above and to the left of the image; what is missing below and to the right follows
/// from the rest. With [`Padding::Valid`] both are 0 and `out = (in - size) / stride + 1`, or 0 if not even one window
/// fits. With [`Padding::Same`] `out = ceil(in / stride)` and the zeros needed for that, `(out - 1) stride + size - in`,
/// are halved, the odd one below and to the right (TensorFlow's rule); every window then holds at least one pixel. With
/// [`Padding::Explicit`] as with valid, over the image and its zeros.
///
/// # Panics
/// If a stride is 0.
pub fn window_padding(
    input: [usize; 2],
    size: [usize; 2],
    stride: [usize; 2],
    padding: Padding,
) -> ([usize; 2], [usize; 2]) {
    let axis = |axis: usize| {
        let (input, size, stride) = (input[axis], size[axis], stride[axis]);
        match padding {
            Padding::Valid if size > input => (0, 0),
            Padding::Valid => (0, (input - size) / stride + 1),
            Padding::Same => {
                let out = input.div_ceil(stride);
                let covered = out.saturating_sub(1) * stride; // < input, so it cannot overflow
                (size.saturating_sub(input - covered) / 2, out)
            }
            Padding::Explicit { before, after } => {
                let whole = input.saturating_add(before[axis]).saturating_add(after[axis]);
                (before[axis], whole.checked_sub(size).map_or(0, |rest| rest / stride + 1))
            }
        }
    };
    let ([top, out_h], [left, out_w]) = (<[usize; 2]>::from(axis(0)), <[usize; 2]>::from(axis(1)));
    ([top, left], [out_h, out_w])
}

/// `[h, w, c]` of the layer's output. For [`Layer::Add`], [`Layer::Concat`] and [`Layer::Multiply`] this is the shape of the first
/// input.
/// `from` is what the input is called, for the error.
pub(super) fn output(layer: &Layer, input: [usize; 3], from: &str) -> Result<[usize; 3], Fault> {
    let [h, w, c] = input;
    let windows = |size, stride, padding, channels| {
        let (_, [out_h, out_w]) = window_padding([h, w], size, stride, padding);
        if out_h == 0 || out_w == 0 {
            return Err(Fault::WindowTooLarge { window: size, input, from: from.to_owned() });
        }
        Ok([out_h, out_w, channels])
    };
    if let Some(conv) = layer.convolution(c) {
        let Convolution { filters, stride, padding, groups, .. } = conv;
        if !c.is_multiple_of(groups) || !filters.is_multiple_of(groups) {
            return Err(Fault::UnevenGroups { groups, channels: c, filters, from: from.to_owned() });
        }
        return windows(conv.span(), stride, padding, filters);
    }
    match *layer {
        Layer::MaxPool { size, stride, padding } | Layer::AvgPool { size, stride, padding } => {
            let output = windows(size, stride, padding, c)?;
            let (before, _) = window_padding([h, w], size, stride, padding);
            let empty = |axis: usize| {
                let last = (output[axis] - 1) * stride[axis];
                before[axis] >= size[axis] || last >= before[axis] + input[axis]
            };
            if empty(0) || empty(1) {
                return Err(Fault::EmptyWindow { window: size, input, from: from.to_owned() });
            }
            Ok(output)
        }
        Layer::Slice { first, channels } if first.saturating_add(channels) > c => {
            Err(Fault::SliceOutside { first, channels, input, from: from.to_owned() })
        }
        Layer::Slice { channels, .. } => Ok([h, w, channels]),
        Layer::Shuffle { groups } if !c.is_multiple_of(groups) => {
            Err(Fault::UnevenGroups { groups, channels: c, filters: c, from: from.to_owned() })
        }
        Layer::Pad { before, after } => {
            let length = |axis: usize| input[axis].saturating_add(before[axis]).saturating_add(after[axis]);
            Ok([length(0), length(1), c])
        }
        Layer::Resize { size: [h, w], .. } => Ok([h, w, c]),
        Layer::GlobalAvgPool | Layer::GlobalMaxPool => Ok([1, 1, c]),
        Layer::Dense { .. } if [h, w] != [1, 1] => Err(Fault::NotFlat { input, from: from.to_owned() }),
        Layer::Dense { units, .. } => Ok([1, 1, units]),
        Layer::Flatten => Ok([1, 1, h * w * c]), // the product was checked when `input` was made
        Layer::BatchNorm { .. }
        | Layer::LayerNorm { .. }
        | Layer::Scale { .. }
        | Layer::Shuffle { .. }
        | Layer::Activation
        | Layer::Dropout { .. }
        | Layer::DropPath { .. }
        | Layer::Add
        | Layer::Concat
        | Layer::Multiply => Ok(input),
        Layer::Conv2d { .. } | Layer::Depthwise { .. } => unreachable!("a convolution returned above"),
    }
}

/// The shape of `layer`'s output with one more input: `output` is what it is without.
pub(super) fn joined(
    layer: &Layer,
    output: [usize; 3],
    (first, first_from): ([usize; 3], &str),
    (second, second_from): ([usize; 3], &str),
) -> Result<[usize; 3], Fault> {
    let (first_from, second_from) = (first_from.to_owned(), second_from.to_owned());
    let [h, w, c] = first;
    match layer {
        Layer::Add if second != first => Err(Fault::UnlikeShapes { first, first_from, second, second_from }),
        Layer::Concat if second[..2] != [h, w] => {
            Err(Fault::UnlikeSizes { first, first_from, second, second_from })
        }
        Layer::Concat => Ok([h, w, output[2].saturating_add(second[2])]),
        Layer::Multiply if second != first && second != [1, 1, c] => {
            Err(Fault::UnlikeFactor { first, first_from, second, second_from })
        }
        _ => Ok(output),
    }
}

/// Role and shape of the layer's parameters, in their order. They are those of an input of this shape.
///
/// # Panics
/// If the groups of a convolution do not fit, which [`output`] finds.
pub(super) fn parameters(layer: &Layer, input: [usize; 3]) -> Vec<(Role, Vec<usize>)> {
    let c = input[2];
    let weights = |kernel: Vec<usize>, outputs: usize, bias: bool| {
        let mut parameters = vec![(Role::Kernel, kernel)];
        parameters.extend(bias.then(|| (Role::Bias, vec![outputs])));
        parameters
    };
    if let Some(Convolution { filters, kernel: [kh, kw], bias, groups, .. }) = layer.convolution(c) {
        return weights(vec![kh, kw, c / groups, filters], filters, bias);
    }
    match *layer {
        Layer::Dense { units, bias } => weights(vec![c, units], units, bias),
        Layer::BatchNorm { .. } => [Role::Gamma, Role::Beta, Role::MovingMean, Role::MovingVariance]
            .map(|role| (role, vec![c]))
            .to_vec(),
        Layer::LayerNorm { .. } => vec![(Role::Gamma, vec![c]), (Role::Beta, vec![c])],
        Layer::Scale { bias } => {
            let mut parameters = vec![(Role::Gamma, vec![c])];
            parameters.extend(bias.then(|| (Role::Beta, vec![c])));
            parameters
        }
        _ => Vec::new(),
    }
}
