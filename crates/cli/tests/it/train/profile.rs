//! `train --profile`: the table, its JSON, and that it changes nothing else.

use std::fs;

use seamripper_kernels::Instructions;
use serde_json::Value;

use super::interrupted::interrupted;
use super::{EPOCHS, Place, RECIPE};

/// A place whose recipe has fused, named and plain layers.
fn place() -> Place {
    let place = Place::new();
    let layers = r#"["conv 16 5x5 relu", "max_pool 2", "mid: conv 8 3x3 tanh", "batch_norm relu", "flatten", "dense 3"]"#;
    let lines = RECIPE.lines().map(|line| match line.starts_with("layers") {
        true => format!("layers = {layers}\n"),
        false => format!("{line}\n"),
    });
    fs::write(place.at("r.toml"), lines.collect::<String>()).unwrap();
    place
}

/// Numbers become `#`, spaces one.
fn masked(text: &str) -> String {
    let word = |word: &str| match word.trim_start_matches('≤') {
        number if number.chars().all(|c| c.is_ascii_digit() || ".,".contains(c)) && !number.is_empty() => {
            word.replace(number, "#")
        }
        _ => word.replace('─', ""),
    };
    let line = |line: &str| {
        let words = line.split_whitespace().map(word).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(" ") + "\n"
    };
    text.lines().map(line).collect::<String>().replace(Instructions::available()[0].name(), "ISA")
}

#[test]
fn the_table_names_every_layer() {
    let place = place();
    let output = place.done(&["train", "r.toml", "train.epochs=2", "--quiet", "--profile", "--threads", "2"]);
    assert_eq!(place.text(&output.stderr), "", "quiet");
    let text = place.text(&output.stdout);
    assert!(text.ends_with("\n\nrun folder: runs/r\n"), "{text}");
    let table = &text[text.find("where the time went").unwrap_or_else(|| panic!("{text}"))..];
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    insta::assert_snapshot!(masked(table), @r"
    where the time went: # training steps, # images in # s, # threads, ISA

    forward backward
    % of µs an GFLOP % of GB % of µs an GFLOP % of GB
    layers time image /s peak /s time image /s peak /s
    conv1 + relu + max_pool1 # # # # # # # ≤# ≤# #
    mid: conv # # # # # # # # # #
    tanh of mid # # # # # # # # # #
    batch_norm1 + relu # # # # # # # # # #
    dense1 # # # # # # # # # #
    all layers # # # # # # # ≤# ≤# #

    besides
    making batches # #
    images into the shards # #
    packing weights # #
    loss and its gradient # #
    summing weight gradients # #
    optimizer # #
    counting predictions # #
    validation images # #
    waiting, and the rest # #
    all # #

    µs are of thread time: an image took # µs on the clock, times # threads
    rates are of one thread at work; the multiply-add peak of each, all busy, is # GFLOP/s
    ≤ counts the winner of every pool window, those too that the ReLU set to zero

    run folder: runs/r
    ");
}

#[test]
fn json_has_it_and_its_shares_add_up() {
    let place = place();
    let output = place.done(&["train", "r.toml", "train.epochs=2", "--quiet", "--profile", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("one document and nothing else");
    assert_eq!(document["schema"], "seamripper.train/1");
    assert_eq!(document["eval"]["n"], 90);
    let profile = &document["profile"];
    // 270 images and as many copies, in batches of 32
    assert_eq!((&profile["steps"], &profile["images"]), (&34.into(), &1080.into()));
    assert!(profile["peak_gflop_per_second"].as_f64().unwrap() > 0.0);
    assert!(profile["seconds"].as_f64().unwrap() > 0.0);
    let ops = profile["ops"].as_array().unwrap();
    let names: Vec<_> = ops.iter().map(|op| op["name"].as_str().unwrap()).collect();
    let expected = ["conv1 + relu + max_pool1", "mid: conv", "tanh of mid", "batch_norm1 + relu", "dense1"];
    assert_eq!(names, expected);
    let mut whole = 0.0;
    for pass in ops.iter().flat_map(|op| [&op["forward"], &op["backward"]]) {
        whole += pass["share"].as_f64().unwrap();
        for key in ["microseconds_per_image", "flop_per_image", "bytes_per_image", "gflop_per_second"] {
            assert!(pass[key].as_f64().unwrap() > 0.0, "{key} in {pass}");
        }
        for key in ["share_of_peak", "gb_per_second"] {
            assert!(pass[key].as_f64().unwrap() > 0.0, "{key} in {pass}");
        }
    }
    assert_eq!(ops[0]["forward"]["flop_per_image"], (2 * 8 * 8 * 25 * 16) as f64);
    assert_eq!(
        (&ops[0]["forward"]["flop_at_most"], &ops[0]["backward"]["flop_at_most"]),
        (&false.into(), &true.into())
    );
    let parts = profile["parts"].as_array().unwrap();
    let names: Vec<_> = parts.iter().map(|part| part["name"].as_str().unwrap()).collect();
    let expected =
        ["batches", "input", "packing", "loss", "summing", "optimizer", "counting", "evaluation", "waiting"];
    assert_eq!(names, expected);
    whole += parts.iter().map(|part| part["share"].as_f64().unwrap()).sum::<f64>();
    assert!((whole - 1.0).abs() < 1e-9, "{whole}");
}

#[test]
fn it_changes_no_byte() {
    let place = place();
    place.done(&["train", "r.toml", "train.epochs=3", "--quiet", "--out", "plain"]);
    place.done(&["train", "r.toml", "train.epochs=3", "--quiet", "--out", "watched", "--profile"]);
    place.assert_same("plain", "watched");
}

#[test]
fn ctrl_c_prints_it_too() {
    let place = place();
    let arguments = ["train", "r.toml", "train.epochs=2000", "--profile"];
    let output = interrupted(&place, &[&arguments[..], &["--out", "a"]].concat(), "a", 1);
    assert_eq!(output.status.code(), Some(130));
    let text = place.text(&output.stdout);
    assert!(text.starts_with("where the time went: ") && text.contains("mid: conv"), "{text}");

    let output = interrupted(&place, &[&arguments[..], &["--out", "b", "--json"]].concat(), "b", 1);
    assert_eq!(output.status.code(), Some(130));
    let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!((&document["run"], &document["eval"]), (&"b".into(), &Value::Null));
    assert!(document["profile"]["steps"].as_u64().unwrap() > 0);
}

#[test]
fn a_run_at_its_end_has_nothing_to_measure() {
    let place = Place::new();
    place.done(&["train", "r.toml", "--quiet", "--out", "run"]);
    assert_eq!(super::epochs(&place.at("run")).len(), EPOCHS);
    let output = place.done(&["train", "--resume", "run", "--quiet", "--profile"]);
    let text = place.text(&output.stdout);
    assert!(text.ends_with("\nno step was taken, so there is no profile\n\nrun folder: run\n"), "{text}");
    let output = place.done(&["train", "--resume", "run", "--quiet", "--profile", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document.as_object().unwrap().contains_key("profile") && document["profile"].is_null());
}
