//! `seamripper selftest`, on drawn shapes. What it finds is its own test: `scripts/test` runs it whole.

use std::process::Output;

use assert_cmd::Command;
use insta::assert_snapshot;
use serde_json::Value;

fn call(arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("seamripper").unwrap();
    command.args(["selftest", "--quiet"]).args(arguments).output().unwrap()
}

fn document(arguments: &[&str]) -> Value {
    let output = call(arguments);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    let mut document: Value = serde_json::from_slice(&output.stdout).unwrap();
    // times differ from run to run, and nothing else may
    document["seconds"] = Value::Null;
    for key in ["plants", "trials"] {
        for row in document[key].as_array_mut().unwrap() {
            row["seconds"] = Value::Null;
        }
    }
    document
}

#[test]
fn the_document_has_floors_rows_and_trials_and_does_not_depend_on_threads() {
    let only = ["--quick", "--json", "--only", "class-order,exact-duplicate,null", "--seed", "3"];
    let one = document(&[&only[..], &["--threads", "1"]].concat());
    let two = document(&[&only[..], &["--threads", "2"]].concat());
    assert_eq!(one, two);
    assert_eq!(one["schema"], "seamripper.selftest/1");
    assert_eq!((&one["data"], &one["quick"], &one["seed"]), (&"shapes".into(), &true.into(), &3.into()));
    let names = |key: &str| -> Vec<String> {
        let rows = one[key].as_array().unwrap();
        rows.iter().map(|row| row["plant"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("plants"), ["exact-duplicate", "class-order", "null"]);
    assert_eq!(names("trials").len(), 2 + 4);
    let floors = one["floors"].as_array().unwrap();
    assert!(floors.len() == 3 && floors.iter().all(|floor| floor["met"] == true), "{floors:?}");
}

#[test]
fn a_plant_has_a_name_and_a_test_at_least_one_seed() {
    let refused = |arguments: &[&str]| {
        let output = call(arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        String::from_utf8(output.stderr).unwrap()
    };
    assert_snapshot!(refused(&["--seeds", "0"]), @r"
    error: --seeds: expected at least 1, found 0
    hint: leave it out for the usual number
    ");
    assert!(refused(&["--only", "pach"]).contains("a similar value exists: 'patch'"));
    assert_snapshot!(refused(&["--data", "fashion-mnits"]), @r"
    error: data source `fashion-mnits`: expected fashion-mnist, folder:PATH, csv:PATH, jsonl:PATH, parquet:PATH, npz:PATH, idx:PATH, found another name
    hint: did you mean `fashion-mnist`?
    ");
}
