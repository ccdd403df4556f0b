//! `eval --predictions` and `audit --predictions` say the same of one table, whatever its form.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/predictions").join(name)
}

fn document(verb: &str, file: &str) -> Value {
    let folder = tempfile::tempdir().unwrap(); // an audit leaves its files where it is called
    let mut program = Command::cargo_bin("seamripper").unwrap();
    program.current_dir(folder.path()).args([verb, "--quiet", "--json", "--predictions"]).arg(golden(file));
    let output = program.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Where the two differ: numbers by more than 1e-6 of the larger, or anything else.
fn difference(path: &str, a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
            let of = |key| b.get(key).unwrap_or(&Value::Null);
            a.iter().find_map(|(key, value)| difference(&format!("{path}.{key}"), value, of(key)))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let pairs = a.iter().zip(b).enumerate();
            pairs.into_iter().find_map(|(place, (a, b))| difference(&format!("{path}[{place}]"), a, b))
        }
        (Value::Number(a), Value::Number(b)) => {
            let [a, b] = [a, b].map(|number| number.as_f64().unwrap());
            ((a - b).abs() > 1e-6 * a.abs().max(b.abs())).then(|| format!("{path}: {a} and {b}"))
        }
        _ => (a != b).then(|| format!("{path}: {a} and {b}")),
    }
}

const FORMS: [&str; 5] = ["probs.npz", "probs.parquet", "logits.csv", "logits.npz", "logits.parquet"];

#[test]
fn eval_of_every_form() {
    let first = document("eval", "probs.csv");
    assert_eq!(first["n"], 90);
    assert_eq!(first["confusion"], serde_json::json!([[19, 8, 3], [3, 25, 2], [2, 1, 27]]));
    for form in FORMS {
        assert_eq!(difference("", &first, &document("eval", form)), None, "{form}");
    }
}

#[test]
fn audit_of_every_form() {
    // A digest of the table to its last bit, which a form may change.
    let document = |form: &str| {
        let mut document = document("audit", form);
        let subject = document.as_object_mut().unwrap().remove("subject");
        assert_eq!(subject.unwrap().as_str().unwrap().len(), 64);
        document
    };
    let first = document("probs.csv");
    assert_eq!(first["n"], 90);
    for form in FORMS {
        assert_eq!(difference("", &first, &document(form)), None, "{form}");
    }
}

#[test]
fn a_difference_is_found() {
    let first = document("eval", "probs.csv");
    let mut other = first.clone();
    other["classes"][1]["recall"] = (0.123).into();
    assert!(difference("", &first, &other).is_some_and(|found| found.starts_with(".classes[1].recall")));
}
