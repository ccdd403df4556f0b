use image::codecs::png::PngEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, RgbImage};
use seamripper_core::recipe::{Filter, Fit};
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Golden {
    pillow: String,
    resize: Vec<Resized>,
    grey: Grey,
}

#[derive(Deserialize)]
struct Resized {
    size: [usize; 3],
    pixels: Vec<u8>,
    to: [usize; 2],
    filter: String,
    out: Vec<u8>,
}

#[derive(Deserialize)]
struct Grey {
    pixels: Vec<u8>,
    out: Vec<u8>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../tests/golden/pillow/pillow.json")).unwrap()
}

/// Pillow rounds its weights to 22 bits, the library to fewer: a pixel in some hundred is off by one grey level.
#[test]
fn sizes_change_as_in_pillow() {
    let golden = golden();
    assert_eq!((golden.pillow.as_str(), golden.resize.len()), ("13.0.0", 18));
    let (mut pixels, mut unlike) = (0, 0);
    for case in golden.resize {
        let filter = Filter::named(&case.filter);
        let photo = Photo { size: case.size, pixels: case.pixels };
        let mut out = vec![0; case.out.len()];
        fit(&photo, case.to, Fit::Stretch, filter, &mut out);
        for (ours, theirs) in out.iter().zip(&case.out) {
            assert!(ours.abs_diff(*theirs) <= 1, "{:?} to {:?}, {}", case.size, case.to, case.filter);
            unlike += usize::from(ours != theirs);
        }
        pixels += out.len();
    }
    assert!(unlike * 100 < pixels, "{unlike} of {pixels} pixels differ");
}

#[test]
fn grey_is_that_of_pillow() {
    let Grey { pixels, out } = golden().grey;
    assert_eq!(grey(&pixels), out);
}

fn png(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    DynamicImage::from(image.clone())
        .write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png)
        .unwrap();
    bytes
}

/// EXIF with nothing but an orientation, little-endian.
fn exif(orientation: u8) -> Vec<u8> {
    let mut bytes = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    bytes.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// A picture of 2 rows and 3 columns that is stored lying on its side comes out upright.
#[test]
fn exif_orientation_is_honoured() {
    let stored: Vec<u8> = (1..=6).map(|value| 40 * value).collect();
    for (orientation, size, upright) in [
        (1, [2, 3, 1], [1, 2, 3, 4, 5, 6]),
        (3, [2, 3, 1], [6, 5, 4, 3, 2, 1]),
        (6, [3, 2, 1], [4, 1, 5, 2, 6, 3]),
        (8, [3, 2, 1], [3, 6, 2, 5, 1, 4]),
    ] {
        let mut bytes = Vec::new();
        let mut encoder = PngEncoder::new(&mut bytes);
        encoder.set_exif_metadata(exif(orientation)).unwrap();
        encoder.write_image(&stored, 3, 2, ExtendedColorType::L8).unwrap();
        assert_eq!(super::size(&bytes), Ok(size));
        let photo = decode(&bytes, 1).unwrap();
        assert_eq!(
            (photo.size, photo.pixels),
            (size, upright.map(|value| 40 * value).to_vec()),
            "orientation {orientation}"
        );
    }
}

#[test]
fn what_is_no_picture_is_told_apart() {
    let said = |bytes: &[u8]| decode(bytes, 3).unwrap_err().to_string();
    insta::assert_snapshot!(said(b""), @"expected a PNG, JPEG or WebP picture, found an empty file");
    insta::assert_snapshot!(said(b"<html>not found</html>\n"), @r#"expected a PNG, JPEG or WebP picture, found text: "<html>not found</html>""#);
    insta::assert_snapshot!(said(b"\x00\x01\x02\x03\x04"), @"expected a PNG, JPEG or WebP picture, found bytes that begin with [00, 01, 02, 03]");
    insta::assert_snapshot!(said(b"GIF89a\x01\0\x01\0"), @"expected a PNG, JPEG or WebP picture, found GIF, which is not read; convert it");
    let whole = png(&RgbImage::from_fn(40, 40, |x, y| image::Rgb([x as u8 * 6, y as u8 * 6, (x * y) as u8])));
    let cut = said(&whole[..whole.len() / 2]);
    assert!(cut.starts_with("expected an undamaged picture"), "{cut}");
}

/// A few bytes that claim 900 million pixels: refused by the header, so nothing is allocated.
#[test]
fn a_bomb_is_refused_before_it_is_decoded() {
    let mut bytes = png(&RgbImage::new(1, 1));
    bytes[16..20].copy_from_slice(&30_000_u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&30_000_u32.to_be_bytes());
    let crc = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    assert_eq!(
        decode(&bytes, 3).unwrap_err().to_string(),
        "expected at most 120 million pixels, found 30000 x 30000"
    );
}

/// PNG's checksum, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[test]
fn proportions_are_kept_only_where_asked() {
    // 2 rows, 8 columns: white, and black at both ends
    let photo = Photo { size: [2, 8, 1], pixels: [0, 255, 255, 255, 255, 255, 255, 0].repeat(2) };
    let fitted = |how| {
        let mut out = vec![9; 16];
        fit(&photo, [4, 4], how, Filter::Bilinear, &mut out);
        out
    };
    assert_eq!(fitted(Fit::Crop), [255; 16]);
    let line = [146, 255, 255, 146];
    assert_eq!(fitted(Fit::Stretch), line.repeat(4));
    assert_eq!(fitted(Fit::Pad), [[0; 4], line, [0; 4], [0; 4]].concat());
}
