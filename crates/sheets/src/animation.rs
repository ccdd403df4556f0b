//! Pages one after the other: an animated PNG.

use std::io::Error;

use png::{BitDepth, ColorType, Encoder};

use crate::Canvas;

/// Time that the last page stands longer than the others.
const REST: u16 = 4;

/// The bytes of an animated PNG (APNG) that shows `pages`, all of one size, for `milliseconds` each, again and again; a viewer
/// that knows no animation shows the first.
///
/// # Errors
/// If there is no page, or they differ in size.
pub fn animation(pages: &[Canvas], milliseconds: u16) -> Result<Vec<u8>, Error> {
    let Some(first) = pages.first() else { return Err(Error::other("an animation of no pages")) };
    let [width, height] = first.size();
    if pages.iter().any(|page| page.size() != first.size()) {
        return Err(Error::other("pages of different sizes"));
    }
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    if pages.len() > 1 {
        encoder.set_animated(pages.len() as u32, 0).map_err(Error::other)?;
        encoder.set_frame_delay(milliseconds, 1000).map_err(Error::other)?;
    }
    let mut writer = encoder.write_header().map_err(Error::other)?;
    for (index, page) in pages.iter().enumerate() {
        if index > 0 && index + 1 == pages.len() {
            writer.set_frame_delay(milliseconds.saturating_mul(REST), 1000).map_err(Error::other)?;
        }
        writer.write_image_data(page.pixels()).map_err(Error::other)?;
    }
    writer.finish().map_err(Error::other)?;
    Ok(bytes)
}
