//! The evaluation agrees with scikit-learn (and scipy) within [`BOUND`] on the tables of `golden/scikit-learn`: a class
//! never predicted, a class absent, ties, probabilities of exactly 0 and 1, two classes, a hundred.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use seamripper_core::fail::evaluate;
use seamripper_core::fail::statistics::exact_test::mcnemar_exact;
use seamripper_core::predictions::Predictions;
use seamripper_core::sample::Split;
use serde_json::{Value, json};

use crate::npz::{self, Array};

/// Largest difference of any number of the document.
const BOUND: f64 = 1e-9;

fn golden(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/scikit-learn").join(file)
}

fn expected() -> Value {
    serde_json::from_str(&fs::read_to_string(golden("expected.json")).unwrap()).unwrap()
}

pub fn table(tables: &HashMap<String, Array>, name: &str, k: usize) -> Predictions {
    let array = |part: &str| &tables[&format!("{name}.{part}")].values;
    let labels: Vec<u32> = array("labels").iter().map(|&label| label as u32).collect();
    Predictions {
        classes: (0..k).map(|class| format!("class {class}")).collect(),
        ids: (0..labels.len()).map(|row| row.to_string()).collect(),
        splits: vec![Split::Test; labels.len()],
        labels,
        probs: array("probs").clone(),
    }
}

/// Where `found` differs from `expected`: numbers by more than [`BOUND`], all else by anything. Keys that are not
/// expected are ignored, keys that are missing are not.
pub fn differences(place: &str, expected: &Value, found: &Value, into: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in expected {
                differences(
                    &format!("{place}.{key}"),
                    value,
                    found.get(key).unwrap_or(&json!("missing")),
                    into,
                );
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                differences(&format!("{place}[{index}]"), expected, found, into);
            }
        }
        (Value::Number(expected), Value::Number(found)) => {
            let off = (expected.as_f64().unwrap() - found.as_f64().unwrap()).abs();
            if off > BOUND || off.is_nan() {
                into.push(format!("{place}: {found}, expected {expected}"));
            }
        }
        _ if expected == found => {}
        _ => into.push(format!("{place}: {found}, expected {expected}")),
    }
}

#[test]
fn every_table_agrees() {
    let tables = npz::golden("scikit-learn/tables.npz");
    let expected = expected();
    let mut wrong = Vec::new();
    let documents = expected["tables"].as_object().unwrap();
    assert_eq!(documents.len(), 14, "tables");
    for (name, document) in documents {
        let k = document["classes"].as_array().unwrap().len();
        let found = serde_json::to_value(evaluate(&table(&tables, name, k))).unwrap();
        differences(name, document, &found, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_exact_test_agrees_up_to_a_million_errors() {
    for row in expected()["mcnemar"].as_array().unwrap() {
        let [a, b] = [0, 1].map(|column| row[column].as_u64().unwrap());
        let p = row[2].as_f64().unwrap();
        let relative = (mcnemar_exact(a, b) / p - 1.0).abs();
        assert!(relative < 1e-8, "{a} against {b}: {}, expected {p}", mcnemar_exact(a, b));
    }
}

#[test]
fn the_comparison_finds_a_wrong_value() {
    let right = json!({"n": 3, "ece": 0.25, "classes": [{"name": "a", "bias": null, "flagged": false}]});
    let found = |wrong: Value| {
        let mut into = Vec::new();
        differences("table", &right, &wrong, &mut into);
        into.join("\n")
    };
    assert_eq!(found(right.clone()), "");
    let mut extra = right.clone();
    extra["another"] = json!(1);
    extra["ece"] = json!(0.25 + 0.9 * BOUND);
    assert_eq!(found(extra), "");
    let wrong =
        json!({"n": 3, "ece": 0.25 + 1.1 * BOUND, "classes": [{"name": "b", "bias": 1.0, "flagged": true}]});
    assert_eq!(found(wrong).lines().count(), 4);
    assert_eq!(found(json!({"n": 3, "ece": null, "classes": []})).lines().count(), 2);
    assert_eq!(
        found(json!({"n": 3, "ece": 0.25})),
        "table.classes: \"missing\", expected [{\"bias\":null,\"flagged\":false,\"name\":\"a\"}]"
    );
}
