//! Any bytes are weights or an error: never a panic, never more memory than the file explains.

use proptest::prelude::*;
use seamripper_weights::{Choices, assign, read};

use crate::models::{KERAS_NAMED, NAMED, golden, graph};

/// Files whose structure is worth damaging.
const FILES: [&str; 10] = [
    "named.pt",
    "checkpoint.pt",
    "named.safetensors",
    "keras-named.keras",
    "keras-nested.keras",
    "keras-named.weights.h5",
    "keras-nested.h5",
    "keras-2.h5",
    "keras-bfloat16.weights.h5",
    "numbered.pt",
];

/// Reads, and assigns what could be read.
fn take(bytes: &[u8]) {
    if let Ok(stored) = read(bytes, None) {
        let _ = assign(&graph(NAMED), &stored, &Choices::default());
        let _ = assign(&graph(KERAS_NAMED), &stored, &Choices::default());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(start in 0_usize..4, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let start: &[u8] = [&b""[..], b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"\x10\0\0\0\0\0\0\0{"][start];
        take(&[start, &bytes].concat());
    }

    #[test]
    fn changed_bytes_do_not_panic(
        file in 0..FILES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::weighted(0.3, any::<prop::sample::Index>()),
    ) {
        let mut bytes = std::fs::read(golden(FILES[file])).unwrap();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        take(&bytes);
    }

    /// A pickle of instructions that are understood, in any order.
    #[test]
    fn no_pickle_panics(ops in prop::collection::vec(prop::sample::select(&OPS[..]), 0..60)) {
        take(&archive(&[&[0x80, 2], &ops.concat()[..]].concat()));
    }
}

/// Instructions with operands.
const OPS: [&[u8]; 32] = [
    b"(",
    b")",
    b"]",
    b"}",
    b"0",
    b"1",
    b"2",
    b"N",
    b"K\x03",
    b"M\x00\x01",
    b"J\xff\xff\xff\xff",
    b"\x8a\x01\x05",
    b"X\x07\0\0\0storage",
    b"X\x01\0\0\0a",
    b"q\x00",
    b"q\x01",
    b"h\x00",
    b"h\x01",
    b"\x85",
    b"\x86",
    b"\x87",
    b"t",
    b"d",
    b"a",
    b"e",
    b"s",
    b"u",
    b"ccollections\nOrderedDict\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch\nFloatStorage\n",
    b"Q",
    b"R",
];

/// An archive as PyTorch writes it, with this pickle and one storage.
pub fn archive(pickle: &[u8]) -> Vec<u8> {
    use std::io::Write;
    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in [("a/data.pkl", pickle), ("a/data/0", &[0; 16])] {
        archive.start_file(name, stored).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// `{"a": tensor}` with a storage of `length` values, and shape and strides as instructions.
pub fn tensor(length: u8, first: u8, shape: &[u8], strides: &[u8]) -> Vec<u8> {
    let tuple = |lengths: &[u8]| {
        let items: Vec<u8> = lengths.iter().flat_map(|&length| [b'K', length]).collect();
        [b"(", &items[..], b"t"].concat()
    };
    let pickle = [
        &b"\x80\x02}(X\x08\0\0\0a.weightctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK"[..],
        &[length],
        b"tQK",
        &[first],
        &tuple(shape),
        &tuple(strides),
        b"\x89)tRu.",
    ];
    archive(&pickle.concat())
}

#[test]
fn a_tensor_lies_within_its_storage() {
    let fits = |length, first, shape: &[u8], strides: &[u8]| {
        read(&tensor(length, first, shape, strides), None).is_ok()
    };
    assert!(fits(4, 0, &[2, 2], &[2, 1]));
    assert!(fits(4, 0, &[2, 2], &[1, 2]));
    assert!(!fits(4, 1, &[2, 2], &[2, 1]), "one value beyond the end");
    assert!(!fits(5, 0, &[2, 2], &[2, 1]), "a storage that is shorter than it says");
    assert!(!fits(4, 0, &[200, 200], &[0, 0]), "more values than the storage has");
    assert!(!fits(4, 0, &[2, 2], &[2]), "a stride too few");
}

#[test]
fn a_claim_allocates_nothing() {
    // Gigabytes that the file does not have: a header that says so is compared with the file first.
    let header =
        br#"{"a.weight":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}"#;
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header].concat();
    assert!(read(&bytes, None).is_err());
    // A dataset that was never written may have any shape.
    let mut file = std::fs::read(golden("keras-nested.weights.h5")).unwrap();
    let place = file.windows(8).position(|bytes| bytes == 36_u64.to_le_bytes()).unwrap_or(0);
    file[place..place + 8].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    let _ = read(&file, None);
}
