//! `seamripper model`.

use std::fs;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use insta::assert_snapshot;
use seamripper_core::graph::{ModelFile, Preprocessing, Weights, to_safetensors};
use seamripper_core::recipe::{Initializer, graph_of};
use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn call(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("seamripper").unwrap();
    command.arg("model").args(arguments).current_dir(folder).output().unwrap()
}

/// stdout of a call that must succeed and say nothing on stderr.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = call(folder, arguments);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

/// stderr of a call that must end with exit code 2 and an empty stdout.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = call(folder, arguments);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    String::from_utf8(output.stderr).unwrap()
}

/// A folder with this recipe as `r.toml`.
fn recipe(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("r.toml"), text).unwrap();
    folder
}

/// stderr for a recipe with these layers.
fn refused_layers(layers: &str) -> String {
    let text =
        format!("[data]\nsource = \"fashion-mnist\"\n\n[model]\ninput = [28, 28, 1]\nlayers = [{layers}]\n");
    refused(recipe(&text).path(), &["r.toml"])
}

fn trained() -> Vec<u8> {
    let graph = graph_of([4, 4, 3], &["conv 2 3x3", "batch_norm relu", "flatten", "dense 2"]).unwrap();
    let weights = Weights::initial(&graph, Initializer::GlorotUniform, 0);
    let classes = vec!["cat".into(), "dog".into()];
    to_safetensors(&ModelFile { graph, weights, classes, preprocessing: Preprocessing::new(3) }).unwrap()
}

#[test]
fn the_posts_network() {
    assert_snapshot!(printed(Path::new(ROOT), &["recipes/seed.toml"]), @"");
}

#[test]
fn the_posts_network_as_json() {
    assert_snapshot!(printed(Path::new(ROOT), &["recipes/seed.toml", "--json"]), @"");
}

#[test]
fn a_model_file_and_its_run_folder() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("runs/a")).unwrap();
    fs::write(folder.path().join("runs/a/model.safetensors"), trained()).unwrap();
    let file = printed(folder.path(), &["runs/a/model.safetensors"]);
    assert_snapshot!(file, @"");
    assert_eq!(printed(folder.path(), &["runs/a"]), file);
    assert_snapshot!(refused(folder.path(), &["runs/b"]), @"");
}

#[test]
fn a_reader_that_stops_early_is_no_error() {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_seamripper"))
        .args(["model", "recipes/seed.toml"])
        .current_dir(ROOT)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn no_model_of_that_name() {
    let root = Path::new(ROOT);
    assert_snapshot!(refused(root, &["recipes/sed.toml"]), @"");
    assert_snapshot!(refused(root, &["seed"]), @"");
    let folder = tempfile::tempdir().unwrap();
    assert_snapshot!(refused(folder.path(), &["seed"]), @"");
    fs::create_dir(folder.path().join("recipes")).unwrap();
    for name in ["first.toml", "second.toml", "notes.md"] {
        fs::write(folder.path().join("recipes").join(name), "").unwrap();
    }
    assert_snapshot!(refused(folder.path(), &["mobilenet.safetensors"]), @"");
    assert_snapshot!(refused(folder.path(), &[]), @"");
}

#[test]
fn files_that_are_no_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("a.onnx"), b"onnx").unwrap();
    fs::write(path.join("a.txt"), b"text").unwrap();
    fs::write(path.join("a.toml"), b"[data]\n\xff").unwrap();
    fs::write(path.join("a.safetensors"), &trained()[..200]).unwrap();
    fs::create_dir_all(path.join("half/checkpoints")).unwrap();
    fs::create_dir_all(path.join("empty")).unwrap();
    assert_snapshot!(refused(path, &["a.onnx"]), @"");
    assert_snapshot!(refused(path, &["a.txt"]), @"");
    assert_snapshot!(refused(path, &["a.toml"]), @"");
    assert_snapshot!(refused(path, &["a.safetensors"]), @"");
    assert_snapshot!(refused(path, &["half"]), @"");
    assert_snapshot!(refused(path, &["empty"]), @"");
}

#[test]
fn an_unknown_key() {
    let text = "[data]\nsource = \"fashion-mnist\"\n\n[model]\ninput = [28, 28, 1]\nlayers = [\"flatten\", \"dense 10\"]\n\n\
                [train]\nepoch = 10\noptimiser = \"adam\"\n";
    assert_snapshot!(refused(recipe(text).path(), &["r.toml"]), @"");
}

#[test]
fn a_value_of_another_type() {
    let text = "[data]\nsource = \"fashion-mnist\"\nvalidation = \"a tenth\"\n\n[model]\ninput = 28\nlayers = [\"dense 10\"]\n";
    assert_snapshot!(refused(recipe(text).path(), &["r.toml"]), @"");
}

#[test]
fn a_short_layer_that_is_not_understood() {
    assert_snapshot!(refused_layers("\"conv 128 5x5 rleu\", \"max_pol 3\""), @"");
}

#[test]
fn layers_whose_shapes_do_not_fit() {
    assert_snapshot!(refused_layers("\"max_pool 9\", \"conv 64 5x5 relu\", \"dense 10\""), @"");
    assert_snapshot!(refused_layers("\"conv 8 5x5\", \"dense 10\""), @"");
    assert_snapshot!(refused_layers("\"conv 8 5x5\", \"conv 8 3x3\", \"add conv1\", \"global_avg_pool\""), @"");
}

#[test]
fn text_that_is_not_toml() {
    assert_snapshot!(refused(recipe("[data]\nsource = fashion-mnist\n").path(), &["r.toml"]), @"");
}
