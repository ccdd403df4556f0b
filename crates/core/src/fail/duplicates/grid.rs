//! All signatures within a radius of one: an index that leaves none out.
//!
//! *Idea*: the axes with the largest variance cut space into cells twice as wide as the radius, so that what is near lies in one of
//! two cells along each; within a cell signatures are sorted along one more axis.

use std::collections::HashMap;

use super::signature::{LENGTH, Signature, squared_distance};

/// Axes that make cells.
const AXES: usize = 3;

/// Signatures of crops, sorted.
#[derive(Debug)]
pub struct Grid {
    radius: f32,
    axes: [usize; AXES],
    /// The axis signatures are sorted along within a cell.
    along: usize,
    cells: HashMap<[i16; AXES], std::ops::Range<usize>>,
    entries: Vec<(Signature, u32)>,
}

impl Grid {
    /// Keeps signatures, each with a number.
    pub fn new(mut entries: Vec<(Signature, u32)>, radius: f32) -> Self {
        let variances = variances(&entries);
        let mut by_variance: [usize; LENGTH] = std::array::from_fn(|axis| axis);
        by_variance.sort_by(|&a, &b| variances[b].total_cmp(&variances[a]));
        let [along, axes @ ..]: [usize; AXES + 1] = std::array::from_fn(|rank| by_variance[rank]);
        let mut grid = Self { radius, axes, along, cells: HashMap::new(), entries: Vec::new() };
        entries.sort_by(|(a, i), (b, j)| {
            grid.cell(a).cmp(&grid.cell(b)).then(a[along].total_cmp(&b[along])).then(i.cmp(j))
        });
        let mut start = 0;
        for end in 1..=entries.len() {
            let cell = grid.cell(&entries[start].0);
            if end == entries.len() || grid.cell(&entries[end].0) != cell {
                grid.cells.insert(cell, start..end);
                start = end;
            }
        }
        grid.entries = entries;
        grid
    }

    fn cell(&self, signature: &Signature) -> [i16; AXES] {
        self.axes.map(|axis| (signature[axis] / (2.0 * self.radius)).floor() as i16)
    }

    /// Calls `found` with the number of every signature within the radius.
    pub fn near(&self, signature: &Signature, mut found: impl FnMut(u32)) {
        let limit = self.radius * self.radius;
        let corner =
            self.axes.map(|axis| ((signature[axis] - self.radius) / (2.0 * self.radius)).floor() as i16);
        let at = signature[self.along];
        for corners in 0..1_usize << AXES {
            let cell = std::array::from_fn(|axis| corner[axis] + i16::from(corners >> axis & 1 == 1));
            let Some(range) = self.cells.get(&cell) else { continue };
            let entries = &self.entries[range.clone()];
            let first = entries.partition_point(|(other, _)| other[self.along] < at - self.radius);
            for (other, number) in &entries[first..] {
                if other[self.along] > at + self.radius {
                    break;
                }
                if squared_distance(signature, other, limit) <= limit {
                    found(*number);
                }
            }
        }
    }
}

fn variances(entries: &[(Signature, u32)]) -> [f64; LENGTH] {
    let n = entries.len().max(1) as f64;
    let (mut sums, mut squares) = ([0.0; LENGTH], [0.0; LENGTH]);
    for (signature, _) in entries {
        for (axis, &value) in signature.iter().enumerate() {
            sums[axis] += f64::from(value);
            squares[axis] += f64::from(value) * f64::from(value);
        }
    }
    std::array::from_fn(|axis| squares[axis] / n - (sums[axis] / n).powi(2))
}
