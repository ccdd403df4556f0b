//! One encoded picture, PNG, JPEG or WebP, as the pixels of a model.
//!
//! *Idea*: nothing of a picture is decoded before its header said how large it is, and pictures above
//! [`PIXELS_MOST`] are refused: a file of a few kilobytes may claim a billion pixels. The EXIF orientation is applied
//! first, then the colors are brought to grey or RGB, then the size is changed. All is as Pillow does it, since that is
//! what most models were trained with: `convert("L")` is ITU-R BT.601 in 16-bit fixed point, `convert("RGB")` drops
//! the alpha channel, and sizes change by a filter that grows when the picture shrinks (antialiasing).
//!
//! *Reference*: Pillow 13.0, `Image.convert`, `Image.resize`; golden files in `tests/golden/pillow`.

use std::fmt;
use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader};

mod fit;

pub use fit::fit;

#[cfg(test)]
mod tests;

/// Pictures with more pixels are refused before they are decoded. Sensors of phones have 108 million.
pub const PIXELS_MOST: u64 = 120_000_000;

/// Why a picture cannot be used: expected this, found that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What was expected.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl Fault {
    pub(crate) fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: found.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

/// A decoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// `[h, w, c]`, upright, with `c` = 1 (grey) or 3 (red, green, blue).
    pub size: [usize; 3],
    /// Pixels, `[h, w, c]`.
    pub pixels: Vec<u8>,
}

/// Size of a picture as its header has it, `[h, w, c]`, upright; nothing is decoded.
///
/// # Errors
/// [`Fault`] if it is no picture that is read here, or too large.
pub fn size(bytes: &[u8]) -> Result<[usize; 3], Fault> {
    let mut decoder = decoder(bytes)?;
    let (w, h) = decoder.dimensions();
    let channels = if decoder.color_type().has_color() { 3 } else { 1 };
    let turned = decoder.orientation().is_ok_and(is_turned);
    let [h, w] = if turned { [w, h] } else { [h, w] };
    Ok([h as usize, w as usize, channels])
}

/// Decodes a picture to `channels` (1: grey, 3: RGB) channels, upright.
///
/// # Errors
/// [`Fault`] if it is no picture that is read here, too large, or damaged.
///
/// # Panics
/// If `channels` is neither 1 nor 3.
pub fn decode(bytes: &[u8], channels: usize) -> Result<Photo, Fault> {
    let mut decoder = decoder(bytes)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| damaged(&error))?;
    picture.apply_orientation(orientation);
    let [h, w] = [picture.height() as usize, picture.width() as usize];
    let pixels = match channels {
        1 if !picture.color().has_color() => picture.into_luma8().into_raw(),
        1 => grey(&picture.into_rgb8()),
        3 => picture.into_rgb8().into_raw(),
        other => panic!("pictures have 1 or 3 channels, not {other}"),
    };
    Ok(Photo { size: [h, w, channels], pixels })
}

/// Pixels `[h, w, 3]` as Pillow makes them grey.
fn grey(rgb: &[u8]) -> Vec<u8> {
    let luma = |&[r, g, b]: &[u8; 3]| {
        ((u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000) >> 16) as u8
    };
    rgb.as_chunks().0.iter().map(luma).collect()
}

/// A decoder whose header was checked.
fn decoder(bytes: &[u8]) -> Result<impl ImageDecoder + '_, Fault> {
    const EXPECTED: &str = "a PNG, JPEG or WebP picture";
    if bytes.is_empty() {
        return Err(Fault::new(EXPECTED, "an empty file"));
    }
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().expect("memory can be read");
    let Some(format) = reader.format() else {
        return Err(Fault::new(EXPECTED, beginning(bytes)));
    };
    if !format.reading_enabled() {
        let name = format.extensions_str().first().copied().unwrap_or("another format").to_uppercase();
        return Err(Fault::new(EXPECTED, format!("{name}, which is not read; convert it")));
    }
    let decoder = reader.into_decoder().map_err(|error| damaged(&error))?;
    let (w, h) = decoder.dimensions();
    let pixels = u64::from(w) * u64::from(h);
    if pixels > PIXELS_MOST {
        return Err(Fault::new(
            format!("at most {} million pixels", PIXELS_MOST / 1_000_000),
            format!("{w} x {h}"),
        ));
    }
    if pixels == 0 {
        return Err(Fault::new("at least one pixel", format!("{w} x {h}")));
    }
    Ok(decoder)
}

/// What a file that is no picture begins with, in words.
fn beginning(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(24)];
    match std::str::from_utf8(start) {
        Ok(text) if text.chars().all(|c| !c.is_control() || c.is_whitespace()) => {
            format!("text: {:?}", text.lines().next().unwrap_or_default())
        }
        _ => format!("bytes that begin with {:02x?}", &start[..start.len().min(4)]),
    }
}

fn damaged(error: &image::ImageError) -> Fault {
    Fault::new("an undamaged picture", error.to_string())
}

/// Whether height and width change places.
fn is_turned(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}
