//! Bad usage and bad input: exit code 2, what was expected and found, and the way out.

use std::fs;

use insta::assert_snapshot;

use super::{Place, RECIPE, shapes};

/// stderr for the recipe with `found` in place of `expected`; no folder may be left behind.
fn refused_recipe(expected: &str, found: &str) -> String {
    let place = Place::new();
    assert!(RECIPE.contains(expected));
    fs::write(place.at("r.toml"), RECIPE.replace(expected, found)).unwrap();
    let said = place.refused(&["r.toml"]);
    assert!(!place.at("runs").exists(), "a run folder of a run that never began");
    said
}

#[test]
fn recipes_that_are_wrong_by_themselves() {
    assert_snapshot!(refused_recipe("rate = 0.01", "learning_rate = 0.01\nepoch = 3"), @"");
    assert_snapshot!(refused_recipe("\"max_pool 2\"", "\"max_pool 9\""), @"");
    assert_snapshot!(refused_recipe("\"flatten\", ", ""), @"");
    assert_snapshot!(refused_recipe("batch = 32", "batch = 0"), @"");
}

#[test]
fn recipes_that_do_not_fit_the_data() {
    assert_snapshot!(refused_recipe("[12, 12, 1]", "[28, 28, 1]"), @"");
    assert_snapshot!(refused_recipe("\"dense 3\"", "\"dense 10\""), @"");
    assert_snapshot!(
        refused_recipe("validation = 0.1", "validation = 0").as_str(), @""
    );
}

#[test]
fn changes_that_are_wrong() {
    let place = Place::new();
    assert_snapshot!(place.refused(&["r.toml", "train.epoch=3", "train.rate=fast"]), @"");
    assert_snapshot!(place.refused(&["r.toml", "train.epochs"]), @"");
}

#[test]
fn recipes_that_are_not_there() {
    let place = Place::new();
    assert_snapshot!(place.refused(&["s.toml"]), @"");
    assert_snapshot!(place.refused(&["recipes/s.toml"]), @"");
    assert_snapshot!(place.refused(&["shapes"]), @"");
    assert_snapshot!(place.refused(&[]), @"");
    assert_snapshot!(place.refused(&["r.toml", "--resume", "run"]), @"");
}

#[test]
fn a_run_folder_instead_of_a_recipe() {
    let place = Place::new();
    place.done(&["train", "r.toml", "train.epochs=1", "--quiet"]);
    assert_snapshot!(place.refused(&["runs/r"]), @"");
}

#[test]
fn run_folders_that_cannot_be_written() {
    let place = Place::new();
    assert_snapshot!(place.refused(&["r.toml", "--out", "r.toml/run"]), @"");
    assert_snapshot!(place.refused(&["r.toml", "--out", "r.toml"]), @"");
    assert_snapshot!(place.refused(&["r.toml", "--out", "/proc/run"]), @"");
}

#[test]
fn run_folders_that_hold_a_run() {
    let place = Place::new();
    place.done(&["train", "r.toml", "train.epochs=1", "--quiet", "--out", "run"]);
    let model = place.read("run/model.safetensors");
    assert_snapshot!(place.refused(&["r.toml", "--out", "run"]), @"");
    assert_eq!(place.read("run/model.safetensors"), model);
    fs::remove_file(place.at("run/model.safetensors")).unwrap();
    assert_snapshot!(place.refused(&["r.toml", "--out", "run"]), @"");
}

#[test]
fn nothing_to_go_on_with() {
    let place = Place::new();
    assert_snapshot!(place.refused(&["--resume", "run"]), @"");
    assert_snapshot!(place.refused(&["--resume", "shapes"]), @"");
    assert_snapshot!(place.refused(&["--resume", "r.toml"]), @"");
    for run in ["a", "b"] {
        place.done(&["train", "r.toml", "train.epochs=1", "--quiet", "--out", &format!("runs/{run}")]);
    }
    assert_snapshot!(place.refused(&["--resume", "runs/c"]), @"");
}

#[test]
fn checkpoints_that_do_not_fit() {
    let place = Place::new();
    place.done(&["train", "r.toml", "train.epochs=1", "--quiet", "--out", "run"]);
    let checkpoint = place.read("run/checkpoints/last.safetensors");
    fs::write(place.at("run/checkpoints/last.safetensors"), &checkpoint[..1000]).unwrap();
    assert_snapshot!(place.refused(&["--resume", "run"]), @"");

    fs::write(place.at("run/checkpoints/last.safetensors"), &checkpoint).unwrap();
    shapes::write_part(&place.at("shapes"), "train", 200);
    assert_snapshot!(place.refused(&["--resume", "run"]), @"");

    let recipe = place.text(&place.read("run/recipe.toml"));
    assert!(recipe.contains("dense 16"), "{recipe}");
    fs::write(place.at("run/recipe.toml"), recipe.replace("dense 16", "dense 17")).unwrap();
    assert_snapshot!(place.refused(&["--resume", "run"]), @"");
}

#[test]
fn no_data_set_and_no_network() {
    let place = Place::new();
    assert_snapshot!(place.refused(&["r.toml", "data.source=fashion-mnist"]), @"");
    assert_snapshot!(place.refused(&["r.toml", "data.source=fashion-mnits"]), @"");
    assert_snapshot!(place.refused(&["r.toml", "data.source=idx:squares"]), @"");
    assert_snapshot!(place.refused(&["r.toml", "--data", "idx:squares"]), @"");
}

#[test]
fn a_set_without_images() {
    let place = Place::new();
    shapes::write_part(&place.at("shapes"), "train", 0);
    assert_snapshot!(place.refused(&["r.toml"]), @"");
}

#[test]
fn threads_that_are_none() {
    let place = Place::new();
    assert_snapshot!(place.refused(&["r.toml", "--threads", "0"]), @"");
    assert_snapshot!(place.refused(&["r.toml", "--threads", "two"]), @"");
    assert_snapshot!(place.refused(&["r.toml", "--seed", "-1"]), @"");
}
