//! What is not supported, and what is damaged, is said.

use std::path::Path;

use insta::assert_snapshot;
use seamripper_onnx::{Options, from_onnx, to_onnx};

use crate::models::options;
use crate::round_trip::{NETWORKS, graph, model};

fn said(bytes: &[u8], options: &Options<'_>) -> String {
    let error = from_onnx(bytes, options).unwrap_err();
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("error: {error}{hint}")
}

/// The file with every `from` written over by `to`, which is as long.
fn changed(mut bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> =
        (0..=bytes.len() - from.len()).filter(|&at| bytes[at..].starts_with(from.as_bytes())).collect();
    assert!(!places.is_empty(), "no {from} in the file");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

fn exported(network: usize) -> Vec<u8> {
    let (_, input, layers) = NETWORKS[network];
    to_onnx(&model(graph(input, layers)))
}

#[test]
fn unsupported_operators_are_listed_at_once() {
    let bytes = changed(changed(exported(4), "HardSwish", "HardSwash"), "Softplus", "Softplum");
    assert_snapshot!(said(&bytes, &options()), @r"
    error: operators: HardSwash x/hard_swish: is not among the supported operators
      Softplum conv2/softplus: is not among the supported operators
    hint: docs/models.md lists what is supported; predictions made elsewhere can be read with `eval --predictions`
    ");
}

#[test]
fn no_onnx_file() {
    assert_snapshot!(said(b"\x89PNG\r\n", &options()), @r"
    error: ONNX file: expected a protobuf ModelProto in its 6 bytes, found: failed to decode Protobuf message: buffer underflow
    hint: the file is damaged, was not written to the end, or is no ONNX file
    ");
    assert_snapshot!(said(b"", &options()), @"error: ONNX model: expected a graph, found none");
}

#[test]
fn wrong_class_names() {
    let options = Options { classes: Some(vec!["cat".into(), "dog".into()]), ..options() };
    assert_snapshot!(said(&exported(0), &options), @"error: classes: expected 5 names, one an output, found 2");
}

#[test]
fn values_in_a_file_that_is_not_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models");
    let bytes = std::fs::read(folder.join("external.onnx")).unwrap();
    assert_snapshot!(said(&bytes, &options()), @r"
    error: tensors: a.weight: expected values in another file, found no other file
      a.bias: expected values in another file, found no other file
      squeeze.weight: expected values in another file, found no other file
      squeeze.bias: expected values in another file, found no other file
      left.weight: expected values in another file, found no other file
      left.bias: expected values in another file, found no other file
      right.weight: expected values in another file, found no other file
      right.bias: expected values in another file, found no other file
      wide.weight: expected values in another file, found no other file
      wide.bias: expected values in another file, found no other file
      last.weight: expected values in another file, found no other file
      last.bias: expected values in another file, found no other file
    hint: weights may lie in a file beside the model, such as model.onnx.data: keep both in one folder
    ");
    let beside = |name: &str| std::fs::read(folder.join(name)).map_err(|error| error.to_string());
    assert!(from_onnx(&bytes, &Options { external: &beside, ..options() }).is_ok());
}
