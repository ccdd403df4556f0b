//! What cannot be run is said.

use insta::assert_snapshot;
use seamripper_blackbox::Blackbox;
use seamripper_core::see::Classifier;
use seamripper_onnx::Options;

use crate::golden::{load, options, path};

fn said(bytes: Vec<u8>, options: &Options<'_>) -> String {
    let error = Blackbox::load(bytes, options, 1).unwrap_err();
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("error: {error}{hint}")
}

/// The file with every `from` written over by `to`, which is as long.
fn changed(name: &str, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = std::fs::read(path(name)).unwrap();
    let places: Vec<usize> =
        (0..=bytes.len() - from.len()).filter(|&at| bytes[at..].starts_with(from)).collect();
    assert!(!places.is_empty(), "not in the file");
    places.iter().for_each(|&at| bytes[at..at + to.len()].copy_from_slice(to));
    bytes
}

#[test]
fn no_model() {
    assert_snapshot!(said(b"\x89PNG\r\n".to_vec(), &options()), @r"
    error: ONNX file: expected a protobuf ModelProto in its 6 bytes, found: failed to decode Protobuf message: buffer underflow
    hint: the file is damaged, was not written to the end, or is no ONNX file
    ");
    assert_snapshot!(said(Vec::new(), &options()), @"error: ONNX model: expected a graph, found none");
}

#[test]
fn an_operator_that_nobody_knows() {
    assert_snapshot!(said(changed("group-norm.onnx", b"InstanceNorm", b"InstanceWarm"), &options()), @r#"
    error: model: expected one that rten can load, found: in node "/norm/InstanceWarmalization": operator error: InstanceWarmalization operator not supported or not enabled
    hint: predictions made elsewhere can be read with `eval --predictions`
    "#);
}

#[test]
fn shapes_that_do_not_fit() {
    // The mean of channels and rows in place of rows and columns: the dense layer behind it is given 16 numbers where it reads 4.
    assert_snapshot!(said(changed("deconvolution.onnx", b"\x40\x02\x40\x03", b"\x40\x01\x40\x02"), &options()), @r#"
    error: model: expected one that rten can run, found: operator "" failed: incompatible input shapes: Columns of first matrix does not match rows of second matrix. Inputs were (tensor(f32) [3, 16], tensor(f32) [4, 5])
    hint: predictions made elsewhere can be read with `eval --predictions`
    "#);
}

#[test]
fn too_few_names() {
    let options = Options { classes: Some(vec!["a".to_owned()]), ..options() };
    assert_snapshot!(said(std::fs::read(path("deconvolution.onnx")).unwrap(), &options), @"error: classes: expected 5 names, one an output, found 1");
}

#[test]
fn an_output_that_is_not_there() {
    let mut bytes = changed("deconvolution.onnx", b"probabilities", b"probabilitief");
    let at = bytes.windows(13).rposition(|window| window == b"probabilitief").unwrap();
    bytes[at..at + 13].copy_from_slice(b"probabilities");
    assert_snapshot!(said(bytes, &options()), @r#"
    error: model: expected one that rten can load, found: shape inference failed: execution planning failed: planning error: Source node not found for output "probabilities"
    hint: predictions made elsewhere can be read with `eval --predictions`
    "#);
}

#[test]
fn a_file_beside_it_that_is_not_there() {
    let none = |name: &str| Err(format!("\"{name}\", which is not there"));
    let options = Options { external: &none, ..options() };
    assert_snapshot!(said(std::fs::read(path("external.onnx")).unwrap(), &options), @r#"
    error: tensors: expected values in another file, found "external.data", which is not there
    hint: weights may lie in a file beside the model, such as model.onnx.data: keep both in one folder
    "#);
}

#[test]
fn numbers_that_are_none() {
    let model = load("attention.onnx", 1);
    let error = model.run(&[f32::NAN; 960]).unwrap_err();
    assert_snapshot!(format!("{error}\n{}", error.hint().unwrap()), @r"
    output: expected finite numbers, found another for class 0
    are pixels prepared as the model was trained with?
    ");
    // Where an error cannot be told there are zeros, and the error is kept.
    assert_eq!(model.failure(), None);
    let mut classifier = &model;
    assert!(classifier.logits(&[0.5; 960]).iter().any(|&logit| logit != 0.0));
    assert_eq!(classifier.logits(&[f32::NAN; 960]), [0.0; 5]);
    assert_eq!(model.failure(), Some(error));
    assert_eq!(classifier.logits(&[0.5; 960]), [0.0; 5]);
}
