//! `[model] from`: what is read, what is filled in, and what does not fit.

use insta::assert_snapshot;

use super::*;
use crate::graph::{Graph, LayerSpec};
use crate::recipe::graph_of;

/// The model that recipes here go on from.
fn model() -> Graph {
    let layers = [
        "stem: conv 4 3x3 same no_bias",
        "batch_norm relu",
        "conv1: conv 4 3x3 same",
        "add batch_norm1 relu",
        "global_avg_pool",
        "dense 8 relu",
        "dropout 0.1",
        "fc: dense 5 relu",
        "tanh",
    ];
    graph_of([8, 8, 1], &layers).unwrap()
}

fn read(model: &str) -> Result<Recipe, RecipeError> {
    Recipe::from_toml(&format!("[data]\nsource = \"idx:x\"\n[model]\n{model}\n"), "r.toml")
}

fn filled(text: &str, model: &Graph, classes: Option<usize>) -> Result<Recipe, String> {
    let mut recipe = read(text).unwrap();
    match recipe.fill_in(model, classes) {
        Ok(()) => Ok(recipe),
        Err(error) => Err(format!("{}: {error}\nhint: {}", error.key(), error.hint().unwrap_or_default())),
    }
}

fn names(layers: &[LayerSpec]) -> String {
    layers.iter().filter_map(|layer| layer.name.as_deref()).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_open_is_taken_from_the_model() {
    let recipe = filled("from = \"m.onnx\"\nfreeze = \"all but the head\"", &model(), Some(3)).unwrap();
    let transfer = recipe.model.transfer.as_ref().unwrap();
    assert_eq!(recipe.model.input, [8, 8, 1]);
    assert_eq!(names(&recipe.model.layers), "stem batch_norm1 conv1 add1 global_avg_pool1 dense1 dropout1");
    // Another layer than the model's fc, under the next free name.
    assert_eq!(names(&transfer.head), "dense2");
    assert_eq!(recipe.model.frozen(), 7);
    let graph = recipe.graph().unwrap();
    assert_eq!(graph.outputs(), 3);
    let taken: Vec<_> = recipe.taken(&graph, &model()).map(|[own, _]| own.name.clone()).collect();
    assert_eq!(taken.len(), graph.parameters.len() - 2);
    assert!(!taken.iter().any(|name| name.starts_with("dense2")));

    // What a run keeps: it reads back equal, and filling it in again changes nothing.
    let mut again = Recipe::from_toml(&recipe.to_toml(), "recipe.toml").unwrap();
    assert_eq!(again, recipe);
    again.fill_in(&model(), Some(3)).unwrap();
    assert_eq!(again, recipe);
}

#[test]
fn a_head_may_be_given_and_part_of_the_rest_frozen() {
    let text = "from = \"m.onnx\"\nhead = [\"dense 16 relu\", \"out: dense 2\"]\nfreeze = \"add1\"";
    let recipe = filled(text, &model(), None).unwrap();
    assert_eq!(names(&recipe.model.transfer.as_ref().unwrap().head), "dense2 out");
    assert_eq!(recipe.model.frozen(), 4);
    let whole = filled("from = \"m.onnx\"", &model(), Some(2)).unwrap();
    assert_eq!(whole.model.frozen(), 0);
}

#[test]
fn a_convolution_is_replaced_where_there_is_no_dense_layer() {
    let layers = ["conv 4 3x3 relu", "conv 10 1x1 relu", "global_avg_pool"];
    let recipe = filled("from = \"m.onnx\"", &graph_of([8, 8, 1], &layers).unwrap(), Some(3)).unwrap();
    assert_eq!(names(&recipe.model.layers), "conv1");
    assert_eq!(names(&recipe.model.transfer.unwrap().head), "global_avg_pool1 dense1");
}

#[test]
fn an_unfilled_recipe_takes_arguments_too() {
    let mut recipe = read("from = \"m.onnx\"").unwrap();
    recipe.override_all(["model.freeze=all but the head", "train.epochs=3"]).unwrap();
    assert_eq!(recipe.model.transfer.as_ref().unwrap().freeze, crate::recipe::Freeze::AllButHead);
    assert!(!recipe.model.filled_in());
    assert_eq!(Recipe::from_toml(&recipe.to_toml(), "r.toml").unwrap(), recipe);
}

#[test]
fn what_is_read_wrongly_has_its_place() {
    assert_snapshot!(rejected(read("head = [\"dense 3\"]\nfreeze = false\ninput = [8, 8, 1]\nlayers = [\"flatten\", \"dense 3\"]")), @r#"
    error: model.head at r.toml:4:8: expected model.from with it, the model that training goes on from, found none
      |
    4 | head = ["dense 3"]
      |        ^^^^^^^^^^^
    hint: for instance from = "model.onnx"

    error: model.freeze at r.toml:5:10: expected model.from with it, the model that training goes on from, found none
      |
    5 | freeze = false
      |          ^^^^^
    hint: for instance from = "model.onnx"
    "#);
    assert_snapshot!(rejected(read("from = 7\nhead = []\nfreeze = true\nform = 1")), @r#"
    error: model.from at r.toml:4:8: expected a text in quotes, found 7
      |
    4 | from = 7
      |        ^

    error: model.head at r.toml:5:8: expected at least one layer, found none
      |
    5 | head = []
      |        ^^
    hint: leave it out for a dense layer with an output for each class

    error: model.freeze at r.toml:6:10: expected "all but the head", the name of the last layer to freeze, or false, found true
      |
    6 | freeze = true
      |          ^^^^

    error: unknown key at r.toml:7:1: expected a key of [model], found `form`
      |
    7 | form = 1
      | ^^^^
    hint: did you mean `from`?
    "#);
    assert_snapshot!(rejected(read("from = \"m.onnx\"\nhead = [\"dens 3\"]\ninput = [8, 8, 1]")), @r#"
    error: missing key in [model] at r.toml:3:1: expected `layers`, found none
      |
    3 | [model]
      | ^^^^^^^
    hint: for instance layers = ["flatten", "dense 10"]

    error: layer "dens 3" at r.toml:5:10: expected a layer, found `dens`
      |
    5 | head = ["dens 3"]
      |          ^^^^
    hint: did you mean `dense`?
    "#);
    // Layers before the head stand with it.
    assert_snapshot!(rejected(read("from = \"m.onnx\"\nhead = [\"dense 3\"]\ninput = [8, 8, 1]\nlayers = [\"conv 4 3x3\"]")), @r#"
    error: layer dense1 at r.toml:5:9: dense needs a flat input [1, 1, c], found [6, 6, 4] from conv1
      |
    5 | head = ["dense 3"]
      |         ^^^^^^^^^
    hint: add "flatten" (or a global pooling, "global_avg_pool") before it
    "#);
}

#[test]
fn what_does_not_fit_the_model_says_so() {
    let refused = |text: &str, classes| filled(text, &model(), classes).unwrap_err();
    assert_snapshot!(refused("from = \"m.onnx\"", None), @r#"
    head: expected a head, as its outputs follow from the images alone and there are none here, found none
    hint: for instance head = ["dense 10"]
    "#);
    assert_snapshot!(refused("from = \"m.onnx\"\nfreeze = \"steem\"", Some(3)), @r"
    freeze: expected the name of a layer before the head, found `steem`
    hint: did you mean `stem`?
    ");
    assert_snapshot!(refused("from = \"m.onnx\"\nfreeze = \"fc\"", Some(3)), @r"
    freeze: expected the name of a layer before the head, found `fc`
    hint: the last layer before the head is `dropout1`; `seamripper model MODEL` lists all
    ");
    assert_snapshot!(refused("from = \"m.onnx\"\nhead = [\"dense 4\", \"conv 3 3x3\"]", Some(3)), @r"
    head: layer conv3: a 3x3 window needs at least [3, 3], found [1, 1, 4] from dense2
    hint: use a smaller window, padding `same`, or fewer poolings before it
    ");
    assert_snapshot!(refused("from = \"m.onnx\"\nhead = [\"relu\"]\nfreeze = \"all but the head\"", Some(3)), @r"
    head: expected a head with weights to train, found none and everything before it frozen
    hint: end the head with a dense layer, or set freeze = false
    ");
    let changed = "from = \"m.onnx\"\ninput = [8, 8, 1]\nlayers = [\"stem: conv 4 5x5 same no_bias\", \"other: conv 4 3x3\", \"global_avg_pool\"]";
    assert_snapshot!(refused(changed, Some(3)), @r"
    from: expected the weights of every layer in [model] layers, found stem.kernel [3, 3, 1, 4] in place of [5, 5, 1, 4]; no other.kernel [3, 3, 4, 4]; no other.bias [4]
    hint: the model was changed, or the layers were: leave `input` and `layers` out to take them from the model
    ");
    let flat = graph_of([8, 8, 1], &["flatten", "dense 3"]).unwrap();
    assert_eq!(filled("from = \"m.onnx\"", &flat, Some(3)).unwrap().model.frozen(), 0);
    let conv = graph_of([8, 8, 1], &["conv 3 8x8"]).unwrap();
    assert_snapshot!(filled("from = \"m.onnx\"", &conv, Some(3)).unwrap_err(), @r"
    from: expected a model with layers before its last dense layer or convolution, which the head takes the place of, found none
    hint: see its layers with `seamripper model MODEL`
    ");
}
