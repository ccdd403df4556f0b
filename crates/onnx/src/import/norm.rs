//! Normalizations, and dropout.

use seamripper_core::graph::{Layer, Role};

use super::convolution::per_channel;
use super::value::Image;
use super::{Importing, Node, Outputs};
use crate::axes::Axis;
use crate::constant::Constant;

impl Importing<'_> {
    pub(super) fn batch_norm(&mut self, node: &Node<'_>) -> Outputs {
        if node.attributes.int("training_mode", 0) != 0 {
            return Err("is supported at inference only, without training_mode".to_owned());
        }
        let mut image = node.image(0)?;
        if image.axes.rank() == 2 {
            image = self.flat(&image)?;
        }
        let image = self.ordered(&image);
        let epsilon = node.attributes.float("epsilon", 1e-5);
        let momentum = node.attributes.float("momentum", 0.9);
        let momentum = if (0.0..1.0).contains(&momentum) { momentum } else { 0.9 };
        // The numbers belong to dimension 1.
        let rank = image.axes.rank();
        let roles = [Role::Gamma, Role::Beta, Role::MovingMean, Role::MovingVariance];
        let mut parameters = Vec::with_capacity(4);
        for (index, role) in roles.into_iter().enumerate() {
            let constant = node.constant(index + 1)?;
            let mut shape = vec![1; rank.saturating_sub(1)];
            if let Some(first) = shape.first_mut() {
                *first = constant.len();
            }
            let spread = Constant { shape, values: constant.values.clone() };
            let fits = constant.len() == image.shape[2];
            let numbers = per_channel(&image, &spread).ok().filter(|_| fits);
            let numbers = numbers.ok_or_else(|| {
                format!(
                    "expected {} numbers a channel of {}, found {:?}",
                    image.shape[2],
                    image.dimensions(),
                    constant.shape
                )
            })?;
            parameters.push((role, numbers));
        }
        let layer = Layer::BatchNorm { epsilon, momentum };
        let emitted = self.emit(self.name_of(node, 1).as_deref(), layer, &[&image], parameters)?;
        Ok(Self::like(&image, emitted))
    }

    pub(super) fn layer_norm(&mut self, node: &Node<'_>) -> Outputs {
        let image = node.image(0)?;
        let axis = image.axes.index(node.attributes.int("axis", -1));
        if axis != Some(image.axes.rank() - 1) || axis != image.channel_dimension() {
            return Err(format!("is supported over channels only, found {}", image.dimensions()));
        }
        let image = self.ordered(&image);
        let epsilon = node.attributes.float("epsilon", 1e-5);
        let gamma = per_channel(&image, node.constant(1)?)?;
        let beta = match node.has(2) {
            true => per_channel(&image, node.constant(2)?)?,
            false => vec![0.0; image.shape[2]],
        };
        self.normalized(node, &image, epsilon, (gamma, beta))
    }

    /// A layer normalization of `image` over its channels.
    pub(super) fn normalized(
        &mut self,
        node: &Node<'_>,
        image: &Image,
        epsilon: f32,
        (gamma, beta): (Vec<f32>, Vec<f32>),
    ) -> Outputs {
        let parameters = vec![(Role::Gamma, gamma), (Role::Beta, beta)];
        let name = self.name_of(node, 1);
        let emitted = self.emit(name.as_deref(), Layer::LayerNorm { epsilon }, &[image], parameters)?;
        Ok(Self::like(image, emitted))
    }

    /// Nothing at inference; kept, so that training goes on with it.
    pub(super) fn dropout(&mut self, node: &Node<'_>) -> Outputs {
        let image = node.image(0)?;
        let rate = if node.has(1) {
            node.constant(1)?.uniform().unwrap_or(0.5)
        } else {
            node.attributes.float("ratio", 0.5)
        };
        let rate = if (0.0..1.0).contains(&rate) { rate } else { 0.0 };
        let name = Some(&*node.proto.name);
        let emitted = self.emit(name, Layer::Dropout { rate }, &[&image], Vec::new())?;
        Ok(Self::like(&image, emitted))
    }

    /// Whether `axes` are exactly those dimensions of `image` that have only this axis, or length 1.
    pub(super) fn all_of(image: &Image, axes: &[usize], wanted: &[Axis]) -> bool {
        (0..image.axes.rank()).all(|at| {
            let atoms = image.axes.dimension(at);
            let inside = atoms.iter().all(|atom| wanted.contains(&atom.axis));
            let outside = atoms.iter().all(|atom| !wanted.contains(&atom.axis));
            if axes.contains(&at) { inside } else { outside }
        })
    }
}
