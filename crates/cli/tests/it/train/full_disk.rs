//! A disk that is full: the message names the file, the cause and the way to go on, and going on loses nothing.

use std::fs;
use std::process::Command;

use super::Place;

/// `script` in a shell, in which `"$@"` is the program with `arguments`.
fn shell(place: &Place, script: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_seamripper")]).args(arguments);
    place.alone(&mut command);
    command
}

const TRAIN: [&str; 5] = ["train", "r.toml", "--quiet", "--out", "run"];

/// No file may grow beyond a few kilobytes: enough for the recipe, too little for a checkpoint.
#[test]
fn a_checkpoint_larger_than_allowed() {
    let place = Place::new();
    place.done(&["train", "r.toml", "--quiet", "--out", "whole"]);
    let limited = shell(&place, r#"trap '' XFSZ; ulimit -f 8; exec "$@""#, &TRAIN);
    insta::assert_snapshot!(place.refused_by(limited), @r"
    error: cannot write run/checkpoints/last.safetensors: File too large (os error 27)
    hint: make room, then go on with `seamripper train --resume run`
    ");
    assert!(!place.at("run/checkpoints/last.safetensors").exists(), "no half checkpoint");
    place.done(&["train", "--resume", "run", "--quiet"]);
    place.assert_same("whole", "run");
}

/// The temporary name of `file` leads to `/dev/full`, which takes nothing; `$$` stays the program's number.
fn full(file: &str) -> String {
    let (folder, name) = file.rsplit_once('/').unwrap();
    format!(r#"mkdir -p {folder}; ln -s /dev/full "{folder}/.{name}.$$.part"; exec "$@""#)
}

#[test]
fn no_space_for_the_first_file() {
    let place = Place::new();
    let script = full("run/recipe.toml");
    insta::assert_snapshot!(place.refused_by(shell(&place, &script, &TRAIN)), @r"
    error: cannot write run/recipe.toml: No space left on device (os error 28)
    hint: free some space, or choose a folder on another disk
    ");
    // the same command again, when there is room
    place.done(&TRAIN);
}

#[test]
fn no_space_for_a_later_file() {
    let place = Place::new();
    place.done(&["train", "r.toml", "--quiet", "--out", "whole"]);
    for file in [
        "run/metrics.jsonl",
        "run/checkpoints/last.safetensors",
        "run/model.safetensors",
        "run/predictions.parquet",
    ] {
        let said = place.refused_by(shell(&place, &full(file), &TRAIN)).replace(file, "FILE");
        insta::allow_duplicates! {
            insta::assert_snapshot!(said, @r"
            error: cannot write FILE: No space left on device (os error 28)
            hint: make room, then go on with `seamripper train --resume run`
            ");
        }
        place.done(&["train", "--resume", "run", "--quiet"]);
        place.assert_same("whole", "run");
        fs::remove_dir_all(place.at("run")).unwrap();
    }
}
