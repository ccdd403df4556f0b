//! What the table says, and what the user can say.

use std::fmt::Write;

use insta::assert_snapshot;
use seamripper_weights::{Assigned, Choices, How, assign, read, to_torch};

use crate::exports::model;

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
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_array_has_a_row() {
    assert_snapshot!(shown(&assigned("checkpoint.pt", &graph(NAMED), None)), @r#"
    module.stem.weight [4, 2, 3, 3] float32 > stem.kernel [3, 3, 2, 4] name OIHW to HWIO
    module.norm.weight [4] float32 > norm.gamma [4] name
    module.norm.bias [4] float32 > norm.beta [4] name
    module.norm.running_mean [4] float32 > norm.moving_mean [4] name
    module.norm.running_var [4] float32 > norm.moving_variance [4] name
    module.each.weight [8, 1, 3, 3] float32 > each.kernel [3, 3, 1, 8] name OIHW to HWIO
    module.each.bias [8] float32 > each.bias [8] name
    module.groups.weight [6, 4, 1, 1] float32 > groups.kernel [1, 1, 4, 6] name OIHW to HWIO
    module.groups.bias [6] float32 > groups.bias [6] name
    module.middle.weight [6] float32 > middle.gamma [6] name
    module.middle.bias [6] float32 > middle.beta [6] name
    module.flat_norm.weight [54] float32 > flat_norm.gamma [54] name flattened channels last
    module.flat_norm.bias [54] float32 > flat_norm.beta [54] name flattened channels last
    module.flat_norm.running_mean [54] float32 > flat_norm.moving_mean [54] name flattened channels last
    module.flat_norm.running_var [54] float32 > flat_norm.moving_variance [54] name flattened channels last
    module.fc.weight [7, 54] float32 > fc.kernel [54, 7] name transposed, flattened channels last
    module.fc.bias [7] float32 > fc.bias [7] name
    module.head.weight [5, 7] float32 > head.kernel [7, 5] name transposed
    module.head.bias [5] float32 > head.bias [5] name
    left out: module.norm.num_batches_tracked
    left out: module.flat_norm.num_batches_tracked
    note: the state dict is the checkpoint's "state_dict"
    "#);
    assert_snapshot!(shown(&assigned("numbered.safetensors", &graph(NUMBERED), None)), @r"
    0.weight [4, 2, 3, 3] float32 > conv1.kernel [3, 3, 2, 4] shape OIHW to HWIO
    0.bias [4] float32 > conv1.bias [4] shape
    2.weight [4, 4, 3, 3] float32 > conv2.kernel [3, 3, 4, 4] order OIHW to HWIO
    2.bias [4] float32 > conv2.bias [4] order
    4.weight [4, 4, 3, 3] float32 > conv3.kernel [3, 3, 4, 4] order OIHW to HWIO
    4.bias [4] float32 > conv3.bias [4] order
    7.weight [4, 4, 3, 3] float32 > conv4.kernel [3, 3, 4, 4] order OIHW to HWIO
    7.bias [4] float32 > conv4.bias [4] order
    11.weight [5, 36] float32 > dense1.kernel [36, 5] shape transposed, flattened channels last
    11.bias [5] float32 > dense1.bias [5] shape
    note: layers of one shape are told apart by the natural order of the file's names: conv2, conv3, conv4
    ");
    assert_snapshot!(shown(&assigned("keras-named.keras", &graph(KERAS_NAMED), None)), @r"
    layers/conv2d/vars/0 [3, 3, 2, 4] float32 > stem.kernel [3, 3, 2, 4] name
    - []  > norm.gamma [4] name not in the file
    layers/batch_normalization/vars/0 [4] float32 > norm.beta [4] name
    layers/batch_normalization/vars/1 [4] float32 > norm.moving_mean [4] name
    layers/batch_normalization/vars/2 [4] float32 > norm.moving_variance [4] name
    layers/separable_conv2d/vars/0 [3, 3, 4, 2] float32 > depthwise1.kernel [3, 3, 1, 8] shape
    layers/separable_conv2d/vars/1 [1, 1, 8, 6] float32 > apart.kernel [1, 1, 8, 6] shape
    layers/separable_conv2d/vars/2 [6] float32 > apart.bias [6] shape
    layers/depthwise_conv2d/vars/0 [3, 3, 6, 2] float32 > each.kernel [3, 3, 1, 12] name
    layers/depthwise_conv2d/vars/1 [12] float32 > each.bias [12] name
    layers/conv2d_1/vars/0 [1, 1, 6, 6] float32 > groups.kernel [1, 1, 6, 6] name
    layers/conv2d_1/vars/1 [6] float32 > groups.bias [6] name
    layers/layer_normalization/vars/0 [6] float32 > middle.gamma [6] name
    layers/layer_normalization/vars/1 [6] float32 > middle.beta [6] name
    layers/batch_normalization_1/vars/0 [54] float32 > flat_norm.gamma [54] name
    layers/batch_normalization_1/vars/1 [54] float32 > flat_norm.beta [54] name
    layers/batch_normalization_1/vars/2 [54] float32 > flat_norm.moving_mean [54] name
    layers/batch_normalization_1/vars/3 [54] float32 > flat_norm.moving_variance [54] name
    layers/dense/vars/0 [54, 7] float32 > fc.kernel [54, 7] name
    layers/dense/vars/1 [7] float32 > fc.bias [7] name
    layers/dense_1/vars/0 [7, 5] float32 > head.kernel [7, 5] name
    layers/dense_1/vars/1 [5] float32 > head.bias [5] name
    ");
    assert_snapshot!(shown(&assigned("keras-nested.keras", &graph(KERAS_NESTED), None)), @r"
    layers/conv2d/vars/0 [3, 3, 2, 4] float32 > conv1.kernel [3, 3, 2, 4] shape
    layers/conv2d/vars/1 [4] float32 > conv1.bias [4] shape
    layers/sequential/layers/conv2d/vars/0 [3, 3, 4, 4] float32 > conv2.kernel [3, 3, 4, 4] order
    layers/sequential/layers/conv2d/vars/1 [4] float32 > conv2.bias [4] order
    layers/sequential/layers/conv2d_1/vars/0 [3, 3, 4, 4] float32 > conv3.kernel [3, 3, 4, 4] order
    layers/sequential/layers/conv2d_1/vars/1 [4] float32 > conv3.bias [4] order
    layers/sequential/layers/batch_normalization/vars/0 [4] float32 > batch_norm1.gamma [4] shape
    layers/sequential/layers/batch_normalization/vars/1 [4] float32 > batch_norm1.beta [4] shape
    layers/sequential/layers/batch_normalization/vars/2 [4] float32 > batch_norm1.moving_mean [4] shape
    layers/sequential/layers/batch_normalization/vars/3 [4] float32 > batch_norm1.moving_variance [4] shape
    layers/conv2d_1/vars/0 [3, 3, 4, 4] float32 > conv4.kernel [3, 3, 4, 4] order
    layers/conv2d_1/vars/1 [4] float32 > conv4.bias [4] order
    layers/dense/vars/0 [4, 5] float32 > dense1.kernel [4, 5] shape
    layers/dense/vars/1 [5] float32 > dense1.bias [5] shape
    left out: optimizer/vars/0
    left out: optimizer/vars/1
    left out: optimizer/vars/10
    left out: optimizer/vars/11
    left out: optimizer/vars/12
    left out: optimizer/vars/13
    left out: optimizer/vars/14
    left out: optimizer/vars/15
    left out: optimizer/vars/16
    left out: optimizer/vars/17
    left out: optimizer/vars/18
    left out: optimizer/vars/19
    left out: optimizer/vars/2
    left out: optimizer/vars/20
    left out: optimizer/vars/21
    left out: optimizer/vars/22
    left out: optimizer/vars/23
    left out: optimizer/vars/24
    left out: optimizer/vars/25
    left out: optimizer/vars/3
    left out: optimizer/vars/4
    left out: optimizer/vars/5
    left out: optimizer/vars/6
    left out: optimizer/vars/7
    left out: optimizer/vars/8
    left out: optimizer/vars/9
    note: layers of one shape are told apart by the order of the file: conv2, conv3, conv4
    ");
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
    assert!(error.ends_with("\n  dense1: weight [3, 54], bias [3]"), "{error}");
    assert!(!error.contains("fc"), "{error}");
}

#[test]
fn the_end_of_a_name_is_enough_if_it_is_no_number() {
    let [there, named, numbered] =
        [("a.first", "b.conv3"), ("first", "second"), ("conv1", "conv3")].map(|(one, two)| {
            let layers = [format!("{one}: conv 2 3x3 same"), format!("{two}: conv 2 3x3 same")];
            graph(&[&layers[0], &layers[1], "global_avg_pool", "dense 5"])
        });
    let bytes = to_torch(&model(there)).unwrap();
    let stored = read(&bytes, None).unwrap();
    let ways = |recipe| assign(recipe, &stored, &Choices::default()).map(|found| found.rows[0].how);
    assert_eq!(ways(&named), Ok(How::Name));
    assert!(ways(&numbered).is_err());
}

#[test]
fn a_map_is_toml_with_texts() {
    let mut choices = Choices::default();
    choices.read_map("\"features.0\" = \"conv1\"").unwrap();
    assert_eq!(choices.map["features.0"], "conv1");
    assert!(choices.read_map("features.0 = 1").is_err());
}
