//! Nodes and tensors of the file so far.

use std::collections::{HashMap, HashSet};

use seamripper_core::graph::{Graph, Node, Role, Source, Weights};

use super::ENDS;
use crate::proto::{AttributeProto, NodeProto, TensorProto, attribute_type, data_type};

/// What is written, and what each node's output is called.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    pub(super) graph: &'a Graph,
    pub(super) weights: &'a Weights,
    pub(super) nodes: Vec<NodeProto>,
    pub(super) initializers: Vec<TensorProto>,
    /// Name of each node's output, and whether it is `[n, c]`.
    pub(super) outputs: Vec<(String, bool)>,
    /// For a flattened output with channels first: `[h, w, c]` of what was flattened.
    pub(super) flattened: HashMap<String, [usize; 3]>,
    taken: HashSet<String>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(graph: &'a Graph, weights: &'a Weights) -> Self {
        Self {
            graph,
            weights,
            nodes: Vec::new(),
            initializers: Vec::new(),
            outputs: Vec::new(),
            flattened: HashMap::new(),
            taken: ENDS.map(str::to_owned).into(),
        }
    }

    /// A name like `name` that no value has yet.
    pub(super) fn fresh(&mut self, name: &str) -> String {
        let mut fresh = name.to_owned();
        while !self.taken.insert(fresh.clone()) {
            fresh.push('_');
        }
        fresh
    }

    /// Appends an operator.
    pub(super) fn push(
        &mut self,
        op: &str,
        name: &str,
        inputs: &[&str],
        outputs: &[&str],
        attribute: Vec<AttributeProto>,
    ) {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        self.nodes.push(NodeProto {
            input: owned(inputs),
            output: owned(outputs),
            name: name.to_owned(),
            op_type: op.to_owned(),
            attribute,
            domain: String::new(),
        });
    }

    /// Appends an operator with one output; what that is called.
    pub(super) fn op(
        &mut self,
        op: &str,
        name: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        let output = self.fresh(name);
        self.push(op, name, inputs, &[&output], attributes);
        output
    }

    /// Appends a tensor; what it is called.
    pub(super) fn tensor(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.add_tensor(name, shape, data_type::FLOAT, raw_data)
    }

    /// Likewise of whole numbers.
    pub(super) fn wholes(&mut self, name: &str, values: &[i64]) -> String {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.add_tensor(name, &[values.len()], data_type::INT64, raw_data)
    }

    fn add_tensor(&mut self, name: &str, shape: &[usize], data_type: i32, raw_data: Vec<u8>) -> String {
        let name = self.fresh(name);
        let dims = shape.iter().map(|&length| length as i64).collect();
        self.initializers.push(TensorProto {
            dims,
            data_type,
            name: name.clone(),
            raw_data,
            ..TensorProto::default()
        });
        name
    }

    /// The values of a node's parameter, and its name.
    pub(super) fn parameter(&self, node: &Node, role: Role) -> Option<(&'a [f32], &'a str)> {
        let mut parameters = node.parameters.iter().map(|&index| &self.graph.parameters[index]);
        let parameter = parameters.find(|parameter| parameter.role == role)?;
        Some((self.weights.of(parameter), &parameter.name))
    }

    /// Appends a node's parameter as it is; what it is called.
    pub(super) fn own(&mut self, node: &Node, role: Role, shape: &[usize]) -> Option<String> {
        let (values, name) = self.parameter(node, role)?;
        Some(self.tensor(name, shape, values))
    }

    /// What `source` is called, and whether it is `[n, c]`.
    pub(super) fn value(&self, source: Source) -> (String, bool) {
        match source {
            Source::Input => (ENDS[0].to_owned(), false),
            Source::Node(id) => self.outputs[id].clone(),
        }
    }

    /// `source` as `[n, c, h, w]`.
    pub(super) fn image(&mut self, source: Source) -> String {
        let (name, flat) = self.value(source);
        if !flat {
            return name;
        }
        let axes = self.wholes("axes", &[2, 3]);
        self.op("Unsqueeze", &format!("{name}/image"), &[&name, &axes], Vec::new())
    }

    /// `source`, whose rows and columns are one, as `[n, c]`.
    pub(super) fn flat(&mut self, source: Source) -> String {
        let (name, flat) = self.value(source);
        if flat {
            return name;
        }
        self.op("Flatten", &format!("{name}/flat"), &[&name], vec![int("axis", 1)])
    }
}

pub(super) fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.to_owned(), i, r#type: attribute_type::INT, ..AttributeProto::default() }
}

pub(super) fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { name: name.to_owned(), f, r#type: attribute_type::FLOAT, ..AttributeProto::default() }
}

pub(super) fn ints(name: &str, values: &[usize]) -> AttributeProto {
    let ints = values.iter().map(|&value| value as i64).collect();
    AttributeProto { name: name.to_owned(), ints, r#type: attribute_type::INTS, ..AttributeProto::default() }
}

pub(super) fn text(name: &str, value: &str) -> AttributeProto {
    let s = value.as_bytes().to_vec();
    AttributeProto { name: name.to_owned(), s, r#type: attribute_type::STRING, ..AttributeProto::default() }
}
