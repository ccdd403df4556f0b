//! `train --seeds N`: N runs, and how much they differ.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use super::Place;
use super::interrupted::{interrupted, started};

#[test]
fn every_seed_is_the_run_it_is_alone() {
    let place = Place::new();
    let output = place.done(&["train", "r.toml", "--seeds=3", "--seed=4", "--quiet", "--json", "--out", "s"]);
    for seed in ["4", "5", "6"] {
        let alone = format!("alone-{seed}");
        place.done(&["train", "r.toml", "--quiet", "--seed", seed, "--out", &alone]);
        place.assert_same(&alone, &format!("s/seed-{seed}"));
    }
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document, place.json("s/seeds.json"));
    assert_eq!(document["schema"], "seamripper.seeds/1");
    assert_eq!(document["seeds"], serde_json::json!([4, 5, 6]));
    let accuracies = ["4", "5", "6"]
        .map(|seed| place.json(&format!("s/seed-{seed}/eval.json"))["accuracy"].as_f64().unwrap());
    let mean = accuracies.iter().sum::<f64>() / 3.0;
    let said = &document["spread"]["accuracy"];
    assert!((said["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    assert_eq!(said["highest"].as_f64().unwrap(), accuracies.iter().copied().fold(0.0, f64::max));
}

#[test]
fn the_table_has_classes_first_and_accuracy_last() {
    let place = Place::new();
    let output = place.done(&["train", "r.toml", "--seeds=2", "--quiet", "--out", "s", "train.epochs=2"]);
    let said = place.text(&output.stdout);
    let digits = |c: char| if c.is_ascii_digit() { '#' } else { c };
    let first = said.lines().next().unwrap();
    assert_snapshot!(first, @"class       recall %   lowest–highest           bias   lowest–highest  flagged in");
    let rows: Vec<_> = said.lines().skip(1).take(3).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(rows.len(), 3);
    assert!(["disc", "ring", "cross"].iter().all(|class| rows.contains(class)), "{said}");
    let last: Vec<_> =
        said.lines().skip(5).map(|line| line.chars().map(digits).collect::<String>()).collect();
    assert_snapshot!(last.join("\n").replace("##", "#"), @r"
    Accuracy #.# ± #.# % (#.#–#.#), mean ± sd over # seeds, # images each.
    All as one model, the mean of their logits (s/ensemble): #.# % [#.#–#.#].

    run folder: s
    ");
}

/// A model like any other, in a folder like a run's: evaluated again it has the same report, and a run can learn from it.
#[test]
fn all_seeds_are_one_model_too() {
    let place = Place::new();
    place.done(&["train", "r.toml", "data.validation=0.2", "--seeds=3", "--quiet", "--out", "s"]);
    let parameters = |model: &str| {
        let said = place.done(&["model", model, "--json"]);
        serde_json::from_slice::<Value>(&said.stdout).unwrap()["parameters"].as_u64().unwrap()
    };
    assert_eq!(
        parameters("s/ensemble"),
        3 * parameters("s/seed-0") + 3,
        "and a factor for each of three classes"
    );
    let said = place.json("s/seeds.json")["ensemble"].clone();
    assert_eq!(said["n"], place.json("s/seed-0/eval.json")["n"]);
    assert_eq!(said, place.json("s/ensemble/eval.json"));
    let again = place.done(&["eval", "s/ensemble", "--json", "--quiet"]);
    assert_eq!(said, serde_json::from_slice::<Value>(&again.stdout).unwrap());
    place.done(&["report", "s/ensemble", "--quiet"]);
    let held_out = place.program(&["eval", "s/ensemble", "--split=validation", "--quiet"]);
    assert_snapshot!(place.refused_by(held_out), @r"
    error: model s/ensemble, split validation: expected at least one image, found that none was held out
    hint: choose --split test
    ");

    place.done(&["train", "r.toml", "--seeds=1", "--quiet", "--out", "alone"]);
    assert!(!place.at("alone/ensemble").exists());
    assert!(place.json("alone/seeds.json").get("ensemble").is_none());
    place.done(&["train", "r.toml", "train.teacher=s/ensemble", "--quiet", "--out", "taught"]);
    assert_eq!(place.read("s/ensemble/model.safetensors"), place.read("taught/teacher.safetensors"));
}

#[test]
fn seeds_go_on_where_they_were() {
    let place = Place::new();
    place.done(&["train", "r.toml", "--seeds=3", "--quiet", "--out", "whole"]);
    let seeds = ["train", "r.toml", "--seeds=3", "--threads=2", "--out", "run"];
    let mut child = started(place.program(&seeds), &place.at("run"), &place.at("run/seed-0"), 2);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_snapshot!(place.refused(&["r.toml", "--out", "run"]), @r"
    error: run folder run: expected a new one, found runs of several seeds
    hint: go on with it: `seamripper train --resume run`
    ");
    let output = interrupted(&place, &["train", "--resume", "run"], "run/seed-2", 1);
    assert_eq!(output.status.code(), Some(130));
    assert_snapshot!(place.text(&output.stderr).lines().last().unwrap(), @"interrupted; `seamripper train --resume run` goes on from these very steps");
    place.done(&["train", "--resume", "run", "--quiet"]);
    for seed in 0..3 {
        place.assert_same(&format!("whole/seed-{seed}"), &format!("run/seed-{seed}"));
    }
    let of = |run: &str, key: &str| place.json(&format!("{run}/seeds.json"))[key].clone();
    for key in ["spread", "ensemble"] {
        assert_eq!(of("whole", key), of("run", key));
    }
}

/// A run with a model is taken to be finished, so nothing else of it may be missing: the model is written last.
#[test]
fn a_seed_without_its_report_has_no_model() {
    let place = Place::new();
    place.done(&["train", "r.toml", "--seeds=2", "--quiet", "--out", "run"]);
    let (model, seeds) = (place.read("run/seed-1/model.safetensors"), place.read("run/seeds.json"));
    let finished = place.at("run/seed-1/model.safetensors");
    for report in ["eval.json", "predictions.parquet"] {
        let report = place.at("run/seed-1").join(report);
        fs::remove_file(&finished).unwrap();
        // What cannot be replaced by a file.
        fs::remove_file(&report).unwrap();
        fs::create_dir_all(report.join("in the way")).unwrap();
        let output = place.program(&["train", "--resume", "run", "--quiet"]).output().unwrap();
        assert!(!output.status.success());
        assert!(place.text(&output.stderr).contains(&*report.file_name().unwrap().to_string_lossy()));
        assert!(!finished.exists());

        fs::remove_dir_all(&report).unwrap();
        place.done(&["train", "--resume", "run", "--quiet"]);
        assert!(report.is_file());
        assert_eq!(model, place.read("run/seed-1/model.safetensors"));
        assert_eq!(seeds, place.read("run/seeds.json"));
    }
}

#[test]
fn a_damaged_list_of_seeds_is_refused() {
    let place = Place::new();
    place.done(&["train", "r.toml", "--seeds=1", "--quiet", "--out", "s", "train.epochs=1"]);
    fs::write(place.at("s/seeds.json"), "{").unwrap();
    assert_snapshot!(place.refused(&["--resume", "s"]), @r"
    error: s/seeds.json: expected a document of seamripper.seeds/1, found: EOF while parsing an object at line 1 column 1
    hint: the file is damaged: begin anew with another --out
    ");
    assert_snapshot!(place.refused(&["r.toml", "--seeds=2", "--seed=18446744073709551615"]), @r"
    error: --seeds 2: expected seeds that fit, found 18446744073709551615 to begin with
    hint: begin lower with --seed
    ");
    assert_snapshot!(place.refused(&["r.toml", "--seeds=2", "--folds=2"]), @r"
    error: the argument '--seeds <N>' cannot be used with '--folds <K>'

    Usage: seamripper train --quiet --seeds <N> <RECIPE> [KEY=VALUE]...

    For more information, try '--help'.
    ");
}
