//! Any bytes are a model or an error, never a panic.

use proptest::prelude::*;
use seamripper_blackbox::Blackbox;

use crate::golden::{options, path};

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_do_not_panic(
        file in 0_usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let name = ["group-norm.onnx", "attention.onnx", "deconvolution.onnx"][file];
        let mut bytes = std::fs::read(path(name)).unwrap();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(model) = Blackbox::load(bytes, &options(), 1) {
            let length = model.described().input.iter().product();
            prop_assume!(length < 100_000);
            let _ = model.run(&vec![0.5; length]);
        }
    }
}

/// A field of bytes, as protobuf has it.
fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![tag << 3 | 2];
    let mut length = bytes.len();
    while length >= 128 {
        out.push((length % 128) as u8 | 128);
        length /= 128;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}

/// Images so large, or so many, that there is no memory for them: told before any is asked for.
#[test]
fn images_without_end() {
    let dimension = |length: &[u8]| field(1, &[&[8], length].concat());
    let (most, some, channels) = (dimension(&[0xff, 0xff, 0xff, 0x7f]), dimension(&[32]), dimension(&[3]));
    let refused = |shape: [&Vec<u8>; 4]| {
        let kind = field(1, &[vec![8, 1], field(2, &shape.map(|length| &length[..]).concat())].concat());
        let input = field(11, &[field(1, b"x"), field(2, &kind)].concat());
        let model = [field(7, &input), field(8, &[16, 17])].concat();
        Blackbox::load(model, &options(), 1).unwrap_err()
    };
    insta::assert_snapshot!(refused([&most, &most, &most, &channels]), @"input x: expected an image [n, c, h, w] or [n, h, w, c], found [268435455, 268435455, 268435455, 3]");
    insta::assert_snapshot!(refused([&most, &some, &some, &channels]), @"input: expected at most 67108864 values in a batch, found 268435455 of 32 x 32 with 3 channels");
}

/// Branches in branches without end, which rten would follow until its stack is used up: they are refused before.
#[test]
fn nesting_without_end() {
    let mut graph = Vec::new();
    for _ in 0..20_000 {
        // GraphProto.node = 1, NodeProto.attribute = 5, AttributeProto.g = 6
        graph = field(1, &field(5, &field(6, &graph)));
    }
    let error = Blackbox::load(field(7, &graph), &options(), 1).unwrap_err();
    assert!(error.to_string().contains("recursion limit"), "{error}");
}
