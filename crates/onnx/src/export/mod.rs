//! From a graph to ONNX, opset 17.
//!
//! *Idea*: each node becomes the operator it is, with the same name, and tensors called as the parameters are; weights are permuted from
//! `[kh, kw, in, out]` to `[out, in, kh, kw]`. An array with rows and columns is `[n, c, h, w]`; what is flat is `[n, c]`.
//! ```text
//! flatten, then dense:     Flatten takes channels first, so the rows of the kernel are permuted
//! flatten, then others:    a Transpose before it
//! gelu, silu, shuffle, layer_norm:    several operators, which the importer knows again
//! ```
//! Classes and preprocessing are metadata, as JSON under `classes` and `preprocessing`.

mod layers;
mod writer;

use prost::Message;
use seamripper_core::graph::{Layer, ModelFile, NodeId, Source};

use crate::proto::{
    DimensionProto, GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto, data_type,
};
use writer::Writer;

/// The operator set that is written.
pub const OPSET: i64 = 17;
/// The version of the format that belongs to it.
const IR_VERSION: i64 = 8;
/// Names of the model's input and output.
const ENDS: [&str; 2] = ["images", "logits"];

/// The bytes of an ONNX file with this model: images `[n, c, h, w]`, prepared as the model's preprocessing says, to logits `[n, k]`.
pub fn to_onnx(model: &ModelFile) -> Vec<u8> {
    let ModelFile { graph, weights, classes, preprocessing } = model;
    let mut writer = Writer::new(graph, weights);
    for id in 0..graph.nodes.len() {
        layers::write(&mut writer, id);
    }
    let [h, w, c] = graph.input;
    let last = graph.nodes.len() - 1;
    let logits = writer.flat(Source::Node(last));
    writer.push("Identity", "logits", &[&logits], &[ENDS[1]], Vec::new());
    let json = |value: serde_json::Result<String>| value.expect("texts and numbers are JSON");
    let entry = |key: &str, value: String| StringStringEntryProto { key: key.to_owned(), value };
    let proto = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "seamripper".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        metadata_props: vec![
            entry("classes", json(serde_json::to_string(classes))),
            entry("preprocessing", json(serde_json::to_string(preprocessing))),
        ],
        graph: Some(GraphProto {
            name: "seamripper".to_owned(),
            node: writer.nodes,
            initializer: writer.initializers,
            input: vec![value_info(ENDS[0], &[c, h, w])],
            output: vec![value_info(ENDS[1], &[graph.outputs()])],
        }),
        functions: Vec::new(),
    };
    proto.encode_to_vec()
}

/// An input or output of any number of images.
fn value_info(name: &str, lengths: &[usize]) -> ValueInfoProto {
    let length = |&length: &usize| DimensionProto { dim_value: Some(length as i64), dim_param: None };
    let batch = DimensionProto { dim_value: None, dim_param: Some("n".to_owned()) };
    let shape = TensorShapeProto { dim: [batch].into_iter().chain(lengths.iter().map(length)).collect() };
    let tensor_type = Some(TensorTypeProto { elem_type: data_type::FLOAT, shape: Some(shape) });
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type, sequence_type: None }) }
}

/// Whether all that comes of the flattened `id` is read by dense layers alone, which can have their rows in any order.
fn feeds_dense_only(graph: &seamripper_core::graph::Graph, id: NodeId) -> bool {
    let mut readers =
        graph.nodes.iter().enumerate().filter(|(_, node)| node.inputs.contains(&Source::Node(id)));
    id + 1 < graph.nodes.len()
        && readers.all(|(reader, node)| match node.layer {
            Layer::Dense { .. } => true,
            Layer::Activation | Layer::Dropout { .. } | Layer::DropPath { .. } => {
                feeds_dense_only(graph, reader)
            }
            _ => false,
        })
}
