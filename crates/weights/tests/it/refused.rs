//! What is refused, and what it says.

use insta::assert_snapshot;
use seamripper_core::graph::Graph;
use seamripper_weights::{Choices, WeightsError, assign, read, to_keras};

use crate::damaged::archive;
use crate::exports::model;
use crate::models::{KERAS_NAMED, KERAS_NESTED, NAMED, NUMBERED, golden, graph};

fn said(error: &WeightsError) -> String {
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("error: {error}{hint}")
}

fn unread(bytes: &[u8]) -> String {
    said(&read(bytes, None).expect_err("it is refused"))
}

fn unread_file(name: &str) -> String {
    unread(&std::fs::read(golden(name)).unwrap())
}

fn unassigned(name: &str, graph: &Graph, choices: &Choices) -> String {
    let bytes = std::fs::read(golden(name)).unwrap();
    let stored = read(&bytes, None).unwrap_or_else(|error| panic!("{error}"));
    said(&assign(graph, &stored, choices).expect_err("it is refused"))
}

fn choices(map: &[(&str, &str)], skip: &[&str]) -> Choices {
    Choices {
        map: map.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect(),
        skip: skip.iter().map(|&name| name.to_owned()).collect(),
    }
}

#[test]
fn other_formats() {
    assert_snapshot!(unread(b""), @"");
    assert_snapshot!(unread(b"not a model"), @"");
    assert_snapshot!(unread_file("named.npz"), @"");
}

#[test]
fn pickles_with_more_than_tensors() {
    assert_snapshot!(unread_file("refused-payload.pt"), @"");
    assert_snapshot!(unread_file("refused-module.pt"), @"");
    assert_snapshot!(unread_file("refused-numpy.pt"), @"");
    assert_snapshot!(unread_file("refused-old.pt"), @"");
    assert_snapshot!(unread_file("refused-script.pt"), @"");
}

#[test]
fn pickles_without_a_state_dict() {
    assert_snapshot!(unread(&archive(b"\x80\x02}X\x05\0\0\0epochK\x03s.")), @"");
    assert_snapshot!(unread(&archive(b"\x80\x02]K\x03a.")), @"");
    assert_snapshot!(unread(&archive(b"\x80\x02}q")), @"");
    assert_snapshot!(unread_file("two.pt"), @"");
    let bytes = std::fs::read(golden("two.pt")).unwrap();
    assert_snapshot!(said(&read(&bytes, Some("ema")).unwrap_err()), @"");
}

#[test]
fn damaged_files() {
    for (name, length) in
        [("named.pt", 5000), ("named.safetensors", 3000), ("keras-named.weights.h5", 20_000)]
    {
        let bytes = std::fs::read(golden(name)).unwrap();
        let error = read(&bytes[..length], None).expect_err("it is cut short");
        assert!(matches!(error, WeightsError::Broken { .. }), "{name}: {error}");
    }
    assert_snapshot!(unread(&crate::damaged::tensor(4, 1, &[2, 2], &[2, 1])), @"");
}

#[test]
fn a_recipe_of_another_network() {
    let mut layers = NAMED.to_vec();
    layers[0] = "stem: conv 4 3x3";
    layers[8] = "fc: dense 9 relu";
    layers.insert(9, "extra: dense 9");
    assert_snapshot!(unassigned("named.pt", &graph(&layers), &Choices::default()), @"");
    let shorter: Vec<&str> =
        NUMBERED.iter().copied().filter(|layer| *layer != "conv 4 3x3 pad 1 relu").collect();
    let wider: Vec<&str> =
        shorter.iter().map(|layer| layer.strip_prefix("max_").map_or(*layer, |_| "max_pool 2")).collect();
    assert_snapshot!(unassigned("numbered.pt", &graph(&wider), &Choices::default()), @"");
    let mut longer = NUMBERED.to_vec();
    longer.insert(1, "conv 4 3x3 pad 1 relu");
    assert_snapshot!(unassigned("numbered.pt", &graph(&longer), &Choices::default()), @"");
}

#[test]
fn which_layer_is_which_cannot_be_told() {
    assert_snapshot!(unassigned("keras-nested.weights.h5", &graph(KERAS_NESTED), &Choices::default()), @"");
    let mut crossing = NUMBERED.to_vec();
    crossing[1] = "4: conv 4 3x3 pad 1 relu";
    assert_snapshot!(unassigned("numbered.pt", &graph(&crossing), &Choices::default()), @"");
}

#[test]
fn keras_does_not_say_which_part_is_missing() {
    assert_snapshot!(unread_file("keras-named.weights.h5"), @"");
}

#[test]
fn another_epsilon() {
    let mut layers = KERAS_NAMED.to_vec();
    layers[1] = "norm: batch_norm epsilon 1e-5 relu";
    assert_snapshot!(unassigned("keras-named.keras", &graph(&layers), &Choices::default()), @"");
}

#[test]
fn names_that_are_not_there() {
    let graph = graph(NUMBERED);
    assert_snapshot!(unassigned("numbered.pt", &graph, &choices(&[("22", "conv1"), ("2", "conv9")], &["aux"])), @"");
    assert_snapshot!(unassigned("numbered.pt", &graph, &choices(&[("0", "conv2"), ("2", "conv2")], &["11"])), @"");
}

#[test]
fn flattened_channels_taken_apart() {
    let layers = ["conv 4 3x3", "flatten", "part: slice 0..20", "dense 5"];
    assert_snapshot!(unassigned("numbered.pt", &graph(&layers), &choices(&[], &["2", "4", "7"])), @"");
}

#[test]
fn layers_that_keras_does_not_have() {
    let graph = graph(&["conv 4 3x3", "scale", "global_avg_pool", "gain: scale no_bias", "dense 5"]);
    assert_snapshot!(said(&to_keras(&model(graph)).unwrap_err()), @"");
}
