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
    assert_snapshot!(printed(&place, &import), @"");
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
    assert_snapshot!(weights(&[]), @"");
    assert_snapshot!(weights(&["--recipe", "net.toml", "--size", "9x8"]), @"");
    assert_snapshot!(weights(&["--recipe", "nte.toml"]), @"");
    assert_snapshot!(weights(&["--recipe", "net.toml", "--std", "1,2,3"]), @"");
    fs::write(place.at("map.toml"), "fc = [\"a\"]\n").unwrap();
    assert_snapshot!(weights(&["--recipe", "net.toml", "--map", "map.toml"]), @"");
    fs::write(place.at("two.txt"), "a\nb\n").unwrap();
    assert_snapshot!(weights(&["--recipe", "net.toml", "--classes", "two.txt"]), @"");
    fs::write(place.at("net.toml"), RECIPE.replace("fc: dense 7", "fc: dense 8")).unwrap();
    assert_snapshot!(weights(&["--recipe", "net.toml"]), @"");
    assert!(!place.at("net.safetensors").exists());
    fs::write(place.at("net.onnx"), "").unwrap();
    let onnx = ["import", "net.onnx", "--out", "net.safetensors", "--recipe", "net.toml"];
    assert_snapshot!(refused(&place, &onnx), @"");
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
    assert_snapshot!(refused(&place, &["export", "run", "--out", "net.h5"]), @"");
    assert_snapshot!(refused(&place, &["export", "run", "--out", "net.onnx", "--layout", "torch"]), @"");
    assert_snapshot!(refused(&place, &["export", "run", "--out", "net.onnx", "--calibrated"]), @"");
    assert_snapshot!(refused(&place, &["export", "run/model.safetensors", "--out", "net.onnx", "--calibrated"]), @"");
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
    assert_snapshot!(refused(&place, &["export", "other", "--calibrated", "--out", "net.onnx"]), @"");
}
