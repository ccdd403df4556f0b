//! `seamripper lr-find`, as a user runs it.

use insta::assert_snapshot;
use serde_json::Value;

use crate::train::Place;

#[test]
fn a_rate_is_suggested_and_the_same_with_any_number_of_threads() {
    let place = Place::new();
    let find = |threads: &str| {
        let output = place.done(&["lr-find", "r.toml", "--json", "--quiet", "--threads", threads]);
        assert_eq!(place.text(&output.stderr), "");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let document = find("1");
    assert_eq!(document, find("3"));
    assert_eq!(document["schema"], "seamripper.lr-find/2");
    let number = |value: &Value| value.as_f64().unwrap();
    let tests = document["tests"].as_array().unwrap();
    assert_eq!(tests.len(), 1 + 9);
    for test in tests {
        let trials = test["trials"].as_array().unwrap();
        assert!(trials.len() > 100, "{}", trials.len());
        assert_eq!(trials[0]["rate"], test["lowest"]);
        assert_eq!(test["steps"], 200);
    }
    assert_eq!((number(&tests[0]["lowest"]), number(&tests[0]["highest"])), (1e-6, 10.0));
    let (suggested, edge) = (number(&document["suggested"]), number(&document["edge"]));
    assert_eq!(suggested, 0.1 * edge);
    let edges: Vec<_> = tests[1..].iter().filter_map(|test| test["edge"].as_f64()).collect();
    let mean = edges.iter().map(|edge| edge.ln()).sum::<f64>() / edges.len() as f64;
    assert!((mean.exp() / edge - 1.0).abs() < 1e-12, "{edges:?}");
    // the recipe trains well at 0.01
    assert!((1e-3..0.1).contains(&suggested), "{suggested}");
    assert!(!place.at("runs").exists(), "nothing is written");
}

#[test]
fn what_is_printed() {
    let place = Place::new();
    let output = place.done(&["lr-find", "r.toml", "--quiet", "train.optimizer=sgd"]);
    let said = place.text(&output.stdout);
    let first: Vec<_> = said.lines().take(3).collect();
    assert_snapshot!(first.join("\n"), @r"
    a first look: 200 steps of 32 images, each at a larger rate

       rate    loss
    ");
    assert!(said.lines().count() > 20 && said.contains("Suggested: train.rate="), "{said}");
    assert_snapshot!(place.refused_by(place.program(&["lr-find", "r.toml", "--tests", "2", "--quiet"])), @r"
    error: invalid value '2' for '--tests <N>': 2 is not in 3..=1000

    For more information, try '--help'.
    ");
    assert_snapshot!(place.refused_by(place.program(&["lr-find", "s.toml", "--quiet"])), @r"
    error: recipe s.toml: expected a TOML file, found nothing of that name
    hint: a recipe is a .toml file, as those in the folder recipes of seamripper's sources
    ");
}
