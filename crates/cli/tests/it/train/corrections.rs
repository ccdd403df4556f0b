//! `--relabel` and `--drop`: corrected training images, in `train` and in all that looks at its runs.

use std::fs;

use insta::assert_snapshot;
use seamripper_data::predictions_file;

use super::Place;

const HEADER: &str = "id,given,suggested,score,flagged\n";

/// What the first training images are labelled.
fn labels(place: &Place) -> Vec<String> {
    let classes = ["disc", "ring", "cross"];
    let bytes = place.read("shapes/train-labels-idx1-ubyte");
    bytes[8..].iter().map(|&label| classes[usize::from(label)].to_owned()).collect()
}

/// `fixes.csv` gives the first image another class and leaves the second; `out.csv` drops the third and fourth.
fn tables(place: &Place) {
    let labels = labels(place);
    let other = if labels[0] == "disc" { "ring" } else { "disc" };
    let row = |index: usize, suggested: &str, flagged: bool| {
        format!("train-{index:05},{},{suggested},0.5,{flagged}\n", labels[index])
    };
    fs::write(place.at("fixes.csv"), [HEADER, &row(0, other, true), &row(1, other, false)].concat()).unwrap();
    fs::write(place.at("out.csv"), "id\ntrain-00002\ntrain-00003\n").unwrap();
}

const CORRECTED: [&str; 4] = ["train", "r.toml", "--relabel=fixes.csv", "--drop=out.csv"];

#[test]
fn labels_are_changed_and_images_dropped_and_counted() {
    let place = Place::new();
    tables(&place);
    let output = place.done(&[&CORRECTED[..], &["train.epochs=1", "--out", "run", "--folds=2"]].concat());
    assert!(place.text(&output.stderr).contains("\n1 label changed, 2 images dropped\n"));
    let table = predictions_file::read_out_of_fold(&place.at("run")).unwrap().unwrap();
    assert_eq!((table.len(), &table.ids[1][..], &table.ids[2][..]), (298, "train-00001", "train-00004"));
    let labels = labels(&place);
    assert_ne!(table.classes[table.labels[0] as usize], labels[0]);
    assert_eq!(table.classes[table.labels[1] as usize], labels[1]);
    let corrections = &place.json("run/environment.json")["corrections"];
    assert_eq!((&corrections["relabelled"], &corrections["dropped"]), (&1.into(), &2.into()));
    assert_eq!(place.read("run/corrections/relabel.csv"), place.read("fixes.csv"));

    let output = place.done(&["data", "idx:shapes", "--relabel=fixes.csv", "--drop=out.csv", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["corrections"], serde_json::json!({"relabelled": 1, "dropped": 2}));
    assert_eq!(document["splits"][0]["images"], 298);
}

/// The run keeps its tables: what becomes of the files it was given changes nothing.
#[test]
fn a_run_goes_on_and_is_evaluated_with_its_own_tables() {
    let place = Place::new();
    tables(&place);
    place.done(&[&CORRECTED[..], &["--quiet", "--out", "whole"]].concat());
    let child =
        super::interrupted::interrupted(&place, &[&CORRECTED[..], &["--out", "run"]].concat(), "run", 3);
    assert_eq!(child.status.code(), Some(130));
    let fixes = place.read("fixes.csv");
    for name in ["fixes.csv", "out.csv"] {
        fs::remove_file(place.at(name)).unwrap();
    }
    fs::write(place.at("other.csv"), HEADER).unwrap();
    assert_snapshot!(place.refused(&["--resume", "run", "--relabel=other.csv"]), @r"
    error: --relabel: expected the table that the run began with, found another, other.csv
    hint: a run goes on with the labels it began with: leave the option out, or begin a new run
    ");
    let before = place.read("run/corrections/relabel.csv");
    fs::write(place.at("run/corrections/relabel.csv"), HEADER).unwrap();
    assert_snapshot!(place.refused(&["--resume", "run"]), @r"
    error: table run/corrections/relabel.csv: expected the one that the run began with, found another
    hint: a run goes on with the labels it began with: leave the option out, or begin a new run
    ");
    fs::write(place.at("run/corrections/relabel.csv"), before).unwrap();
    fs::write(place.at("same.csv"), fixes).unwrap();
    place.done(&["train", "--resume", "run", "--quiet", "--relabel=same.csv"]);
    place.assert_same("whole", "run");

    // the images held out are those that were held out, with the labels of the run
    let eval = |run: &str| {
        let output = place.done(&["eval", run, "--split=validation", "--json", "--quiet"]);
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()["accuracy"].as_f64().unwrap()
    };
    let table = predictions_file::read(&place.at("run/predictions.parquet")).unwrap();
    let held: Vec<_> = (0..table.len()).filter(|&row| table.ids[row].starts_with("train")).collect();
    let right = held.iter().filter(|&&row| table.top1(row) == table.labels[row] as usize).count();
    assert_eq!(eval("run"), right as f64 / held.len() as f64);
    fs::remove_dir_all(place.at("run/corrections")).unwrap();
    assert_snapshot!(place.refused_by(place.program(&["eval", "run", "--quiet"])), @r"
    error: run folder run: expected its tables of corrections, found no corrections/relabel.csv and no corrections/drop.csv
    hint: its images cannot be told without them: bring them back, or train again
    ");
}

#[test]
fn every_mismatch_is_told_at_once() {
    let place = Place::new();
    let labels = labels(&place);
    let wrong = if labels[0] == "disc" { "ring" } else { "disc" };
    let rows = format!(
        "train-00000,{wrong},cross,0.1,true\ntrain-00900,disc,ring,0.1,true\ntest-00001,disc,ring,0.1,false\n"
    );
    fs::write(place.at("fixes.csv"), [HEADER, &rows].concat()).unwrap();
    fs::write(place.at("out.csv"), "id,flagged\ntrain-00901,true\n").unwrap();
    let said = place.refused(&CORRECTED[1..]);
    let said = said.replace(&format!("`{wrong}`, found `{}`", labels[0]), "`WRONG`, found `RIGHT`");
    assert_snapshot!(said, @r"
    error: rows of out.csv: expected a usable label in each, found id `train-00901`: expected a training image of the data set, found none

    error: rows of fixes.csv: expected a usable label in each, found 3 problems
      id `train-00000`: expected the label `WRONG`, found `RIGHT`
      id `train-00900`: expected a training image of the data set, found none
      id `test-00001`: expected a training image of the data set, found none
    hint: correct these rows or leave them out: nothing is changed before all rows can be used
    ");
    fs::write(place.at("fixes.csv"), [HEADER, "train-00000,disc,crss,0.1,true\n"].concat()).unwrap();
    assert_snapshot!(place.refused(&["r.toml", "--relabel=fixes.csv"]), @r"
    error: rows of fixes.csv: expected a usable label in each, found line 2: suggested: expected a class, found `crss` (is `cross` meant?)
    hint: correct these rows or leave them out: nothing is changed before all rows can be used
    ");
    assert_snapshot!(place.refused(&["r.toml", "--relabel=absent.csv"]), @r"
    error: cannot read absent.csv: No such file or directory (os error 2)
    hint: check the spelling of the path
    ");
    assert!(!place.at("runs").exists());
}
