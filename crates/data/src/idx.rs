//! IDX, the format of MNIST and its successors: a magic number, the dimensions, then the values.
//!
//! ```text
//! 00 00 08 03 | n h w (u32, big endian) | n h w pixels      images: type 08 (u8), rank 3
//! 00 00 08 01 | n                       | n labels          labels: type 08 (u8), rank 1
//! ```
//! Every field is checked, and the product of the dimensions compared with what the file can hold, before anything
//! is allocated. A payload that is too short or too long is an error; so is an empty one.
//!
//! *Reference*: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", section "File formats".

use std::path::Path;

use crate::Result;
use crate::payload::Payload;

/// Grey images of one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// `[n, h, w]`.
    pub shape: [usize; 3],
    /// `[n, h, w]`, row by row.
    pub pixels: Vec<u8>,
    /// SHA-256 of the unpacked file, header included.
    pub sha256: String,
}

/// One label an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// `[n]`.
    pub labels: Vec<u8>,
    /// SHA-256 of the unpacked file, header included.
    pub sha256: String,
}

/// Reads a file of images, gzipped or not.
///
/// # Errors
/// [`crate::Error::Malformed`] naming the field, what it should be and what it is; [`crate::Error::Io`].
pub fn read_images(path: &Path) -> Result<Images> {
    images(Payload::open(path)?)
}

/// Reads a file of labels, gzipped or not.
///
/// # Errors
/// As [`read_images`].
pub fn read_labels(path: &Path) -> Result<Labels> {
    labels(Payload::open(path)?)
}

/// Images from an opened payload.
///
/// # Errors
/// As [`read_images`].
pub fn images(payload: Payload<'_>) -> Result<Images> {
    let (shape, pixels, sha256) = read::<3>(payload, Kind::Images)?;
    Ok(Images { shape, pixels, sha256 })
}

/// Labels from an opened payload.
///
/// # Errors
/// As [`read_images`].
pub fn labels(payload: Payload<'_>) -> Result<Labels> {
    let ([_], labels, sha256) = read::<1>(payload, Kind::Labels)?;
    Ok(Labels { labels, sha256 })
}

#[derive(Clone, Copy)]
enum Kind {
    Images,
    Labels,
}

impl Kind {
    fn magic(self) -> &'static str {
        match self {
            Self::Images => "00 00 08 03 (IDX, u8, rank 3: images)",
            Self::Labels => "00 00 08 01 (IDX, u8, rank 1: labels)",
        }
    }
}

fn read<const RANK: usize>(mut payload: Payload<'_>, kind: Kind) -> Result<([usize; RANK], Vec<u8>, String)> {
    let magic = payload.take(4, "magic number")?;
    if magic != [0, 0, 8, RANK as u8] {
        return Err(payload.malformed("magic number", kind.magic().into(), describe(&magic)));
    }
    let mut shape = [0; RANK];
    for dimension in &mut shape {
        let bytes = payload.take(4, "dimensions in the header")?;
        *dimension = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    }
    let count = value_count(&shape, &payload)?;
    let values = payload.take(count, "payload")?;
    Ok((shape, values, payload.finish()?))
}

/// Number of values, if there are any and the file can hold them.
fn value_count(shape: &[usize], payload: &Payload<'_>) -> Result<u64> {
    let written = shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ");
    let product = shape.iter().try_fold(1_u64, |product, &n| product.checked_mul(n as u64));
    match product {
        Some(0) => Err(payload.malformed("dimensions in the header", "at least 1 value".into(), written)),
        Some(count) if count <= payload.room() && usize::try_from(count).is_ok() => Ok(count),
        _ => Err(payload.malformed(
            "dimensions in the header",
            format!("at most {} values ({})", payload.room(), payload.room_reason()),
            written,
        )),
    }
}

/// Four bytes, and what they mean if they are IDX of another kind.
fn describe(magic: &[u8]) -> String {
    let bytes = magic.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    let kind = match magic {
        [0, 0, 8, 1] => " (IDX, u8, rank 1: labels)".into(),
        [0, 0, 8, 3] => " (IDX, u8, rank 3: images)".into(),
        [0, 0, code, rank] => match type_name(*code) {
            Some(name) => format!(" (IDX, {name}, rank {rank})"),
            None => String::new(),
        },
        _ => String::new(),
    };
    bytes + &kind
}

fn type_name(code: u8) -> Option<&'static str> {
    Some(match code {
        0x08 => "u8",
        0x09 => "i8",
        0x0b => "i16",
        0x0c => "i32",
        0x0d => "f32",
        0x0e => "f64",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
