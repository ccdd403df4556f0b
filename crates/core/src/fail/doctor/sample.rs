//! Which images are looked at: some to choose a way on, the others to confirm it.

use crate::random::{Purpose, Stream};

/// Two sets of rows without a row in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// To choose on: two images of a class, then two of the next one, and round again, so that every beginning has all classes, and
    /// every other image too.
    pub choose: Vec<usize>,
    /// To confirm on, in the same order at first.
    pub confirm: Vec<usize>,
}

impl Sample {
    /// About `most` of the images with these labels, as many of every class as there are, drawn by `seed`; half of each class goes
    /// to either side, until `choosing` images are there to choose on: the others confirm.
    pub fn draw(labels: &[u32], most: usize, choosing: usize, seed: u64) -> Self {
        let k = labels.iter().max().map_or(0, |&label| label as usize + 1);
        let mut of_classes = vec![Vec::new(); k];
        labels.iter().enumerate().for_each(|(row, &label)| of_classes[label as usize].push(row));
        for (class, rows) in of_classes.iter_mut().enumerate() {
            Stream::new(seed, Purpose::Doctor, class as u64, 0).shuffle(rows);
        }
        let [mut choose, mut confirm] = [Vec::new(), Vec::new()];
        let mut turn = 0;
        // a turn takes four images of every class; a class without four gives what it has, in halves
        while of_classes.iter().any(|rows| rows.len() > turn) && choose.len() + confirm.len() < most {
            for rows in &of_classes {
                let four = &rows[turn.min(rows.len())..(turn + 4).min(rows.len())];
                choose.extend(four.iter().step_by(2));
                confirm.extend(four.iter().skip(1).step_by(2));
            }
            turn += 4;
        }
        choose.truncate(most.div_ceil(2));
        confirm.truncate(most / 2);
        if choose.len() > choosing {
            confirm.extend(choose.split_off(choosing));
        }
        Self { choose, confirm }
    }
}
