//! Any bytes are a model or an error, never a panic.

use std::path::Path;

use proptest::prelude::*;
use seamripper_onnx::{from_onnx, to_onnx};

use crate::models::options;
use crate::round_trip::{NETWORKS, graph, model};

fn golden(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models");
    std::fs::read(folder.join(name)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = from_onnx(&bytes, &options());
    }

    #[test]
    fn changed_bytes_do_not_panic(
        file in 0_usize..5,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
        structure in any::<bool>(),
    ) {
        let mut bytes = match file {
            0 => golden("shufflenet-11.onnx"),
            1 => golden("convnext-13.onnx"),
            2 => golden("windows.onnx"),
            3 => golden("keras.onnx"),
            _ => to_onnx(&model(graph(NETWORKS[6].1, NETWORKS[6].2))),
        };
        // Most of a file is weights, in which a change is just another number: half of the changes go to its beginning, which is nodes.
        let reach = if structure { bytes.len().min(6000) } else { bytes.len() };
        for (place, byte) in changes {
            let place = place.index(reach);
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = from_onnx(&bytes, &options());
    }
}
