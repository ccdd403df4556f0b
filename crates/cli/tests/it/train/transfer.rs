//! `[model] from`: training goes on from a model of another run, through ONNX.

use std::fs;

use insta::assert_snapshot;
use seamripper_core::graph::{ModelFile, from_safetensors};

use super::Place;

const TRANSFER: &str = r#"[data]
source = "idx:shapes"

[model]
from = "net.onnx"
freeze = "all but the head"

[train]
epochs = 4
batch = 32
rate = 0.02
"#;

/// A place with `net.onnx`, trained for a little on the shapes, and a recipe that goes on from it.
fn place() -> Place {
    let place = Place::new();
    place.done(&["train", "r.toml", "--quiet", "--no-report", "--out", "base", "train.epochs=4"]);
    place.done(&["export", "base", "--out", "net.onnx", "--quiet"]);
    fs::write(place.at("t.toml"), TRANSFER).unwrap();
    place
}

fn model(place: &Place, name: &str) -> ModelFile {
    from_safetensors(&place.read(name)).unwrap()
}

/// How many parameters of the model in `part` are those of `run`'s `from.safetensors`, bit for bit, and how many there are.
fn kept(place: &Place, run: &str, part: &str) -> [usize; 2] {
    let base = model(place, &format!("{run}/from.safetensors"));
    let own = model(place, &format!("{part}/model.safetensors"));
    let same = own.graph.parameters.iter().filter(|parameter| {
        let theirs = base.graph.parameters.iter().find(|theirs| theirs.name == parameter.name);
        theirs.is_some_and(|theirs| base.weights.of(theirs) == own.weights.of(parameter))
    });
    [same.count(), own.graph.parameters.len()]
}

#[test]
fn a_new_head_on_a_frozen_model_of_an_onnx_file() {
    let place = place();
    let said = place.done(&["train", "t.toml", "--no-report", "--out", "head"]);
    let said = place.text(&said.stderr);
    assert!(
        said.contains(
            "from net.onnx: 6 layers with 4,592 parameters, frozen; a new head with 51; images as pixel / 255"
        ),
        "{said}"
    );
    // conv1 and dense1, kernel and bias, and four of batch_norm1; the head has two.
    assert_eq!(kept(&place, "head", "head"), [8, 10]);
    let accuracy = place.json("head/eval.json")["accuracy"].as_f64().unwrap();
    // A third is chance; with 90 images 0.55 is four standard errors above it.
    assert!(accuracy > 0.55, "{accuracy}");
    assert_eq!(place.json("head/environment.json")["from"]["sha256"].as_str().map(str::len), Some(64));

    // The recipe that a run keeps makes the same run.
    place.done(&["train", "head/recipe.toml", "--quiet", "--no-report", "--out", "again"]);
    place.assert_same("head", "again");

    // A run needs the file it began from no more.
    fs::remove_file(place.at("net.onnx")).unwrap();
    fs::remove_file(place.at("again/model.safetensors")).unwrap();
    place.done(&["train", "--resume", "again", "--quiet", "--no-report"]);
    place.assert_same("head", "again");
    place.done(&["eval", "again", "--quiet"]);
}

#[test]
fn seeds_folds_and_rates_go_on_from_the_model_too() {
    let place = place();
    place.done(&[
        "train",
        "t.toml",
        "--quiet",
        "--no-report",
        "--folds",
        "2",
        "--out",
        "folds",
        "train.epochs=1",
    ]);
    assert_eq!(kept(&place, "folds", "folds/folds/1"), [8, 10]);
    assert_eq!(kept(&place, "folds", "folds/folds/2"), [8, 10]);
    place.done(&["train", "t.toml", "--quiet", "--seeds", "2", "--out", "seeds", "train.epochs=1"]);
    let [first, second] =
        ["seeds/seed-0", "seeds/seed-1"].map(|run| model(&place, &format!("{run}/model.safetensors")));
    let differ: Vec<_> = (first.graph.parameters.iter())
        .filter(|parameter| first.weights.of(parameter) != second.weights.of(parameter))
        .map(|parameter| parameter.name.as_str())
        .collect();
    assert_eq!(differ, ["dense2.kernel", "dense2.bias"]);
    let found = place.done(&["lr-find", "t.toml", "--json", "--quiet", "--tests", "3"]);
    assert!(place.text(&found.stdout).contains("\"trials\":[{\"rate\""));
}

#[test]
fn part_of_a_run_is_trained_with_another_head() {
    let place = place();
    fs::write(
        place.at("t.toml"),
        TRANSFER
            .replace("net.onnx", "base")
            .replace("\"all but the head\"", "\"batch_norm1\"\nhead = [\"dense 8 relu\", \"dense 3\"]"),
    )
    .unwrap();
    place.done(&["train", "t.toml", "--quiet", "--no-report", "--out", "part"]);
    assert_eq!(kept(&place, "part", "part"), [6, 12]);
    let table = place.text(&place.done(&["model", "t.toml"]).stdout);
    assert!(table.contains("dense3"), "{table}");
}

#[test]
fn what_cannot_be_gone_on_from() {
    let place = place();
    let refused = |expected: &str, found: &str| {
        assert!(TRANSFER.contains(expected));
        fs::write(place.at("t.toml"), TRANSFER.replace(expected, found)).unwrap();
        let said = place.refused(&["t.toml"]);
        assert!(!place.at("runs").exists(), "a run folder of a run that never began");
        said
    };
    assert_snapshot!(refused("net.onnx", "nett.onnx"), @r#"
    error: model.from at t.toml:5:8: expected a trained model, found nothing of the name nett.onnx
      |
    5 | from = "nett.onnx"
      |        ^^^^^^^^^^^
    hint: name a run folder, a .safetensors or an .onnx file; paths begin in the present folder
    "#);
    assert_snapshot!(refused("net.onnx", "r.toml"), @r#"
    error: model.from at t.toml:5:8: expected a trained model, found the recipe r.toml
      |
    5 | from = "r.toml"
      |        ^^^^^^^^
    hint: name a run folder, a .safetensors or an .onnx file
    "#);
    assert_snapshot!(refused("\"all but the head\"", "\"conv2\""), @r#"
    error: model.freeze at t.toml:6:10: expected the name of a layer before the head, found `conv2`
      |
    6 | freeze = "conv2"
      |          ^^^^^^^
    hint: did you mean `conv1`?
    "#);
    assert_snapshot!(refused("freeze", "head = [\"conv 3 2x2\"]\nfreeze"), @r#"
    error: model.head at t.toml:6:8: layer conv2: a 2x2 window needs at least [2, 2], found [1, 1, 16] from dense1
      |
    6 | head = ["conv 3 2x2"]
      |        ^^^^^^^^^^^^^^
    hint: use a smaller window, padding `same`, or fewer poolings before it
    "#);
    fs::create_dir(place.at("wide")).unwrap();
    for name in ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"] {
        let mut bytes = place.read(&format!("shapes/{name}-ubyte"));
        if name.contains("images") {
            (bytes[11], bytes[15]) = (9, 16); // as many pixels as 12 x 12 has
        }
        fs::write(place.at(&format!("wide/{name}-ubyte")), bytes).unwrap();
    }
    assert_snapshot!(refused("idx:shapes", "idx:wide"), @r#"
    error: model.from at t.toml:5:8: expected a model for images [9, 16, 1], as those of idx:wide, found one for [12, 12, 1]
      |
    5 | from = "net.onnx"
      |        ^^^^^^^^^^
    hint: pictures in folders, tables and Parquet are brought to the size of the model; images of IDX and NPZ are not
    "#);
    fs::write(place.at("t.toml"), TRANSFER).unwrap();
    assert_snapshot!(place.refused(&["t.toml", "model.freeze=conv9"]), @r"
    error: model.freeze in argument `model.freeze=conv9`: expected the name of a layer before the head, found `conv9`
    hint: did you mean `conv1`?
    ");
    assert_snapshot!(place.refused_by(place.program(&["model", "t.toml"])), @r#"
    error: model.head in t.toml: expected a head, as its outputs follow from the images alone and there are none here, found none
    hint: for instance head = ["dense 10"]
    "#);
    place.done(&["export", "base", "--out", "w.safetensors", "--layout", "torch", "--quiet"]);
    let import = ["import", "w.safetensors", "--recipe", "t.toml", "--out", "x.safetensors"];
    assert_snapshot!(place.refused_by(place.program(&import)), @r"
    error: recipe t.toml: expected the layers of the weights, found layers of another model (model.from)
    hint: write model.input and model.layers in place of model.from
    ");
}
