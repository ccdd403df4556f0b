//! What a run folder holds and what is printed, as DESIGN promises.

use std::collections::BTreeSet;
use std::fs;

use seamripper_core::recipe::Recipe;
use serde_json::{Value, json};

use super::{EPOCHS, Place, RECIPE, epochs};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[test]
fn a_run_folder_holds_what_is_promised() {
    let place = Place::new();
    let output = place.done(&["train", "r.toml", "--json", "--quiet", "--no-report", "--out", "run"]);
    assert_eq!(place.text(&output.stderr), "", "quiet");

    let mut files: Vec<_> = fs::read_dir(place.at("run"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(
        files,
        [
            "checkpoints",
            "environment.json",
            "eval.json",
            "events.out.tfevents",
            "metrics.jsonl",
            "model.safetensors",
            "predictions.parquet",
            "recipe.toml"
        ]
    );
    metrics(&place);
    let evaluation = evaluation(&place);
    environment(&place);
    predictions(&place);
    resolved_recipe(&place);

    let document: Value = serde_json::from_slice(&output.stdout).expect("one document and nothing else");
    assert_eq!(document["schema"], "seamripper.train/1");
    assert_eq!(document["run"], "run");
    assert_eq!(document["epochs"], EPOCHS);
    assert_eq!(document["eval"], evaluation);
}

fn metrics(place: &Place) {
    let text = fs::read_to_string(place.at("run/metrics.jsonl")).unwrap();
    assert_eq!(text.lines().count(), EPOCHS);
    for (epoch, line) in (1..).zip(text.lines()) {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            keys(&line).into_iter().collect::<BTreeSet<_>>(),
            BTreeSet::from([
                "epoch",
                "seconds",
                "images_per_second",
                "rate",
                "train_loss",
                "validation_loss",
                "validation_accuracy",
                "classes"
            ])
        );
        assert_eq!(line["epoch"], epoch);
        for key in ["seconds", "images_per_second", "train_loss", "validation_loss", "validation_accuracy"] {
            assert!(number(&line[key]) >= 0.0, "{line}");
        }
        assert!((0.0..=0.01).contains(&number(&line["rate"])), "{line}");
        let classes = line["classes"].as_array().unwrap();
        let names: Vec<_> = classes.iter().map(|class| class["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["disc", "ring", "cross"]);
        for class in classes {
            assert!(
                (0.0..=1.0).contains(&number(&class["recall"])) && number(&class["bias"]) >= 0.0,
                "{line}"
            );
        }
    }
}

fn evaluation(place: &Place) -> Value {
    let document = place.json("run/eval.json");
    assert_eq!(document["schema"], "seamripper.eval/1");
    assert_eq!(document["n"], 90);
    for key in ["accuracy", "log_loss", "brier", "ece"] {
        assert!(number(&document[key]) >= 0.0, "{key}");
    }
    assert!(number(&document["accuracy"]) > 0.8, "{}", document["accuracy"]);
    for interval in
        [&document["accuracy_ci"], &document["classes"][0]["bias_ci"], &document["classes"][0]["recall_ci"]]
    {
        assert_eq!(interval.as_array().unwrap().len(), 2);
    }
    assert_eq!(document["classes"].as_array().unwrap().len(), 3);
    for class in document["classes"].as_array().unwrap() {
        assert_eq!(class["actual"], 30);
        for key in ["predicted", "bias", "bias_p", "precision", "recall", "f1"] {
            assert!(number(&class[key]) >= 0.0, "{key}");
        }
        assert!(class["flagged"].is_boolean());
    }
    let rows = document["confusion"].as_array().unwrap();
    let sums: Vec<u64> =
        rows.iter().map(|row| row.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum()).collect();
    assert_eq!(sums, [30, 30, 30]);

    let output = place.done(&["eval", "run", "--json", "--quiet"]);
    assert_eq!(place.text(&output.stdout), place.text(&place.read("run/eval.json")), "eval RUN");
    rounded(place, &document);
    averaged(place, &document);
    document
}

/// `--bf16` reports the rounded model, and what rounding changed.
fn rounded(place: &Place, exact: &Value) {
    let output = place.done(&["eval", "run", "--json", "--quiet", "--bf16"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_ne!(document["log_loss"], exact["log_loss"], "nothing was rounded");
    let difference = number(&document["accuracy"]) - number(&exact["accuracy"]);
    let bf16 = &document["bf16"];
    assert_eq!(bf16["n"], 90);
    assert!((number(&bf16["difference"]) - difference).abs() < 1e-12);
    let gained = number(&bf16["gained"]) - number(&bf16["lost"]);
    assert!((gained / 90.0 - difference).abs() < 1e-12);
    let output = place.done(&["eval", "run", "--quiet", "--bf16"]);
    assert!(place.text(&output.stdout).contains("bf16 in place of float32: accuracy"));
}

/// `--tta` reports the mean over views, and what that changed.
fn averaged(place: &Place, alone: &Value) {
    let output = place.done(&["eval", "run", "--json", "--quiet", "--tta", "flip,shift"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_ne!(document["log_loss"], alone["log_loss"], "one view was looked at");
    let difference = number(&document["accuracy"]) - number(&alone["accuracy"]);
    assert!((number(&document["tta"]["difference"]) - difference).abs() < 1e-12);
    assert!(document["bf16"].is_null());
    let output = place.done(&["eval", "run", "--quiet", "--tta", "flip"]);
    assert!(place.text(&output.stdout).contains("views averaged, in place of the image alone: accuracy"));
}

fn environment(place: &Place) {
    let document = place.json("run/environment.json");
    for key in ["version", "commit", "os", "arch", "isa"] {
        assert!(document[key].as_str().is_some_and(|text| !text.is_empty()), "{key}");
    }
    assert_eq!(document["schema"], "seamripper.environment/1");
    assert_eq!(document["command"].as_array().unwrap().last().unwrap(), "run");
    assert!(document["threads"].as_u64().unwrap() >= 1);
    assert_eq!(document["data"]["name"], "idx:shapes");
    let files = document["data"]["files"].as_array().unwrap();
    assert_eq!(files.len(), 4);
    assert!(files.iter().all(|file| file["sha256"].as_str().unwrap().len() == 64));
}

fn predictions(place: &Place) {
    let table = "run/predictions.parquet";
    let output = place.done(&["eval", "--predictions", table, "--json"]);
    assert_eq!(place.text(&output.stdout), place.text(&place.read("run/eval.json")), "eval --predictions");
    let output = place.done(&["eval", "--predictions", table, "--json", "--split", "validation"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["n"], 30);
    // the last epoch looked at the same images with the same weights
    let last = epochs(&place.at("run")).pop().unwrap();
    assert_eq!(document["accuracy"], last["validation_accuracy"]);
    let output = place.done(&["eval", "run", "--json", "--quiet", "--split", "validation"]);
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), document);
}

/// The resolved recipe is the recipe, and trains the same model.
fn resolved_recipe(place: &Place) {
    let text = place.text(&place.read("run/recipe.toml"));
    let read = |text: &str| Recipe::from_toml(text, "recipe.toml").unwrap();
    let resolved = read(&text);
    assert_eq!(resolved, read(RECIPE));
    assert_eq!(resolved.to_toml(), text);
    place.done(&["train", "run/recipe.toml", "--quiet", "--out", "again"]);
    place.assert_same("run", "again");
}

/// Digits and names of classes, which depend on the instruction set and the clock, are masked.
fn masked(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            ' ' if out.ends_with("  ") => {}
            other => out.push(other),
        }
    }
    ["disc", "ring", "cross"]
        .iter()
        .fold(out, |out, class| out.replace(class, "CLASS"))
        .replace("#.#", "#")
        .replace("#,#", "#")
}

#[test]
fn without_a_terminal_there_is_a_line_an_epoch() {
    let place = Place::new();
    let output = place.done(&["train", "r.toml", "--no-report", "train.epochs=3"]);
    let said = place.text(&output.stderr);
    assert_eq!(said.lines().filter(|line| line.starts_with("epoch")).count(), 3);
    insta::assert_snapshot!(masked(&said), @r"
    reading and verifying shapes/train-images-idx#-ubyte
    reading and verifying shapes/train-labels-idx#-ubyte
    reading and verifying shapes/t#k-images-idx#-ubyte
    reading and verifying shapes/t#k-labels-idx#-ubyte
    # training images (expanded from #), # validation, # test
    run folder runs/r
    epoch  #/#  # images/s  loss #  validation loss #, accuracy # %  worst class CLASS, recall # %  bias # to #  # s left
    epoch  #/#  # images/s  loss #  validation loss #, accuracy # %  worst class CLASS, recall # %  bias # to #  # s left
    epoch  #/#  # images/s  loss #  validation loss #, accuracy # %  worst class CLASS, recall # %  bias # to #
    ");
    // the report begins with the classes and ends with accuracy and the folder
    let report = place.text(&output.stdout);
    let place_of = |text: &str| report.find(text).unwrap_or_else(|| panic!("{text} is not in\n{report}"));
    assert!(place_of("ring") < place_of("accuracy"));
    assert!(report.ends_with("\n\nrun folder: runs/r\n"), "{report}");
    assert!(!report.contains('\u{1b}'), "no colors in a file");
}

#[test]
fn runs_are_numbered_and_take_their_recipes_name() {
    let place = Place::new();
    for expected in ["runs/r", "runs/r-2", "runs/r-3"] {
        let output = place.done(&["train", "r.toml", "train.epochs=1", "--json", "--quiet"]);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["run"], expected);
        assert!(place.at(expected).join("model.safetensors").is_file());
    }
}

#[test]
fn changes_and_seed_end_up_in_the_recipe_of_the_run() {
    let place = Place::new();
    place.done(&[
        "train",
        "r.toml",
        "train.epochs=1",
        "train.schedule=constant",
        "--seed",
        "7",
        "--quiet",
        "--out",
        "run",
    ]);
    let recipe = Recipe::from_toml(&place.text(&place.read("run/recipe.toml")), "recipe.toml").unwrap();
    assert_eq!((recipe.train.epochs, recipe.train.seed), (1, 7));
    assert_eq!(recipe.train.schedule, seamripper_core::recipe::Schedule::Constant);
}

/// All images to train on, as in the post, and no test part: there is nothing to report, and that is said.
#[test]
fn nothing_to_report_is_said_in_json_too() {
    let place = Place::new();
    for name in ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
        fs::remove_file(place.at("shapes").join(name)).unwrap();
    }
    let changes = ["train", "r.toml", "train.epochs=1", "data.validation=0"];
    let output = place.done(&[&changes[..], &["--json", "--out", "a"]].concat());
    let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!(document, json!({"schema": "seamripper.train/1", "run": "a", "epochs": 1, "eval": null}));
    insta::assert_snapshot!(masked(&place.text(&output.stderr)), @r"
    reading and verifying shapes/train-images-idx#-ubyte
    reading and verifying shapes/train-labels-idx#-ubyte
    # training images (expanded from #), # validation, # test
    run folder a
    epoch  #/#  # images/s  loss #  worst class CLASS, recall # %  bias # to #
    there are no validation and no test images, so there is nothing to report
    ");
    let output = place.done(&[&changes[..], &["--quiet", "--out", "b"]].concat());
    assert_eq!(place.text(&output.stdout), "run folder: b\n");
    assert!(place.at("b/model.safetensors").is_file());
}

/// A reader that leaves (`2>&1 | head`) must not cost the run.
#[test]
fn a_reader_that_leaves_does_not_stop_the_run() {
    use std::process::Stdio;
    let place = Place::new();
    let mut command = place.program(&["train", "r.toml", "train.epochs=2", "--out", "run"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(place.at("run/model.safetensors").is_file());
}

/// On a terminal there is a board besides, made for its size; on a small one, or a dumb one, there is not. `script` is the terminal.
#[test]
#[cfg(target_os = "linux")]
fn on_a_terminal_there_is_a_board() {
    let seen = |name: &str, size: &str, environment: &str| {
        let place = Place::new();
        let program = env!("CARGO_BIN_EXE_seamripper");
        let train = format!("{environment} {program} train r.toml --no-report train.epochs=400 --out {name}");
        let output = std::process::Command::new("script")
            .args(["-qec", &format!("stty {size}; {train}"), "/dev/null"])
            .current_dir(place.at(""))
            .stdin(std::process::Stdio::null())
            .output()
            .expect("`script`, of bsdutils");
        let text = place.text(&output.stdout);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("epoch 400/400"), "{text}");
        text
    };
    let whole = seen("whole", "rows 40 cols 100", "TERM=xterm");
    for words in ["worst       ", "rate        ", "of the validation images", "█"] {
        assert!(whole.contains(words), "{words}: {whole}");
    }
    assert!(!seen("small", "rows 40 cols 60", "TERM=xterm").contains("rate        "));
    assert!(!seen("dumb", "rows 40 cols 100", "TERM=dumb").contains("rate        "));
}
