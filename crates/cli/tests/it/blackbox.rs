//! ONNX models that are run without being read, as a user runs them, on drawn shapes.

use std::fs;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use serde_json::Value;

use crate::train::Place;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../onnx/tests/golden/models").join(name)
}

/// A folder with a network that normalises groups of channels, and was trained on other shapes.
fn place() -> Place {
    let place = Place::new();
    for name in ["group-norm.onnx", "attention.onnx"] {
        fs::copy(golden(name), place.at(name)).unwrap();
    }
    place
}

const ON_SHAPES: [&str; 3] = ["group-norm.onnx", "--data", "idx:shapes"];

fn json(place: &Place, verb: &str, more: &[&str]) -> Value {
    let arguments = [&[verb, "--json", "--quiet"], &ON_SHAPES[..], more].concat();
    serde_json::from_slice(&place.done(&arguments).stdout).unwrap()
}

fn refused(place: &Place, arguments: &[&str]) -> String {
    let text = place.refused_by(place.program(arguments));
    // The first two lines say that it is run as a black box, which another test reads.
    text.lines().filter(|line| !line.starts_with("note: ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn it_is_evaluated_and_audited_the_same_with_any_number_of_threads() {
    let place = place();
    let evaluated = json(&place, "eval", &["--threads", "1"]);
    assert_eq!(evaluated["n"], 90);
    assert!(evaluated["accuracy"].as_f64().unwrap() > 0.95, "{evaluated}");
    assert_eq!(evaluated, json(&place, "eval", &["--threads", "2"]));
    let audited = json(&place, "audit", &["--threads", "1"]);
    let kinds: Vec<&str> =
        audited["findings"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"robustness"), "{kinds:?}");
    for part in ["robustness", "spurious", "preprocessing"] {
        assert!(!audited[part].is_null(), "{part}");
    }
    assert_eq!(audited, json(&place, "audit", &["--threads", "2"]));
}

#[test]
fn maps_without_gradients() {
    let place = place();
    let seen = json(&place, "see", &["--image", "test-00004"]);
    let methods: Vec<&str> =
        seen["saliency"].as_array().unwrap().iter().map(|map| map["method"].as_str().unwrap()).collect();
    assert_eq!(methods, ["occlusion", "rise"]);
    for map in seen["saliency"].as_array().unwrap() {
        let badges = &map["badges"];
        assert!(badges["sanity"].is_null() && badges["smooth_sanity"].is_null());
        assert!(badges["insertion"].is_number() && badges["deletion_blurred"].is_number());
        assert_eq!(map["map"].as_array().unwrap().len(), 12);
    }
    let verdict = &seen["trust"]["verdicts"][1];
    assert!(verdict["passes_sanity"].is_null() && verdict["areas"]["insertion"].is_number());
    image::load_from_memory(&place.read("see/saliency-test-00004.png")).unwrap();
    let whole = place.done(&[&["see"], &ON_SHAPES[..], &["--out", "whole"]].concat());
    let out = place.text(&whole.stdout);
    assert!(out.contains("sanity: not checked, because the weights cannot be read"), "{out}");
    assert!(place.text(&whole.stderr).contains("note: filters, ablation"));
}

#[test]
fn what_is_known_of_it() {
    let place = place();
    let output = place.done(&["model", "group-norm.onnx"]);
    assert_snapshot!(place.text(&output.stdout) + &place.text(&output.stderr), @r"
    a black box: it is run by rten, and its layers are not read
      images      12 x 12, 1 channel, in the file [n, 1, 12, 12]; up to 64 at a time
      prepared    pixel / 255
      classes     3 (disc to cross)
      output      logits
      parameters  707
      operators   Constant 3, Conv 2, Relu 2, Reshape 2, Add 1, Gemm 1,
                  InstanceNormalization 1, Mul 1, ReduceMean 1, Shape 1
    not read
      InstanceNormalization /norm/InstanceNormalization: is not among the supported operators
    note: group-norm.onnx has operators that are not read here (InstanceNormalization at /norm/InstanceNormalization); it is run by rten as a black box: no gradients, filters or live page
    note: the file does not say how pixels are prepared: they are divided by 255
    ");
    let output = place.done(&["model", "group-norm.onnx", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&document["parameters"], &document["layers"]), (&707.into(), &Value::Array(Vec::new())));
    assert_eq!(document["black_box"]["unread"][0]["operator"], "InstanceNormalization");
    assert_eq!(document["black_box"]["input"], serde_json::json!([12, 12, 1]));
}

#[test]
fn names_and_preprocessing_go_into_a_copy() {
    let place = place();
    fs::write(place.at("names.txt"), "a\nb\nc\nd\ne\n").unwrap();
    let import = [
        "import",
        "attention.onnx",
        "--out",
        "named.onnx",
        "--classes",
        "names.txt",
        "--mean",
        "0.5",
        "--std",
        "0.25",
    ];
    assert_snapshot!(place.text(&place.done(&import).stdout), @r"
    named.onnx
      layers      not read
      parameters  653
      images      16 x 20, 3 channels
      prepared    (pixel / 255 - 0.5) / 0.25
      classes     5 (a to e)
    ");
    let output = place.done(&["model", "named.onnx", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["black_box"]["classes"], serde_json::json!(["a", "b", "c", "d", "e"]));
    assert_eq!(document["black_box"]["preprocessing"]["std"], serde_json::json!([0.25, 0.25, 0.25]));
}

#[test]
fn the_doctor_repairs_a_copy() {
    let place = place();
    place.done(&[
        "import",
        "group-norm.onnx",
        "--out",
        "wrong.onnx",
        "--inverted",
        "--mean",
        "0.5",
        "--std",
        "0.25",
    ]);
    let on = |file: &str| -> Value {
        let output = place.done(&["eval", file, "--data", "idx:shapes", "--json", "--quiet"]);
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let wrong = on("wrong.onnx");
    assert!(wrong["accuracy"].as_f64().unwrap() < 0.8, "{wrong}");
    let doctor = ["doctor", "--model", "wrong.onnx", "--data", "idx:shapes", "--quiet", "--write"];
    let said = place.text(&place.done(&[&doctor[..], &["right.onnx"]].concat()).stdout);
    assert!(said.contains("  right  pixel / 255\n"), "{said}");
    assert_eq!(on("right.onnx"), on("group-norm.onnx"));
    assert_snapshot!(refused(&place, &[&doctor[..], &["right.safetensors"]].concat()), @"error: --write right.safetensors: expected an .onnx file, found another ending");
    assert_snapshot!(refused(&place, &doctor), @r"
    error: --write: expected an .onnx file, found no name; wrong.onnx is left as it is
    hint: give it a name: --write repaired.onnx
    ");
}

#[test]
fn what_needs_layers_is_refused() {
    let place = place();
    assert_snapshot!(refused(&place, &["export", "group-norm.onnx", "--out", "a.safetensors"]), @r"
    error: export: expected a model whose layers can be read, found group-norm.onnx with operators that are not read here (InstanceNormalization at /norm/InstanceNormalization)
    hint: `eval`, `audit`, `report`, `see` (occlusion and RISE) and `model` work on it
    ");
    assert_snapshot!(refused(&place, &["import", "group-norm.onnx", "--out", "a.safetensors"]), @r"
    error: import: expected a model whose layers can be read, found group-norm.onnx with operators that are not read here (InstanceNormalization at /norm/InstanceNormalization)
    hint: `--out NAME.onnx` in place of .safetensors: a copy with class names and preprocessing in it, which `eval`, `audit` and `see` run as it is
    ");
    let see = ["see", "--quiet", "--layer", "a", "--method", "gradient,rise", "--only", "filters,trust"];
    assert_snapshot!(refused(&place, &[&see[..], &ON_SHAPES].concat()), @r"
    error: --layer: expected a model whose layers can be read, found group-norm.onnx with operators that are not read here (InstanceNormalization at /norm/InstanceNormalization)
    error: --only filters: expected a model whose layers can be read, found group-norm.onnx with operators that are not read here (InstanceNormalization at /norm/InstanceNormalization)
    error: method gradient: expected a model whose layers can be read, found group-norm.onnx with operators that are not read here (InstanceNormalization at /norm/InstanceNormalization)
    hint: `eval`, `audit`, `report`, `see` (occlusion and RISE) and `model` work on it
    ");
    let audit = ["audit", "--quiet", "--calibrate", "temperature"];
    assert_snapshot!(refused(&place, &[&audit[..], &ON_SHAPES].concat()), @r"
    error: --calibrate: expected a model whose layers can be read, found group-norm.onnx with operators that are not read here (InstanceNormalization at /norm/InstanceNormalization)
    hint: `eval`, `audit`, `report`, `see` (occlusion and RISE) and `model` work on it
    ");
    assert_snapshot!(refused(&place, &[&["eval", "--quiet", "--bf16"][..], &ON_SHAPES].concat()), @r"
    error: --bf16: expected a model whose layers can be read, found group-norm.onnx with operators that are not read here (InstanceNormalization at /norm/InstanceNormalization)
    hint: `eval`, `audit`, `report`, `see` (occlusion and RISE) and `model` work on it
    ");
    assert_snapshot!(refused(&place, &["report", "group-norm.onnx"]), @r"
    error: model group-norm.onnx: expected a run folder with its recipe.toml, found a model alone
    hint: say which images with --data SOURCE, for instance --data fashion-mnist
    ");
}

#[test]
fn damaged_files_are_errors() {
    let place = place();
    let bytes = place.read("group-norm.onnx");
    fs::write(place.at("cut.onnx"), &bytes[..bytes.len() / 2]).unwrap();
    assert_snapshot!(refused(&place, &["model", "cut.onnx"]), @r"
    error: model cut.onnx: ONNX file: expected a protobuf ModelProto in its 2372 bytes, found: failed to decode Protobuf message: ModelProto.graph: buffer underflow
    hint: the file is damaged, was not written to the end, or is no ONNX file
    ");
    let mut unknown = bytes.clone();
    let places: Vec<usize> =
        (0..bytes.len() - 21).filter(|&at| &bytes[at..at + 21] == b"InstanceNormalization").collect();
    assert!(!places.is_empty());
    places.iter().for_each(|&at| unknown[at..at + 8].copy_from_slice(b"Nonsense"));
    fs::write(place.at("unknown.onnx"), unknown).unwrap();
    assert_snapshot!(refused(&place, &["model", "unknown.onnx"]), @r#"
    error: model unknown.onnx: operators: NonsenseNormalization /norm/NonsenseNormalization: is not among the supported operators
      and it cannot be run as a black box: model: expected one that rten can load, found: in node "/norm/NonsenseNormalization": operator error: NonsenseNormalization operator not supported or not enabled
    hint: predictions made elsewhere can be read with `eval --predictions`
    "#);
}
