//! Calibration, abstention and label scores agree with netcal, scikit-learn, cleanlab and plain numpy within [`BOUND`] on the
//! tables of `golden/scikit-learn` and the scalings of `golden/calibration`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use seamripper_core::fail::abstain::RiskCoverage;
use seamripper_core::fail::calibration::bootstrap::Resampling;
use seamripper_core::fail::calibration::calibration;
use seamripper_core::fail::calibration::scaling::{Method, Scaling};
use seamripper_core::fail::label_errors::joint::ConfidentJoint;
use seamripper_core::fail::label_errors::scores;
use seamripper_core::predictions::Predictions;
use serde_json::{Value, json};

use crate::npz::{self, Array};
use crate::scikit_learn::{differences, table};

/// Largest difference of any number.
const BOUND: f64 = 1e-9;

fn expected() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/calibration/expected.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn found(predictions: &Predictions) -> Value {
    let curve = RiskCoverage::of(predictions);
    let mut found = json!({
        "calibration": calibration(predictions, Resampling { seed: 0, resamples: 1 }),
        "aurc": curve.aurc(),
        "excess_aurc": curve.excess_aurc(),
        "label_scores": {
            "self_confidence": scores::self_confidence(predictions),
            "normalized_margin": scores::normalized_margin(predictions),
            "confidence_weighted_entropy": scores::confidence_weighted_entropy(predictions),
            "counts": null,
            "joint": null,
        },
    });
    let joint = ConfidentJoint::of(predictions);
    if joint.thresholds.iter().all(Option::is_some) {
        found["label_scores"]["counts"] = json!(joint.counts);
        found["label_scores"]["joint"] = json!(joint.joint);
    }
    found
}

#[test]
fn every_table_agrees() {
    let tables = npz::golden("scikit-learn/tables.npz");
    let mut wrong = Vec::new();
    let expected = expected();
    let documents = expected["tables"].as_object().unwrap();
    assert_eq!(documents.len(), 14, "tables");
    for (name, document) in documents {
        let k = document["calibration"]["classes"].as_array().unwrap().len();
        differences(name, document, &found(&table(&tables, name, k)), &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Largest difference of a scaled table from the golden one.
fn off(method: Method, tables: &HashMap<String, Array>, name: &str) -> f64 {
    let (validation, test) = (table(tables, "validation", 5), table(tables, "test", 5));
    let scaled = Scaling::fit(method, &validation).unwrap().apply(&test);
    let golden = &tables[&format!("scaled.{name}")].values;
    assert_eq!(golden.len(), scaled.probs.len());
    scaled.probs.iter().zip(golden).map(|(found, golden)| (found - golden).abs()).fold(0.0, f64::max)
}

#[test]
fn every_scaling_agrees() {
    let tables = npz::golden("calibration/scaling.npz");
    for (method, name) in
        [(Method::Temperature, "temperature"), (Method::Vector, "vector"), (Method::Isotonic, "isotonic")]
    {
        let off = off(method, &tables, name);
        assert!(off <= BOUND, "{name}: {off:e}");
    }
    let Some(Scaling::Temperature { temperature }) =
        Scaling::fit(Method::Temperature, &table(&tables, "validation", 5))
    else {
        panic!("a temperature");
    };
    assert!((temperature - expected()["temperature"].as_f64().unwrap()).abs() <= BOUND);
}

#[test]
fn the_comparison_of_scalings_can_fail() {
    let tables = npz::golden("calibration/scaling.npz");
    assert!(off(Method::Temperature, &tables, "vector") > 1e-3);
}
