//! The whole way on the real data: the experiment's network for one epoch of Fashion-MNIST.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const DATA: &str = "/usr/share/datasets/fashion-mnist";

/// An epoch on 54,000 images reaches 77.8 to 79.7 % with seeds 0 to 3; with seed 1, which is taken here, 79.7 %.
const LEAST_ACCURACY: f64 = 0.75;

#[test]
fn one_epoch_of_the_posts_network() {
    assert!(
        Path::new(DATA).is_dir(),
        "{DATA} is not there: install it with `apt-get install dataset-fashion-mnist`"
    );
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let output = Command::new(env!("CARGO_BIN_EXE_seamripper"))
        .args(["train", "recipes/seed.toml", "train.epochs=1", "augment.expand=[]", "data.validation=0.1"])
        .args(["--seed", "1", "--json", "--out"])
        .arg(&run)
        .current_dir(ROOT)
        .env("SEAMRIPPER_MIRROR", "off")
        .env_remove("SEAMRIPPER_DATA")
        .env_remove("SEAMRIPPER_SYSTEM_DATA")
        .env_remove("SEAMRIPPER_ISA")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("54,000 training images, 6,000 validation, 10,000 test"), "{said}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["eval"]["n"], 10_000);
    let accuracy = document["eval"]["accuracy"].as_f64().unwrap();
    assert!(accuracy > LEAST_ACCURACY, "test accuracy {accuracy}\n{said}");
    let names: Vec<_> = document["eval"]["classes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|class| class["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"Ankle boot") && names.len() == 10, "{names:?}");
    assert!(run.join("model.safetensors").is_file());
}
