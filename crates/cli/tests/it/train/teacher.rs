//! `[train] teacher`: a run learns from another model's probabilities, and keeps that model.

use std::fs;

use insta::assert_snapshot;

use super::{Place, RECIPE};

/// A place with a trained `base` and `t.toml`, which learns from it.
fn place() -> Place {
    let place = Place::new();
    place.done(&["train", "r.toml", "--quiet", "--no-report", "--out", "base", "train.epochs=4"]);
    let taught = "[train]\nteacher = { model = \"base\", weight = 0.9, temperature = 3 }";
    fs::write(place.at("t.toml"), RECIPE.replace("[train]", taught)).unwrap();
    place
}

#[test]
fn a_run_learns_from_a_model_and_goes_on_without_its_file() {
    let place = place();
    let said = place.done(&["train", "t.toml", "--no-report", "--out", "taught"]);
    let said = place.text(&said.stderr);
    assert!(said.contains("learns from base: 0.9 of the loss, at a temperature of 3"), "{said}");
    assert_eq!(place.json("taught/environment.json")["teacher"]["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(place.read("taught/teacher.safetensors"), place.read("base/model.safetensors"));
    place.done(&["train", "r.toml", "--quiet", "--no-report", "--out", "alone"]);
    assert_ne!(place.read("taught/model.safetensors"), place.read("alone/model.safetensors"));

    trained_anew(&place, "taught", "taught");
    place.done(&["eval", "taught", "--quiet"]);
}

/// Forgets all that `run` has learnt, and its teacher's file; `resume` then comes to the same model, from the copy.
fn trained_anew(place: &Place, run: &str, resume: &str) {
    let file = |name: &str| format!("{run}/{name}");
    let model = place.read(&file("model.safetensors"));
    fs::remove_dir_all(place.at("base")).unwrap();
    for name in ["model.safetensors", "eval.json", "checkpoints/last.safetensors"] {
        fs::remove_file(place.at(&file(name))).unwrap();
    }
    place.done(&["train", "--resume", resume, "--quiet"]);
    assert!(place.read(&file("model.safetensors")) == model, "another model than before");
}

#[test]
fn seeds_share_the_teacher() {
    let place = place();
    place.done(&["train", "t.toml", "--quiet", "--seeds", "2", "--out", "seeds", "train.epochs=1"]);
    assert!(place.at("seeds/teacher.safetensors").is_file());
    assert!(!place.at("seeds/seed-0/teacher.safetensors").exists());
    trained_anew(&place, "seeds/seed-1", "seeds");
    let found = place.done(&["lr-find", "t.toml", "--json", "--quiet", "--tests", "3"]);
    assert!(place.text(&found.stdout).contains("\"trials\":[{\"rate\""), "a rate takes no teacher");
}

#[test]
fn what_cannot_teach() {
    let place = place();
    let said = [
        place.refused(&["t.toml", "train.teacher=nothing"]),
        place.refused(&["t.toml", "train.teacher.model=r.toml"]),
        place.refused_by(place.program(&["sweep", "t.toml", "train.rate=1e-2,1e-3"])),
    ];
    assert_snapshot!(said.join("\n"));
}
