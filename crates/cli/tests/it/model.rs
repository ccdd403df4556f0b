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
    assert_snapshot!(printed(Path::new(ROOT), &["recipes/seed.toml"]), @r"
    layer      kind      output [h, w, c]  parameters
    input                [28, 28, 1]
    conv1      conv      [24, 24, 128]          3,328
    max_pool1  max_pool  [8, 8, 128]                0
    conv2      conv      [7, 7, 64]            32,832
    max_pool2  max_pool  [3, 3, 64]                 0
    conv3      conv      [2, 2, 32]             8,224
    max_pool3  max_pool  [1, 1, 32]                 0
    flatten1   flatten   [1, 1, 32]                 0
    dense1     dense     [1, 1, 32]             1,056
    dense2     dense     [1, 1, 10]               330
    total                                      45,770
    ");
}

#[test]
fn the_posts_network_as_json() {
    assert_snapshot!(printed(Path::new(ROOT), &["recipes/seed.toml", "--json"]), @r#"{"layers":[{"name":"conv1","kind":"conv","output":[24,24,128],"parameters":3328},{"name":"max_pool1","kind":"max_pool","output":[8,8,128],"parameters":0},{"name":"conv2","kind":"conv","output":[7,7,64],"parameters":32832},{"name":"max_pool2","kind":"max_pool","output":[3,3,64],"parameters":0},{"name":"conv3","kind":"conv","output":[2,2,32],"parameters":8224},{"name":"max_pool3","kind":"max_pool","output":[1,1,32],"parameters":0},{"name":"flatten1","kind":"flatten","output":[1,1,32],"parameters":0},{"name":"dense1","kind":"dense","output":[1,1,32],"parameters":1056},{"name":"dense2","kind":"dense","output":[1,1,10],"parameters":330}],"parameters":45770}"#);
}

#[test]
fn a_model_file_and_its_run_folder() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("runs/a")).unwrap();
    fs::write(folder.path().join("runs/a/model.safetensors"), trained()).unwrap();
    let file = printed(folder.path(), &["runs/a/model.safetensors"]);
    assert_snapshot!(file, @r"
    layer             kind        output [h, w, c]  parameters
    input                         [4, 4, 3]
    conv1             conv        [2, 2, 2]                 56
    batch_norm1       batch_norm  [2, 2, 2]                  8
    flatten1          flatten     [1, 1, 8]                  0
    dense1            dense       [1, 1, 2]                 18
    total                                                   82
    of these trained                                        78
    ");
    assert_eq!(printed(folder.path(), &["runs/a"]), file);
    assert_snapshot!(refused(folder.path(), &["runs/b"]), @r"
    error: model runs/b: expected a recipe (.toml), a run folder, a .safetensors or an .onnx file, found nothing of that name
    hint: did you mean runs/a?
    ");
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
    assert_snapshot!(refused(root, &["recipes/sed.toml"]), @r"
    error: model recipes/sed.toml: expected a recipe (.toml), a run folder, a .safetensors or an .onnx file, found nothing of that name
    hint: did you mean recipes/seed.toml?
    ");
    assert_snapshot!(refused(root, &["seed"]), @r"
    error: model seed: expected a recipe (.toml), a run folder, a .safetensors or an .onnx file, found nothing of that name
    hint: did you mean recipes/seed.toml?
    ");
    let folder = tempfile::tempdir().unwrap();
    assert_snapshot!(refused(folder.path(), &["seed"]), @r"
    error: model seed: expected a recipe (.toml), a run folder, a .safetensors or an .onnx file, found nothing of that name
    hint: a recipe is a .toml file, as those in the folder recipes of seamripper's sources
    ");
    fs::create_dir(folder.path().join("recipes")).unwrap();
    for name in ["first.toml", "second.toml", "notes.md"] {
        fs::write(folder.path().join("recipes").join(name), "").unwrap();
    }
    assert_snapshot!(refused(folder.path(), &["mobilenet.safetensors"]), @r"
    error: model mobilenet.safetensors: expected a recipe (.toml), a run folder, a .safetensors or an .onnx file, found nothing of that name
    hint: the recipes here are recipes/first.toml, recipes/second.toml
    ");
    assert_snapshot!(refused(folder.path(), &[]), @r"
    error: the following required arguments were not provided:
      <MODEL>

    Usage: seamripper model <MODEL>

    For more information, try '--help'.
    ");
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
    assert_snapshot!(refused(path, &["a.onnx"]), @r"
    error: model a.onnx: ONNX file: expected a protobuf ModelProto in its 4 bytes, found: failed to decode Protobuf message: invalid wire type value: 7
    hint: the file is damaged, was not written to the end, or is no ONNX file
    ");
    assert_snapshot!(refused(path, &["a.txt"]), @"error: model a.txt: expected a recipe (.toml), a run folder, a .safetensors or an .onnx file, found another file");
    assert_snapshot!(refused(path, &["a.toml"]), @"error: recipe a.toml: expected UTF-8 text, found byte 0xff at 7");
    assert_snapshot!(refused(path, &["a.safetensors"]), @r"
    error: model a.safetensors: safetensors header: expected one that describes the file's 200 bytes, found: invalid header length
    hint: the file is damaged or was not written to the end
    ");
    assert_snapshot!(refused(path, &["half"]), @r"
    error: run folder half: expected model.safetensors, found none
    hint: it was not trained to the end: `seamripper train --resume half` goes on
    ");
    assert_snapshot!(refused(path, &["empty"]), @r"
    error: run folder empty: expected model.safetensors, found none
    hint: `seamripper train RECIPE --out empty` writes it
    ");
}

#[test]
fn an_unknown_key() {
    let text = "[data]\nsource = \"fashion-mnist\"\n\n[model]\ninput = [28, 28, 1]\nlayers = [\"flatten\", \"dense 10\"]\n\n\
                [train]\nepoch = 10\noptimiser = \"adam\"\n";
    assert_snapshot!(refused(recipe(text).path(), &["r.toml"]), @r#"
    error: unknown key at r.toml:9:1: expected a key of [train], found `epoch`
      |
    9 | epoch = 10
      | ^^^^^
    hint: did you mean `epochs`?

    error: unknown key at r.toml:10:1: expected a key of [train], found `optimiser`
       |
    10 | optimiser = "adam"
       | ^^^^^^^^^
    hint: did you mean `optimizer`?
    "#);
}

#[test]
fn a_value_of_another_type() {
    let text = "[data]\nsource = \"fashion-mnist\"\nvalidation = \"a tenth\"\n\n[model]\ninput = 28\nlayers = [\"dense 10\"]\n";
    assert_snapshot!(refused(recipe(text).path(), &["r.toml"]), @r#"
    error: data.validation at r.toml:3:14: expected a number of at least 0 and below 1, found the text "a tenth"
      |
    3 | validation = "a tenth"
      |              ^^^^^^^^^

    error: model.input at r.toml:6:9: expected the size of an image, [h, w, c], found 28
      |
    6 | input = 28
      |         ^^
    "#);
}

#[test]
fn a_short_layer_that_is_not_understood() {
    assert_snapshot!(refused_layers("\"conv 128 5x5 rleu\", \"max_pol 3\""), @r#"
    error: layer "conv 128 5x5 rleu" at r.toml:6:25: expected an activation or an option of conv (stride, valid, same, pad, bias, no_bias, groups, dilation, from), found `rleu`
      |
    6 | layers = ["conv 128 5x5 rleu", "max_pol 3"]
      |                         ^^^^
    hint: did you mean `relu`?

    error: layer "max_pol 3" at r.toml:6:33: expected a layer, found `max_pol`
      |
    6 | layers = ["conv 128 5x5 rleu", "max_pol 3"]
      |                                 ^^^^^^^
    hint: did you mean `max_pool`?
    "#);
}

#[test]
fn layers_whose_shapes_do_not_fit() {
    assert_snapshot!(refused_layers("\"max_pool 9\", \"conv 64 5x5 relu\", \"dense 10\""), @r#"
    error: layer conv1 at r.toml:6:25: a 5x5 window needs at least [5, 5], found [3, 3, 1] from max_pool1
      |
    6 | layers = ["max_pool 9", "conv 64 5x5 relu", "dense 10"]
      |                         ^^^^^^^^^^^^^^^^^^
    hint: use a smaller window, padding `same`, or fewer poolings before it
    "#);
    assert_snapshot!(refused_layers("\"conv 8 5x5\", \"dense 10\""), @r#"
    error: layer dense1 at r.toml:6:25: dense needs a flat input [1, 1, c], found [24, 24, 8] from conv1
      |
    6 | layers = ["conv 8 5x5", "dense 10"]
      |                         ^^^^^^^^^^
    hint: add "flatten" (or a global pooling, "global_avg_pool") before it
    "#);
    assert_snapshot!(refused_layers("\"conv 8 5x5\", \"conv 8 3x3\", \"add conv1\", \"global_avg_pool\""), @r#"
    error: layer add1 at r.toml:6:39: add needs two equal shapes, found [22, 22, 8] from conv2 and [24, 24, 8] from conv1
      |
    6 | layers = ["conv 8 5x5", "conv 8 3x3", "add conv1", "global_avg_pool"]
      |                                       ^^^^^^^^^^^
    hint: bring one of them to the other's shape, for instance with a 1x1 conv of the same stride
    "#);
}

#[test]
fn text_that_is_not_toml() {
    assert_snapshot!(refused(recipe("[data]\nsource = fashion-mnist\n").path(), &["r.toml"]), @r#"
    error: TOML at r.toml:2:10: found invalid boolean, expected `false`
      |
    2 | source = fashion-mnist
      |          ^^^^^^^^^^^^^
    hint: a text stands in quotes: "fashion-mnist"
    "#);
}
