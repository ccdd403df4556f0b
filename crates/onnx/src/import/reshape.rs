//! What changes dimensions and moves no number, and what takes channels apart and together.

use std::rc::Rc;

use seamripper_core::graph::Layer;

use super::value::Image;
use super::{Importing, Node, Outputs, Value};
use crate::axes::{Axes, Axis};
use crate::constant::Constant;
use crate::fold::{indices, resolved};

/// The image with other dimensions.
fn with_axes(image: Image, axes: Axes) -> Outputs {
    Ok(vec![Value::Image(Image { axes, ..image })])
}

impl Importing<'_> {
    /// The lengths, 1 for the batch.
    pub(super) fn shape(&mut self, node: &Node<'_>) -> Outputs {
        let lengths = node.image(0)?.axes.lengths().iter().map(|&length| length as i64).collect();
        let from = usize::try_from(node.attributes.int("start", 0)).ok();
        if from != Some(0) || node.attributes.has("end") {
            return Err("is supported of all dimensions only".to_owned());
        }
        Ok(vec![Value::Constant(Rc::new(Constant::whole(lengths)))])
    }

    pub(super) fn reshape(&mut self, node: &Node<'_>) -> Outputs {
        let image = node.image(0)?;
        let target = node.wholes(1, "shape")?.ok_or("expected a known shape, found none")?;
        let keep = node.attributes.int("allowzero", 0) == 0;
        let lengths = image.axes.lengths();
        // A file made for a certain number of images says it where any other number would do too.
        let batch = |target: &[i64]| {
            let mut target = target.to_vec();
            if let Some(first) = target.first_mut().filter(|first| self.batch == Some(**first)) {
                *first = 1;
            }
            target
        };
        let found = || {
            format!(
                "expected a reshape of {} {lengths:?} that keeps images apart, found {target:?}",
                image.dimensions()
            )
        };
        let shape = resolved(&target, &lengths, keep).or_else(|| resolved(&batch(&target), &lengths, keep));
        let axes = image.axes.reshaped(&shape.ok_or_else(found)?).ok_or_else(found)?;
        with_axes(image, axes)
    }

    /// All of a row of numbers in their order, in other dimensions, which is how PyTorch exports some reshapes.
    pub(super) fn gather(&mut self, node: &Node<'_>) -> Outputs {
        let image = node.image(0)?;
        let indices = node.constant(1)?;
        let all = indices.wholes().unwrap_or_default();
        let in_order = all.iter().enumerate().all(|(place, &index)| place as i64 == index);
        let batch = self.batch.and_then(|batch| usize::try_from(batch).ok()).unwrap_or(1);
        let mut shape = indices.shape.clone();
        let length: usize = image.axes.lengths().iter().product();
        if image.axes.rank() != 1 || !in_order || length.checked_mul(batch) != Some(all.len()) {
            return Err("is supported for shapes and constants only".to_owned());
        }
        if let Some(first) = shape.first_mut().filter(|first| **first == batch) {
            *first = 1;
        }
        let axes = image.axes.reshaped(&shape).ok_or("is supported for shapes and constants only")?;
        with_axes(image, axes)
    }

    pub(super) fn flatten(&mut self, node: &Node<'_>) -> Outputs {
        let image = node.image(0)?;
        let axis = image.axes.index(node.attributes.int("axis", 1)).filter(|&axis| axis > 0);
        let axes = image.axes.flattened(axis.ok_or("is supported behind the dimension of images only")?);
        with_axes(image, axes)
    }

    pub(super) fn transpose(&mut self, node: &Node<'_>) -> Outputs {
        let image = node.image(0)?;
        let rank = image.axes.rank();
        let order = node.attributes.ints("perm").unwrap_or_else(|| (0..rank as i64).rev().collect());
        let order: Vec<usize> = order.iter().filter_map(|&axis| image.axes.index(axis)).collect();
        if order.len() != rank || (0..rank).any(|axis| !order.contains(&axis)) {
            return Err(format!("expected an order of {rank} dimensions, found {order:?}"));
        }
        let axes = image.axes.transposed(&order);
        with_axes(image, axes)
    }

    pub(super) fn squeeze(&mut self, node: &Node<'_>) -> Outputs {
        let image = node.image(0)?;
        let empty = |at: usize| image.axes.dimension(at).is_empty();
        let all: Vec<usize> = match node.wholes(1, "axes")? {
            Some(axes) => axes.iter().filter_map(|&axis| image.axes.index(axis)).collect(),
            None => (0..image.axes.rank()).filter(|&at| empty(at)).collect(),
        };
        if all.iter().any(|&at| !empty(at)) {
            return Err(format!("expected dimensions of length 1, found {}", image.dimensions()));
        }
        let axes = image.axes.without(&all);
        with_axes(image, axes)
    }

    pub(super) fn unsqueeze(&mut self, node: &Node<'_>) -> Outputs {
        let image = node.image(0)?;
        let axes = node.wholes(1, "axes")?.ok_or("expected axes, found none")?;
        let rank = (image.axes.rank() + axes.len()) as i64;
        let mut places: Vec<i64> =
            axes.iter().map(|&axis| if axis < 0 { axis.saturating_add(rank) } else { axis }).collect();
        places.sort_unstable();
        let mut dimensions = image.axes.clone();
        for place in places {
            let place = usize::try_from(place).ok().filter(|&place| place <= dimensions.rank());
            dimensions = dimensions.inserted(
                place.ok_or_else(|| format!("expected axes of {rank} dimensions, found {axes:?}"))?,
            );
        }
        with_axes(image, dimensions)
    }

    pub(super) fn concat(&mut self, node: &Node<'_>) -> Outputs {
        let mut images = Vec::with_capacity(node.inputs.len());
        for index in 0..node.inputs.len() {
            images.push(self.in_order(&node.image(index)?)?);
        }
        let first = images.first().ok_or("expected something to join, found nothing")?.clone();
        let axis = first.axes.index(node.attributes.int("axis", 1));
        let others = |image: &Image| axis.map(|axis| image.axes.replaced(axis, Vec::new()));
        let fits = |image: &Image| {
            image.channel_dimension() == axis
                && image.axes.rank() == first.axes.rank()
                && others(image) == others(&first)
        };
        let (Some(axis), true) = (axis, images.iter().all(fits)) else {
            return Err(format!(
                "is supported along channels only, found axis {axis:?} of {}",
                first.dimensions()
            ));
        };
        if images.len() == 1 {
            return Ok(vec![Value::Image(first)]);
        }
        let inputs: Vec<&Image> = images.iter().collect();
        let (source, shape) = self.emit(Some(&node.proto.name), Layer::Concat, &inputs, Vec::new())?;
        let axes = first.axes.replaced(axis, Axes::of(&[Axis::C], shape).dimension(0).to_vec());
        Ok(vec![Value::Image(Image { source, shape, axes })])
    }

    /// Channels `first..first + channels` of an image whose channels are in order in dimension `axis`.
    fn part(
        &mut self,
        name: Option<&str>,
        image: &Image,
        axis: usize,
        first: usize,
        channels: usize,
    ) -> Result<Value, String> {
        if (first, channels) == (0, image.shape[2]) {
            return Ok(Value::Image(image.clone()));
        }
        let (source, shape) = self.emit(name, Layer::Slice { first, channels }, &[image], Vec::new())?;
        let axes = image.axes.replaced(axis, Axes::of(&[Axis::C], shape).dimension(0).to_vec());
        Ok(Value::Image(Image { source, shape, axes }))
    }

    pub(super) fn split(&mut self, node: &Node<'_>) -> Outputs {
        let image = node.image(0)?;
        let axis = image.axes.index(node.attributes.int("axis", 0));
        let (Some(axis), true) = (axis, axis == image.channel_dimension()) else {
            return Err(format!("is supported along channels only, found {}", image.dimensions()));
        };
        let image = self.in_order(&image)?;
        let count = node.proto.output.len().max(1);
        let sizes = match node.wholes(1, "split")? {
            Some(sizes) => sizes.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect(),
            None => {
                let each = image.shape[2].div_ceil(count);
                let mut sizes = vec![each; count];
                sizes[count - 1] = image.shape[2].saturating_sub(each * (count - 1));
                sizes
            }
        };
        if sizes.len() != count
            || sizes.contains(&0)
            || sizes.iter().try_fold(0_usize, |sum, &x| sum.checked_add(x)) != Some(image.shape[2])
        {
            return Err(format!("expected {count} parts of {} channels, found {sizes:?}", image.shape[2]));
        }
        let mut first = 0;
        let mut parts = Vec::with_capacity(count);
        for (index, size) in sizes.into_iter().enumerate() {
            let name = format!("{}.{index}", node.proto.name);
            parts.push(self.part(Some(&name), &image, axis, first, size)?);
            first += size;
        }
        Ok(parts)
    }

    pub(super) fn slice(&mut self, node: &Node<'_>) -> Outputs {
        let mut image = node.image(0)?;
        let starts = node.wholes(1, "starts")?.unwrap_or_default();
        let ends = node.wholes(2, "ends")?.unwrap_or_default();
        let axes = node.wholes(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = if node.has(4) { node.wholes(4, "steps")? } else { None };
        let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
        if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
            return Err("expected as many starts as ends, axes and steps".to_owned());
        }
        for index in 0..starts.len() {
            let axis = image.axes.index(axes[index]).ok_or("expected a dimension that is there")?;
            let length = image.axes.lengths()[axis];
            if steps[index] == 1 && starts[index] == 0 && ends[index] >= length as i64 {
                continue;
            }
            if Some(axis) != image.channel_dimension() || steps[index] != 1 {
                return Err(format!(
                    "is supported of neighbouring channels only, found axis {axis} of {}",
                    image.dimensions()
                ));
            }
            image = self.in_order(&image)?;
            let chosen = indices(starts[index], ends[index], 1, length).unwrap_or_default();
            let first = chosen.first().and_then(|&first| usize::try_from(first).ok());
            let first = first.ok_or("expected at least one channel")?;
            let Value::Image(part) = self.part(Some(&node.proto.name), &image, axis, first, chosen.len())?
            else {
                return Err("expected at least one channel".to_owned());
            };
            image = part;
        }
        Ok(vec![Value::Image(image)])
    }
}
