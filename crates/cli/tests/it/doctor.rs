//! `seamripper doctor`: models whose preparation is known and whose files say another.

use std::fs;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use insta::assert_snapshot;
use seamripper_core::graph::{ChannelOrder, ModelFile, Preprocessing, from_safetensors, to_safetensors};
use serde_json::Value;
use tempfile::TempDir;

use super::train::shapes;

fn call(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("seamripper").unwrap();
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1").output().unwrap()
}

fn printed(folder: &Path, arguments: &[&str]) -> [String; 2] {
    let output = call(folder, arguments);
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {err}");
    [out, err]
}

fn refused(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = call(folder, &[arguments, &["--quiet"]].concat());
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

fn document(folder: &Path, arguments: &[&str]) -> Value {
    let [out, err] = printed(folder, &[arguments, &["--json", "--quiet"]].concat());
    assert_eq!(err, "");
    serde_json::from_str(&out).unwrap()
}

fn train(folder: &Path, source: &str, data: &str, model: &str) {
    let recipe = format!(
        "[data]\nsource = \"{source}\"\nvalidation = 0.0\n{data}\n[model]\n{model}\n[train]\nepochs = 12\nbatch = 32\nrate = 5e-3\n"
    );
    fs::write(folder.join("r.toml"), recipe).unwrap();
    printed(folder, &["train", "r.toml", "--out", "run", "--quiet"]);
}

fn changed(folder: &Path, to: &str, change: impl FnOnce(&mut ModelFile)) {
    let mut model = from_safetensors(&fs::read(folder.join("run/model.safetensors")).unwrap()).unwrap();
    change(&mut model);
    fs::write(folder.join(to), to_safetensors(&model).unwrap()).unwrap();
}

fn accuracy(folder: &Path, model: &str) -> f64 {
    document(folder, &["eval", model, "--data", "idx:shapes"])["accuracy"].as_f64().unwrap()
}

/// A folder with a trained model of discs, rings and crosses, `run`.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    shapes::write(&folder.path().join("shapes"), 900, 600);
    let layers = r#"["conv 8 3x3 relu", "max_pool 2", "conv 8 3x3 relu", "flatten", "dense 3"]"#;
    train(folder.path(), "idx:shapes", "", &format!("input = [12, 12, 1]\nlayers = {layers}"));
    folder
}

/// The weights of the first layer, so that it reads `(pixel / 255 - mean) / std` in place of `pixel / 255`.
fn with_values(model: &mut ModelFile, mean: f32, std: f32) {
    let [kernel, bias] = [0, 1].map(|at| model.graph.parameters[model.graph.nodes[0].parameters[at]].range());
    let filters = bias.len();
    for (place, at) in kernel.enumerate() {
        let weight = model.weights.values[at];
        model.weights.values[bias.start + place % filters] += weight * mean;
        model.weights.values[at] = weight * std;
    }
}

#[test]
fn an_import_with_the_wrong_mean_and_std_is_repaired() {
    let folder = folder();
    let path = folder.path();
    let before = accuracy(path, "run");
    assert!(before > 0.9, "{before}");
    changed(path, "known.safetensors", |model| {
        with_values(model, 0.2860, 0.3530);
        model.classes = ["0", "1", "2"].map(str::to_owned).to_vec();
    });
    printed(path, &["export", "known.safetensors", "--out", "net.onnx"]);
    printed(path, &["import", "net.onnx", "--out", "net.safetensors", "--mean", "0.9", "--std", "0.05"]);
    assert_snapshot!(refused(path, &["eval", "net.safetensors", "--data", "idx:shapes"], 2), @r"
    error: model net.safetensors: expected classes of the model (0, 1, 2), found disc, ring, cross
    hint: `seamripper doctor --model net.safetensors` with the same images finds which output is which class
    ");
    let model = ["doctor", "--model", "net.safetensors", "--data", "idx:shapes"];
    let found = document(path, &model);
    assert_eq!((&found["schema"], &found["verdict"]), (&"seamripper.doctor/1".into(), &"other".into()));
    assert_eq!(
        (&found["split"], &found["choosing"], &found["confirming"]),
        (&"train".into(), &450.into(), &450.into())
    );
    assert_eq!(found["current"]["prepared"], "(pixel / 255 - 0.9) / 0.05");
    assert_eq!(found["best"]["prepared"], "(pixel / 255 - 0.286) / 0.353");
    assert_eq!(found["finding"]["kind"], "preprocessing");
    assert_eq!(found["classes"], serde_json::json!(["disc", "ring", "cross"]));
    assert_eq!(found["written"], Value::Null);
    let again = document(path, &[&model[..], &["--threads", "1"]].concat());
    assert_eq!(found, again);

    let [text, progress] = printed(path, &[&model[..], &["--write"]].concat());
    assert!(text.contains("\n  right  (pixel / 255 - 0.286) / 0.353\n"), "{text}");
    assert!(text.ends_with("\nWritten to net.safetensors.\n"), "{text}");
    assert!(progress.contains("images/s"), "{progress}");
    assert!((accuracy(path, "net.safetensors") - before).abs() < 0.005);
    let [text, _] = printed(path, &model);
    assert!(text.contains("The preprocessing is right: no other is better."), "{text}");
}

#[test]
fn eval_points_to_the_doctor_and_the_doctor_to_the_order_of_the_classes() {
    let folder = folder();
    let path = folder.path();
    let before = accuracy(path, "run");
    changed(path, "moved.safetensors", |model| model.classes.rotate_left(1));
    let [_, told] = printed(path, &["eval", "moved.safetensors", "--data", "idx:shapes"]);
    assert!(told.contains("`seamripper doctor --model moved.safetensors --data idx:shapes`"), "{told}");
    let [_, told] = printed(path, &["eval", "run"]);
    assert!(!told.contains("doctor"), "{told}");
    let doctor =
        ["doctor", "--model", "moved.safetensors", "--data", "idx:shapes", "--write", "right.safetensors"];
    let [text, _] = printed(path, &doctor);
    assert!(text.contains("output 0, called ring, is disc"), "{text}");
    assert_eq!(accuracy(path, "right.safetensors"), before);
    // the model of a run is repaired in its folder
    fs::copy(path.join("moved.safetensors"), path.join("run/model.safetensors")).unwrap();
    let [text, _] = printed(path, &["doctor", "--model", "run", "--write"]);
    assert!(
        text.contains("Written to run/model.safetensors.\nThe predictions and reports of the run"),
        "{text}"
    );
    assert_eq!(accuracy(path, "run"), before);
}

#[test]
fn a_layout_and_black_for_white_are_kept_by_every_reader() {
    let folder = folder();
    let path = folder.path();
    // the pictures are turned and inverted on the disk; the model is that of the others
    let images = path.join("shapes/t10k-images-idx3-ubyte");
    let bytes = fs::read(&images).unwrap();
    let mut turned = bytes[..16].to_vec();
    for image in bytes[16..].chunks_exact(144) {
        turned.extend((0..144).map(|place| 255 - image[place % 12 * 12 + place / 12]));
    }
    let before = accuracy(path, "run");
    fs::write(&images, turned).unwrap();
    assert!(accuracy(path, "run") < 0.7);
    let doctor = ["doctor", "--model", "run/model.safetensors", "--data", "idx:shapes", "--split", "test"];
    let found = document(path, &[&doctor[..], &["--write", "right.safetensors"]].concat());
    // discs, rings and crosses are the same when turned, so no more than black for white is to be found
    assert_eq!(found["best"]["prepared"], "(255 - pixel) / 255");
    assert!(accuracy(path, "right.safetensors") > 0.9);
    changed(path, "turned.safetensors", |model| {
        model.preprocessing.inverted = true;
        model.preprocessing.layout = seamripper_core::graph::Layout::Transposed;
    });
    assert_eq!(accuracy(path, "turned.safetensors"), before);
    let bgr = |model: &mut ModelFile| {
        model.preprocessing = Preprocessing { channels: ChannelOrder::Bgr, ..Preprocessing::new(1) };
    };
    let mut model = from_safetensors(&fs::read(path.join("right.safetensors")).unwrap()).unwrap();
    bgr(&mut model);
    assert_snapshot!(to_safetensors(&model).unwrap_err().to_string(), @"preprocessing: expected three channels for the order bgr, found 1");
}

/// Pictures with a bar that is narrow or wide; a quarter of the width is lost by cropping, and a bar narrower by stretching.
fn bars(folder: &Path) {
    for class in ["narrow", "wide"] {
        fs::create_dir_all(folder.join(class)).unwrap();
        for number in 0..150_u32 {
            let width = if class == "narrow" { 8 } else { 12 };
            let left = 12 + number % 8 + if class == "narrow" { 2 } else { 0 };
            let noise = |x: u32, y: u32| (x * 7 + y * 13 + number * 29) % 40;
            let picture = image::GrayImage::from_fn(36, 24, |x, y| {
                let light = if (left..left + width).contains(&x) { 190 } else { 20 };
                image::Luma([(light + noise(x, y)) as u8])
            });
            picture.save(folder.join(format!("{class}/{number}.png"))).unwrap();
        }
    }
}

#[test]
fn how_pictures_were_cropped_is_found_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    bars(&path.join("bars"));
    let layers = r#"["conv 8 3x11 relu", "max_pool 2", "flatten", "dense 2"]"#;
    train(path, "folder:bars", "fit = \"crop\"", &format!("input = [24, 24, 1]\nlayers = {layers}"));
    let kept = from_safetensors(&fs::read(path.join("run/model.safetensors")).unwrap()).unwrap();
    assert_eq!(kept.preprocessing.fit.map(|fit| fit.name()), Some("crop"));
    changed(path, "bare.safetensors", |model| model.preprocessing.fit = None);
    let accuracy =
        |model: &str| document(path, &["eval", model, "--data", "folder:bars"])["accuracy"].as_f64().unwrap();
    let [right, wrong] = [accuracy("run"), accuracy("bare.safetensors")];
    assert!(right > 0.95 && wrong < 0.8, "{right} {wrong}");
    let doctor =
        ["doctor", "--model", "bare.safetensors", "--data", "folder:bars", "--write", "kept.safetensors"];
    let [text, _] = printed(path, &doctor);
    assert!(text.contains("  now    pixel / 255, stretched, bilinear\n"), "{text}");
    assert!(text.contains("  right  pixel / 255, the middle cropped, bilinear\n"), "{text}");
    assert_eq!(accuracy("kept.safetensors"), right);
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = folder();
    let path = folder.path();
    printed(path, &["export", "run", "--out", "net.onnx"]);
    let doctor =
        |more: &[&str]| refused(path, &[&["doctor", "--data", "idx:shapes", "--model"], more].concat(), 2);
    assert_snapshot!(doctor(&["net.onnx", "--write"]), @r"
    error: --write: expected a .safetensors or .onnx file, found no name; net.onnx is left as it is
    hint: give it a name: --write repaired.safetensors
    ");
    assert_snapshot!(doctor(&["net.onnx", "--write", "a.pt"]), @"error: --write a.pt: expected a .safetensors or .onnx file, found another ending");
    assert_snapshot!(doctor(&["net.onnx", "--sample", "10"]), @r"
    error: --sample: expected at least 20 labelled images, found 10
    hint: some thousands tell near preprocessings apart
    ");
    changed(path, "cats.safetensors", |model| model.classes[0] = "cat".to_owned());
    assert_snapshot!(doctor(&["cats.safetensors"]), @"error: model cats.safetensors: expected all classes of the data among those of the model (cat, ring, cross), or none of them, found disc besides");
    // weights that mean nothing
    changed(path, "noise.safetensors", |model| {
        let places = model.weights.values.len();
        (0..places / 2).for_each(|place| model.weights.values.swap(place, places - 1 - place));
        model.weights.values.iter_mut().for_each(|value| *value *= 1e-20);
    });
    let nothing = ["doctor", "--data", "idx:shapes", "--model", "noise.safetensors"];
    let [text, _] = printed(path, &nothing);
    assert!(text.contains("Nothing works: the best of all calls"), "{text}");
    assert_snapshot!(refused(path, &[&nothing[..], &["--write"]].concat(), 1), @"error: doctor: expected a preprocessing under which noise.safetensors is better than chance, found none; noise.safetensors is not written");
}
