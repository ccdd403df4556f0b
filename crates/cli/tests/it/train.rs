//! `seamripper train`, as a user runs it, on a small set of drawn shapes.

mod contract;
mod corrections;
mod events;
mod fashion_mnist;
mod film;
mod folds;
mod full_disk;
pub mod interrupted;
mod profile;
mod refused;
mod same_bytes;
mod seeds;
pub mod shapes;
mod teacher;
mod transfer;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use seamripper_core::random::{Purpose, Stream};
use serde_json::Value;
use tempfile::TempDir;

/// Epochs of [`RECIPE`].
const EPOCHS: usize = 20;

/// Everything that draws or remembers; 270 images to train on, 30 held out, 90 to test.
const RECIPE: &str = r#"[data]
source = "idx:shapes"
validation = 0.1

[augment]
expand = [{ rotate = [-10, 10] }]
online = [{ flip = 0.5 }, { crop = { pad = 1 } }, { noise = 0.02 }]

[model]
input = [12, 12, 1]
layers = ["conv 16 5x5", "batch_norm relu", "max_pool 2", "flatten", "dropout 0.2", "dense 16 relu", "dense 3"]

[train]
epochs = 20
batch = 32
rate = 0.01
schedule = "cosine"
"#;

/// A folder with `r.toml` and the set it trains on; the program is run in it.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        shapes::write(&folder.path().join("shapes"), 300, 90);
        fs::write(folder.path().join("r.toml"), RECIPE).unwrap();
        Self(folder)
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program, alone: nothing of the environment, no data set but the drawn one, no network.
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seamripper"));
        command.args(arguments);
        self.alone(&mut command);
        command
    }

    pub(crate) fn alone(&self, command: &mut Command) {
        command.current_dir(self.0.path());
        for name in ["SEAMRIPPER_DATA", "SEAMRIPPER_ISA", "NO_COLOR", "CLICOLOR_FORCE", "RAYON_NUM_THREADS"] {
            command.env_remove(name);
        }
        command
            .env("SEAMRIPPER_MIRROR", "off")
            .env("SEAMRIPPER_SYSTEM_DATA", self.at("system"))
            .env("XDG_CACHE_HOME", self.at("cache"));
    }

    /// A call that must succeed.
    pub(crate) fn done(&self, arguments: &[&str]) -> Output {
        succeeded(self.program(arguments))
    }

    /// A file of a run.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.at(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    /// What `stdout` or `stderr` say, with the folder called FOLDER.
    pub(crate) fn text(&self, bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).unwrap().replace(&*self.0.path().to_string_lossy(), "FOLDER")
    }

    /// stderr of a command that must end with exit code 2, without a word on stdout and without a panic.
    pub(crate) fn refused_by(&self, mut command: Command) -> String {
        let output = command.output().unwrap();
        let stderr = self.text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert_eq!(self.text(&output.stdout), "");
        assert!(!stderr.contains("panicked"), "{stderr}");
        stderr
    }

    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let mut quiet = vec!["train", "--quiet"];
        quiet.extend(arguments);
        self.refused_by(self.program(&quiet))
    }

    /// That two runs hold the same bytes in everything a seed decides.
    pub(crate) fn assert_same(&self, left: &str, right: &str) {
        let (left, right) = (self.0.path().join(left), self.0.path().join(right));
        for name in DECIDED {
            let [left, right] = [&left, &right].map(|run| fs::read(run.join(name)).unwrap());
            assert!(left == right, "{name} is not the same");
        }
        assert_eq!(epochs(&left), epochs(&right));
    }
}

/// Files whose bytes the recipe, the seed and the instruction set decide.
const DECIDED: [&str; 5] =
    ["recipe.toml", "model.safetensors", "checkpoints/last.safetensors", "predictions.parquet", "eval.json"];

fn succeeded(mut command: Command) -> Output {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The lines of a run's `metrics.jsonl`, without what the clock decides.
fn epochs(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    text.lines()
        .map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            for clock in ["seconds", "images_per_second"] {
                let measured = line.as_object_mut().unwrap().remove(clock);
                assert!(
                    measured.and_then(|value| value.as_f64()).is_some_and(|value| value > 0.0),
                    "{clock}"
                );
            }
            line
        })
        .collect()
}

#[test]
#[should_panic(expected = "model.safetensors is not the same")]
fn the_comparison_of_runs_fails_on_one_wrong_byte() {
    let place = Place::new();
    for run in ["a", "b"] {
        fs::create_dir_all(place.at(run).join("checkpoints")).unwrap();
        for name in DECIDED {
            fs::write(place.at(run).join(name), name).unwrap();
        }
    }
    fs::write(place.at("b/model.safetensors"), "model.safetensort").unwrap();
    place.assert_same("a", "b");
}
