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
    assert_eq!(document["schema"], "seamripper.lr-find/1");
    let trials = document["trials"].as_array().unwrap();
    assert!(trials.len() > 300, "{}", trials.len());
    let number = |value: &Value| value.as_f64().unwrap();
    assert!((number(&trials[0]["rate"]) - 1e-6).abs() < 1e-15);
    let (suggested, edge) = (number(&document["suggested"]), number(&document["edge"]));
    assert_eq!(suggested, 0.1 * edge);
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
    500 steps of 32 images, each at a larger rate

       rate    loss
    ");
    assert!(said.lines().count() > 20 && said.contains("Suggested: train.rate="), "{said}");
    assert_snapshot!(place.refused_by(place.program(&["lr-find", "r.toml", "--steps", "9", "--quiet"])), @r"
    error: invalid value '9' for '--steps <N>': 9 is not in 100..=4294967295

    For more information, try '--help'.
    ");
    assert_snapshot!(place.refused_by(place.program(&["lr-find", "s.toml", "--quiet"])), @r"
    error: recipe s.toml: expected a TOML file, found nothing of that name
    hint: a recipe is a .toml file, as those in the folder recipes of seamripper's sources
    ");
}
