//! Source positions in 1024ths of a pixel.

use super::Matrix;

/// Half a 32nd, in 1024ths: positions are rounded to 32nds by adding it and cutting.
const HALF_32ND: i32 = 16;

/// `rint` (halves to even) as x86 converts: what does not fit, NaN included, is `i32::MIN`.
#[inline(always)]
pub(super) fn round_to_i32(value: f64) -> i32 {
    let rounded = value.round_ties_even();
    if (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&rounded) { rounded as i32 } else { i32::MIN }
}

/// 1024ths of `[x, y]` that one step of `column` columns adds.
#[inline(always)]
pub(super) fn column_offset(src_from_dst: &Matrix, column: usize) -> [i32; 2] {
    let x = column as f64;
    [round_to_i32(src_from_dst[0][0] * x * 1024.0), round_to_i32(src_from_dst[1][0] * x * 1024.0)]
}

/// 1024ths of `[x, y]` at the start of `row`, with the half that rounds.
#[inline(always)]
pub(super) fn row_start(src_from_dst: &Matrix, row: usize) -> [i32; 2] {
    let y = row as f64;
    src_from_dst.map(|[_, b, t]| round_to_i32((b * y + t) * 1024.0).wrapping_add(HALF_32ND))
}

/// Positions of all destination pixels: the sum of their row's start and their column's offset.
#[derive(Clone, Debug, Default)]
pub(super) struct Grid {
    /// x of each column; eight values at least, so that a vector can be read.
    pub(super) column_x: Vec<i32>,
    /// y of each column, as many.
    pub(super) column_y: Vec<i32>,
    /// `[x, y]` of each row, moved by one pixel so that the frame of [`super::pairs::Pairs`] starts at 0.
    pub(super) row: Vec<[i32; 2]>,
}

impl Grid {
    /// For a destination of `h` rows and `w` columns.
    #[inline(always)]
    pub(super) fn fill(&mut self, src_from_dst: &Matrix, h: usize, w: usize) {
        self.column_x.resize(w.max(8), 0);
        self.column_y.resize(w.max(8), 0);
        self.row.resize(h, [0; 2]);
        for (column, (x, y)) in self.column_x.iter_mut().zip(&mut self.column_y).enumerate() {
            [*x, *y] = column_offset(src_from_dst, column);
        }
        for (row, start) in self.row.iter_mut().enumerate() {
            *start = row_start(src_from_dst, row).map(|start| start.wrapping_add(1024));
        }
    }
}
