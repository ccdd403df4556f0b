//! Runs that are killed or interrupted go on to the very bytes of a run that was not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{EPOCHS, Place, epochs};

/// Longest time a run may take to reach an epoch.
const PATIENCE: Duration = Duration::from_secs(60);

/// Epochs that `run` has behind it.
fn epochs_done(run: &Path) -> usize {
    fs::read_to_string(run.join("metrics.jsonl")).map_or(0, |text| text.lines().count())
}

/// Starts a command, and comes back when `run` is begun and `part` of it (or `run` itself) has `epochs` epochs behind it.
pub fn started(mut command: Command, run: &Path, part: &Path, epochs: usize) -> Child {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while !run.join("recipe.toml").exists() || epochs_done(part) < epochs {
        assert!(
            child.try_wait().unwrap().is_none() && began.elapsed() < PATIENCE,
            "epoch {epochs} was not seen"
        );
        sleep(Duration::from_millis(1));
    }
    child
}

/// The run that `run` is, or is a part of.
fn begun(place: &Place, run: &str) -> PathBuf {
    place.at(run.split('/').next().unwrap_or(run))
}

/// Kills a run (SIGKILL) as soon as `epochs` are there. It must not have come to its end.
pub(super) fn killed(place: &Place, arguments: &[&str], run: &str, epochs: usize) {
    let mut child = started(place.program(arguments), &begun(place, run), &place.at(run), epochs);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!place.at(run).join("model.safetensors").exists(), "killed too late");
}

/// Interrupts a run (SIGINT, as Ctrl-C does) as soon as `epochs` are there.
pub(super) fn interrupted(place: &Place, arguments: &[&str], run: &str, epochs: usize) -> Output {
    sent(started(place.program(arguments), &begun(place, run), &place.at(run), epochs))
}

/// As [`interrupted`], of a run in any folder.
pub fn interrupted_at(place: &Place, arguments: &[&str], run: &str, epochs: usize) -> Output {
    sent(started(place.program(arguments), &place.at(run), &place.at(run), epochs))
}

fn sent(child: Child) -> Output {
    let sent = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    assert!(sent.success());
    child.wait_with_output().unwrap()
}

fn assert_every_epoch_once(run: &Path) {
    let seen: Vec<_> = epochs(run).iter().map(|line| line["epoch"].as_u64().unwrap()).collect();
    assert_eq!(seen, (1..=EPOCHS as u64).collect::<Vec<_>>());
}

#[test]
fn a_run_killed_in_any_epoch_resumes_to_the_same_bytes() {
    let place = Place::new();
    place.done(&["train", "r.toml", "--quiet", "--out", "whole"]);
    for epoch in [0, 1, EPOCHS / 2, EPOCHS - 6] {
        let run = format!("killed-{epoch}");
        killed(&place, &["train", "r.toml", "--quiet", "--out", &run], &run, epoch);
        place.done(&["train", "--quiet", "--resume", &run]);
        place.assert_same("whole", &run);
        assert_every_epoch_once(&place.at(&run));
    }
}

#[test]
fn a_run_killed_again_and_again_comes_to_its_end() {
    let place = Place::new();
    place.done(&["train", "r.toml", "--quiet", "--out", "whole", "--threads", "1"]);
    killed(&place, &["train", "r.toml", "--out", "run"], "run", 2);
    for epoch in [4, 6, 8] {
        killed(&place, &["train", "--resume", "run"], "run", epoch);
    }
    place.done(&["train", "--resume", "run"]);
    place.assert_same("whole", "run");
    assert_every_epoch_once(&place.at("run"));
    // a run that is at its end stays as it is
    place.done(&["train", "--resume", "run", "--quiet"]);
    place.assert_same("whole", "run");
}

#[test]
fn ctrl_c_finishes_the_step_and_loses_nothing() {
    let place = Place::new();
    place.done(&["train", "r.toml", "--quiet", "--out", "whole"]);
    let output = interrupted(&place, &["train", "r.toml", "--out", "run"], "run", 2);
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(place.text(&output.stdout), "");
    let said = place.text(&output.stderr);
    let rest = &said[said.find("finishing").unwrap_or_else(|| panic!("{said}"))..];
    // the signal may come while an epoch ends, whose line then follows
    let rest: Vec<_> = rest.lines().filter(|line| !line.starts_with("epoch ")).collect();
    insta::assert_snapshot!(without_digits(&rest.join("\n")), @r"
    finishing the step and writing a checkpoint; Ctrl-C again ends at once
    interrupted in epoch # of #; `seamripper train --resume run` goes on from this very step
    ");
    assert!(place.at("run/checkpoints/last.safetensors").is_file());
    assert!(!place.at("run/model.safetensors").exists());

    let output = interrupted(&place, &["train", "--resume", "run"], "run", 6);
    assert_eq!(output.status.code(), Some(130));
    place.done(&["train", "--resume", "run"]);
    place.assert_same("whole", "run");
    assert_every_epoch_once(&place.at("run"));
}

fn without_digits(text: &str) -> String {
    let digits = |character: char| if character.is_ascii_digit() { '#' } else { character };
    text.chars().map(digits).collect::<String>().replace("##", "#").replace("after epoch", "in epoch")
}

/// Files that a killed run had not yet given their name are cleared away by the run that goes on.
#[test]
fn half_written_files_are_cleared_away() {
    let place = Place::new();
    killed(&place, &["train", "r.toml", "--out", "run"], "run", 1);
    for name in ["run/.model.safetensors.4194305.part", "run/checkpoints/.last.safetensors.4194305.part"] {
        fs::write(place.at(name), "half").unwrap();
    }
    place.done(&["train", "--resume", "run", "--quiet"]);
    for folder in ["run", "run/checkpoints"] {
        for entry in fs::read_dir(place.at(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.ends_with(".part"), "{folder}/{name}");
        }
    }
}
