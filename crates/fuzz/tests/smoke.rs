//! A few seconds of changed files for every reader. `FUZZ_SECONDS` says how many in all, `FUZZ_TARGET` names one reader; a failure names
//! the bytes.

use std::fs;
use std::panic;
use std::time::{Duration, Instant};

use seamripper_fuzz::{Mutator, TARGETS, Target, seeds};

/// Seconds for all readers together, if nobody says.
const SECONDS: f64 = 20.0;

#[test]
fn every_reader_survives_changed_files() {
    let seconds = std::env::var("FUZZ_SECONDS").map_or(SECONDS, |text| text.parse().expect("a number"));
    let only = std::env::var("FUZZ_TARGET").ok();
    let targets = TARGETS.iter().filter(|target| only.as_deref().is_none_or(|only| only == target.name));
    let targets: Vec<Target> = targets.copied().collect();
    assert!(!targets.is_empty(), "FUZZ_TARGET: no reader of that name");
    let each = Duration::from_secs_f64(seconds / targets.len() as f64);
    for target in targets {
        let seeds = seeds(target.name);
        assert!(!seeds.is_empty(), "{}: no file to begin with", target.name);
        for seed in &seeds {
            survived(target, seed);
        }
        let (mut mutator, began, mut runs) = (Mutator::new(1), Instant::now(), 0_usize);
        while began.elapsed() < each {
            let [file, other] = [&seeds[runs % seeds.len()], &seeds[runs / 3 % seeds.len()]];
            survived(target, &mutator.change(file, other));
            runs += 1;
        }
        println!("{}: {} files to begin with, {runs} changed", target.name, seeds.len());
        assert!(runs > 0, "{}: no changed file was tried", target.name);
    }
}

/// Reads `bytes`; if that panics, they are kept and named.
fn survived(target: Target, bytes: &[u8]) {
    let began = Instant::now();
    if let Err(panic) = panic::catch_unwind(|| (target.read)(bytes)) {
        let file = std::env::temp_dir().join(format!("seamripper-fuzz-{}-{}", target.name, bytes.len()));
        fs::write(&file, bytes).expect("a folder for temporary files");
        eprintln!("{}: the reader fails on {}", target.name, file.display());
        panic::resume_unwind(panic);
    }
    let seconds = began.elapsed().as_secs_f64();
    assert!(seconds < 30.0, "{}: {} bytes took {seconds:.0} s", target.name, bytes.len());
}
