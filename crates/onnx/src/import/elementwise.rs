//! Activations, sums and products; a number a channel becomes a scale.
//!
//! Exporters write GELU as `x (1 + erf(x / sqrt 2)) / 2` and layer normalization as its mean, variance and quotient. The steps of both
//! are values of their own ([`Partial`]) until the last one makes a layer of them.

use seamripper_core::graph::{Activation, Layer, Role, Source};

use super::convolution::per_channel;
use super::value::Image;
use super::{Importing, Node, Outputs, Partial, Value};
use crate::axes::Axis;
use crate::constant::Constant;

/// How far a constant of a formula may lie from what it should be: exporters round it to a few digits.
const NEAR: f32 = 1e-4;

fn is(constant: &Constant, value: f32) -> bool {
    constant.len() == 1 && constant.uniform().is_some_and(|found| (found - value).abs() <= NEAR * value.abs())
}

/// The two inputs of an operator that takes them in any order: a constant second.
enum Pair<'a> {
    Constant(&'a Value, &'a Constant),
    Computed(&'a Value, &'a Value),
}

fn pair<'a>(node: &'a Node<'_>) -> Result<Pair<'a>, String> {
    let inputs: Vec<&Value> = node.inputs.iter().flatten().collect();
    match inputs[..] {
        [value, Value::Constant(constant)] | [Value::Constant(constant), value] => {
            Ok(Pair::Constant(value, constant))
        }
        [a, b] => Ok(Pair::Computed(a, b)),
        _ => Err(format!("expected two inputs, found {}", inputs.len())),
    }
}

impl Importing<'_> {
    /// An activation of its own, if `op` is one.
    pub(super) fn activation(&mut self, node: &Node<'_>, op: &str) -> Result<Option<Value>, String> {
        let attributes = &node.attributes;
        let float = |name: &str, default: f32| attributes.float(name, default);
        let only = |fits: bool, activation: Activation, what: &str| {
            if fits { Ok(activation) } else { Err(format!("is supported {what} only")) }
        };
        let activation = match op {
            "Relu" => Activation::Relu,
            "LeakyRelu" => Activation::LeakyRelu(float("alpha", 0.01)),
            "PRelu" => {
                let slope = node.constant(1)?.uniform();
                Activation::LeakyRelu(slope.ok_or("is supported with one slope for all channels only")?)
            }
            "Elu" => only(float("alpha", 1.0) == 1.0, Activation::Elu, "with alpha 1")?,
            "Gelu" => only(
                attributes.text("approximate", "none") == "none",
                Activation::Gelu,
                "without approximation",
            )?,
            "Sigmoid" => Activation::Sigmoid,
            "Tanh" => Activation::Tanh,
            "Softplus" => Activation::Softplus,
            "HardSwish" => Activation::HardSwish,
            "Swish" => only(float("alpha", 1.0) == 1.0, Activation::Silu, "with alpha 1")?,
            "HardSigmoid" => return self.hard_sigmoid(node).map(Some),
            "Clip" => self.clip(node)?,
            _ => return Ok(None),
        };
        self.activated(node, &node.image(0)?, activation).map(Some)
    }

    fn activated(&mut self, node: &Node<'_>, image: &Image, activation: Activation) -> Result<Value, String> {
        let emitted = self.emit(Some(&node.proto.name), Layer::Activation, &[image], Vec::new())?;
        self.layers.last_mut().expect("just emitted").activation = activation;
        Ok(Self::like(image, emitted).swap_remove(0))
    }

    /// `min(max(alpha x + beta, 0), 1)`
    fn hard_sigmoid(&mut self, node: &Node<'_>) -> Result<Value, String> {
        let image = node.image(0)?;
        let (alpha, beta) = (node.attributes.float("alpha", 0.2), node.attributes.float("beta", 0.5));
        if (alpha - 1.0 / 6.0).abs() < 1e-6 && beta == 0.5 {
            return self.activated(node, &image, Activation::HardSigmoid);
        }
        let (gamma, offset) = (vec![alpha; image.shape[2]], vec![beta; image.shape[2]]);
        let image = self.scaled(None, &image, gamma, Some(offset))?;
        self.activated(node, &image, Activation::Clip(0.0, 1.0))
    }

    fn clip(&self, node: &Node<'_>) -> Result<Activation, String> {
        let bound = |index: usize, name: &str, open: f32| {
            if node.has(index) {
                let constant = node.constant(index)?;
                return constant.uniform().ok_or_else(|| format!("expected one number of {name}"));
            }
            Ok(node.attributes.float(name, open))
        };
        Ok(match (bound(1, "min", f32::MIN)?, bound(2, "max", f32::MAX)?) {
            (0.0, 6.0) => Activation::Relu6,
            (0.0, high) if high >= f32::MAX => Activation::Relu,
            (low, high) => Activation::Clip(low.max(f32::MIN), high.min(f32::MAX)),
        })
    }

    /// `gamma x + beta`, numbers in the order of the channels.
    pub(super) fn scaled(
        &mut self,
        name: Option<&str>,
        image: &Image,
        gamma: Vec<f32>,
        beta: Option<Vec<f32>>,
    ) -> Result<Image, String> {
        let mut parameters = vec![(Role::Gamma, gamma)];
        let layer = Layer::Scale { bias: beta.is_some() };
        parameters.extend(beta.map(|beta| (Role::Beta, beta)));
        let (source, shape) = self.emit(name, layer, &[image], parameters)?;
        Ok(Image { source, shape, axes: image.axes.clone() })
    }

    /// The image, flat if `constant` has a number for each of its places, and the number of each channel.
    fn with_numbers(&mut self, image: &Image, constant: &Constant) -> Result<(Image, Vec<f32>), String> {
        let one = constant.uniform().is_some();
        let mixed = |at: usize| {
            let atoms = image.axes.dimension(at);
            atoms.len() > 1 && atoms.iter().any(|atom| matches!(atom.axis, Axis::H | Axis::W))
        };
        let image = if !one && (0..image.axes.rank()).any(mixed) { self.flat(image)? } else { image.clone() };
        let image = if one { image } else { self.ordered(&image) };
        let numbers = per_channel(&image, constant)?;
        Ok((image, numbers))
    }

    pub(super) fn scale_by(&mut self, node: &Node<'_>, image: Image, constant: &Constant) -> Outputs {
        let (image, gamma) = self.with_numbers(&image, constant)?;
        Ok(vec![Value::Image(self.scaled(Some(&node.proto.name), &image, gamma, None)?)])
    }

    fn shift_by(&mut self, node: &Node<'_>, image: &Image, constant: &Constant, sign: f32) -> Outputs {
        let (image, beta) = self.with_numbers(image, constant)?;
        let ones = vec![1.0; beta.len()];
        let beta = beta.iter().map(|x| sign * x).collect();
        Ok(vec![Value::Image(self.scaled(Some(&node.proto.name), &image, ones, Some(beta))?)])
    }

    /// Two images whose dimensions are the same, or 1 in the second: the larger one first.
    fn aligned(&mut self, a: &Image, b: &Image) -> Result<(Image, Image), String> {
        let length = |image: &Image| image.shape.iter().product::<usize>();
        let (mut a, mut b) =
            if length(a) < length(b) { (b.clone(), a.clone()) } else { (a.clone(), b.clone()) };
        let rank = a.axes.rank().max(b.axes.rank());
        for image in [&mut a, &mut b] {
            while image.axes.rank() < rank {
                image.axes = image.axes.inserted(0);
            }
        }
        let alike = |a: &Image, b: &Image| {
            (0..rank).all(|at| {
                let (a, b) = (a.axes.dimension(at), b.axes.dimension(at));
                a == b || b.is_empty() || (a.is_empty() && b.iter().all(|atom| atom.axis == Axis::N))
            })
        };
        if !alike(&a, &b) {
            (a, b) = (self.in_order(&a)?, self.in_order(&b)?);
        }
        if !alike(&a, &b) {
            return Err(format!(
                "expected equal dimensions, found {} and {}",
                a.dimensions(),
                b.dimensions()
            ));
        }
        Ok((a, b))
    }

    fn joined(&mut self, node: &Node<'_>, layer: Layer, a: &Image, b: &Image) -> Result<Image, String> {
        let (a, b) = self.aligned(a, b)?;
        let (source, shape) = self.emit(Some(&node.proto.name), layer, &[&a, &b], Vec::new())?;
        Ok(Image { source, shape, axes: a.axes })
    }

    pub(super) fn add(&mut self, node: &Node<'_>) -> Outputs {
        if node.proto.op_type == "Sum" && node.inputs.len() != 2 {
            let mut sum = node.image(0)?;
            for index in 1..node.inputs.len() {
                sum = self.joined(node, Layer::Add, &sum, &node.image(index)?)?;
            }
            return Ok(vec![Value::Image(sum)]);
        }
        match pair(node)? {
            Pair::Constant(Value::Image(image), constant) => {
                let image = image.clone();
                self.shift_by(node, &image, constant, 1.0)
            }
            Pair::Constant(Value::Partial(Partial::Variance(image)), constant) if constant.len() == 1 => {
                let epsilon = constant.uniform().expect("one number");
                Ok(vec![Value::Partial(Partial::Shifted(image.clone(), epsilon))])
            }
            Pair::Constant(Value::Partial(Partial::Erf(image)), constant) if is(constant, 1.0) => {
                Ok(vec![Value::Partial(Partial::OneMore(image.clone()))])
            }
            Pair::Computed(Value::Image(a), Value::Image(b)) => {
                Ok(vec![Value::Image(self.joined(node, Layer::Add, a, b)?)])
            }
            _ => Err("a sum of these is no layer".to_owned()),
        }
    }

    pub(super) fn sub(&mut self, node: &Node<'_>) -> Outputs {
        if let [Some(Value::Image(a)), Some(Value::Partial(Partial::Mean(b)))] = &node.inputs[..]
            && a == b
        {
            return Ok(vec![Value::Partial(Partial::Centered(a.clone()))]);
        }
        if let [Some(Value::Constant(constant)), _] = &node.inputs[..] {
            let image = node.image(1)?;
            let (image, beta) = self.with_numbers(&image, constant)?;
            let gamma = vec![-1.0; beta.len()];
            return Ok(vec![Value::Image(self.scaled(Some(&node.proto.name), &image, gamma, Some(beta))?)]);
        }
        let image = node.image(0)?;
        if let Ok(constant) = node.constant(1) {
            return self.shift_by(node, &image, constant, -1.0);
        }
        let other = node.image(1)?;
        if image.shape != other.shape {
            return Err("a difference of images of different shapes is no layer".to_owned());
        }
        let minus = vec![-1.0; other.shape[2]];
        let other = self.scaled(None, &other, minus, None)?;
        Ok(vec![Value::Image(self.joined(node, Layer::Add, &image, &other)?)])
    }

    pub(super) fn mul(&mut self, node: &Node<'_>) -> Outputs {
        let partial = |partial: Partial| Ok(vec![Value::Partial(partial)]);
        match pair(node)? {
            Pair::Constant(Value::Image(image), constant) => {
                let image = image.clone();
                self.scale_by(node, image, constant)
            }
            Pair::Constant(Value::Partial(Partial::OneMore(image)), half) if is(half, 0.5) => {
                partial(Partial::Cdf(image.clone()))
            }
            Pair::Constant(Value::Partial(Partial::TwiceGelu(image)), half) if is(half, 0.5) => {
                Ok(vec![self.activated(node, &image.clone(), Activation::Gelu)?])
            }
            Pair::Computed(Value::Partial(Partial::Centered(a)), Value::Partial(Partial::Centered(b)))
                if a == b =>
            {
                partial(Partial::Square(a.clone()))
            }
            Pair::Computed(Value::Image(x), Value::Partial(p))
            | Pair::Computed(Value::Partial(p), Value::Image(x)) => {
                let (x, p) = (x.clone(), p.clone());
                self.gelu(node, &x, p)
            }
            Pair::Computed(Value::Image(a), Value::Image(b)) => {
                Ok(vec![Value::Image(self.joined(node, Layer::Multiply, a, b)?)])
            }
            _ => Err("a product of these is no layer".to_owned()),
        }
    }

    /// `x` times a step of GELU.
    fn gelu(&mut self, node: &Node<'_>, x: &Image, step: Partial) -> Outputs {
        match step {
            Partial::OneMore(image) if *x == image => Ok(vec![Value::Partial(Partial::TwiceGelu(image))]),
            Partial::Cdf(image) if *x == image => Ok(vec![self.activated(node, &image, Activation::Gelu)?]),
            Partial::OneMore(image) if self.multiple(x, 0.5).is_some_and(|half| half == image) => {
                Ok(vec![self.activated(node, &image, Activation::Gelu)?])
            }
            _ => Err("a product of these is no layer".to_owned()),
        }
    }

    /// The image that `image` is `factor` times, if a scale says so.
    fn multiple(&self, image: &Image, factor: f32) -> Option<Image> {
        let Source::Node(place) = image.source else { return None };
        let draft = &self.layers[place];
        let [(Role::Gamma, gamma)] = &draft.parameters[..] else { return None };
        let near = gamma.iter().all(|x| (x - factor).abs() <= NEAR);
        (draft.layer == Layer::Scale { bias: false } && near)
            .then(|| Image { source: draft.inputs[0], ..image.clone() })
    }

    pub(super) fn div(&mut self, node: &Node<'_>) -> Outputs {
        if let [
            Some(Value::Partial(Partial::Centered(a))),
            Some(Value::Partial(Partial::Deviation(b, epsilon))),
        ] = &node.inputs[..]
            && a == b
        {
            let (image, epsilon) = (a.clone(), *epsilon);
            let (ones, zeros) = (vec![1.0; image.shape[2]], vec![0.0; image.shape[2]]);
            return self.normalized(node, &image, epsilon, (ones, zeros));
        }
        let image = node.image(0)?;
        let constant = node.constant(1).map_err(|_| "a quotient of these is no layer".to_owned())?;
        let inverse = constant.reals().iter().map(|x| 1.0 / x).collect();
        let values = crate::constant::Values::Real(inverse);
        self.scale_by(node, image, &Constant { shape: constant.shape.clone(), values })
    }

    pub(super) fn pow(&mut self, node: &Node<'_>) -> Outputs {
        match (&node.inputs[0], node.constant(1)?) {
            (Some(Value::Partial(Partial::Centered(image))), two) if is(two, 2.0) => {
                Ok(vec![Value::Partial(Partial::Square(image.clone()))])
            }
            (Some(Value::Image(image)), two) if is(two, 2.0) => {
                let image = image.clone();
                Ok(vec![Value::Image(self.joined(node, Layer::Multiply, &image, &image)?)])
            }
            _ => Err("is supported for squares only".to_owned()),
        }
    }

    pub(super) fn sqrt(&mut self, node: &Node<'_>) -> Outputs {
        match &node.inputs[0] {
            Some(Value::Partial(Partial::Shifted(image, epsilon))) => {
                Ok(vec![Value::Partial(Partial::Deviation(image.clone(), *epsilon))])
            }
            _ => Err("is supported in a layer normalization only".to_owned()),
        }
    }

    pub(super) fn erf(&mut self, node: &Node<'_>) -> Outputs {
        let image = node.image(0)?;
        let whole = self.multiple(&image, std::f32::consts::FRAC_1_SQRT_2);
        let whole = whole.ok_or("is supported in a GELU, x (1 + erf(x / sqrt 2)) / 2, only")?;
        Ok(vec![Value::Partial(Partial::Erf(whole))])
    }
}
