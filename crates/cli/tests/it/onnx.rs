//! `seamripper import` and `export`, and ONNX files as MODEL.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use insta::assert_snapshot;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../onnx/tests/golden/models").join(name)
}

fn call(folder: &Path, arguments: &[&str]) -> Output {
    Command::cargo_bin("seamripper").unwrap().args(arguments).current_dir(folder).output().unwrap()
}

/// stdout, then stderr, of a call that must succeed.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = call(folder, arguments);
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(output.status.code(), Some(0), "{err}");
    format!("{out}---\n{err}")
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = call(folder, arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(output.stdout.is_empty());
    text
}

/// A folder with PyTorch's small residual network.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(golden("residual.onnx"), folder.path().join("net.onnx")).unwrap();
    fs::write(folder.path().join("classes.txt"), "cat\ndog\nbird\nfish\nother\n").unwrap();
    folder
}

#[test]
fn a_model_comes_in() {
    let folder = folder();
    let path = folder.path();
    assert_snapshot!(printed(path, &["model", "net.onnx"]), @r"
    layer                   kind             output [h, w, c]  parameters
    input                                    [33, 31, 3]
    stem.0.0                conv             [17, 16, 8]            1,176
    stem.0.1                batch_norm       [17, 16, 8]               32
    stem/stem.2/MaxPool     max_pool         [9, 8, 8]                  0
    a.0.0                   conv             [5, 4, 12]               864
    a.0.1                   batch_norm       [5, 4, 12]                48
    a.2.0                   conv             [5, 4, 12]             1,296
    a.2.1                   batch_norm       [5, 4, 12]                48
    short.0                 conv             [5, 4, 12]                96
    short.1                 batch_norm       [5, 4, 12]                48
    Add                     add              [5, 4, 12]                 0
    b.0.0                   conv             [5, 4, 12]             1,296
    b.0.1                   batch_norm       [5, 4, 12]                48
    b.2.0                   conv             [5, 4, 12]             1,296
    b.2.1                   batch_norm       [5, 4, 12]                48
    Add_1                   add              [5, 4, 12]                 0
    pool/GlobalAveragePool  global_avg_pool  [1, 1, 12]                 0
    fc                      dense            [1, 1, 5]                 65
    total                                                           6,361
    of these trained                                                6,225
    ---
    note: the file does not name its classes: they are called 0 to 4
    note: the file does not say how pixels are prepared: they are divided by 255
    ");
    assert_snapshot!(printed(path, &["import", "net.onnx", "--out", "net.safetensors"]), @r"
    net.safetensors
      layers      17
      parameters  6,361
      images      33 x 31, 3 channels
      prepared    pixel / 255
      classes     5 (0 to 4)
    ---
    note: the file does not name its classes: they are called 0 to 4
    note: the file does not say how pixels are prepared: they are divided by 255
    `seamripper doctor --model net.safetensors --data SOURCE --write` finds out how, from labelled images
    `seamripper eval net.safetensors --data SOURCE` and `seamripper see net.safetensors --data SOURCE` look at it
    ");
    let arguments = [
        "import",
        "net.onnx",
        "--out",
        "named.safetensors",
        "--classes",
        "classes.txt",
        "--mean",
        "0.485,0.456,0.406",
        "--std",
        "0.25",
    ];
    assert_snapshot!(printed(path, &arguments), @r"
    named.safetensors
      layers      17
      parameters  6,361
      images      33 x 31, 3 channels
      prepared    (pixel / 255 - [0.485, 0.456, 0.406]) / 0.25
      classes     5 (cat to other)
    ---
    `seamripper eval named.safetensors --data SOURCE` and `seamripper see named.safetensors --data SOURCE` look at it
    ");
    let json = [&arguments[..], &["--json"]].concat();
    assert_snapshot!(printed(path, &json), @r#"
    {"schema":"seamripper.import/1","out":"named.safetensors","input":[33,31,3],"layers":17,"parameters":6361,"classes":["cat","dog","bird","fish","other"],"preprocessing":{"scale":0.003921569,"mean":[0.485,0.456,0.406],"std":[0.25,0.25,0.25]},"notes":[]}
    ---
    "#);
}

#[test]
fn what_goes_out_comes_in_again() {
    let folder = folder();
    let path = folder.path();
    let import = ["import", "net.onnx", "--out", "a.safetensors", "--classes", "classes.txt", "--std", "0.5"];
    printed(path, &import);
    assert_snapshot!(printed(path, &["export", "a.safetensors", "--out", "b.onnx"]), @r"
    b.onnx: ONNX, opset 17, 29015 bytes
      images [n, 3, 33, 31] (float, prepared as its metadata `preprocessing` says) -> logits [n, 5]
    ---
    ");
    let back = printed(path, &["import", "b.onnx", "--out", "b.safetensors"]);
    assert!(!back.contains("note:"), "{back}");
    assert!(fs::read(path.join("a.safetensors")).unwrap() == fs::read(path.join("b.safetensors")).unwrap());
    printed(path, &["export", "b.onnx", "--out", "c.safetensors"]);
    assert!(fs::read(path.join("a.safetensors")).unwrap() == fs::read(path.join("c.safetensors")).unwrap());
}

#[test]
fn weights_beside_the_model_are_read_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let bytes = fs::read(golden("external.onnx")).unwrap();
    fs::write(path.join("net.onnx"), &bytes).unwrap();
    let missing = refused(path, &["model", "net.onnx"]);
    assert!(missing.contains("external.data"), "{missing}");
    fs::copy(golden("external.data"), path.join("external.data")).unwrap();
    printed(path, &["model", "net.onnx"]);
    let mut above = bytes;
    let name = b"external.data";
    let places: Vec<usize> =
        (0..above.len() - name.len()).filter(|&at| above[at..].starts_with(name)).collect();
    for at in places {
        above[at..at + name.len()].copy_from_slice(b"../rnal2.data");
    }
    fs::write(path.join("net.onnx"), above).unwrap();
    let refused = refused(path, &["model", "net.onnx"]);
    assert!(refused.contains("not in the folder of the model"), "{refused}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("r.toml"), "").unwrap();
    fs::write(path.join("two.txt"), "cat\ndog\n").unwrap();
    let import =
        |more: &[&str]| refused(path, &[&["import", "net.onnx", "--out", "a.safetensors"], more].concat());
    assert_snapshot!(import(&["--classes", "two.txt"]), @"error: model net.onnx: classes: expected 5 names, one an output, found 2");
    assert_snapshot!(import(&["--mean", "0.1,0.2"]), @"error: model net.onnx: expected 3 values of --mean, one a channel, found 2");
    assert_snapshot!(import(&["--std", "0"]), @"error: preprocessing: expected a std above 0, found 0");
    assert_snapshot!(refused(path, &["import", "net.onnx", "--out", "a.h5"]), @"error: out a.h5: expected a .safetensors or .onnx file, found another ending");
    assert_snapshot!(refused(path, &["import", "net.pt", "--out", "a.safetensors"]), @r"
    error: file net.pt: expected an .onnx file, found weights, which do not say how layers connect
    hint: give the network with --recipe RECIPE.toml, or export the model as ONNX
    ");
    assert_snapshot!(refused(path, &["export", "net.onnx", "--out", "a.h5"]), @r"
    error: out a.h5: expected an .onnx, .safetensors or .weights.h5 file, found another ending
    hint: Keras takes weights from a file that ends in .weights.h5
    ");
}
