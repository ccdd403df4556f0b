//! `train --folds K`: every training image is predicted once, by a model that has not seen it.

use std::collections::{HashMap, HashSet};
use std::fs;

use insta::assert_snapshot;
use seamripper_core::predictions::Predictions;
use seamripper_core::sample::Split;
use seamripper_data::predictions_file::{self, read_out_of_fold};
use serde_json::Value;

use super::interrupted::{interrupted, started};
use super::{Place, shapes};

const FOLDS: [&str; 4] = ["train", "r.toml", "--quiet", "--folds=3"];

fn table(place: &Place, run: &str) -> Predictions {
    read_out_of_fold(&place.at(run)).unwrap().expect("a run with folds")
}

#[test]
fn every_training_image_is_predicted_once_by_a_model_that_has_not_seen_it() {
    let place = Place::new();
    place.done(&[&FOLDS[..], &["--out", "run"]].concat());
    let table = table(&place, "run");
    let ids: Vec<_> = (0..300).map(|row| format!("train-{row:05}")).collect();
    assert_eq!(table.ids, ids, "a row an image, in their order");
    assert!(table.splits.iter().all(|&split| split == Split::Train));
    assert_eq!(table.classes, ["disc", "ring", "cross"]);
    let right = (0..300).filter(|&row| table.top1(row) == table.labels[row] as usize).count();
    assert!(right > 200, "{right} of 300");

    let mut fold_of = HashMap::new();
    for fold in 1..=3 {
        let part =
            predictions_file::read(&place.at(&format!("run/folds/{fold}/predictions.parquet"))).unwrap();
        assert_eq!(part.len(), 100);
        for class in 0..3 {
            let of = part.labels.iter().filter(|&&label| label == class).count();
            assert!((33..=34).contains(&of), "fold {fold} has {of} of class {class}");
        }
        for (row, id) in part.ids.iter().enumerate() {
            assert_eq!(fold_of.insert(id.clone(), fold), None, "{id} in two folds");
            let place = table.ids.iter().position(|other| other == id).unwrap();
            assert_eq!(table.row(place), part.row(row), "{id}");
        }
    }
    assert_eq!(fold_of.keys().cloned().collect::<HashSet<_>>(), ids.into_iter().collect());
}

#[test]
fn the_run_itself_is_the_same_as_without_folds() {
    let place = Place::new();
    place.done(&["train", "r.toml", "--quiet", "--out", "plain"]);
    let output = place.done(&[&FOLDS[..], &["--json", "--out", "folded"]].concat());
    for name in ["model.safetensors", "predictions.parquet", "eval.json", "checkpoints/last.safetensors"] {
        assert!(place.read(&format!("plain/{name}")) == place.read(&format!("folded/{name}")), "{name}");
    }
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["out_of_fold"]["n"], 300);
    assert_eq!(document["eval"]["n"], 90);
    // the recipe says that there are folds, so that it can be trained again
    place.done(&["train", "folded/recipe.toml", "--quiet", "--out", "again"]);
    assert_same(&place, "folded", "again");
    assert_eq!(read_out_of_fold(&place.at("plain")).unwrap(), None);
}

fn assert_same(place: &Place, left: &str, right: &str) {
    place.assert_same(left, right);
    let parts = (1..=3).map(|fold| format!("folds/{fold}/model.safetensors"));
    for name in parts.chain(["out_of_fold.parquet".to_owned()]) {
        assert!(place.read(&format!("{left}/{name}")) == place.read(&format!("{right}/{name}")), "{name}");
    }
}

#[test]
fn neither_threads_nor_kills_nor_ctrl_c_change_a_byte() {
    let place = Place::new();
    place.done(&[&FOLDS[..], &["--out", "whole"]].concat());
    place.done(&[&FOLDS[..], &["--out", "alone", "--threads", "1"]].concat());
    assert_same(&place, "whole", "alone");
    place.done(&[&FOLDS[..], &["--out", "many", "--threads", "5"]].concat());
    assert_same(&place, "whole", "many");

    // killed when fold 1 has two epochs behind it, then interrupted, in fold 3, which could not have begun before
    let mut child = started(
        place.program(&["train", "r.toml", "--folds=3", "--threads=2", "--out", "run"]),
        &place.at("run"),
        &place.at("run/folds/1"),
        2,
    );
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!place.at("run/model.safetensors").exists(), "killed too late");
    assert_snapshot!(place.refused(&["r.toml", "--folds=3", "--out", "run"]), @r"
    error: run folder run: expected a new one, found an interrupted run
    hint: go on with it: `seamripper train --resume run`
    ");
    let output = interrupted(&place, &["train", "--resume", "run"], "run/folds/3", 1);
    assert_eq!(output.status.code(), Some(130));
    let said = place.text(&output.stderr);
    let last = said.lines().last().unwrap();
    assert_snapshot!(last, @"interrupted in the folds; `seamripper train --resume run` goes on from these very steps");
    place.done(&["train", "--resume", "run", "--quiet"]);
    assert_same(&place, "whole", "run");
}

#[test]
fn folds_that_cannot_be() {
    let place = Place::new();
    assert_snapshot!(place.refused(&["r.toml", "--folds=301"]), @r"
    error: folds: expected at most 300, an image each, found 301
    hint: a common number is 5
    ");
    assert_snapshot!(place.refused(&["r.toml", "data.folds=1"]), @r"
    error: data.folds in argument `data.folds=1`: expected 0 for none, or at least 2, found 1
    hint: a common number is 5
    ");
    assert_snapshot!(place.refused(&["r.toml", "--folds=1"]), @r"
    error: invalid value '1' for '--folds <K>': 1 is not in 2..=4294967295

    For more information, try '--help'.
    ");
    assert_snapshot!(place.refused(&["r.toml", "--seeds=2", "data.folds=3"]), @r"
    error: --seeds: expected a recipe without folds, found data.folds = 3
    hint: train one seed with folds, or several with data.folds=0
    ");
    shapes::write_part(&place.at("shapes"), "train", 5);
    assert_snapshot!(place.refused(&["r.toml", "--folds=2"]), @r"
    error: folds: expected at least two images of every class, one to train on while the other is held out, found one of cross
    hint: add images of it, or train without folds
    ");
    assert!(!place.at("runs").exists());
}

/// Images that came or went between two calls are not taken for those of the folds that are done.
#[test]
fn other_images_are_refused() {
    let place = Place::new();
    place.done(&[&FOLDS[..], &["--out", "run", "train.epochs=1"]].concat());
    fs::remove_file(place.at("run/model.safetensors")).unwrap();
    fs::remove_file(place.at("run/checkpoints/last.safetensors")).unwrap();
    shapes::write_part(&place.at("shapes"), "train", 299);
    assert_snapshot!(place.refused(&["--resume", "run"]), @r"
    error: folds of run: expected a prediction of every training image, found other images
    hint: the images of the run were changed: undo that, or begin a new run
    ");
}
