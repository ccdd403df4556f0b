//! From the size of a picture to the size a model reads.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use seamripper_core::recipe::{Filter, Fit};

use super::Photo;

/// Brings a picture to `[h, w]` and writes its pixels, `[h, w, c]`, to `out`.
///
/// # Panics
/// If `out` is not `h w c` long or a length is 0.
pub fn fit(photo: &Photo, [h, w]: [usize; 2], fit: Fit, filter: Filter, out: &mut [u8]) {
    let [from_h, from_w, c] = photo.size;
    assert_eq!(out.len(), h * w * c, "room for {h} x {w} x {c}");
    if [from_h, from_w] == [h, w] {
        out.copy_from_slice(&photo.pixels);
        return;
    }
    match fit {
        Fit::Stretch => resize(photo, [0.0, 0.0, from_h as f64, from_w as f64], [h, w], filter, out),
        Fit::Crop => {
            let scale = (from_h as f64 / h as f64).min(from_w as f64 / w as f64);
            let [part_h, part_w] = [h as f64 * scale, w as f64 * scale];
            let [top, left] = [(from_h as f64 - part_h) / 2.0, (from_w as f64 - part_w) / 2.0];
            resize(photo, [top, left, part_h, part_w], [h, w], filter, out);
        }
        Fit::Pad => {
            let scale = (h as f64 / from_h as f64).min(w as f64 / from_w as f64);
            let length = |from: usize, most: usize| ((from as f64 * scale).round() as usize).clamp(1, most);
            let [small_h, small_w] = [length(from_h, h), length(from_w, w)];
            let mut small = vec![0; small_h * small_w * c];
            resize(photo, [0.0, 0.0, from_h as f64, from_w as f64], [small_h, small_w], filter, &mut small);
            out.fill(0);
            let [top, left] = [(h - small_h) / 2, (w - small_w) / 2];
            for (row, line) in small.chunks_exact(small_w * c).enumerate() {
                out[((top + row) * w + left) * c..][..line.len()].copy_from_slice(line);
            }
        }
    }
}

/// The part `[top, left, h, w]` of a picture at another size: first along rows, then along columns, as Pillow does. (The
/// library would go along columns first, and what is cut off at black and white in between differs.)
fn resize(
    photo: &Photo,
    [top, left, part_h, part_w]: [f64; 4],
    [h, w]: [usize; 2],
    filter: Filter,
    out: &mut [u8],
) {
    match photo.size[2] {
        1 => resize_of::<U8>(photo, [top, left, part_h, part_w], [h, w], filter, out),
        _ => resize_of::<U8x3>(photo, [top, left, part_h, part_w], [h, w], filter, out),
    }
}

/// [`resize`] of one type of pixel. (The library's function for any type compiles all of them, which takes a minute.)
fn resize_of<P: PixelTrait>(
    photo: &Photo,
    [top, left, part_h, part_w]: [f64; 4],
    [h, w]: [usize; 2],
    filter: Filter,
    out: &mut [u8],
) {
    let [from_h, from_w, c] = photo.size;
    let filter = match filter {
        Filter::Bilinear => FilterType::Bilinear,
        Filter::Bicubic => FilterType::CatmullRom,
    };
    let along =
        |pixels: &[u8], [from_h, from_w]: [usize; 2], crop: [f64; 4], [h, w]: [usize; 2], out: &mut [u8]| {
            let source = TypedImageRef::<P>::from_buffer(from_w as u32, from_h as u32, pixels)
                .expect("pixels of that size");
            let mut target =
                TypedImage::<P>::from_buffer(w as u32, h as u32, out).expect("room for that size");
            let [top, left, crop_h, crop_w] = crop;
            let options = ResizeOptions::new()
                .resize_alg(ResizeAlg::Convolution(filter))
                .crop(left, top, crop_w, crop_h);
            Resizer::new().resize_typed(&source, &mut target, &options).expect("the part lies inside");
        };
    let mut narrow = vec![0; from_h * w * c];
    along(&photo.pixels, [from_h, from_w], [0.0, left, from_h as f64, part_w], [from_h, w], &mut narrow);
    along(&narrow, [from_h, w], [top, 0.0, part_h, w as f64], [h, w], out);
}
