//! What the table says, and what the user can say.

use std::fmt::Write;

use insta::assert_snapshot;
use seamripper_weights::{Assigned, Choices, assign, read};

use crate::models::{
    KERAS_NAMED, KERAS_NESTED, LOGIT_TOLERANCE, NAMED, NUMBERED, assigned, difference, golden, graph,
};

fn shown(found: &Assigned) -> String {
    let mut text = String::new();
    for row in &found.rows {
        let (name, shape, element) = row.array.clone().unwrap_or(("-".into(), Vec::new(), ""));
        let how = row.how.name();
        let _ = writeln!(
            text,
            "{name} {shape:?} {element} > {} {:?} {how} {}",
            row.parameter, row.shape, row.change
        );
    }
    for left in &found.left_out {
        let _ = writeln!(text, "left out{}: {}", if left.skipped { ", as asked" } else { "" }, left.array);
    }
    for note in &found.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

#[test]
fn every_array_has_a_row() {
    assert_snapshot!(shown(&assigned("checkpoint.pt", &graph(NAMED), None)), @"");
    assert_snapshot!(shown(&assigned("numbered.safetensors", &graph(NUMBERED), None)), @"");
    assert_snapshot!(shown(&assigned("keras-named.keras", &graph(KERAS_NAMED), None)), @"");
    assert_snapshot!(shown(&assigned("keras-nested.keras", &graph(KERAS_NESTED), None)), @"");
}

#[test]
fn a_map_says_what_order_does_not() {
    let graph = graph(KERAS_NESTED);
    let bytes = std::fs::read(golden("keras-nested.weights.h5")).unwrap();
    let stored = read(&bytes, None).unwrap();
    let rows = assigned("keras-nested.keras", &graph, None).rows;
    let right: Vec<_> = rows.iter().filter(|row| row.parameter.ends_with("kernel")).collect();
    let mut choices = Choices::default();
    choices.read_map("conv2d_1 = \"conv1\"\nconv2d = \"conv2\"").unwrap();
    assert_eq!(right.len(), 5);
    // Names of Keras depend on what else was made in the session, so the map is checked through what it gives.
    let names: Vec<&str> = ["conv2d", "conv2d_1", "conv2d_2", "conv2d_3"].to_vec();
    let mut agree = 0;
    for order in permutations(&names) {
        choices.map = order
            .iter()
            .zip(["conv1", "conv2", "conv3", "conv4"])
            .map(|(a, b)| ((*a).to_owned(), b.to_owned()))
            .collect();
        if let Ok(found) = assign(&graph, &stored, &choices) {
            agree += usize::from(difference(&graph, &found.weights, "keras-nested") < LOGIT_TOLERANCE);
        }
    }
    assert_eq!(agree, 1);
}

fn permutations<'a>(names: &[&'a str]) -> Vec<Vec<&'a str>> {
    if names.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let mut rest = names.to_vec();
        rest.remove(place);
        all.extend(permutations(&rest).into_iter().map(|rest| [&[*name][..], &rest].concat()));
    }
    all
}

#[test]
fn layers_are_left_out_when_asked() {
    let graph = graph(
        &NAMED[..7]
            .iter()
            .copied()
            .chain(["flat_norm: batch_norm epsilon 1e-5", "dense 3"])
            .collect::<Vec<_>>(),
    );
    let bytes = std::fs::read(golden("named.pt")).unwrap();
    let stored = read(&bytes, None).unwrap();
    let choices = Choices { skip: vec!["fc".to_owned(), "head".to_owned()], ..Choices::default() };
    // Nothing is left for the new head: a network is filled whole or not at all.
    let error = assign(&graph, &stored, &choices).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "layer dense1: expected a layer of the file with weight [3, 54], bias [3], found none"
        ),
        "{error}"
    );
    assert!(!error.contains("fc"), "{error}");
}

#[test]
fn a_map_is_toml_with_texts() {
    let mut choices = Choices::default();
    choices.read_map("\"features.0\" = \"conv1\"").unwrap();
    assert_eq!(choices.map["features.0"], "conv1");
    assert!(choices.read_map("features.0 = 1").is_err());
}
