//! `environment.json`: on what a run was made.

use std::fs::File;
use std::io::{BufRead, BufReader};

use seamripper_data::source::Dataset;
use seamripper_kernels::Instructions;
use serde_json::{Value, json};

/// The document; `more` are entries that only some runs have.
pub fn describe(
    isa: Instructions,
    threads: usize,
    data: &Dataset,
    more: impl IntoIterator<Item = (&'static str, Option<Value>)>,
) -> String {
    let files: Vec<_> = data
        .origin
        .files
        .iter()
        .map(|file| json!({"path": file.path.display().to_string(), "sha256": file.sha256.to_string()}))
        .collect();
    let mut document = json!({
        "schema": "seamripper.environment/1",
        "version": env!("CARGO_PKG_VERSION"),
        "commit": env!("SEAMRIPPER_COMMIT"),
        "command": std::env::args().collect::<Vec<_>>(),
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
        "cpu": cpu(),
        "isa": isa.name(),
        "threads": threads,
        "data": {"name": data.name, "files": files},
    });
    for (key, value) in more {
        if let Some(value) = value {
            document[key] = value;
        }
    }
    format!("{document:#}\n")
}

/// What the processor calls itself, where the system tells.
fn cpu() -> Option<String> {
    // A line at a time, because the system makes the text as it is read.
    let lines = BufReader::with_capacity(1024, File::open("/proc/cpuinfo").ok()?).lines();
    let line = lines.map_while(Result::ok).find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
