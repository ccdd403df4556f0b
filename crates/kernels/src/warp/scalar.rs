//! The plain twin of [`Warp`](super::Warp): the arithmetic of the module page, pixel by pixel.

use super::{Image, ImageMut, Matrix, check, fixed, invert};

/// [`Warp::affine`](super::Warp::affine), the plain way.
///
/// # Panics
/// If a slice is not as long as its size says, or the numbers of channels differ.
pub fn warp_affine(src: Image<'_>, dst: ImageMut<'_>, dst_from_src: &Matrix, border: u8) {
    check(&src, &dst);
    let [h, w, c] = dst.size;
    let src_from_dst = invert(dst_from_src);
    for y in 0..h {
        let [row_x, row_y] = fixed::row_start(&src_from_dst, y);
        for x in 0..w {
            let [column_x, column_y] = fixed::column_offset(&src_from_dst, x);
            let (src_x, src_y) = (row_x.wrapping_add(column_x) >> 5, row_y.wrapping_add(column_y) >> 5);
            for channel in 0..c {
                let at = |dy, dx| neighbour(&src, (src_y >> 5) + dy, (src_x >> 5) + dx, channel, border);
                let (fx, fy) = (src_x & 31, src_y & 31);
                let sum = (32 - fy) * ((32 - fx) * at(0, 0) + fx * at(0, 1))
                    + fy * ((32 - fx) * at(1, 0) + fx * at(1, 1));
                dst.pixels[(y * w + x) * c + channel] = ((32 * sum + (1 << 14)) >> 15) as u8;
            }
        }
    }
}

fn neighbour(src: &Image<'_>, row: i32, column: i32, channel: usize, border: u8) -> i32 {
    let [h, w, c] = src.size;
    let (Ok(row), Ok(column)) = (usize::try_from(row), usize::try_from(column)) else { return border.into() };
    if row < h && column < w { src.pixels[(row * w + column) * c + channel].into() } else { border.into() }
}
