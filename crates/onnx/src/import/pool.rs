//! Pools, means over rows and columns, and images of another size.

use seamripper_core::graph::{Interpolation, Layer, Padding, Source, window_padding};

use super::convolution::Windows;
use super::value::Image;
use super::{Importing, Node, Outputs, Partial, Value};
use crate::axes::{Axes, Axis};

impl Importing<'_> {
    pub(super) fn pool(&mut self, node: &Node<'_>, max: bool) -> Outputs {
        let image = node.image(0)?;
        image.nchw()?;
        let attributes = &node.attributes;
        let size = attributes.pair("kernel_shape", [0, 0])?;
        if size.contains(&0) {
            return Err("expected a kernel_shape, found none".to_owned());
        }
        if attributes.pair("dilations", [1, 1])? != [1, 1] {
            return Err("is supported without dilation only".to_owned());
        }
        if node.proto.output.len() > 1 && !node.proto.output[1].is_empty() {
            return Err("is supported without the output of indices only".to_owned());
        }
        let stride = attributes.pair("strides", [1, 1])?;
        let [h, w, _] = image.shape;
        let ceil = attributes.int("ceil_mode", 0) != 0;
        let (padding, beyond) = Windows { image: [h, w], span: size, stride, ceil }.padding(node)?;
        if (size, stride, padding) == ([1, 1], [1, 1], Padding::Valid) {
            return Ok(vec![Value::Image(image)]);
        }
        let name = Some(&*node.proto.name);
        if max {
            let layer = Layer::MaxPool { size, stride, padding };
            return Ok(resized(&image, self.emit(name, layer, &[&image], Vec::new())?));
        }
        if attributes.int("count_include_pad", 0) == 0 || padding == Padding::Valid {
            let layer = Layer::AvgPool { size, stride, padding };
            return Ok(resized(&image, self.emit(name, layer, &[&image], Vec::new())?));
        }
        if beyond {
            return Err("is supported with count_include_pad or ceil_mode, not with both".to_owned());
        }
        // Zeros that count are zeros of the image.
        let (before, out) = window_padding([h, w], size, stride, padding);
        let after = [0, 1].map(|axis| {
            let end = out[axis].saturating_sub(1) * stride[axis] + size[axis];
            end.saturating_sub(before[axis] + [h, w][axis])
        });
        let (source, shape) = self.emit(None, Layer::Pad { before, after }, &[&image], Vec::new())?;
        let padded = Image { source, shape, axes: image.axes.clone() };
        let layer = Layer::AvgPool { size, stride, padding: Padding::Valid };
        Ok(resized(&image, self.emit(name, layer, &[&padded], Vec::new())?))
    }

    pub(super) fn global_pool(&mut self, node: &Node<'_>, layer: Layer) -> Outputs {
        let image = node.image(0)?;
        image.nchw()?;
        let (source, shape) = self.emit(Some(&node.proto.name), layer, &[&image], Vec::new())?;
        let axes = image.axes.replaced(2, Vec::new()).replaced(3, Vec::new());
        Ok(vec![Value::Image(Image { source, shape, axes })])
    }

    /// A mean or maximum over rows and columns, or the mean over channels of a layer normalization.
    pub(super) fn reduce(&mut self, node: &Node<'_>, max: bool) -> Outputs {
        let keep = node.attributes.int("keepdims", 1) != 0;
        let (image, square) = match &node.inputs[0] {
            Some(Value::Partial(Partial::Square(image))) => (image.clone(), true),
            _ => (node.image(0)?, false),
        };
        let Some(axes) = node.wholes(1, "axes")?.filter(|axes| !axes.is_empty()) else {
            return Err("is supported over rows and columns only, found all dimensions".to_owned());
        };
        let axes: Vec<usize> = axes.iter().filter_map(|&axis| image.axes.index(axis)).collect();
        if !max
            && keep
            && axes.len() == 1
            && Some(axes[0]) == image.channel_dimension()
            && axes[0] + 1 == image.axes.rank()
        {
            return Ok(vec![Value::Partial(if square {
                Partial::Variance(image)
            } else {
                Partial::Mean(image)
            })]);
        }
        if square || !Self::all_of(&image, &axes, &[Axis::H, Axis::W]) {
            return Err(format!("is supported over rows and columns only, found {}", image.dimensions()));
        }
        let layer = if max { Layer::GlobalMaxPool } else { Layer::GlobalAvgPool };
        let (source, shape) = self.emit(Some(&node.proto.name), layer, &[&image], Vec::new())?;
        let mut dimensions = image.axes.clone();
        for &axis in &axes {
            dimensions = dimensions.replaced(axis, Vec::new());
        }
        let axes = if keep { dimensions } else { dimensions.without(&axes) };
        Ok(vec![Value::Image(Image { source, shape, axes })])
    }

    pub(super) fn pad(&mut self, node: &Node<'_>) -> Outputs {
        let image = node.image(0)?;
        if node.attributes.text("mode", "constant") != "constant" {
            return Err("is supported with constant zeros only".to_owned());
        }
        let value =
            if node.has(2) { node.constant(2)?.uniform() } else { Some(node.attributes.float("value", 0.0)) };
        if value != Some(0.0) {
            return Err("is supported with constant zeros only".to_owned());
        }
        let rank = image.axes.rank();
        let pads = node.wholes(1, "pads")?.or_else(|| node.attributes.ints("paddings")).unwrap_or_default();
        let axes = if node.has(3) { node.wholes(3, "axes")? } else { None };
        let axes = axes.unwrap_or_else(|| (0..rank as i64).collect());
        if pads.len() != 2 * axes.len() {
            return Err(format!("expected {} pads, found {}", 2 * axes.len(), pads.len()));
        }
        let (mut before, mut after) = ([0, 0], [0, 0]);
        for (place, &axis) in axes.iter().enumerate() {
            let (first, last) = (pads[place], pads[place + axes.len()]);
            if (first, last) == (0, 0) {
                continue;
            }
            let side = image.axes.index(axis).and_then(|at| {
                [Axis::H, Axis::W]
                    .iter()
                    .position(|&axis| image.axes.is(at, axis, image.shape) && image.shape[..2] != [1, 1])
            });
            let (Some(side), Ok(first), Ok(last)) = (side, usize::try_from(first), usize::try_from(last))
            else {
                return Err("is supported with more rows and columns only".to_owned());
            };
            (before[side], after[side]) = (first, last);
        }
        if (before, after) == ([0, 0], [0, 0]) {
            return Ok(vec![Value::Image(image)]);
        }
        let emitted =
            self.emit(Some(&node.proto.name), Layer::Pad { before, after }, &[&image], Vec::new())?;
        Ok(resized(&image, emitted))
    }

    pub(super) fn resize(&mut self, node: &Node<'_>, op: &str) -> Outputs {
        let image = node.image(0)?;
        image.nchw()?;
        let [h, w, _] = image.shape;
        let (scales, sizes) = match (op, self.opset) {
            ("Upsample", 7..=8) => (node.attributes.floats("scales"), None),
            ("Upsample", _) | (_, 10) => (Some(node.constant(1)?.reals()), None),
            _ => {
                let scales = if node.has(2) { Some(node.constant(2)?.reals()) } else { None };
                (scales.filter(|scales| !scales.is_empty()), node.wholes(3, "sizes")?)
            }
        };
        let size = match (scales.as_deref(), sizes.as_deref()) {
            (Some(&[_, _, down, right]), None) => {
                [(h as f32 * down).floor() as usize, (w as f32 * right).floor() as usize]
            }
            (None, Some(&[_, _, down, right])) => {
                [down, right].map(|length| usize::try_from(length).unwrap_or_default())
            }
            _ => return Err("expected four scales or sizes, known".to_owned()),
        };
        let place = if op == "Upsample" { "asymmetric" } else { "half_pixel" };
        let place = node.attributes.text("coordinate_transformation_mode", place);
        let rounding = node.attributes.text("nearest_mode", "round_prefer_floor");
        let whole = [(size[0], h), (size[1], w)].iter().all(|&(to, from)| to.is_multiple_of(from));
        let method = match &*node.attributes.text("mode", "nearest") {
            "nearest" if place == "asymmetric" && (rounding == "floor" || op == "Upsample") => {
                Interpolation::Nearest
            }
            "nearest" if place == "half_pixel" && rounding == "round_prefer_floor" && whole => {
                Interpolation::Nearest
            }
            "linear" if place == "half_pixel" || place == "pytorch_half_pixel" => Interpolation::Bilinear,
            mode => return Err(format!("is not supported with {mode}, {place}, {rounding}")),
        };
        let emitted =
            self.emit(Some(&node.proto.name), Layer::Resize { size, method }, &[&image], Vec::new())?;
        Ok(resized(&image, emitted))
    }
}

/// Dimensions of `image` with other rows and columns.
pub(super) fn resized(image: &Image, (source, shape): (Source, [usize; 3])) -> Vec<Value> {
    let mut axes = image.axes.clone();
    for axis in [Axis::H, Axis::W] {
        let whole = Axes::of(&[axis], image.shape);
        let at = (0..axes.rank())
            .find(|&at| image.axes.dimension(at) == whole.dimension(0) && !whole.dimension(0).is_empty());
        // A row or column of one leaves no trace; it is where it is in [n, c, h, w].
        let at = at.unwrap_or(if axis == Axis::H { 2 } else { 3 });
        axes = axes.replaced(at, Axes::of(&[axis], shape).dimension(0).to_vec());
    }
    vec![Value::Image(Image { source, shape, axes })]
}
