//! A list of layers as few and as plain as can be, and the graph of it.
//!
//! ```text
//! x sigmoid(x), x hard_sigmoid(x)                        ->  silu, hard_swish
//! pad, then a convolution without padding                ->  the convolution's padding
//! x gamma, then + beta; layer_norm, then x gamma + beta  ->  one layer
//! convolution or dense without a bias, then + beta       ->  its bias
//! layer without an activation, then relu                 ->  the layer's activation
//! what the output does not depend on                     ->  nothing
//! ```
//! Each only where nobody else reads what lies between. No weight is multiplied with another, so that weights stay those of the file.

use seamripper_core::graph::{
    Activation, Builder, Graph, GraphError, Layer, LayerSpec, Padding, Role, Source, Weights,
};

/// A layer with its weights, before it has its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    /// `None`: by its kind and a count.
    pub(crate) name: Option<String>,
    pub(crate) layer: Layer,
    pub(crate) activation: Activation,
    pub(crate) inputs: Vec<Source>,
    /// In the layer's own layout.
    pub(crate) parameters: Vec<(Role, Vec<f32>)>,
}

impl Draft {
    pub(crate) fn new(layer: Layer) -> Self {
        let (inputs, parameters) = (Vec::new(), Vec::new());
        Self { name: None, layer, activation: Activation::Identity, inputs, parameters }
    }

    fn parameter(&self, role: Role) -> Option<&Vec<f32>> {
        self.parameters.iter().find(|parameter| parameter.0 == role).map(|parameter| &parameter.1)
    }

    /// Whether it multiplies with 1.
    fn adds_only(&self) -> bool {
        self.layer == (Layer::Scale { bias: true })
            && self.parameter(Role::Gamma).is_some_and(|gamma| gamma.iter().all(|&x| x == 1.0))
    }
}

/// Layers in an order of execution; the last one is the output.
#[derive(Debug)]
pub(crate) struct Layers(Vec<Draft>);

/// Simplifies `layers`, whose output is `last`.
pub(crate) fn simplify(layers: Vec<Draft>, last: usize) -> Layers {
    let mut layers = Simplifying { readers: Vec::new(), layers, last };
    layers.count();
    layers.gates();
    layers.pads();
    layers.merge();
    layers.finish()
}

struct Simplifying {
    layers: Vec<Draft>,
    last: usize,
    /// The layers that read each.
    readers: Vec<Vec<usize>>,
}

impl Simplifying {
    /// Counts readers that the output depends on.
    fn count(&mut self) {
        let mut needed = vec![false; self.layers.len()];
        needed[self.last] = true;
        self.readers = vec![Vec::new(); self.layers.len()];
        for id in (0..=self.last).rev() {
            if needed[id] {
                for source in self.layers[id].inputs.clone() {
                    if let Source::Node(from) = source {
                        needed[from] = true;
                        self.readers[from].push(id);
                    }
                }
            }
        }
    }

    /// The only reader of `id`.
    fn sole_reader(&self, id: usize) -> Option<usize> {
        match self.readers[id][..] {
            [reader] if id != self.last => Some(reader),
            _ => None,
        }
    }

    /// Everybody reads `to` in place of `from`.
    fn redirect(&mut self, from: usize, to: Source) {
        for layer in &mut self.layers {
            for input in layer.inputs.iter_mut().filter(|input| **input == Source::Node(from)) {
                *input = to;
            }
        }
        if let (true, Source::Node(to)) = (from == self.last, to) {
            self.last = to;
        }
    }

    /// A product of a value with a sigmoid of itself.
    fn gates(&mut self) {
        for id in 0..self.layers.len() {
            let (Layer::Multiply, &[a, b]) = (&self.layers[id].layer, &self.layers[id].inputs[..]) else {
                continue;
            };
            let gate = |gate: Source, value: Source| {
                let Source::Node(at) = gate else { return None };
                let draft = &self.layers[at];
                let alone = draft.layer == Layer::Activation
                    && draft.inputs == [value]
                    && self.readers[at].len() == 1;
                match draft.activation {
                    Activation::Sigmoid if alone => Some((value, Activation::Silu)),
                    Activation::HardSigmoid if alone => Some((value, Activation::HardSwish)),
                    _ => None,
                }
            };
            if let Some((value, activation)) = gate(b, a).or_else(|| gate(a, b)) {
                let draft = &mut self.layers[id];
                (draft.layer, draft.activation, draft.inputs) = (Layer::Activation, activation, vec![value]);
            }
        }
        self.count();
    }

    /// Zeros before a convolution that has no others.
    fn pads(&mut self) {
        for id in 0..self.layers.len() {
            let Layer::Pad { before, after } = self.layers[id].layer else { continue };
            let (Some(reader), source) = (self.sole_reader(id), self.layers[id].inputs[0]) else { continue };
            if let Layer::Conv2d { padding, .. } | Layer::Depthwise { padding, .. } =
                &mut self.layers[reader].layer
                && *padding == Padding::Valid
            {
                *padding = Padding::Explicit { before, after };
                self.redirect(id, source);
            }
        }
        self.count();
    }

    /// Scales into what they follow, and activations.
    fn merge(&mut self) {
        for id in 0..self.layers.len() {
            while let Some(reader) = self.sole_reader(id).filter(|&reader| self.takes(id, reader)) {
                let taken = self.layers[reader].clone();
                let draft = &mut self.layers[id];
                let beta = taken.parameter(Role::Beta);
                match (&mut draft.layer, &taken.layer) {
                    (_, Layer::Activation) => draft.activation = taken.activation,
                    (
                        Layer::Conv2d { bias, .. }
                        | Layer::Depthwise { bias, .. }
                        | Layer::Dense { bias, .. },
                        _,
                    ) => {
                        *bias = true;
                        draft.parameters.push((Role::Bias, beta.cloned().unwrap_or_default()));
                    }
                    (Layer::Scale { bias }, _) => {
                        *bias = true;
                        draft.parameters.push((Role::Beta, beta.cloned().unwrap_or_default()));
                    }
                    _ => {
                        for (role, values) in &mut draft.parameters {
                            let new = taken.parameter(*role);
                            if let Some(new) = new.filter(|_| *role == Role::Beta || !taken.adds_only()) {
                                values.clone_from(new);
                            }
                        }
                    }
                }
                self.redirect(reader, Source::Node(id));
                self.count();
            }
        }
    }

    /// Whether `id` can take its only reader in.
    fn takes(&self, id: usize, reader: usize) -> bool {
        let (first, second) = (&self.layers[id], &self.layers[reader]);
        if first.activation != Activation::Identity {
            return false;
        }
        match (&first.layer, &second.layer) {
            // Flattening does nothing that could have an activation, and dropping values comes after it.
            (Layer::Flatten | Layer::Dropout { .. } | Layer::DropPath { .. } | Layer::Activation, _) => false,
            (_, Layer::Activation) => true,
            (
                Layer::Conv2d { bias: false, .. }
                | Layer::Depthwise { bias: false, .. }
                | Layer::Dense { bias: false, .. },
                Layer::Scale { bias: true },
            ) => second.adds_only(),
            (Layer::Scale { bias: false }, Layer::Scale { bias: true }) => second.adds_only(),
            (Layer::LayerNorm { .. }, Layer::Scale { .. }) => {
                let is = |role, value: f32| {
                    first.parameter(role).is_some_and(|values| values.iter().all(|&x| x == value))
                };
                is(Role::Beta, 0.0) && (is(Role::Gamma, 1.0) || second.adds_only())
            }
            _ => false,
        }
    }

    /// The layers that the output depends on.
    fn finish(mut self) -> Layers {
        self.count();
        let kept: Vec<usize> =
            (0..=self.last).filter(|&id| id == self.last || !self.readers[id].is_empty()).collect();
        let place = |source: Source| match source {
            Source::Input => Source::Input,
            Source::Node(id) => Source::Node(kept.binary_search(&id).expect("what is read is kept")),
        };
        let layers = kept.iter().map(|&id| {
            let draft = self.layers[id].clone();
            let inputs = draft.inputs.iter().map(|&source| place(source)).collect();
            Draft { inputs, ..draft }
        });
        Layers(layers.collect())
    }
}

impl Layers {
    /// The graph, and its weights.
    pub(crate) fn build(self, input: [usize; 3]) -> Result<(Graph, Weights), GraphError> {
        // Sources are named, so every layer needs a name: the kind and a count where it has none.
        let mut counts = std::collections::HashMap::<&str, usize>::new();
        let mut names: Vec<String> = Vec::with_capacity(self.0.len());
        let given: std::collections::HashSet<&str> =
            self.0.iter().filter_map(|draft| draft.name.as_deref()).collect();
        for draft in &self.0 {
            let kind = draft.layer.kind(draft.activation);
            let count = counts.entry(kind).or_default();
            *count += 1;
            while given.contains(format!("{kind}{count}").as_str()) {
                *count += 1;
            }
            names.push(draft.name.clone().unwrap_or_else(|| format!("{kind}{count}")));
        }
        let name = |source: Source| match source {
            Source::Input => seamripper_core::graph::INPUT.to_owned(),
            Source::Node(id) => names[id].clone(),
        };
        let spec = |(id, draft): (usize, &Draft)| LayerSpec {
            name: Some(names[id].clone()),
            layer: draft.layer.clone(),
            activation: draft.activation,
            from: draft.inputs.first().map(|&source| name(source)),
            with: draft.inputs.iter().skip(1).map(|&source| name(source)).collect(),
        };
        let specs = self.0.iter().enumerate().map(spec).collect();
        let graph = Builder::with_layers(input, specs).build()?;
        let mut values = Vec::with_capacity(graph.parameter_count());
        for (node, draft) in graph.nodes.iter().zip(&self.0) {
            for &index in &node.parameters {
                let parameter = &graph.parameters[index];
                let own = draft.parameter(parameter.role).filter(|own| own.len() == parameter.len());
                values.extend_from_slice(own.expect("an importer gives every parameter its values"));
            }
        }
        Ok((graph, Weights { values }))
    }
}
