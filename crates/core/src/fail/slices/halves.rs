//! Two halves of a table: slices are found on the first and confirmed on the second.

use super::slice::Table;
use crate::random::{Purpose, Stream};

/// Which half each image belongs to.
#[derive(Debug)]
pub struct Halves {
    second: Vec<bool>,
}

impl Halves {
    /// Deals the images of each class, the right ones and the wrong ones apart, to both halves at random: both have the
    /// same number of errors of each class, up to one.
    pub fn new(table: &Table<'_>, seed: u64) -> Self {
        let mut second = vec![false; table.len()];
        let mut groups = vec![[Vec::new(), Vec::new()]; table.predictions.classes.len()];
        for row in 0..table.len() {
            groups[table.labels()[row] as usize][usize::from(table.wrong[row])].push(row);
        }
        for (class, groups) in groups.iter_mut().enumerate() {
            let mut stream = Stream::new(seed, Purpose::Slices, class as u64, 0);
            // an odd image goes to either half
            let mut turn = stream.below(2);
            for rows in groups {
                stream.shuffle(rows);
                for &mut row in rows {
                    second[row] = turn == 1;
                    turn = 1 - turn;
                }
            }
        }
        Self { second }
    }

    /// Whether an image is of the second half.
    pub fn is_second(&self, row: u32) -> bool {
        self.second[row as usize]
    }
}
