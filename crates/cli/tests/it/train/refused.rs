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
    assert_snapshot!(refused_recipe("rate = 0.01", "learning_rate = 0.01\nepoch = 3"), @r"
    error: unknown key at r.toml:16:1: expected a key of [train], found `learning_rate`
       |
    16 | learning_rate = 0.01
       | ^^^^^^^^^^^^^
    hint: the keys of [train] are epochs, batch, optimizer, rate, schedule, seed, sampling, loss, class_weights, label_smoothing, weight_decay, clip_norm, ema, swa, progressive, teacher, initializer, early_stopping

    error: unknown key at r.toml:17:1: expected a key of [train], found `epoch`
       |
    17 | epoch = 3
       | ^^^^^
    hint: did you mean `epochs`?
    ");
    assert_snapshot!(refused_recipe("\"max_pool 2\"", "\"max_pool 9\""), @r#"
    error: layer max_pool1 at r.toml:11:45: a 9x9 window needs at least [9, 9], found [8, 8, 16] from batch_norm1
       |
    11 | layers = ["conv 16 5x5", "batch_norm relu", "max_pool 9", "flatten", "dropout 0.2", "dense 16 relu", "dense 3"]
       |                                             ^^^^^^^^^^^^
    hint: use a smaller window, padding `same`, or fewer poolings before it
    "#);
    assert_snapshot!(refused_recipe("\"flatten\", ", ""), @r#"
    error: layer dense1 at r.toml:11:74: dense needs a flat input [1, 1, c], found [4, 4, 16] from dropout1
       |
    11 | layers = ["conv 16 5x5", "batch_norm relu", "max_pool 2", "dropout 0.2", "dense 16 relu", "dense 3"]
       |                                                                          ^^^^^^^^^^^^^^^
    hint: add "flatten" (or a global pooling, "global_avg_pool") before it
    "#);
    assert_snapshot!(refused_recipe("batch = 32", "batch = 0"), @r"
    error: train.batch at r.toml:15:9: expected a whole number of at least 1, found 0
       |
    15 | batch = 0
       |         ^
    ");
}

#[test]
fn recipes_that_do_not_fit_the_data() {
    assert_snapshot!(refused_recipe("[12, 12, 1]", "[28, 28, 1]"), @r"
    error: [model] input: expected [12, 12, 1], the size of the images of the data set, found [28, 28, 1]
    hint: set `input = [12, 12, 1]`
    ");
    assert_snapshot!(refused_recipe("\"dense 3\"", "\"dense 10\""), @r#"
    error: the last layer: expected 3 outputs, one for each class of the data set, found 10
    hint: end the layers with "dense 3"
    "#);
    let place = Place::new();
    assert_snapshot!(place.refused(&["r.toml", "data.validation=0", "train.early_stopping=3"]), @r"
    error: train.early_stopping in argument `train.early_stopping=3`: expected a validation part to watch, found data.validation = 0
    hint: set data.validation = 0.1, or train.early_stopping = false
    ");
}

#[test]
fn changes_that_are_wrong() {
    let place = Place::new();
    assert_snapshot!(place.refused(&["r.toml", "train.epoch=3", "train.rate=fast"]), @r#"
    error: unknown key in argument `train.epoch=3`: expected a key of [train], found `epoch`
    hint: did you mean `epochs`?

    error: train.rate in argument `train.rate=fast`: expected a number above 0, found the text "fast"
    "#);
    assert_snapshot!(place.refused(&["r.toml", "train.epochs"]), @r"
    error: argument `train.epochs`: expected key=value, found no `=`
    hint: for instance train.epochs=3
    ");
}

#[test]
fn recipes_that_are_not_there() {
    let place = Place::new();
    assert_snapshot!(place.refused(&["s.toml"]), @r"
    error: recipe s.toml: expected a TOML file, found nothing of that name
    hint: a recipe is a .toml file, as those in the folder recipes of seamripper's sources
    ");
    assert_snapshot!(place.refused(&["recipes/s.toml"]), @r"
    error: recipe recipes/s.toml: expected a TOML file, found nothing of that name
    hint: a recipe is a .toml file, as those in the folder recipes of seamripper's sources
    ");
    assert_snapshot!(place.refused(&["shapes"]), @"error: recipe shapes: expected a TOML file, found a folder");
    assert_snapshot!(place.refused(&[]), @r"
    error: the following required arguments were not provided:
      <RECIPE>

    Usage: seamripper train --quiet <RECIPE> [KEY=VALUE]...

    For more information, try '--help'.
    ");
    assert_snapshot!(place.refused(&["r.toml", "--resume", "run"]), @r"
    error: the argument '[RECIPE]' cannot be used with '--resume <RUN>'

    Usage: seamripper train --quiet <RECIPE> [KEY=VALUE]...

    For more information, try '--help'.
    ");
}

#[test]
fn a_run_folder_instead_of_a_recipe() {
    let place = Place::new();
    place.done(&["train", "r.toml", "train.epochs=1", "--quiet"]);
    assert_snapshot!(place.refused(&["runs/r"]), @r"
    error: recipe runs/r: expected a TOML file, found a folder
    hint: `seamripper train --resume runs/r` goes on with this run; its recipe is runs/r/recipe.toml
    ");
}

#[test]
fn run_folders_that_cannot_be_written() {
    let place = Place::new();
    assert_snapshot!(place.refused(&["r.toml", "--out", "r.toml/run"]), @r"
    error: cannot create r.toml/run: Not a directory (os error 20)
    hint: a part of this path is a file: choose another folder
    ");
    assert_snapshot!(place.refused(&["r.toml", "--out", "r.toml"]), @r"
    error: cannot create r.toml: File exists (os error 17)
    hint: a file has this name: choose another folder
    ");
    assert_snapshot!(place.refused(&["r.toml", "--out", "/proc/run"]), @r"
    error: cannot create /proc/run: No such file or directory (os error 2)
    hint: create the folder first, or choose another
    ");
}

#[test]
fn run_folders_that_hold_a_run() {
    let place = Place::new();
    place.done(&["train", "r.toml", "train.epochs=1", "--quiet", "--out", "run"]);
    let model = place.read("run/model.safetensors");
    assert_snapshot!(place.refused(&["r.toml", "--out", "run"]), @r"
    error: run folder run: expected a new one, found a finished run
    hint: choose another with --out, or remove it
    ");
    assert_eq!(place.read("run/model.safetensors"), model);
    fs::remove_file(place.at("run/model.safetensors")).unwrap();
    assert_snapshot!(place.refused(&["r.toml", "--out", "run"]), @r"
    error: run folder run: expected a new one, found an interrupted run
    hint: go on with it: `seamripper train --resume run`
    ");
}

#[test]
fn nothing_to_go_on_with() {
    let place = Place::new();
    assert_snapshot!(place.refused(&["--resume", "run"]), @r"
    error: run folder run: expected one that train wrote, found no such folder
    hint: `seamripper train RECIPE` begins one
    ");
    assert_snapshot!(place.refused(&["--resume", "shapes"]), @r"
    error: run folder shapes: expected one that train wrote, found no recipe.toml in it
    hint: `seamripper train RECIPE` begins one
    ");
    assert_snapshot!(place.refused(&["--resume", "r.toml"]), @r"
    error: run folder r.toml: expected one that train wrote, found a file
    hint: `seamripper train RECIPE` begins one
    ");
    for run in ["a", "b"] {
        place.done(&["train", "r.toml", "train.epochs=1", "--quiet", "--out", &format!("runs/{run}")]);
    }
    assert_snapshot!(place.refused(&["--resume", "runs/c"]), @r"
    error: run folder runs/c: expected one that train wrote, found no such folder
    hint: the runs here are runs/a, runs/b
    ");
}

#[test]
fn checkpoints_that_do_not_fit() {
    let place = Place::new();
    place.done(&["train", "r.toml", "train.epochs=1", "--quiet", "--out", "run"]);
    let checkpoint = place.read("run/checkpoints/last.safetensors");
    fs::write(place.at("run/checkpoints/last.safetensors"), &checkpoint[..1000]).unwrap();
    assert_snapshot!(place.refused(&["--resume", "run"]), @r"
    error: checkpoint run/checkpoints/last.safetensors: expected a checkpoint of seamripper.checkpoint/1, found: incomplete metadata, file not fully covered
    hint: the file is damaged: start again with `seamripper train RECIPE`
    ");

    fs::write(place.at("run/checkpoints/last.safetensors"), &checkpoint).unwrap();
    shapes::write_part(&place.at("shapes"), "train", 200);
    assert_snapshot!(place.refused(&["--resume", "run"]), @r"
    error: checkpoint run/checkpoints/last.safetensors: steps: expected 12 an epoch, as many as the training images make, found 17 in 1 whole epochs and 0 steps
    hint: the images of the run were changed: undo that, or begin a new run
    ");

    let recipe = place.text(&place.read("run/recipe.toml"));
    assert!(recipe.contains("dense 16"), "{recipe}");
    fs::write(place.at("run/recipe.toml"), recipe.replace("dense 16", "dense 17")).unwrap();
    assert_snapshot!(place.refused(&["--resume", "run"]), @r"
    error: checkpoint run/checkpoints/last.safetensors: weights: expected 4903 values, found 4643
    hint: the recipe of the run was changed: undo that, or begin a new run
    ");
}

#[test]
fn no_data_set_and_no_network() {
    let place = Place::new();
    assert_snapshot!(place.refused(&["r.toml", "data.source=fashion-mnist"]), @r"
    error: data set `fashion-mnist`: expected its files in one of these places, found none complete
      --data: not given
      $SEAMRIPPER_DATA: not given
      cache FOLDER/cache/seamripper: no such folder
      system FOLDER/system: no such folder
      download: forbidden
    hint: install it with `apt-get install dataset-fashion-mnist`, or give the folder that holds its files with --data DIR
    ");
    assert_snapshot!(place.refused(&["r.toml", "data.source=fashion-mnits"]), @r"
    error: data source `fashion-mnits`: expected fashion-mnist, folder:PATH, csv:PATH, jsonl:PATH, parquet:PATH, npz:PATH, idx:PATH, found another name
    hint: did you mean `fashion-mnist`?
    ");
    assert_snapshot!(place.refused(&["r.toml", "data.source=idx:squares"]), @r"
    error: cannot read squares: No such file or directory (os error 2)
    hint: check the spelling of the path
    ");
    assert_snapshot!(place.refused(&["r.toml", "--data", "idx:squares"]), @r"
    error: cannot read squares: No such file or directory (os error 2)
    hint: check the spelling of the path
    ");
}

#[test]
fn a_set_without_images() {
    let place = Place::new();
    shapes::write_part(&place.at("shapes"), "train", 0);
    assert_snapshot!(place.refused(&["r.toml"]), @"error: dimensions in the header of shapes/train-images-idx3-ubyte: expected at least 1 value, found 0 x 12 x 12");
}

#[test]
fn threads_that_are_none() {
    let place = Place::new();
    assert_snapshot!(place.refused(&["r.toml", "--threads", "0"]), @r"
    error: --threads: expected at least 1, found 0
    hint: leave it out to use all cores
    ");
    assert_snapshot!(place.refused(&["r.toml", "--threads", "two"]), @r"
    error: invalid value 'two' for '--threads <N>': invalid digit found in string

    For more information, try '--help'.
    ");
    assert_snapshot!(place.refused(&["r.toml", "--seed", "-1"]), @r"
    error: unexpected argument '-1' found

      tip: to pass '-1' as a value, use '-- -1'

    Usage: seamripper train [OPTIONS] [RECIPE] [KEY=VALUE]...

    For more information, try '--help'.
    ");
}

/// Weights that are no numbers are the end of a run, not the beginning of a report; the last good epoch remains.
#[test]
fn a_run_that_diverges() {
    let place = Place::new();
    let arguments =
        ["r.toml", "train.rate=1e30", "train.optimizer=sgd", "train.schedule=constant", "--out", "run"];
    assert_snapshot!(place.refused(&arguments), @r"
    error: training in epoch 1: expected finite weights and a finite loss, found a loss of NaN
    hint: the steps are too long: lower train.rate (it was 1e30), or set train.clip_norm=1
    ");
    assert!(!place.at("run/checkpoints/last.safetensors").exists());
    assert!(!place.at("run/model.safetensors").exists());
}
