//! The receptive field of a layer.

use serde::{Deserialize, Serialize};

use crate::see::Region;

/// The pixels that the middle place of a layer depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// First row and the row behind the last that it can depend on.
    pub rows: [usize; 2],
    /// The same for columns.
    pub columns: [usize; 2],
    /// `[h][w]`: how much it does, as [`crate::see::effective_field`] says.
    pub effective: Vec<Vec<f64>>,
    /// The fewest pixels that hold half of `effective`.
    pub half: usize,
}

impl Field {
    /// The geometry's `region`, and the effective field `[h, w]` of images of `width` pixels a row.
    ///
    /// # Panics
    /// If `width` is 0.
    pub fn of(region: &Region, effective: &[f64], width: usize) -> Self {
        let mut sorted = effective.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let total: f64 = sorted.iter().sum();
        let mut so_far = 0.0;
        let below_half = sorted.iter().take_while(|&&value| {
            let below = so_far < total / 2.0;
            so_far += value;
            below
        });
        Self {
            rows: [region.rows.start, region.rows.end],
            columns: [region.columns.start, region.columns.end],
            half: below_half.count(),
            effective: effective.chunks_exact(width).map(<[f64]>::to_vec).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_field() {
        let region = Region { rows: 0..2, columns: 1..3 };
        let half = |effective: [f64; 6]| Field::of(&region, &effective, 3).half;
        assert_eq!(half([0.0, 4.0, 1.0, 0.0, 2.0, 1.0]), 1);
        assert_eq!(half([0.0, 1.0, 1.0, 0.0, 1.0, 1.0]), 2);
        assert_eq!(half([0.0; 6]), 0);
        let field = Field::of(&region, &[0.0, 4.0, 1.0, 0.0, 2.0, 1.0], 3);
        assert_eq!((field.rows, field.columns), ([0, 2], [1, 3]));
        assert_eq!(field.effective, [[0.0, 4.0, 1.0], [0.0, 2.0, 1.0]]);
    }
}
