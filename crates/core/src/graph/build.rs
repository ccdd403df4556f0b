//! A list of layers becomes a graph: names, sources, shapes, parameters.
//!
//! *Idea*: one pass over the list, layer by layer. A layer that does not fit is noted, its output counts as unknown,
//! and whatever reads an unknown shape is not judged, so that one mistake is reported once and the next mistake too.

use super::error::{Fault, GraphError, GraphProblem};
use super::{Activation, Graph, INPUT, Layer, LayerSpec, Node, NodeId, Parameter, Source, shape};
use crate::nearest::nearest;

/// No graph has more parameters than this, and no layer a larger output for one image: 8 GiB of `f32`.
pub(super) const CAP: u128 = 1 << 31;

/// Collects layers and builds the graph.
///
/// ```
/// use seamripper_core::graph::{Activation, Builder, Layer, LayerSpec};
///
/// let mut builder = Builder::new([8, 8, 1]);
/// builder.push(Layer::Flatten);
/// builder.push(LayerSpec::new(Layer::Dense { units: 10, bias: true }).activated(Activation::Relu));
/// let graph = builder.build().unwrap();
/// assert_eq!(graph.nodes[1].name, "dense1");
/// assert_eq!(graph.parameter_count(), 650);
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    input: [usize; 3],
    layers: Vec<LayerSpec>,
}

impl Builder {
    /// No layers yet; `input` is `[h, w, c]` of an image.
    pub fn new(input: [usize; 3]) -> Self {
        Self { input, layers: Vec::new() }
    }

    /// A whole list at once.
    pub fn with_layers(input: [usize; 3], layers: Vec<LayerSpec>) -> Self {
        Self { input, layers }
    }

    /// Appends a layer.
    pub fn push(&mut self, layer: impl Into<LayerSpec>) -> &mut Self {
        self.layers.push(layer.into());
        self
    }

    /// The graph.
    ///
    /// # Errors
    /// Everything that is wrong with the list: see [`Fault`].
    pub fn build(&self) -> Result<Graph, GraphError> {
        let mut building = Building::new(self);
        for index in 0..self.layers.len() {
            building.layer(index);
        }
        building.finish()
    }
}

/// The graph so far.
struct Building<'a> {
    builder: &'a Builder,
    /// The name of every layer of the list, later ones included.
    names: Vec<String>,
    /// The output of every layer so far, and of the image; `None` if it could not be told.
    shapes: Vec<Option<[usize; 3]>>,
    input: Option<[usize; 3]>,
    nodes: Vec<Node>,
    parameters: Vec<Parameter>,
    parameter_count: u128,
    problems: Vec<GraphProblem>,
}

impl<'a> Building<'a> {
    fn new(builder: &'a Builder) -> Self {
        let mut building = Self {
            builder,
            names: names(&builder.layers),
            shapes: Vec::new(),
            input: Some(builder.input),
            nodes: Vec::new(),
            parameters: Vec::new(),
            parameter_count: 0,
            problems: Vec::new(),
        };
        let fault = if builder.input.contains(&0) {
            Some(Fault::EmptyInput { input: builder.input })
        } else {
            too_large(builder.input)
        };
        if let Some(fault) = fault {
            building.input = None;
            building.problems.push(GraphProblem { layer: None, fault });
        }
        if builder.layers.is_empty() {
            building.problems.push(GraphProblem { layer: None, fault: Fault::NoLayers });
        }
        building
    }

    fn blame(&mut self, index: usize, fault: Fault) {
        self.problems.push(GraphProblem { layer: Some((index, self.names[index].clone())), fault });
    }

    fn layer(&mut self, index: usize) {
        let spec = &self.builder.layers[index];
        self.check_name(index);
        let faults = constants(&spec.layer, spec.activation);
        let constants_fit = faults.is_empty();
        for fault in faults {
            self.blame(index, fault);
        }
        let (inputs, input) = self.inputs(index);
        let output = input.filter(|_| constants_fit).and_then(|input| self.output(index, input, &inputs));
        let parameters = match (output, input) {
            (Some(_), Some(input)) => self.place_parameters(index, input),
            _ => Vec::new(),
        };
        self.shapes.push(output);
        self.nodes.push(Node {
            name: self.names[index].clone(),
            layer: spec.layer.clone(),
            inputs,
            activation: spec.activation,
            output: output.unwrap_or_default(),
            parameters,
        });
    }

    fn check_name(&mut self, index: usize) {
        let name = &self.names[index];
        let written = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
        let fault = if name.is_empty() || !name.chars().all(written) {
            Some(Fault::BadName { name: name.clone() })
        } else if name == INPUT {
            Some(Fault::ReservedName)
        } else {
            let first = self.names[..index].iter().position(|earlier| earlier == name);
            first.map(|first| Fault::DuplicateName { name: name.clone(), first: first + 1 })
        };
        if let Some(fault) = fault {
            self.blame(index, fault);
        }
    }

    /// The sources of a layer and the shape of the first, as far as they can be told.
    fn inputs(&mut self, index: usize) -> (Vec<Source>, Option<[usize; 3]>) {
        let spec = &self.builder.layers[index];
        let previous = index.checked_sub(1).map_or(Source::Input, Source::Node);
        let from = spec.from.as_ref().map_or(Some(previous), |name| self.source(index, name));
        let fault = match (&spec.layer, &spec.with[..]) {
            (Layer::Add, []) => Some(Fault::NothingToAdd),
            (layer, []) if layer.joins() => {
                Some(Fault::NothingToJoin { kind: layer.kind(Activation::Identity) })
            }
            (Layer::Multiply, [_, _, ..]) => Some(Fault::ManyFactors { found: spec.with.len() }),
            (layer, [name, ..]) if !layer.joins() => Some(Fault::SecondSource { name: name.clone() }),
            _ => None,
        };
        let joins = fault.is_none();
        if let Some(fault) = fault {
            self.blame(index, fault);
        }
        let with: Vec<Source> =
            (spec.with.iter().filter(|_| joins)).filter_map(|name| self.source(index, name)).collect();
        let input = from.and_then(|from| self.shape(from));
        (from.into_iter().chain(with).collect(), input)
    }

    fn shape(&self, source: Source) -> Option<[usize; 3]> {
        match source {
            Source::Input => self.input,
            Source::Node(id) => self.shapes[id],
        }
    }

    fn source_name(&self, source: Source) -> &str {
        match source {
            Source::Input => INPUT,
            Source::Node(id) => &self.names[id],
        }
    }

    fn source(&mut self, index: usize, name: &str) -> Option<Source> {
        if name == INPUT {
            return Some(Source::Input);
        }
        let (earlier, later) = self.names.split_at(index);
        if let Some(id) = earlier.iter().position(|earlier| earlier == name) {
            return Some(Source::Node(id));
        }
        let fault = if later.iter().any(|later| later == name) {
            Fault::LaterSource { name: name.to_owned() }
        } else {
            let known = earlier.iter().map(String::as_str);
            Fault::UnknownSource {
                name: name.to_owned(),
                nearest: nearest(name, known.chain([INPUT])).map(str::to_owned),
                known: earlier.to_vec(),
            }
        };
        self.blame(index, fault);
        None
    }

    fn output(&mut self, index: usize, input: [usize; 3], inputs: &[Source]) -> Option<[usize; 3]> {
        let from = self.source_name(inputs[0]).to_owned();
        let layer = &self.builder.layers[index].layer;
        let output = match shape::output(layer, input, &from) {
            Ok(output) => output,
            Err(fault) => {
                let go_on = match (&fault, layer) {
                    (Fault::NotFlat { .. }, &Layer::Dense { units, .. }) => Some([1, 1, units]),
                    _ => None,
                };
                self.blame(index, fault);
                return go_on;
            }
        };
        let mut output = output;
        for &with in &inputs[1..] {
            let second = self.shape(with)?;
            match shape::joined(layer, output, (input, &from), (second, self.source_name(with))) {
                Ok(joined) => output = joined,
                Err(fault) => self.blame(index, fault),
            }
        }
        if let Some(fault) = too_large(output) {
            self.blame(index, fault);
            return None;
        }
        Some(output)
    }

    fn place_parameters(&mut self, index: usize, input: [usize; 3]) -> Vec<usize> {
        let before = self.parameter_count;
        let first = self.parameters.len();
        for (role, shape) in shape::parameters(&self.builder.layers[index].layer, input) {
            let name = format!("{}.{}", self.names[index], role.name());
            let offset = usize::try_from(self.parameter_count).unwrap_or(usize::MAX);
            self.parameter_count = self.parameter_count.saturating_add(product(&shape));
            self.parameters.push(Parameter { name, shape, role, offset });
        }
        if before <= CAP && self.parameter_count > CAP {
            self.blame(index, Fault::TooManyParameters { count: self.parameter_count });
        }
        (first..self.parameters.len()).collect()
    }

    fn finish(mut self) -> Result<Graph, GraphError> {
        if self.problems.is_empty() {
            for id in self.unread() {
                self.blame(id, Fault::Unread);
            }
        }
        if !self.problems.is_empty() {
            return Err(GraphError { problems: self.problems });
        }
        Ok(Graph { input: self.builder.input, nodes: self.nodes, parameters: self.parameters })
    }

    /// Layers, the last one apart, that no layer reads.
    fn unread(&self) -> Vec<NodeId> {
        let mut read = vec![false; self.nodes.len()];
        for source in self.nodes.iter().flat_map(|node| &node.inputs) {
            if let &Source::Node(id) = source {
                read[id] = true;
            }
        }
        let last = read.len().saturating_sub(1);
        (0..last).filter(|&id| !read[id]).collect()
    }
}

/// Given names as they are; the others are their kind and its count, or the next count that is free.
fn names(layers: &[LayerSpec]) -> Vec<String> {
    let given: std::collections::HashSet<&str> =
        layers.iter().filter_map(|layer| layer.name.as_deref()).collect();
    let mut counts = std::collections::HashMap::<&str, usize>::new();
    let mut name = |spec: &LayerSpec| {
        let kind = spec.layer.kind(spec.activation);
        let count = counts.entry(kind).or_default();
        *count += 1;
        if let Some(name) = &spec.name {
            return name.clone();
        }
        while given.contains(format!("{kind}{count}").as_str()) {
            *count += 1;
        }
        format!("{kind}{count}")
    };
    layers.iter().map(&mut name).collect()
}

/// `[h, w, c]` of what `layer` makes of inputs of these shapes, for whoever makes a list of layers: as [`Builder`] would find it.
///
/// # Errors
/// The first thing that does not fit.
pub fn output_shape(layer: &Layer, inputs: &[[usize; 3]]) -> Result<[usize; 3], Fault> {
    if let Some(fault) = constants(layer, Activation::Identity).into_iter().next() {
        return Err(fault);
    }
    let (&first, others) = inputs.split_first().ok_or(Fault::NoLayers)?;
    let mut output = shape::output(layer, first, "its input")?;
    for &other in others {
        output = shape::joined(layer, output, (first, "its first input"), (other, "another input"))?;
    }
    too_large(output).map_or(Ok(output), Err)
}

/// What is wrong with a layer's own numbers, whatever it reads.
fn constants(layer: &Layer, activation: Activation) -> Vec<Fault> {
    let zero = |what, sizes: &[usize]| sizes.contains(&0).then_some(Fault::Zero { what });
    let range = |what, found: f32, fits: bool| (!fits).then_some(Fault::OutOfRange { what, found });
    let faults = match *layer {
        Layer::Conv2d { filters, kernel, stride, groups, dilation, .. } => [
            zero("filters", &[filters]),
            zero("a kernel size", &kernel),
            zero("a stride", &stride),
            zero("groups", &[groups]).or(zero("a dilation", &dilation)),
        ],
        Layer::Depthwise { multiplier, kernel, stride, .. } => [
            zero("a multiplier", &[multiplier]),
            zero("a kernel size", &kernel),
            zero("a stride", &stride),
            None,
        ],
        Layer::MaxPool { size, stride, .. } | Layer::AvgPool { size, stride, .. } => {
            [zero("a window size", &size), zero("a stride", &stride), None, None]
        }
        Layer::Dense { units, .. } => [zero("units", &[units]), None, None, None],
        Layer::BatchNorm { epsilon, momentum } => [
            range("an epsilon above 0", epsilon, epsilon > 0.0 && epsilon.is_finite()),
            range("a momentum of at least 0 and below 1", momentum, (0.0..1.0).contains(&momentum)),
            None,
            None,
        ],
        Layer::LayerNorm { epsilon } => {
            [range("an epsilon above 0", epsilon, epsilon > 0.0 && epsilon.is_finite()), None, None, None]
        }
        Layer::Slice { channels, .. } => [zero("channels", &[channels]), None, None, None],
        Layer::Shuffle { groups } => [zero("groups", &[groups]), None, None, None],
        Layer::Resize { size, .. } => [zero("a size", &size), None, None, None],
        Layer::Dropout { rate } | Layer::DropPath { rate } => {
            [range("a rate of at least 0 and below 1", rate, (0.0..1.0).contains(&rate)), None, None, None]
        }
        _ => [None, None, None, None],
    };
    let slope = match activation {
        Activation::LeakyRelu(slope) => range("a finite slope", slope, slope.is_finite()),
        Activation::Clip(low, high) => range("a low bound below the high one", low, low < high),
        _ => None,
    };
    faults.into_iter().chain([slope]).flatten().collect()
}

fn product(shape: &[usize]) -> u128 {
    shape.iter().fold(1, |product: u128, &length| product.saturating_mul(length as u128))
}

fn too_large(shape: [usize; 3]) -> Option<Fault> {
    (product(&shape) > CAP).then_some(Fault::OutputTooLarge { shape })
}
