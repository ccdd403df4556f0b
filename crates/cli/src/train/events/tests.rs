use std::collections::BTreeMap;

use super::super::metrics::Class;
use super::*;

/// Written by TensorBoard itself: `tests/golden/tensorboard/generate.py`.
const THEIRS: &[u8] = include_bytes!("../../../tests/golden/tensorboard/events.out.tfevents");

fn epoch(number: u64) -> Epoch {
    let class = |name: &str, recall| Class { bias: Some(1.25), name: name.to_owned(), recall };
    Epoch {
        classes: vec![class("T-shirt/top", Some(0.5)), class("none", None)],
        epoch: number,
        images_per_second: 1000.0,
        rate: 1e-3,
        seconds: 1.0,
        train_loss: 1.0 / number as f64,
        validation_accuracy: Some(0.75),
        validation_loss: None,
    }
}

fn metrics(epochs: u64) -> Metrics {
    let text: String =
        (1..=epochs).map(|number| serde_json::to_string(&epoch(number)).unwrap() + "\n").collect();
    Metrics::read(&text, usize::MAX).unwrap()
}

/// All events of a file, which must be whole.
fn events(file: &[u8]) -> Vec<Event> {
    let (mut read, mut rest) = (Vec::new(), file);
    while !rest.is_empty() {
        let bytes = event(rest).expect("a whole record");
        read.push(Event::decode(bytes).unwrap());
        rest = &rest[HEAD + bytes.len() + TAIL..];
    }
    read
}

fn steps(file: &[u8]) -> Vec<i64> {
    events(file)[1..].iter().map(|event| event.step).collect()
}

/// RFC 3720, appendix B.4: CRC-32C of 32 bytes of 0, of 255, and of 0 to 31.
#[test]
fn the_checksum_is_crc32c() {
    let rising: Vec<u8> = (0..32).collect();
    for (bytes, crc) in [(vec![0; 32], 0x8a91_36aa_u32), (vec![255; 32], 0x62a8_ab43), (rising, 0x46dd_794e)]
    {
        assert_eq!(masked(&bytes), crc.rotate_right(15).wrapping_add(0xa282_ead8));
    }
}

#[test]
fn a_file_of_tensorboard_is_read() {
    let events = events(THEIRS);
    assert_eq!(events[0].file_version.as_deref(), Some(VERSION));
    assert_eq!(steps(THEIRS), [1, 2]);
    let value = |event: &Event| event.summary.as_ref().unwrap().value[0].clone();
    assert_eq!(value(&events[1]), Scalar { tag: "recall/T-shirt/top".to_owned(), simple_value: Some(0.5) });
    assert_eq!(kept(THEIRS, 9), Kept { bytes: THEIRS.len(), epochs: 2 });
    // what TensorBoard has written is what we write
    let again: Vec<u8> = events.iter().flat_map(|event| record(&event.encode_to_vec())).collect();
    assert_eq!(again, THEIRS);
}

#[test]
fn an_epoch_has_its_numbers_under_their_tags() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(EVENTS);
    Events::go_on(&path, &metrics(2)).unwrap();
    let read = events(&fs::read(&path).unwrap());
    assert!(read.iter().all(|event| event.wall_time > 1.7e9), "seconds since 1970");
    let values = &read[2].summary.as_ref().unwrap().value;
    let values: BTreeMap<_, _> =
        values.iter().map(|scalar| (&scalar.tag[..], scalar.simple_value.unwrap())).collect();
    let expected = [
        ("bias/T-shirt/top", 1.25),
        ("bias/none", 1.25),
        ("images_per_second", 1000.0),
        ("rate", 1e-3),
        ("recall/T-shirt/top", 0.5),
        ("train_loss", 0.5),
        ("validation_accuracy", 0.75),
    ];
    assert_eq!(values, BTreeMap::from(expected), "what has no value is left out");
}

/// However much of a file is there, and whatever the checkpoint has: every epoch of the checkpoint once, in order.
#[test]
fn a_run_that_goes_on_has_every_epoch_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(EVENTS);
    Events::go_on(&path, &metrics(4)).unwrap();
    let whole = fs::read(&path).unwrap();
    assert_eq!(steps(&whole), [1, 2, 3, 4]);
    for length in (0..=whole.len()).step_by(7) {
        for epochs in [0, 2, 5] {
            fs::write(&path, &whole[..length]).unwrap();
            let mut events = Events::go_on(&path, &metrics(epochs)).unwrap();
            events.add(&epoch(epochs + 1)).unwrap();
            let expected: Vec<_> = (1..=epochs as i64 + 1).collect();
            assert_eq!(steps(&fs::read(&path).unwrap()), expected, "{length} bytes, {epochs} epochs");
        }
    }
}

/// What is not as it was written ends what is kept, and is written again.
#[test]
fn a_wrong_byte_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(EVENTS);
    Events::go_on(&path, &metrics(3)).unwrap();
    let whole = fs::read(&path).unwrap();
    assert_eq!(kept(&whole, 3), Kept { bytes: whole.len(), epochs: 3 });
    for at in 0..whole.len() {
        let mut wrong = whole.clone();
        wrong[at] ^= 1;
        let Kept { bytes, epochs } = kept(&wrong, 3);
        assert!(bytes <= at && epochs < 3, "byte {at}");
    }
    fs::write(&path, [7; 100]).unwrap();
    Events::go_on(&path, &metrics(3)).unwrap();
    assert_eq!(steps(&fs::read(&path).unwrap()), [1, 2, 3]);
}
