//! `events.out.tfevents`, read by plain loops: `generate.py --verify` beside the golden file lets TensorBoard read it (`scripts/test --full`).

use prost::Message;
use serde_json::Value;

use super::interrupted::{interrupted, killed};
use super::{EPOCHS, Place, epochs};

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, tag = "3")]
    file_version: String,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Scalar>,
}

#[derive(Clone, PartialEq, Message)]
struct Scalar {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, tag = "2")]
    value: f32,
}

/// CRC-32C bit by bit (polynomial 0x1edc6f41, reflected), masked as records have it.
fn masked(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    let crc = !crc;
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

fn events(mut file: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    while !file.is_empty() {
        let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        let length = number(0) as usize;
        assert_eq!((number(4), number(8)), (0, masked(&file[..8])), "record {}", events.len());
        let event = &file[12..12 + length];
        assert_eq!(number(12 + length), masked(event), "record {}", events.len());
        events.push(Event::decode(event).unwrap());
        file = &file[16 + length..];
    }
    events
}

/// Every number of `metrics.jsonl`, once, and nothing else.
fn assert_metrics(place: &Place, run: &str) {
    let events = events(&place.read(&format!("{run}/events.out.tfevents")));
    assert_eq!(events[0].file_version, "brain.Event:2");
    let text = place.text(&place.read(&format!("{run}/metrics.jsonl")));
    assert_eq!(events.len(), 1 + text.lines().count());
    for (event, line) in events[1..].iter().zip(text.lines()) {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event.step, line["epoch"].as_i64().unwrap());
        let mut expected = Vec::new();
        for tag in ["train_loss", "validation_loss", "validation_accuracy", "rate", "images_per_second"] {
            expected.push((tag.to_owned(), &line[tag]));
        }
        for class in line["classes"].as_array().unwrap() {
            let name = class["name"].as_str().unwrap();
            expected.push((format!("recall/{name}"), &class["recall"]));
            expected.push((format!("bias/{name}"), &class["bias"]));
        }
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(tag, value)| Scalar { tag, value: value.as_f64().unwrap() as f32 })
            .collect();
        assert_eq!(event.summary.as_ref().unwrap().value, expected);
    }
}

#[test]
fn events_are_the_metrics() {
    let place = Place::new();
    place.done(&["train", "r.toml", "--quiet", "--out", "run", "--folds=2", "train.epochs=3"]);
    for run in ["run", "run/folds/1", "run/folds/2"] {
        assert_metrics(&place, run);
    }
}

#[test]
fn events_of_a_run_that_was_killed_and_interrupted_are_there_once() {
    let place = Place::new();
    killed(&place, &["train", "r.toml", "--quiet", "--out", "run"], "run", 2);
    interrupted(&place, &["train", "--resume", "run"], "run", 5);
    place.done(&["train", "--resume", "run", "--quiet"]);
    assert_eq!(epochs(&place.at("run")).len(), EPOCHS);
    assert_metrics(&place, "run");
}

/// What `scripts/test --full` gives to TensorBoard: a run that was killed and gone on with.
#[test]
#[ignore = "writes into SEAMRIPPER_TEST_EXPORTS, for TensorBoard to read (scripts/test --full)"]
fn a_run_for_tensorboard() {
    let folder = std::env::var("SEAMRIPPER_TEST_EXPORTS").expect("SEAMRIPPER_TEST_EXPORTS");
    let place = Place::new();
    killed(&place, &["train", "r.toml", "--quiet", "--out", "run"], "run", 2);
    place.done(&["train", "--resume", "run", "--quiet"]);
    for name in ["events.out.tfevents", "metrics.jsonl"] {
        std::fs::copy(place.at("run").join(name), std::path::Path::new(&folder).join(name)).unwrap();
    }
}
