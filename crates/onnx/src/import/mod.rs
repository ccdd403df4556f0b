//! From ONNX to a graph, node by node.
//!
//! *Idea*
//! ```text
//! for node in graph:           in the file's order, which is one of execution
//!     an input is unknown:     so are the outputs
//!     all inputs are known:    fold
//!     else:                    the layer it is; a permutation of dimensions is none
//! what is not supported is noted and its outputs unknown, so that all of it is found at once
//! simplify, build, put the weights in their places
//! ```

mod attributes;
mod convolution;
mod elementwise;
mod norm;
mod pool;
mod reshape;
mod value;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use prost::Message;
use seamripper_core::graph::{Layer, ModelFile, Preprocessing, Role, Source, output_shape};

pub(crate) use attributes::Attributes;
use value::{Image, Partial, Value};

use crate::axes::{Axes, Axis, channel_order, flat_atoms};
use crate::constant::{Constant, External};
use crate::error::{NEWEST_OPSET, OLDEST_OPSET, OnnxError, Unsupported};
use crate::fold::fold;
use crate::image::image_of;
use crate::metadata;
use crate::proto::{GraphProto, ModelProto, NodeProto};
use crate::simplify::{Draft, simplify};

/// What a file does not say.
#[derive(Clone)]
pub struct Options<'a> {
    /// Rows and columns of an image, where the file leaves them open.
    pub size: Option<[usize; 2]>,
    /// Names of the classes; else those of the file, or `0`, `1`, ….
    pub classes: Option<Vec<String>>,
    /// From pixels to what the model reads; else what the file says, or pixels divided by 255.
    pub preprocessing: Option<Preprocessing>,
    /// Reads the files with values that are not in the model's own.
    pub external: External<'a>,
}

/// A model, and what should be said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The model.
    pub model: ModelFile,
    /// Sentences on what was left out or assumed.
    pub notes: Vec<String>,
}

/// The model in the bytes of an ONNX file.
///
/// # Errors
/// If the bytes are no ONNX model, or it has operators that are no layers, all of which are listed.
pub fn from_onnx(bytes: &[u8], options: &Options<'_>) -> Result<Imported, OnnxError> {
    let model = ModelProto::decode(bytes)
        .map_err(|error| OnnxError::Broken { bytes: bytes.len(), reason: error.to_string() })?;
    let graph = model.graph.as_ref().ok_or(OnnxError::NoGraph)?;
    let opset = opset(&model)?;
    let mut importing = Importing::new(&model, graph, opset, options)?;
    for node in &graph.node {
        importing.node(node);
    }
    importing.finish(&model, options)
}

/// The version of the standard operators.
fn opset(model: &ModelProto) -> Result<i64, OnnxError> {
    let standard = model.opset_import.iter().find(|set| ["", "ai.onnx"].contains(&&*set.domain));
    match standard.map(|set| set.version) {
        Some(version) if (OLDEST_OPSET..=NEWEST_OPSET).contains(&version) => Ok(version),
        Some(version) => Err(OnnxError::Opset { found: version.to_string() }),
        None => Err(OnnxError::Opset { found: "none".to_owned() }),
    }
}

/// The model so far.
pub(super) struct Importing<'a> {
    graph: &'a GraphProto,
    opset: i64,
    input: [usize; 3],
    /// Images in a batch, if the file says how many.
    batch: Option<i64>,
    values: HashMap<&'a str, Value>,
    layers: Vec<Draft>,
    names: HashSet<String>,
    unsupported: Vec<Unsupported>,
    notes: Vec<String>,
}

/// Operators that are read, of those whose inputs are computed.
const OPERATORS: [&str; 51] = [
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "Conv",
    "Div",
    "Dropout",
    "Elu",
    "Erf",
    "Flatten",
    "Gather",
    "Gelu",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LayerNormalization",
    "LeakyRelu",
    "LogSoftmax",
    "MatMul",
    "MaxPool",
    "Mul",
    "Neg",
    "PRelu",
    "Pad",
    "Pow",
    "ReduceMax",
    "ReduceMean",
    "Relu",
    "Reshape",
    "Resize",
    "Shape",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Softplus",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Sum",
    "Swish",
    "Tanh",
    "Transpose",
    "Unsqueeze",
    "Upsample",
];

/// Why a node with another one is not.
const NOT_SUPPORTED: &str = "is not among the supported operators";

/// Whether the operator of a node is one of [`OPERATORS`].
fn known(node: &NodeProto) -> bool {
    ["", "ai.onnx"].contains(&&*node.domain) && OPERATORS.contains(&&*node.op_type)
}

/// What a node's outputs are, or why it is no layer.
type Outputs = Result<Vec<Value>, String>;

/// A node with what it reads.
pub(super) struct Node<'a> {
    proto: &'a NodeProto,
    attributes: Attributes<'a>,
    inputs: Vec<Option<Value>>,
}

impl Node<'_> {
    fn has(&self, index: usize) -> bool {
        self.inputs.get(index).is_some_and(Option::is_some)
    }

    /// The image that input `index` is.
    fn image(&self, index: usize) -> Result<Image, String> {
        match self.inputs.get(index) {
            Some(Some(Value::Image(image))) => Ok(image.clone()),
            Some(Some(Value::Partial(_))) => {
                Err("reads a part of a layer normalization or GELU that is used otherwise too".to_owned())
            }
            _ => {
                Err(format!("expected input {index} to be computed from the image, found a constant or none"))
            }
        }
    }

    /// The known numbers that input `index` is.
    fn constant(&self, index: usize) -> Result<&Constant, String> {
        match self.inputs.get(index) {
            Some(Some(Value::Constant(constant))) => Ok(constant),
            _ => Err(format!("expected input {index} to be a constant, found a computed value or none")),
        }
    }

    /// Whole numbers from an input of newer opsets, or an attribute of older ones.
    fn wholes(&self, index: usize, name: &str) -> Result<Option<Vec<i64>>, String> {
        if self.has(index) {
            let constant = self.constant(index)?;
            return constant.wholes().map(Some).ok_or_else(|| format!("expected whole numbers of {name}"));
        }
        Ok(self.attributes.ints(name))
    }

    /// What the weights of input `index` are called, without the last word: `layer1.0.conv1`.
    fn weight_name(&self, index: usize) -> Option<&str> {
        let (name, role) = self.proto.input.get(index)?.rsplit_once(['.', '/'])?;
        let roles = ["weight", "kernel", "gamma", "scale", "weights"];
        roles.contains(&role).then_some(name)
    }
}

impl<'a> Importing<'a> {
    fn new(
        model: &ModelProto,
        graph: &'a GraphProto,
        opset: i64,
        options: &Options<'_>,
    ) -> Result<Self, OnnxError> {
        let mut values = HashMap::new();
        let mut faults = Vec::new();
        for tensor in &graph.initializer {
            let value = match Constant::read(tensor, &tensor.name, options.external) {
                Ok(constant) => Value::Constant(Rc::new(constant)),
                Err(fault) => {
                    faults.push(fault);
                    Value::Unknown
                }
            };
            values.insert(&*tensor.name, value);
        }
        if !faults.is_empty() {
            return Err(OnnxError::Tensors(faults));
        }
        let inputs = graph.input.iter().filter(|input| !values.contains_key(&*input.name));
        let mut inputs = inputs.collect::<Vec<_>>().into_iter();
        let Some(input) = inputs.next() else {
            return Err(OnnxError::Input { name: "of the model".into(), found: "none".into() });
        };
        let said = image_of(input, options.size.or_else(|| metadata::size(model)))?;
        let shape = said.shape;
        let order = match said.channels_last {
            true => [Axis::N, Axis::H, Axis::W, Axis::C],
            false => [Axis::N, Axis::C, Axis::H, Axis::W],
        };
        let axes = Axes::of(&order, shape);
        values.insert(&input.name, Value::Image(Image { source: Source::Input, shape, axes }));
        let mut notes = Vec::new();
        if let Some(other) = inputs.next() {
            values.insert(&other.name, Value::Unknown);
            notes.push(format!(
                "input {} is taken for the image; {} is another input",
                input.name, other.name
            ));
        }
        let (layers, names, unsupported) = (Vec::new(), HashSet::new(), Vec::new());
        let batch = said.batch;
        Ok(Self { graph, opset, input: shape, batch, values, layers, names, unsupported, notes })
    }

    fn node(&mut self, proto: &'a NodeProto) {
        let input = |name: &String| match &**name {
            "" => None,
            name => Some(self.values.get(name).cloned().unwrap_or(Value::Unknown)),
        };
        let inputs: Vec<Option<Value>> = proto.input.iter().map(input).collect();
        let outputs = if inputs.iter().any(|input| matches!(input, Some(Value::Unknown))) {
            match known(proto) {
                true => Ok(vec![Value::Unknown; proto.output.len()]),
                false => Err(NOT_SUPPORTED.to_owned()),
            }
        } else {
            self.outputs(&Node { proto, attributes: Attributes::of(proto), inputs })
        };
        let outputs = outputs.unwrap_or_else(|reason| {
            let named = [&proto.name].into_iter().chain(&proto.output).find(|name| !name.is_empty());
            let node = named.cloned().unwrap_or_default();
            self.unsupported.push(Unsupported { node, op: proto.op_type.clone(), reason });
            vec![Value::Unknown; proto.output.len()]
        });
        let outputs = outputs.into_iter().chain(std::iter::repeat(Value::Unknown));
        for (name, value) in proto.output.iter().zip(outputs).filter(|(name, _)| !name.is_empty()) {
            self.values.insert(name, value);
        }
    }

    fn outputs(&mut self, node: &Node<'_>) -> Outputs {
        if !["", "ai.onnx"].contains(&&*node.proto.domain) {
            return Err(format!("no operator of {} is supported", node.proto.domain));
        }
        let op = &*node.proto.op_type;
        if op == "Constant" {
            return constant_of(&node.attributes).map(|constant| vec![Value::Constant(Rc::new(constant))]);
        }
        if node.inputs.is_empty() {
            return Err("expected an input, found none".to_owned());
        }
        let known: Vec<Option<&Constant>> = (node.inputs.iter())
            .map(|input| match input {
                Some(Value::Constant(constant)) => Some(&**constant),
                _ => None,
            })
            .collect();
        let all_known =
            node.inputs.iter().zip(&known).all(|(input, known)| input.is_none() || known.is_some());
        if all_known && known.iter().any(Option::is_some) {
            let folded = fold(op, &known, &node.attributes);
            return match folded {
                Some(values) => Ok(values.into_iter().map(|value| Value::Constant(Rc::new(value))).collect()),
                None => Err("cannot be computed from these constants".to_owned()),
            };
        }
        if let Some(activation) = self.activation(node, op)? {
            return Ok(vec![activation]);
        }
        match op {
            "Conv" => self.conv(node),
            "Gemm" => self.gemm(node),
            "MatMul" => self.matmul(node),
            "BatchNormalization" => self.batch_norm(node),
            "LayerNormalization" => self.layer_norm(node),
            "MaxPool" | "AveragePool" => self.pool(node, op == "MaxPool"),
            "GlobalAveragePool" => self.global_pool(node, Layer::GlobalAvgPool),
            "GlobalMaxPool" => self.global_pool(node, Layer::GlobalMaxPool),
            "ReduceMean" | "ReduceMax" => self.reduce(node, op == "ReduceMax"),
            "Add" | "Sum" => self.add(node),
            "Sub" => self.sub(node),
            "Mul" => self.mul(node),
            "Div" => self.div(node),
            "Pow" => self.pow(node),
            "Sqrt" => self.sqrt(node),
            "Neg" => {
                let image = node.image(0)?;
                self.scale_by(node, image, &Constant::scalar(-1.0))
            }
            "Erf" => self.erf(node),
            "Concat" => self.concat(node),
            "Split" => self.split(node),
            "Slice" => self.slice(node),
            "Pad" => self.pad(node),
            "Resize" | "Upsample" => self.resize(node, op),
            "Gather" => self.gather(node),
            "Shape" => self.shape(node),
            "Reshape" => self.reshape(node),
            "Flatten" => self.flatten(node),
            "Transpose" => self.transpose(node),
            "Squeeze" => self.squeeze(node),
            "Unsqueeze" => self.unsqueeze(node),
            "Softmax" | "LogSoftmax" => self.softmax(node, op),
            "Identity" | "Cast" => Ok(vec![node.inputs[0].clone().unwrap_or(Value::Unknown)]),
            "Dropout" => self.dropout(node),
            _ => Err(NOT_SUPPORTED.to_owned()),
        }
    }

    /// Appends a layer; its place and shape.
    fn emit(
        &mut self,
        name: Option<&str>,
        layer: Layer,
        inputs: &[&Image],
        parameters: Vec<(Role, Vec<f32>)>,
    ) -> Result<(Source, [usize; 3]), String> {
        let shapes: Vec<[usize; 3]> = inputs.iter().map(|image| image.shape).collect();
        let shape = output_shape(&layer, &shapes).map_err(|fault| fault.to_string())?;
        let name = name.and_then(|name| self.unique(name));
        let inputs = inputs.iter().map(|image| image.source).collect();
        self.layers.push(Draft { name, inputs, parameters, ..Draft::new(layer) });
        Ok((Source::Node(self.layers.len() - 1), shape))
    }

    /// `name` as a recipe can write it, if no layer is called so; a slash before it is left out.
    fn unique(&mut self, name: &str) -> Option<String> {
        let letter = |c: char| if c.is_ascii_alphanumeric() || "_-./".contains(c) { c } else { '_' };
        let name: String = name.trim_start_matches('/').chars().map(letter).collect();
        let fits =
            !name.is_empty() && name != seamripper_core::graph::INPUT && self.names.insert(name.clone());
        fits.then_some(name)
    }

    /// The image with rows and columns of one: a layer that flattens, where there are more.
    fn flat(&mut self, image: &Image) -> Result<Image, String> {
        let [h, w, _] = image.shape;
        if [h, w] == [1, 1] {
            return Ok(image.clone());
        }
        let (source, shape) = self.emit(None, Layer::Flatten, &[image], Vec::new())?;
        let mut axes = image.axes.clone();
        for index in 0..axes.rank() {
            axes = axes.replaced(index, flat_atoms(image.axes.dimension(index), image.shape));
        }
        Ok(Image { source, shape, axes })
    }

    /// The image with its channels in their order: a layer that shuffles, where they are not.
    fn in_order(&mut self, image: &Image) -> Result<Image, String> {
        let c = image.shape[2];
        let Some(dimension) = image.channel_dimension() else {
            return Err(format!("expected all channels in one dimension, found {}", image.dimensions()));
        };
        if image.axes.is(dimension, Axis::C, image.shape) {
            return Ok(image.clone());
        }
        let order = channel_order(image.axes.dimension(dimension));
        let order = order
            .ok_or_else(|| format!("expected channels alone in a dimension, found {}", image.dimensions()))?;
        let groups = (2..c).find(|&groups| {
            c.is_multiple_of(groups)
                && (0..c)
                    .all(|place| order.get(place) == Some(&(place % groups * (c / groups) + place / groups)))
        });
        let groups = groups.ok_or("reorders channels in another way than a shuffle of groups")?;
        let (source, shape) = self.emit(None, Layer::Shuffle { groups }, &[image], Vec::new())?;
        let whole = Axes::of(&[Axis::C], shape).dimension(0).to_vec();
        Ok(Image { source, shape, axes: image.axes.replaced(dimension, whole) })
    }

    /// The image with its channels in order, for a layer with numbers for each; of a flattened image the numbers are reordered instead, so
    /// there it stays as it is.
    fn ordered(&mut self, image: &Image) -> Image {
        let mut source = image.source;
        while let Source::Node(at) = source {
            let draft = &self.layers[at];
            source = match draft.layer {
                Layer::Flatten => return image.clone(),
                Layer::Activation
                | Layer::Dropout { .. }
                | Layer::DropPath { .. }
                | Layer::BatchNorm { .. }
                | Layer::LayerNorm { .. }
                | Layer::Scale { .. } => draft.inputs[0],
                _ => break,
            };
        }
        self.in_order(image).unwrap_or_else(|_| image.clone())
    }

    /// What a layer makes of an image whose dimensions stay what they are, apart from their lengths.
    fn like(image: &Image, (source, shape): (Source, [usize; 3])) -> Vec<Value> {
        vec![Value::Image(Image { source, shape, axes: image.axes.clone() })]
    }

    /// Likewise of one that is `[n, c, h, w]`.
    fn nchw((source, shape): (Source, [usize; 3])) -> Vec<Value> {
        vec![Value::Image(Image { source, shape, axes: Axes::nchw(shape) })]
    }

    /// Softmax at the end is left out: training and analyses take logits, and make probabilities of them.
    fn softmax(&mut self, node: &Node<'_>, op: &str) -> Outputs {
        let image = node.image(0)?;
        let default = if self.opset < 13 { 1 } else { -1 };
        let axis = image.axes.index(node.attributes.int("axis", default));
        let read = self.graph.node.iter().any(|other| {
            other.op_type != "Identity" && node.proto.output.iter().any(|name| other.input.contains(name))
        });
        if read || image.shape[..2] != [1, 1] || axis != image.channel_dimension() {
            return Err("only at the end of a classifier, over its classes".to_owned());
        }
        self.notes.push(format!("the {op} at the end is left out: logits are what comes before it"));
        Ok(vec![Value::Image(image)])
    }

    fn finish(mut self, model: &ModelProto, options: &Options<'_>) -> Result<Imported, OnnxError> {
        if !self.unsupported.is_empty() {
            return Err(OnnxError::Unsupported(self.unsupported));
        }
        let output = self.graph.output.first();
        let name = output.map(|output| output.name.clone()).unwrap_or_default();
        let bad = |found: String| OnnxError::Output { name: name.clone(), found };
        if let [_, others @ ..] = &self.graph.output[..]
            && !others.is_empty()
        {
            self.notes
                .push(format!("output {name} is taken for the logits; there are {} more", others.len()));
        }
        let image = match self.values.get(&*name) {
            Some(Value::Image(image)) => image.clone(),
            _ => return Err(bad("a value that is not computed from the image".to_owned())),
        };
        let found = image.dimensions();
        let image =
            self.flat(&image).and_then(|image| self.in_order(&image)).map_err(|_| bad(found.clone()))?;
        let Source::Node(last) = image.source else { return Err(bad("the image itself".to_owned())) };
        let (graph, weights) = simplify(self.layers, last).build(self.input)?;
        let named = options.classes.clone().or_else(|| metadata::classes(model));
        let (classes, class_note) = metadata::named(named, graph.outputs())?;
        self.notes.extend(class_note);
        let given = options.preprocessing.clone();
        let (preprocessing, note) = metadata::preprocessing(model, given, graph.input[2]);
        self.notes.extend(note);
        let model = ModelFile { graph, weights, classes, preprocessing };
        Ok(Imported { model, notes: self.notes })
    }
}

/// The value of a `Constant` node.
fn constant_of(attributes: &Attributes<'_>) -> Result<Constant, String> {
    if let Some(constant) = attributes.tensor("value") {
        return Ok(constant);
    }
    if let Some(values) = attributes.ints("value_ints").filter(|values| !values.is_empty()) {
        return Ok(Constant::whole(values));
    }
    if let Some(values) = attributes.floats("value_floats").filter(|values| !values.is_empty()) {
        return Ok(Constant { shape: vec![values.len()], values: crate::constant::Values::Real(values) });
    }
    match (attributes.has("value_int"), attributes.has("value_float")) {
        (true, _) => {
            let values = crate::constant::Values::Whole(vec![attributes.int("value_int", 0)]);
            Ok(Constant { shape: Vec::new(), values })
        }
        (_, true) => Ok(Constant::scalar(attributes.float("value_float", 0.0))),
        _ => Err("expected a tensor of numbers in it, found another value".to_owned()),
    }
}
