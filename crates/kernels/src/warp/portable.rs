//! The warp without special instructions: framed table, no test of bounds per neighbour.

use super::{ImageMut, fixed::Grid, pairs::Pairs};

pub(super) fn run(grid: &Grid, pairs: &Pairs, dst: ImageMut<'_>) {
    // The usual numbers of channels are constants to the compiler (x 1.4 at 224x224x1).
    match dst.size[2] {
        1 => rows(grid, pairs, dst, 1),
        3 => rows(grid, pairs, dst, 3),
        c => rows(grid, pairs, dst, c),
    }
}

#[inline(always)]
fn rows(grid: &Grid, pairs: &Pairs, dst: ImageMut<'_>, c: usize) {
    let [h, w, _] = pairs.size;
    let stride = pairs.stride();
    let (last_column, last_row) = (w as u32 + 1, h as u32 + 1);
    for (dst, &[row_x, row_y]) in dst.pixels.chunks_exact_mut(dst.size[1] * c).zip(&grid.row) {
        let columns = grid.column_x.iter().zip(&grid.column_y);
        for (pixel, (&column_x, &column_y)) in dst.chunks_exact_mut(c).zip(columns) {
            let x = row_x.wrapping_add(column_x) as u32;
            let y = row_y.wrapping_add(column_y) as u32;
            let (fx, fy) = (x >> 5 & 31, y >> 5 & 31);
            let (column, row) = ((x >> 10).min(last_column), (y >> 10).min(last_row));
            let neighbours = &pairs.pairs[row as usize * stride + column as usize * c..][..2 * c];
            for channel in 0..c {
                let [left, right] = [neighbours[channel], neighbours[c + channel]]
                    .map(|[upper, lower]| u32::from(upper) * (32 - fy) + u32::from(lower) * fy);
                pixel[channel] = ((left * (32 - fx) + right * fx + 512) >> 10) as u8;
            }
        }
    }
}
