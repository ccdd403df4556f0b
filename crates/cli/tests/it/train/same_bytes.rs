//! The same seed and instruction set give the same bytes, whatever the number of threads.

use seamripper_kernels::Instructions;

use super::{Place, succeeded};

#[test]
fn the_same_seed_gives_the_same_bytes_with_any_number_of_threads() {
    let place = Place::new();
    for (run, threads) in [("a", "1"), ("b", "1"), ("c", "2"), ("d", "3")] {
        place.done(&["train", "r.toml", "--quiet", "--threads", threads, "--out", run]);
        assert_eq!(place.json(&format!("{run}/environment.json"))["threads"].to_string(), threads);
    }
    for run in ["b", "c", "d"] {
        place.assert_same("a", run);
    }
    place.done(&["train", "r.toml", "--quiet", "--seed", "1", "--out", "other"]);
    assert_ne!(place.read("a/model.safetensors"), place.read("other/model.safetensors"), "another seed");
}

/// On the 90 test images, of which a third is right by chance.
const LEAST_ACCURACY: f64 = 0.8;
/// Nine of the 90.
const LARGEST_DIFFERENCE: f64 = 0.1;

/// Sums differ in their last bits from one instruction set to another, and with them the weights; not what was learnt.
#[test]
fn every_instruction_set_can_be_forced_and_learns_the_same() {
    let place = Place::new();
    let mut accuracies = Vec::new();
    for isa in Instructions::available() {
        for run in ["", "-again"].map(|suffix| format!("{}{suffix}", isa.name())) {
            let mut command = place.program(&["train", "r.toml", "--quiet", "--out", &run]);
            command.env("SEAMRIPPER_ISA", isa.name());
            succeeded(command);
            assert_eq!(place.json(&format!("{run}/environment.json"))["isa"], isa.name());
        }
        accuracies.push(place.json(&format!("{}/eval.json", isa.name()))["accuracy"].as_f64().unwrap());
        place.assert_same(isa.name(), &format!("{}-again", isa.name()));
    }
    let [low, high] = [f64::min, f64::max].map(|of| accuracies.iter().copied().reduce(of).unwrap());
    assert!(low > LEAST_ACCURACY && high - low < LARGEST_DIFFERENCE, "{accuracies:?}");
}

#[test]
fn an_instruction_set_that_is_not_there_is_refused() {
    let place = Place::new();
    let available: Vec<_> = Instructions::available().iter().map(|isa| isa.name()).collect();
    // of the five there is none that has them all
    let absent = ["avx512", "avx2", "neon", "simd128"].into_iter().filter(|name| !available.contains(name));
    for name in absent.chain(["sse9"]) {
        let mut command = place.program(&["train", "r.toml", "--out", "run"]);
        command.env("SEAMRIPPER_ISA", name);
        let said =
            place.refused_by(command).replace(&available.join(", "), "AVAILABLE").replace(name, "NAME");
        insta::allow_duplicates! {
            insta::assert_snapshot!(said, @r#"
            error: SEAMRIPPER_ISA: expected one of AVAILABLE, found "NAME"
            hint: unset it to use the best instruction set of this CPU
            "#);
        }
        assert!(!place.at("run").exists());
    }
}
