//! The warp without special instructions: framed table, no test of bounds per neighbour.

use super::{ImageMut, fixed::Grid, pairs::Pairs};

pub(super) fn run(grid: &Grid, pairs: &Pairs, dst: ImageMut<'_>) {
    let [h, w, c] = pairs.size;
    let stride = pairs.stride();
    for (dst, &[row_x, row_y]) in dst.pixels.chunks_exact_mut(dst.size[1] * c).zip(&grid.row) {
        let columns = grid.column_x.iter().zip(&grid.column_y);
        for (pixel, (&column_x, &column_y)) in dst.chunks_exact_mut(c).zip(columns) {
            let x = row_x.wrapping_add(column_x) as u32;
            let y = row_y.wrapping_add(column_y) as u32;
            let (fx, fy) = (x >> 5 & 31, y >> 5 & 31);
            let (column, row) = ((x >> 10).min(w as u32 + 1), (y >> 10).min(h as u32 + 1));
            let neighbours = &pairs.pairs[row as usize * stride + column as usize * c..][..2 * c];
            let (left, right) = neighbours.split_at(c);
            for (value, (left, right)) in pixel.iter_mut().zip(left.iter().zip(right)) {
                let [left, right] =
                    [left, right].map(|pair| u32::from(pair[0]) * (32 - fy) + u32::from(pair[1]) * fy);
                *value = ((left * (32 - fx) + right * fx + 512) >> 10) as u8;
            }
        }
    }
}
