//! `seamripper import --recipe` and what `export` writes for PyTorch and Keras.

use std::fs;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use serde_json::Value;

use crate::train::Place;

const RECIPE: &str = r#"[data]
source = "folder:photos"

[model]
input = [9, 8, 2]
layers = [
  "stem: conv 4 3x3 no_bias",
  "norm: batch_norm epsilon 1e-5 relu",
  "each: depthwise 3x3 pad 1 multiplier 2",
  "groups: conv 6 1x1 groups 2 relu",
  "max_pool 2",
  "middle: layer_norm epsilon 1e-5",
  "flatten",
  "flat_norm: batch_norm epsilon 1e-5",
  "fc: dense 7 relu",
  "head: dense 5",
]
"#;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../weights/tests/golden/files").join(name)
}

/// A folder with a recipe and weights for it.
fn place(weights: &str) -> Place {
    let place = Place::new();
    fs::write(place.at("net.toml"), RECIPE).unwrap();
    fs::copy(golden(weights), place.at(weights)).unwrap();
    place
}

/// stdout, then stderr, of a call that must succeed.
fn printed(place: &Place, arguments: &[&str]) -> String {
    let output = place.done(arguments);
    format!("{}---\n{}", place.text(&output.stdout), place.text(&output.stderr))
}

fn refused(place: &Place, arguments: &[&str]) -> String {
    place.refused_by(place.program(arguments))
}

#[test]
fn a_recipe_gets_the_weights_of_pytorch() {
    let place = place("checkpoint.pt");
    let import = ["import", "checkpoint.pt", "--recipe", "net.toml", "--out", "net.safetensors"];
    assert_snapshot!(printed(&place, &import), @r#"
    file                                         recipe                                   by
    module.stem.weight             [4, 2, 3, 3]  stem.kernel                [3, 3, 2, 4]  name  OIHW to HWIO
    module.norm.weight             [4]           norm.gamma                 [4]           name
    module.norm.bias               [4]           norm.beta                  [4]           name
    module.norm.running_mean       [4]           norm.moving_mean           [4]           name
    module.norm.running_var        [4]           norm.moving_variance       [4]           name
    module.each.weight             [8, 1, 3, 3]  each.kernel                [3, 3, 1, 8]  name  OIHW to HWIO
    module.each.bias               [8]           each.bias                  [8]           name
    module.groups.weight           [6, 4, 1, 1]  groups.kernel              [1, 1, 4, 6]  name  OIHW to HWIO
    module.groups.bias             [6]           groups.bias                [6]           name
    module.middle.weight           [6]           middle.gamma               [6]           name
    module.middle.bias             [6]           middle.beta                [6]           name
    module.flat_norm.weight        [54]          flat_norm.gamma            [54]          name  flattened channels last
    module.flat_norm.bias          [54]          flat_norm.beta             [54]          name  flattened channels last
    module.flat_norm.running_mean  [54]          flat_norm.moving_mean      [54]          name  flattened channels last
    module.flat_norm.running_var   [54]          flat_norm.moving_variance  [54]          name  flattened channels last
    module.fc.weight               [7, 54]       fc.kernel                  [54, 7]       name  transposed, flattened channels last
    module.fc.bias                 [7]           fc.bias                    [7]           name
    module.head.weight             [5, 7]        head.kernel                [7, 5]        name  transposed
    module.head.bias               [5]           head.bias                  [5]           name
    no weights, left out: num_batches_tracked (2)

    net.safetensors
      layers      10
      parameters  851
      images      9 x 8, 2 channels
      prepared    pixel / 255
      classes     5 (0 to 4)
    ---
    note: the state dict is the checkpoint's "state_dict"
    note: the file does not name its classes: they are called 0 to 4
    note: the file does not say how pixels are prepared: they are divided by 255
    `seamripper doctor --model net.safetensors --data SOURCE --write` finds out how, from labelled images
    `seamripper eval net.safetensors --data SOURCE` and `seamripper see net.safetensors --data SOURCE` look at it
    "#);
    let json: Value =
        serde_json::from_slice(&place.done(&[&import[..], &["--json"]].concat()).stdout).unwrap();
    assert_eq!(json["schema"], "seamripper.import/1");
    let row = serde_json::json!({
        "layer": "module.stem", "array": "module.stem.weight", "array_shape": [4, 2, 3, 3], "element": "float32", "parameter": "stem.kernel",
        "shape": [3, 3, 2, 4], "how": "name", "change": "OIHW to HWIO"
    });
    assert_eq!(json["weights"][0], row);
    assert_eq!(
        json["left_out"],
        serde_json::json!(["module.norm.num_batches_tracked", "module.flat_norm.num_batches_tracked"])
    );
    // What comes in goes out, for PyTorch and as ONNX.
    place.done(&["export", "net.safetensors", "--out", "back.safetensors", "--layout", "torch"]);
    place.done(&[
        "import",
        "back.safetensors",
        "--recipe",
        "net.toml",
        "--out",
        "again.safetensors",
        "--quiet",
    ]);
    assert!(place.read("net.safetensors") == place.read("again.safetensors"));
    place.done(&["export", "net.safetensors", "--out", "net.onnx"]);
}

#[test]
fn names_are_mapped_and_pixels_prepared() {
    let place = place("named.safetensors");
    let renamed = RECIPE.replace("fc:", "dense_a:").replace("head:", "dense_b:");
    fs::write(place.at("net.toml"), renamed).unwrap();
    fs::write(place.at("map.toml"), "fc = \"dense_a\"\n").unwrap();
    fs::write(place.at("classes.txt"), "a\nb\nc\nd\ne\n").unwrap();
    let call = [
        "import",
        "named.safetensors",
        "--recipe",
        "net.toml",
        "--out",
        "net.safetensors",
        "--map",
        "map.toml",
        "--classes",
        "classes.txt",
        "--mean",
        "0.5",
        "--std",
        "0.25,0.5",
        "--json",
    ];
    let json: Value = serde_json::from_slice(&place.done(&call).stdout).unwrap();
    let how = |name: &str| {
        let rows = json["weights"].as_array().unwrap();
        rows.iter().find(|row| row["parameter"] == name).unwrap()["how"].clone()
    };
    assert_eq!([how("dense_a.kernel"), how("dense_b.kernel"), how("stem.kernel")], ["map", "shape", "name"]);
    assert_eq!(json["preprocessing"]["std"], serde_json::json!([0.25, 0.5]));
    assert_eq!(json["notes"], serde_json::json!([]));
}

#[test]
fn usage_and_files_that_are_refused() {
    let place = place("checkpoint.pt");
    let weights = |more: &[&str]| {
        refused(&place, &[&["import", "checkpoint.pt", "--out", "net.safetensors"], more].concat())
    };
    assert_snapshot!(weights(&[]), @r"
    error: file checkpoint.pt: expected an .onnx file, found weights, which do not say how layers connect
    hint: give the network with --recipe RECIPE.toml, or export the model as ONNX
    ");
    assert_snapshot!(weights(&["--recipe", "net.toml", "--size", "9x8"]), @r"
    error: --size: expected it with an .onnx file only, found --recipe, which says the size of an image
    hint: change `input` in the recipe
    ");
    assert_snapshot!(weights(&["--recipe", "nte.toml"]), @r"
    error: recipe nte.toml: expected a TOML file, found nothing of that name
    hint: a recipe is a .toml file, as those in the folder recipes of seamripper's sources
    ");
    assert_snapshot!(weights(&["--recipe", "net.toml", "--std", "1,2,3"]), @r"error: weights checkpoint.pt: expected 2 values of --std, one a channel, found 3");
    fs::write(place.at("map.toml"), "fc = [\"a\"]\n").unwrap();
    assert_snapshot!(weights(&["--recipe", "net.toml", "--map", "map.toml"]), @r#"
    error: map map.toml: expected a line for each layer, found: invalid type: sequence, expected a string
    hint: a line is "LAYER OF THE FILE" = "LAYER OF THE RECIPE"
    "#);
    fs::write(place.at("two.txt"), "a\nb\n").unwrap();
    assert_snapshot!(weights(&["--recipe", "net.toml", "--classes", "two.txt"]), @r"error: classes: expected 5 names, one an output, found 2");
    fs::write(place.at("net.toml"), RECIPE.replace("fc: dense 7", "fc: dense 8")).unwrap();
    assert_snapshot!(weights(&["--recipe", "net.toml"]), @r"
    error: weights checkpoint.pt: layer fc, from the file's module.fc: expected weight [8, 54], bias [8], found weight [7, 54], bias [7]
    hint: make the recipe's layer the same, or say which layer it is with --map FILE.toml

    error: layer head, from the file's module.head: expected weight [5, 8], bias [5], found weight [5, 7], bias [5]
    hint: make the recipe's layer the same, or say which layer it is with --map FILE.toml
    ");
    assert!(!place.at("net.safetensors").exists());
    let absent = ["import", "absent.pt", "--recipe", "net.toml", "--out", "net.safetensors"];
    assert_snapshot!(refused(&place, &absent), @r"error: weights absent.pt: expected a readable file, found nothing of that name");
    fs::write(place.at("net.onnx"), "").unwrap();
    let onnx = ["import", "net.onnx", "--out", "net.safetensors", "--recipe", "net.toml"];
    assert_snapshot!(refused(&place, &onnx), @r"
    error: file net.onnx: expected weights for the recipe, found an .onnx file, which has its own layers
    hint: leave out --recipe
    ");
}

#[test]
fn weights_go_out() {
    let place = Place::new();
    place.done(&["train", "r.toml", "--quiet", "--out", "run", "train.epochs=1"]);
    for (name, layout) in [("net.safetensors", &["--layout", "torch"][..]), ("net.weights.h5", &[])] {
        let said = printed(&place, &[&["export", "run", "--out", name], layout].concat());
        assert!(said.contains(name) && said.contains("pixel / 255"), "{said}");
        place.done(&["import", name, "--recipe", "r.toml", "--out", "back.safetensors", "--quiet"]);
        // The same network, but for the names of its classes, which weights do not have.
        let [own, back] = ["run/model.safetensors", "back.safetensors"].map(|name| place.read(name));
        let length = 4 * (16 * 25 + 16 + 16 * 4 + 256 * 16 + 16 + 16 * 3 + 3);
        assert!(own[own.len() - length..] == back[back.len() - length..], "{name}");
    }
    assert_snapshot!(refused(&place, &["export", "run", "--out", "net.h5"]), @r"
    error: out net.h5: expected an .onnx, .safetensors or .weights.h5 file, found another ending
    hint: Keras takes weights from a file that ends in .weights.h5
    ");
    assert_snapshot!(refused(&place, &["export", "run", "--out", "net.onnx", "--layout", "torch"]), @r"error: --layout: expected it with a .safetensors file, found net.onnx");
    assert_snapshot!(refused(&place, &["export", "run", "--out", "net.onnx", "--calibrated"]), @r"
    error: model run: expected a run folder with calibrated.safetensors, found none
    hint: `seamripper audit run --calibrate temperature` fits a temperature and writes it
    ");
    assert_snapshot!(refused(&place, &["export", "run/model.safetensors", "--out", "net.onnx", "--calibrated"]), @r"
    error: model run/model.safetensors: expected a run folder with calibrated.safetensors, found a model alone
    hint: give the run folder that `audit RUN --calibrate temperature` was called with
    ");
}

#[test]
fn the_temperature_goes_out() {
    let place = Place::new();
    place.done(&["train", "r.toml", "--quiet", "--out", "run", "train.epochs=2"]);
    place.done(&["audit", "run", "--quiet", "--only", "calibration", "--calibrate", "temperature"]);
    let said = printed(&place, &["export", "run", "--calibrated", "--out", "net.onnx"]);
    assert!(said.contains("-> calibrated logits [n, 3]"), "{said}");
    let json = place.done(&["export", "run", "--calibrated", "--out", "net.safetensors", "--json"]);
    assert!(place.text(&json.stdout).contains("\"calibrated\":true"));
    assert!(place.read("net.safetensors") == place.read("run/calibrated.safetensors"));
    // What another program reads is calibrated too.
    let losses = ["net.onnx", "run/calibrated.safetensors", "run/model.safetensors"].map(|model| {
        place.done(&["import", "net.onnx", "--out", "imported.safetensors", "--quiet"]);
        let model = if model == "net.onnx" { "imported.safetensors" } else { model };
        let output = place.done(&["eval", model, "--data", "idx:shapes", "--quiet", "--json"]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["log_loss"].as_f64().unwrap()
    });
    assert!((losses[0] - losses[1]).abs() < 1e-6 && (losses[0] - losses[2]).abs() > 1e-4, "{losses:?}");
    // A run that was trained again has no temperature yet.
    place.done(&["train", "r.toml", "--quiet", "--out", "other", "train.epochs=1"]);
    fs::copy(place.at("run/calibrated.safetensors"), place.at("other/calibrated.safetensors")).unwrap();
    assert_snapshot!(refused(&place, &["export", "other", "--calibrated", "--out", "net.onnx"]), @r"
    error: calibrated.safetensors in other: expected the run's model with a temperature, found another model
    hint: fit it again: `seamripper audit other --calibrate temperature`
    ");
}
