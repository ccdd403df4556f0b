use proptest::prelude::*;

use super::*;

fn file(magic: [u8; 4], dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = magic.to_vec();
    for dimension in dimensions {
        bytes.extend(dimension.to_be_bytes());
    }
    bytes.extend_from_slice(values);
    bytes
}

fn read_images(bytes: &[u8]) -> Result<Images> {
    images(Payload::of_bytes(Path::new("images"), bytes)?)
}

fn read_labels(bytes: &[u8]) -> Result<Labels> {
    labels(Payload::of_bytes(Path::new("labels"), bytes)?)
}

proptest! {
    #[test]
    fn what_was_written_is_read([n, h, w] in [1_usize..9, 1_usize..9, 1_usize..9], seed in any::<u8>()) {
        let pixels: Vec<u8> = (0..n * h * w).map(|i| (i as u8).wrapping_mul(31) ^ seed).collect();
        let read = read_images(&file([0, 0, 8, 3], &[n as u32, h as u32, w as u32], &pixels)).unwrap();
        prop_assert_eq!(read.shape, [n, h, w]);
        prop_assert_eq!(&read.pixels, &pixels);
        let read = read_labels(&file([0, 0, 8, 1], &[pixels.len() as u32], &pixels)).unwrap();
        prop_assert_eq!(&read.labels, &pixels);
    }

    /// Any bytes at all: an error or images whose pixels are as many as the shape says, never a panic.
    #[test]
    fn any_bytes_are_read_or_refused(
        start in prop_oneof![Just(vec![0, 0, 8, 3]), Just(vec![0, 0, 8, 1]), prop::collection::vec(any::<u8>(), 0..5)],
        rest in prop::collection::vec(0_u8..4, 0..40),
    ) {
        let bytes = [start, rest].concat();
        if let Ok(images) = read_images(&bytes) {
            prop_assert_eq!(images.pixels.len(), images.shape.iter().product::<usize>());
            prop_assert_eq!(images.pixels.len() + 16, bytes.len());
        }
        if let Ok(labels) = read_labels(&bytes) {
            prop_assert_eq!(labels.labels.len() + 8, bytes.len());
        }
    }
}

#[test]
fn every_header_field_is_checked() {
    let images = |magic, dimensions: &[u32], count| {
        read_images(&file(magic, dimensions, &vec![0; count])).unwrap_err().to_string()
    };
    insta::assert_snapshot!(images([0, 1, 8, 3], &[1, 2, 2], 4), @"magic number of images: expected 00 00 08 03 (IDX, u8, rank 3: images), found 00 01 08 03");
    insta::assert_snapshot!(images([0, 0, 0x0d, 3], &[1, 2, 2], 16), @"magic number of images: expected 00 00 08 03 (IDX, u8, rank 3: images), found 00 00 0d 03 (IDX, f32, rank 3)");
    insta::assert_snapshot!(images([0, 0, 8, 1], &[4], 4), @"magic number of images: expected 00 00 08 03 (IDX, u8, rank 3: images), found 00 00 08 01 (IDX, u8, rank 1: labels)");
    insta::assert_snapshot!(images([0, 0, 8, 3], &[0, 28, 28], 0), @"dimensions in the header of images: expected at least 1 value, found 0 x 28 x 28");
    insta::assert_snapshot!(images([0, 0, 8, 3], &[1, 0, 28], 0), @"dimensions in the header of images: expected at least 1 value, found 1 x 0 x 28");
    insta::assert_snapshot!(images([0, 0, 8, 3], &[u32::MAX, 28, 28], 784), @"dimensions in the header of images: expected at most 784 values (what a file of 800 bytes can hold), found 4294967295 x 28 x 28");
    insta::assert_snapshot!(images([0, 0, 8, 3], &[u32::MAX; 3], 784), @"dimensions in the header of images: expected at most 784 values (what a file of 800 bytes can hold), found 4294967295 x 4294967295 x 4294967295");
    insta::assert_snapshot!(images([0, 0, 8, 3], &[2, 2, 2], 7), @"dimensions in the header of images: expected at most 7 values (what a file of 23 bytes can hold), found 2 x 2 x 2");
    insta::assert_snapshot!(images([0, 0, 8, 3], &[2, 2, 2], 9), @"payload of images: expected 24 bytes, found 25 bytes");
    insta::assert_snapshot!(images([0, 0, 8, 3], &[2, 2], 0), @"dimensions in the header of images: expected 4 bytes, found 0 bytes: the file is too short");
    insta::assert_snapshot!(read_images(b"").unwrap_err().to_string(), @"magic number of images: expected 4 bytes, found 0 bytes: the file is too short");
    insta::assert_snapshot!(read_images(b"\0\0\x08").unwrap_err().to_string(), @"magic number of images: expected 4 bytes, found 3 bytes: the file is too short");
    let labels = read_labels(&file([0, 0, 8, 3], &[1, 1, 1], &[0])).unwrap_err().to_string();
    insta::assert_snapshot!(labels, @"magic number of labels: expected 00 00 08 01 (IDX, u8, rank 1: labels), found 00 00 08 03 (IDX, u8, rank 3: images)");
}

/// A packed file that claims as much as it could at best unpack to is still read as a stream: what it really holds
/// is what is allocated.
#[test]
fn a_packed_header_is_not_trusted_either() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&file([0, 0, 8, 3], &[u32::MAX, 28, 28], &[0; 784])).unwrap();
    let message = read_images(&encoder.finish().unwrap()).unwrap_err().to_string();
    let (start, end) = message.split_once("what a gzipped file of ").unwrap();
    assert!(start.contains("expected at most "), "{message}");
    assert!(end.ends_with("found 4294967295 x 28 x 28"), "{message}");
}
