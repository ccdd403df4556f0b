//! Convolutions and matrix products.

use seamripper_core::graph::{Layer, Padding, Role, window_padding};

use super::value::Image;
use super::{Importing, Node, Outputs, Value};
use crate::axes::{Axes, Axis, channel_order, merged};
use crate::constant::Constant;

/// How the windows of a convolution or pool lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    /// `[h, w]` of the image.
    pub(super) image: [usize; 2],
    /// `[h, w]` that a window spans.
    pub(super) span: [usize; 2],
    /// `[down, right]`
    pub(super) stride: [usize; 2],
    /// Whether a last window that is partly outside counts.
    pub(super) ceil: bool,
}

impl Windows {
    /// The padding that `pads` and `auto_pad` of `node` say, and whether it makes windows end in places beyond it.
    pub(super) fn padding(&self, node: &Node<'_>) -> Result<(Padding, bool), String> {
        let automatic = node.attributes.text("auto_pad", "NOTSET");
        let (before, mut after) = match &*automatic {
            "VALID" => ([0, 0], [0, 0]),
            "SAME_UPPER" => return Ok((Padding::Same, false)),
            "SAME_LOWER" => {
                let total = [0, 1].map(|axis| {
                    let covered = (self.image[axis].div_ceil(self.stride[axis]) - 1) * self.stride[axis];
                    self.span[axis].saturating_sub(self.image[axis] - covered)
                });
                (total.map(|total| total - total / 2), total.map(|total| total / 2))
            }
            "NOTSET" => {
                let pads = node.attributes.ints("pads").unwrap_or_else(|| vec![0; 4]);
                let sides: Vec<usize> = pads.iter().filter_map(|&x| usize::try_from(x).ok()).collect();
                match sides[..] {
                    [above, left, below, right] => ([above, left], [below, right]),
                    _ => return Err(format!("expected four pads of at least 0, found {pads:?}")),
                }
            }
            other => return Err(format!("expected a known auto_pad, found {other}")),
        };
        let mut beyond = false;
        if self.ceil {
            for axis in [0, 1] {
                let (before, stride, image) = (before[axis], self.stride[axis], self.image[axis]);
                let whole = image.saturating_add(before).saturating_add(after[axis]);
                let mut steps = whole.saturating_sub(self.span[axis]).div_ceil(stride);
                if steps * stride >= image.saturating_add(before) {
                    steps = steps.saturating_sub(1); // a window must begin in the image or before it
                }
                let end = (steps * stride).saturating_add(self.span[axis]);
                if end > whole {
                    after[axis] += end - whole;
                    beyond = true;
                }
            }
        }
        Ok((self.named(before, after), beyond))
    }

    /// The simplest padding with the same windows.
    fn named(&self, before: [usize; 2], after: [usize; 2]) -> Padding {
        let explicit = Padding::Explicit { before, after };
        if (before, after) == ([0, 0], [0, 0]) {
            return Padding::Valid;
        }
        let windows = |padding| window_padding(self.image, self.span, self.stride, padding);
        if windows(Padding::Same) == windows(explicit) { Padding::Same } else { explicit }
    }
}

impl Importing<'_> {
    pub(super) fn conv(&mut self, node: &Node<'_>) -> Outputs {
        let image = node.image(0)?;
        image.nchw()?;
        let image = self.in_order(&image)?;
        let weights = node.constant(1)?;
        let &[filters, each, kh, kw] = &weights.shape[..] else {
            return Err(format!("expected weights [filters, channels, h, w], found {:?}", weights.shape));
        };
        let [h, w, c] = image.shape;
        let attributes = &node.attributes;
        let kernel = attributes.pair("kernel_shape", [kh, kw])?;
        let (stride, dilation) = (attributes.pair("strides", [1, 1])?, attributes.pair("dilations", [1, 1])?);
        let groups = usize::try_from(attributes.int("group", 1)).unwrap_or(0);
        if kernel != [kh, kw] || groups == 0 || each.checked_mul(groups) != Some(c) || kh * kw == 0 {
            return Err(format!(
                "expected weights for {c} channels, found {:?} in {groups} groups",
                weights.shape
            ));
        }
        let span = |axis: usize| (kernel[axis] - 1).saturating_mul(dilation[axis]).saturating_add(1);
        let windows = Windows { image: [h, w], span: [span(0), span(1)], stride, ceil: false };
        let (padding, _) = windows.padding(node)?;
        let values = weights.reals();
        // [filters, each, kh, kw] to [kh, kw, each, filters]
        let mut moved = vec![0.0; values.len()];
        for (from, value) in values.into_iter().enumerate() {
            let (filter, channel, tap) = (from / (each * kh * kw), from / (kh * kw) % each, from % (kh * kw));
            moved[(tap * each + channel) * filters + filter] = value;
        }
        let bias = if node.has(2) { Some(node.constant(2)?.reals()) } else { None };
        let depthwise = groups == c && c > 1 && dilation == [1, 1] && filters.is_multiple_of(c);
        let layer = if depthwise {
            let multiplier = filters / c;
            Layer::Depthwise { multiplier, kernel, stride, padding, bias: bias.is_some() }
        } else {
            Layer::Conv2d { filters, kernel, stride, padding, bias: bias.is_some(), groups, dilation }
        };
        let parameters = with_bias(moved, bias, filters)?;
        Ok(Self::nchw(self.emit(self.name_of(node, 1).as_deref(), layer, &[&image], parameters)?))
    }

    /// What the layer of `node` is called: as its weights, which are input `index`, or as the node.
    pub(super) fn name_of(&self, node: &Node<'_>, index: usize) -> Option<String> {
        let name = node.weight_name(index).map(|name| name.trim_start_matches('/'));
        let free = name.filter(|name| !self.names.contains(*name));
        free.map(str::to_owned).or_else(|| Some(node.proto.name.clone()))
    }

    /// `alpha A B + beta C`, with transpositions.
    pub(super) fn gemm(&mut self, node: &Node<'_>) -> Outputs {
        let image = node.image(0)?;
        let weights = node.constant(1)?;
        let (&[rows, columns], false) = (&weights.shape[..], node.attributes.int("transA", 0) != 0) else {
            return Err("expected a plain first matrix and a constant second one".to_owned());
        };
        let (alpha, beta) = (node.attributes.float("alpha", 1.0), node.attributes.float("beta", 1.0));
        let transposed = node.attributes.int("transB", 0) != 0;
        let [inputs, units] = if transposed { [columns, rows] } else { [rows, columns] };
        let from = weights.reals();
        let mut kernel = vec![0.0; from.len()];
        for input in 0..inputs {
            for unit in 0..units {
                let at = if transposed { unit * inputs + input } else { input * units + unit };
                kernel[input * units + unit] = if alpha == 1.0 { from[at] } else { alpha * from[at] };
            }
        }
        let mut bias = None;
        if node.has(2) {
            let values = node.constant(2)?.reals();
            let values = if values.len() == 1 { vec![values[0]; units] } else { values };
            bias = Some(values.iter().map(|&x| if beta == 1.0 { x } else { beta * x }).collect());
        }
        if image.axes.rank() != 2 {
            return Err(format!("expected a matrix, found {}", image.dimensions()));
        }
        self.dense(node, &image, ([inputs, units], kernel), bias)
    }

    pub(super) fn matmul(&mut self, node: &Node<'_>) -> Outputs {
        let image = node.image(0)?;
        let weights = match node.constant(1) {
            Ok(weights) => weights,
            Err(_) => return Err("a product of two computed matrices (attention) is no layer".to_owned()),
        };
        let &[inputs, units] = &weights.shape[..] else {
            return Err(format!("expected a constant matrix, found {:?}", weights.shape));
        };
        self.dense(node, &image, ([inputs, units], weights.reals()), None)
    }

    /// The last dimension times `kernel` `[inputs, units]`: a dense layer, or a convolution of one tap where there are places.
    fn dense(
        &mut self,
        node: &Node<'_>,
        image: &Image,
        ([inputs, units], kernel): ([usize; 2], Vec<f32>),
        bias: Option<Vec<f32>>,
    ) -> Outputs {
        let last = image.axes.rank().checked_sub(1).ok_or("expected a matrix, found a number")?;
        if image.axes.lengths()[last] != inputs {
            return Err(format!("expected {inputs} values a row, found {}", image.axes.lengths()[last]));
        }
        let places = image.axes.dimension(last).iter().any(|atom| matches!(atom.axis, Axis::H | Axis::W));
        let image = if places { self.flat(image)? } else { self.ordered(image) };
        let elsewhere = (0..last).any(|at| image.axes.dimension(at).iter().any(|atom| atom.axis == Axis::C));
        let order = channel_order(image.axes.dimension(last))
            .filter(|order| !elsewhere && order.len() == image.shape[2]);
        let Some(order) = order else {
            return Err(format!("expected all channels in the last dimension, found {}", image.dimensions()));
        };
        // Row `index` of the file's matrix belongs to channel `order[index]`.
        let mut moved = vec![0.0; kernel.len()];
        for (row, &channel) in kernel.chunks_exact(units.max(1)).zip(&order) {
            moved[channel * units..(channel + 1) * units].copy_from_slice(row);
        }
        let layer = if image.shape[..2] == [1, 1] {
            Layer::Dense { units, bias: bias.is_some() }
        } else {
            let (kernel, stride, padding) = ([1, 1], [1, 1], Padding::Valid);
            let (groups, dilation) = (1, [1, 1]);
            Layer::Conv2d { filters: units, kernel, stride, padding, bias: bias.is_some(), groups, dilation }
        };
        let parameters = with_bias(moved, bias, units)?;
        let (source, shape) = self.emit(self.name_of(node, 1).as_deref(), layer, &[&image], parameters)?;
        let channels = Axes::of(&[Axis::C], shape).dimension(0).to_vec();
        let axes = image.axes.replaced(last, merged(channels));
        Ok(vec![Value::Image(Image { source, shape, axes })])
    }
}

fn with_bias(
    kernel: Vec<f32>,
    bias: Option<Vec<f32>>,
    outputs: usize,
) -> Result<Vec<(Role, Vec<f32>)>, String> {
    let mut parameters = vec![(Role::Kernel, kernel)];
    if let Some(bias) = bias {
        if bias.len() != outputs {
            return Err(format!("expected a bias of {outputs} values, found {}", bias.len()));
        }
        parameters.push((Role::Bias, bias));
    }
    Ok(parameters)
}

/// A number for each channel of `image`, in their order, from a constant that is broadcast to its dimensions; one number if it
/// is the same everywhere.
pub(super) fn per_channel(image: &Image, constant: &Constant) -> Result<Vec<f32>, String> {
    if let Some(value) = constant.uniform() {
        return Ok(vec![value; image.shape[2]]);
    }
    let rank = image.axes.rank();
    let found =
        || format!("expected a number a channel of {}, found {:?}", image.dimensions(), constant.shape);
    let long: Vec<usize> = (0..constant.shape.len()).filter(|&at| constant.shape[at] != 1).collect();
    let &[at] = &long[..] else { return Err(found()) };
    let dimension = (at + rank).checked_sub(constant.shape.len()).ok_or_else(found)?;
    let order = channel_order(image.axes.dimension(dimension)).ok_or_else(found)?;
    let values = constant.reals();
    if order.len() != image.shape[2] || values.len() != order.len() {
        return Err(found());
    }
    let mut channels = vec![0.0; order.len()];
    for (value, channel) in values.into_iter().zip(order) {
        channels[channel] = value;
    }
    Ok(channels)
}
