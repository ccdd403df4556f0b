//! `seamripper sweep`, as a user runs it, on the drawn shapes.

use std::fs;
use std::process::Command;

use insta::assert_snapshot;
use serde_json::Value;

use crate::train::Place;
use crate::train::interrupted::{interrupted_at, started};

/// Four settings of two seeds; of each pair of halves one is stopped.
const SWEEP: [&str; 6] =
    ["sweep", "r.toml", "train.epochs=8", "train.rate=1e-5,1e-4,1e-3,1e-2", "train.seed=0,1", "--out=s"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&SWEEP[..], more].concat()
}

/// The document without what the clock decides: it has nothing of the kind.
fn document(place: &Place, arguments: &[&str]) -> Value {
    let output = place.done(arguments);
    let document = serde_json::from_slice(&output.stdout).expect("one document and nothing else");
    assert_eq!(document, place.json("s/sweep.json"));
    document
}

fn rows(document: &Value) -> Vec<(u64, &str, u64)> {
    let settings = document["settings"].as_array().unwrap();
    let row = |setting: &'_ Value| -> (u64, u64) {
        (setting["number"].as_u64().unwrap(), setting["runs"][0]["epochs"].as_u64().unwrap())
    };
    let state = |setting: &'_ Value| setting["runs"][0]["state"].as_str().unwrap().to_owned();
    settings
        .iter()
        .map(|setting| {
            let ((number, epochs), state) = (row(setting), state(setting));
            let state = match &state[..] {
                "finished" => "finished",
                "stopped" => "stopped",
                "diverged" => "diverged",
                other => panic!("{other}"),
            };
            (number, state, epochs)
        })
        .collect()
}

#[test]
fn the_table_is_the_same_whatever_runs_side_by_side() {
    let documents: Vec<_> = [["--threads=1", "--jobs=1"], ["--threads=2", "--jobs=3"]]
        .iter()
        .map(|side| document(&Place::new(), &with(&[side[0], side[1], "--json", "--quiet"])))
        .collect();
    assert_eq!(documents[0], documents[1]);
    let document = &documents[0];
    assert_eq!(document["schema"], "seamripper.sweep/1");
    assert_eq!(document["validation_images"], 30);
    // 4 settings after 1 epoch of 8, 2 of them to the end
    let rows = rows(document);
    assert!(rows[..2].iter().all(|&(_, state, epochs)| state == "finished" && epochs == 8), "{rows:?}");
    assert!(rows[2..].iter().all(|&(_, state, epochs)| state == "stopped" && epochs == 1), "{rows:?}");
    let accuracy = |row: usize| document["settings"][row]["accuracy"]["mean"].as_f64().unwrap();
    assert!(accuracy(0) >= accuracy(1) && accuracy(2) >= accuracy(3));
    let runs = document["settings"][0]["runs"].as_array().unwrap();
    let of = |run: &Value| run["accuracy"].as_f64().unwrap();
    assert_eq!(accuracy(0), (of(&runs[0]) + of(&runs[1])) / 2.0);
}

/// A run of a sweep is the run that `train` makes of the same recipe, and has seen no test image.
#[test]
fn a_run_is_what_train_makes_and_the_rest_is_stopped() {
    let place = Place::new();
    let document = document(&place, &with(&["--json", "--quiet"]));
    let best = &document["settings"][0];
    let change = best["changes"][0].as_str().unwrap();
    let run = format!("{}/seed-1", best["folder"].as_str().unwrap());
    assert!(run.starts_with(&format!("s/00{}-rate=", best["number"])), "{run}");
    place.done(&["train", "r.toml", "train.epochs=8", change, "--seed=1", "--quiet", "--out", "alone"]);
    for name in ["recipe.toml", "model.safetensors", "checkpoints/last.safetensors"] {
        assert!(place.read(&format!("{run}/{name}")) == place.read(&format!("alone/{name}")), "{name}");
    }
    assert_eq!(place.json(&format!("{run}/eval.json"))["n"], 30, "the validation images");
    assert_eq!(place.json("alone/eval.json")["n"], 90, "the test images");
    let stopped = document["settings"][3]["folder"].as_str().unwrap();
    assert!(!place.at(stopped).join("seed-0/model.safetensors").exists());
    // a stopped run is a run that can be gone on with
    place.done(&["train", "--resume", &format!("{stopped}/seed-0"), "--quiet"]);
}

#[test]
fn a_sweep_goes_on_where_it_was() {
    let whole = Place::new();
    let expected = document(&whole, &with(&["--json", "--quiet"]));
    let place = Place::new();
    let first = "s/001-rate=1e-5/seed-0";
    let mut child = started(place.program(&with(&["--quiet"])), &place.at(first), &place.at(first), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = place.read(&format!("{first}/metrics.jsonl"));
    assert_snapshot!(place.refused_by(place.program(&with(&["--quiet"]))), @r"
    error: run folder s: expected a new one, found a sweep
    hint: go on with it: `seamripper sweep --resume s`
    ");
    // one that is trained to the end, since it is among the better half
    let best = format!("{}/seed-0", expected["settings"][0]["folder"].as_str().unwrap());
    let output = interrupted_at(&place, &["sweep", "--resume", "s"], &best, 3);
    assert_eq!(output.status.code(), Some(130));
    assert_snapshot!(place.text(&output.stderr).lines().last().unwrap(), @"interrupted; `seamripper sweep --resume s` goes on from these very steps");
    assert_eq!(document(&place, &["sweep", "--resume", "s", "--json", "--quiet"]), expected);
    assert_eq!(place.read(&format!("{first}/metrics.jsonl")), kept, "what was trained is not trained again");
    // all done: nothing is trained again
    let metrics = place.read(&format!("{best}/metrics.jsonl"));
    assert_eq!(document(&place, &["sweep", "--resume", "s", "--json", "--quiet"]), expected);
    assert_eq!(place.read(&format!("{best}/metrics.jsonl")), metrics);
}

#[test]
fn ranges_are_drawn_and_all_are_finished_if_asked() {
    let place = Place::new();
    let drawn = ["sweep", "r.toml", "train.epochs=2", "train.batch=16..64", "train.rate=1e-4..1e-1"];
    let arguments = [&drawn[..], &["--runs=3", "--finish-all", "--by=loss", "--json", "--quiet", "--out=s"]];
    let document = document(&place, &arguments.concat());
    let rows = rows(&document);
    assert!(rows.len() == 3 && rows.iter().all(|&(_, state, _)| state == "finished"), "{rows:?}");
    let losses: Vec<_> = document["settings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|setting| setting["loss"]["mean"].as_f64().unwrap())
        .collect();
    assert!(losses.is_sorted(), "{losses:?}");
    for setting in document["settings"].as_array().unwrap() {
        let value = |index: usize| {
            setting["changes"][index].as_str().unwrap().split_once('=').unwrap().1.parse::<f64>().unwrap()
        };
        assert!((16.0..=64.0).contains(&value(0)) && value(0).fract() == 0.0);
        assert!((1e-4..=1e-1).contains(&value(1)));
    }
}

#[test]
fn what_diverges_is_last_and_not_trained_again() {
    let place = Place::new();
    let arguments = ["sweep", "r.toml", "train.epochs=2", "train.optimizer=sgd", "train.rate=1e30,0.01"];
    let document = document(&place, &[&arguments[..], &["--json", "--quiet", "--out=s"]].concat());
    assert_eq!(rows(&document), [(2, "finished", 2), (1, "diverged", 0)]);
    let output = place.done(&["sweep", "--resume", "s"]);
    assert!(!place.text(&output.stderr).contains("diverged in"), "not tried again");
    let table = place.text(&output.stdout);
    assert!(table.lines().nth(2).unwrap().ends_with("0  diverged"), "{table}");
}

#[test]
fn what_is_printed() {
    let place = Place::new();
    let output = place.done(&with(&["--quiet"]));
    let digits = |c: char| if c.is_ascii_digit() { '#' } else { c };
    let said: String = place.text(&output.stdout).chars().map(digits).collect();
    let table: Vec<_> = said.lines().take(5).map(|line| line.trim_start_matches(' ')).collect();
    assert!(table[0].starts_with("#  rate") && table[0].ends_with("epochs"), "{said}");
    assert!(table[4].ends_with("#  stopped"), "{said}");
    let rest: Vec<_> = said.lines().skip(6).collect();
    let rest = rest.join("\n").replace("##", "#").replace("##", "#");
    let rest = rest.replace("one other finished setting is", "no other finished setting is");
    assert_snapshot!(rest, @r"
    Judged by # validation images a run, mean ± sd over # seeds. No test image was looked at.
    An accuracy of #.# % on so many images has a standard error of #.# points; no other finished setting is within that of the first.
    To be first of # takes some luck: only the test images, looked at once, say what it is worth.

      seamripper eval s/#-rate=#e-#/seed-# --split test
      seamripper train RECIPE train.rate=#e-#

    sweep folder: s
    ");
}

#[test]
fn sweeps_that_cannot_be_made() {
    let place = Place::new();
    let refused = |arguments: &[&str]| {
        let said = place.refused_by(place.program(&[&["sweep", "--quiet"][..], arguments].concat()));
        assert!(!place.at("runs").exists(), "a folder of a sweep that never began");
        said
    };
    assert_snapshot!(refused(&["r.toml"]), @r"
    error: keys: expected at least one with several values, found none
    hint: for instance train.rate=1e-3,3e-3,1e-2 or train.rate=1e-4..1e-1
    ");
    assert_snapshot!(refused(&["r.toml", "data.validation=0", "data.folds=2", "train.rate=1e-3,1e-2"]), @r"
    error: data.validation: expected validation images to judge settings by, found 0
    hint: hold out a tenth of the training images with data.validation=0.1

    error: data.folds: expected 0, because folds train more models, found 2
    hint: leave them out with data.folds=0
    ");
    fs::write(place.at("from.toml"), "[data]\nsource = \"idx:shapes\"\n[model]\nfrom = \"run\"\n").unwrap();
    assert_snapshot!(refused(&["from.toml", "train.rate=1e-3,1e-2"]), @r"
    error: model.from: expected a recipe that says its layers, found one that goes on from run
    hint: compare such trainings with `seamripper train … --seeds N`, one call a setting
    ");
    assert_snapshot!(refused(&["r.toml", "train.rte=1e-3..1e-1", "train.batch=0,64,-1"]), @r"
    error: unknown key in argument `train.rte=0.0473`: expected a key of [train], found `rte`
    hint: did you mean `rate`?

    error: train.batch in argument `train.batch=-1`: expected a whole number of at least 1, found -1

    error: train.batch in argument `train.batch=0`: expected a whole number of at least 1, found 0
    ");
    assert_snapshot!(refused(&[
        "r.toml",
        "data.validation=0.1,0.2",
        "train.rate=2..1",
        "train.batch",
        "train.seed=0..3",
        "train.epochs=3,3",
        "train.ema=0.9,",
        "train.ema=0.9,0.99",
    ]), @r"
    error: argument `data.validation=0.1,0.2`: expected one value, so that all settings are judged by the same images, found several
    hint: make a sweep for each value

    error: argument `train.rate=2..1`: expected a range from a lower number to a higher one, found `2..1`

    error: argument `train.batch`: expected key=a,b,c or key=LOW..HIGH, found no `=`
    hint: for instance train.rate=1e-3,3e-3 or train.rate=1e-4..1e-1

    error: argument `train.seed=0..3`: expected a list of whole numbers from 0 on, found a range
    hint: each setting is trained with every seed: train.seed=0,1,2

    error: argument `train.epochs=3,3`: expected different values, found 3 twice

    error: argument `train.ema=0.9,`: expected a value on both sides of every comma, found none
    ");
    assert_snapshot!(refused(&["r.toml", "train.seed=0,1,x"]), @r"
    error: argument `train.seed=0,1,x`: expected a list of whole numbers from 0 on, found x
    hint: each setting is trained with every seed: train.seed=0,1,2
    ");
    let many = (1..=40).map(|value| value.to_string()).collect::<Vec<_>>().join(",");
    let (batch, epochs) = (format!("train.batch={many}"), format!("train.epochs={many}"));
    assert_snapshot!(refused(&["r.toml", &batch, &epochs]), @r"
    error: keys: expected a grid of at most 1000 settings, found 1600
    hint: draw some of them with --runs 16
    ");
    assert_snapshot!(refused(&["--resume", "shapes"]), @r"
    error: shapes/sweep.json: expected a document of seamripper.sweep/1, found: No such file or directory (os error 2)
    hint: `seamripper sweep RECIPE key=a,b,c` begins one
    ");
    assert_snapshot!(refused(&["--resume", "s", "train.rate=1,2"]), @r"
    error: the argument '--resume <SWEEP>' cannot be used with '[RECIPE]'

    Usage: seamripper sweep --quiet --resume <SWEEP> [RECIPE] [KEY=VALUES]...

    For more information, try '--help'.
    ");
    fs::create_dir(place.at("s")).unwrap();
    fs::write(place.at("s/sweep.json"), "{}").unwrap();
    assert_snapshot!(refused(&["--resume", "s"]), @r"
    error: s/sweep.json: expected a document of seamripper.sweep/1, found: missing field `schema` at line 1 column 2
    hint: the file is damaged: begin anew with another --out
    ");
}

/// The commands of `docs/sweep.md`, on the drawn shapes.
#[test]
fn the_page_works_as_written() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sweep.md");
    let page = fs::read_to_string(page).unwrap();
    let place = Place::new();
    fs::create_dir(place.at("recipes")).unwrap();
    fs::copy(place.at("r.toml"), place.at("recipes/seed.toml")).unwrap();
    let mut commands = 0;
    for block in page.split("```sh\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            let program = env!("CARGO_BIN_EXE_seamripper");
            let mut command = Command::new("sh");
            command.args(["-ec", &line.replacen("seamripper", program, 1)]);
            place.alone(&mut command);
            let output = command.output().unwrap();
            assert!(output.status.success(), "{line}\n{}", place.text(&output.stderr));
            assert!(place.text(&output.stdout).len() > 100, "{line}");
            commands += 1;
        }
    }
    assert!(commands >= 4, "{commands} commands");
}
