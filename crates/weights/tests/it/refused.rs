//! What is refused, and what it says.

use insta::assert_snapshot;
use seamripper_core::graph::Graph;
use seamripper_weights::{Choices, WeightsError, assign, read, to_keras, to_torch};

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
    assert_snapshot!(unread(b""), @r#"
    error: format: expected a PyTorch state dict (.pt, .pth, .safetensors) or a Keras file (.keras, .weights.h5, .h5), found an empty file
    hint: PyTorch: save the weights alone: torch.save(model.state_dict(), "weights.pt"); Keras: model.save("model.keras")
    "#);
    assert_snapshot!(unread(b"not a model"), @r#"
    error: format: expected a PyTorch state dict (.pt, .pth, .safetensors) or a Keras file (.keras, .weights.h5, .h5), found a file that begins with [6e, 6f, 74, 20, 61, 20, 6d, 6f]
    hint: PyTorch: save the weights alone: torch.save(model.state_dict(), "weights.pt"); Keras: model.save("model.keras")
    "#);
    assert_snapshot!(unread_file("named.npz"), @r#"
    error: format: expected a PyTorch state dict (.pt, .pth, .safetensors) or a Keras file (.keras, .weights.h5, .h5), found an archive with images.npy, logits.npy
    hint: PyTorch: save the weights alone: torch.save(model.state_dict(), "weights.pt"); Keras: model.save("model.keras")
    "#);
}

#[test]
fn pickles_with_more_than_tensors() {
    assert_snapshot!(unread_file("refused-payload.pt"), @r#"
    error: data.pkl: expected tensors, numbers and texts only, found posix.system
    hint: nothing else is read from a pickle; save the weights alone: torch.save(model.state_dict(), "weights.pt")
    "#);
    assert_snapshot!(unread_file("refused-module.pt"), @r#"
    error: data.pkl: expected tensors, numbers and texts only, found __builtin__.set, torch.nn.modules.container.Sequential, torch.nn.modules.linear.Linear
    hint: nothing else is read from a pickle; save the weights alone: torch.save(model.state_dict(), "weights.pt")
    "#);
    assert_snapshot!(unread_file("refused-numpy.pt"), @r#"
    error: data.pkl: expected tensors, numbers and texts only, found _codecs.encode, numpy._core.multiarray.scalar, numpy.dtype
    hint: nothing else is read from a pickle; save the weights alone: torch.save(model.state_dict(), "weights.pt")
    "#);
    assert_snapshot!(unread_file("refused-old.pt"), @r#"
    error: format: expected the zip archive that PyTorch 1.6 and later writes, found a bare pickle
    hint: nothing else is read from a pickle; save the weights alone: torch.save(model.state_dict(), "weights.pt")
    "#);
    assert_snapshot!(unread_file("refused-script.pt"), @r#"
    error: format: expected a state dict, found a TorchScript program
    hint: save the weights alone: torch.save(model.state_dict(), "weights.pt")
    "#);
}

#[test]
fn pickles_without_a_state_dict() {
    assert_snapshot!(unread(&archive(b"\x80\x02}X\x05\0\0\0epochK\x03s.")), @r#"
    error: state dict: expected a dictionary of tensors, found no tensors in epoch
    hint: save the weights alone: torch.save(model.state_dict(), "weights.pt")
    "#);
    assert_snapshot!(unread(&archive(b"\x80\x02]K\x03a.")), @r#"
    error: state dict: expected a dictionary of tensors, found a list
    hint: save the weights alone: torch.save(model.state_dict(), "weights.pt")
    "#);
    assert_snapshot!(unread(&archive(b"\x80\x02}q")), @r"
    error: data.pkl at byte 4: expected more bytes, found the end of it
    hint: the file is damaged or was not written to the end
    ");
    assert_snapshot!(unread_file("two.pt"), @r"
    error: state dict: expected one dictionary of tensors, found teacher, student
    hint: choose one with --key, for instance --key teacher
    ");
    let bytes = std::fs::read(golden("two.pt")).unwrap();
    assert_snapshot!(said(&read(&bytes, Some("ema")).unwrap_err()), @r#"
    error: state dict: expected a dictionary of tensors under "ema", found teacher, student
    hint: choose one with --key, for instance --key teacher
    "#);
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
    assert_snapshot!(unread(&crate::damaged::tensor(4, 1, &[2, 2], &[2, 1])), @r"error: array a.weight: expected a part of the 4 values of its storage, found shape [2, 2] with strides [2, 1] from 1 on");
}

#[test]
fn a_recipe_of_another_network() {
    let mut layers = NAMED.to_vec();
    layers[0] = "stem: conv 4 3x3";
    layers[8] = "fc: dense 9 relu";
    layers.insert(9, "extra: dense 9");
    assert_snapshot!(unassigned("named.pt", &graph(&layers), &Choices::default()), @r"
    error: layer stem, from the file's stem: expected weight [4, 2, 3, 3], bias [4], found weight [4, 2, 3, 3]
    hint: make the recipe's layer the same, or say which layer it is with --map FILE.toml

    error: layer fc, from the file's fc: expected weight [9, 54], bias [9], found weight [7, 54], bias [7]
    hint: make the recipe's layer the same, or say which layer it is with --map FILE.toml

    error: layer head, from the file's head: expected weight [5, 9], bias [5], found weight [5, 7], bias [5]
    hint: make the recipe's layer the same, or say which layer it is with --map FILE.toml

    error: recipe: expected layers of the file for all of its own, found too few for
      extra: weight [9, 9], bias [9]
    hint: the recipe has to have the layers of the model that the file is of
    ");
    let shorter: Vec<&str> =
        NUMBERED.iter().copied().filter(|layer| *layer != "conv 4 3x3 pad 1 relu").collect();
    assert_snapshot!(unassigned("numbered.pt", &graph(&shorter), &Choices::default()), @r"
    error: file: expected a place in the recipe for every layer, found none for
      2 (weight [4, 4, 3, 3], bias [4])
      4 (weight [4, 4, 3, 3], bias [4])
      7 (weight [4, 4, 3, 3], bias [4])
    hint: add the layers to the recipe, or leave them out with --skip NAME,…
    ");
    let mut longer = NUMBERED.to_vec();
    longer.insert(1, "conv 4 3x3 pad 1 relu");
    assert_snapshot!(unassigned("numbered.pt", &graph(&longer), &Choices::default()), @r"
    error: recipe: expected layers of the file for all of its own, found too few for
      conv2, conv3, conv4, conv5: weight [4, 4, 3, 3], bias [4] (found 2, 4, 7)
    hint: the recipe has to have the layers of the model that the file is of
    ");
}

#[test]
fn which_layer_is_which_cannot_be_told() {
    assert_snapshot!(unassigned("keras-nested.weights.h5", &graph(KERAS_NESTED), &Choices::default()), @r"
    error: layers conv2, conv3, conv4: expected to tell which of the file's layers each is, found that conv2d_3 (layers/conv2d_1), conv2d (layers/sequential/layers/conv2d), conv2d_1 (layers/sequential/layers/conv2d_1) fit and the file has its layers in no order, and their names differ in more than numbers
    hint: name the recipe's layers as the file does, or say which is which with --map FILE.toml
    ");
    let mut crossing = NUMBERED.to_vec();
    crossing[1] = "4: conv 4 3x3 pad 1 relu";
    assert_snapshot!(unassigned("numbered.pt", &graph(&crossing), &Choices::default()), @r"
    error: layers conv3, conv4: expected to tell which of the file's layers each is, found that 2, 7 fit and layers of the same shape which are found by name are in another order
    hint: name the recipe's layers as the file does, or say which is which with --map FILE.toml
    ");
}

#[test]
fn a_name_that_is_another_layers_is_noticed() {
    // `1` and `2` are places there and names here; the two layers of one shape would change places.
    let file =
        to_torch(&model(graph(&["1: conv 2 3x3 same", "2: conv 2 3x3 same", "global_avg_pool", "dense 5"])))
            .unwrap();
    let stored = read(&file, None).unwrap();
    let recipe = graph(&["2: conv 2 3x3 same", "conv 2 3x3 same", "global_avg_pool", "dense 5"]);
    assert_snapshot!(said(&assign(&recipe, &stored, &Choices::default()).unwrap_err()), @r"
    error: layer conv2: expected to tell which of the file's layers each is, found that 1 fit and layers of the same shape which are found by name are in another order
    hint: name the recipe's layers as the file does, or say which is which with --map FILE.toml
    ");
}

#[test]
fn keras_does_not_say_which_part_is_missing() {
    assert_snapshot!(unread_file("keras-named.weights.h5"), @r"error: array layers/batch_normalization: expected four arrays of a batch normalization, or two, or the .keras file, which says what is missing, found 3");
}

#[test]
fn another_epsilon() {
    let mut layers = KERAS_NAMED.to_vec();
    layers[1] = "norm: batch_norm epsilon 1e-5 relu";
    assert_snapshot!(unassigned("keras-named.keras", &graph(&layers), &Choices::default()), @r"
    error: layer norm: expected the epsilon 0.001 of the file, found 0.00001 in the recipe
    hint: write `epsilon 0.001` behind its kind
    ");
}

#[test]
fn names_that_are_not_there() {
    let graph = graph(NUMBERED);
    assert_snapshot!(unassigned("numbered.pt", &graph, &choices(&[("22", "conv1"), ("2", "conv9")], &["aux"])), @r#"
    error: --skip: expected a layer of the file, found "aux"

    error: --map: expected a layer of the recipe that has weights, found "conv9"
    hint: the nearest is "conv1"

    error: --map: expected a layer of the file, found "22"
    hint: the nearest is "2"
    "#);
    assert_snapshot!(unassigned("numbered.pt", &graph, &choices(&[("0", "conv2"), ("2", "conv2")], &["11"])), @r#"
    error: layer conv2, from the file's 0: expected weight [4, 4, 3, 3], bias [4], found weight [4, 2, 3, 3], bias [4]
    hint: make the recipe's layer the same, or say which layer it is with --map FILE.toml

    error: --map: expected each layer of the recipe once, found "conv2"
    "#);
}

#[test]
fn flattened_channels_taken_apart() {
    let layers = ["conv 4 3x3", "flatten", "part: slice 0..20", "dense 5"];
    assert_snapshot!(unassigned("numbered.pt", &graph(&layers), &choices(&[], &["2", "4", "7"])), @r"
    error: file: expected a place in the recipe for every layer, found none for
      11 (weight [5, 36], bias [5])
    hint: add the layers to the recipe, or leave them out with --skip NAME,…

    error: layer part: expected channels in their own order, found flattened ones that are taken apart
    hint: bring such a model as ONNX

    error: recipe: expected layers of the file for all of its own, found too few for
      dense1: weight [5, 20], bias [5]
    hint: the recipe has to have the layers of the model that the file is of
    ");
}

#[test]
fn layers_that_keras_does_not_have() {
    let graph = graph(&["conv 4 3x3", "scale", "global_avg_pool", "gain: scale no_bias", "dense 5"]);
    assert_snapshot!(said(&to_keras(&model(graph)).unwrap_err()), @r"
    error: Keras weights: expected layers that it has, found scale1 (scale), gain (scale)
    hint: ONNX has all layers: --out FILE.onnx
    ");
}
