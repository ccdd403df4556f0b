//! Which output is which class, by what is called what.
//!
//! *Idea*: the one-to-one assignment of labels to outputs under which most images are right (Hungarian algorithm on the confusion
//! matrix). Of equally good ones the one that leaves most classes where they are.
//!
//! *Edges*: classes without images keep their output if it is free, else they get the free ones in order.
//!
//! *Reference*: Kuhn (1955), "The Hungarian method for the assignment problem", Naval Research Logistics Quarterly 2, 83–97.

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

/// The output that is each class, `[k]`, a permutation of `0..k`. `pairs` are label and predicted output of each image, both
/// below `k`.
pub fn best_order(pairs: impl Iterator<Item = (usize, usize)>, k: usize) -> Vec<usize> {
    let mut counts = vec![vec![0_i64; k]; k];
    pairs.for_each(|(label, called)| counts[label][called] += 1);
    let present: Vec<usize> = (0..k).filter(|&label| counts[label].iter().any(|&count| count > 0)).collect();
    let mut order = vec![None; k];
    if !present.is_empty() {
        // one image outweighs every class that could stay where it is
        let weight =
            |label: usize, called: usize| counts[label][called] * (k as i64 + 1) + i64::from(label == called);
        let weights = Matrix::from_fn(present.len(), k, |(row, called)| weight(present[row], called));
        let (_, assigned) = kuhn_munkres(&weights);
        present.iter().zip(assigned).for_each(|(&label, called)| order[label] = Some(called));
    }
    let mut free = vec![true; k];
    order.iter().flatten().for_each(|&called: &usize| free[called] = false);
    for (class, slot) in order.iter_mut().enumerate().filter(|(_, slot)| slot.is_none()) {
        if std::mem::take(&mut free[class]) {
            *slot = Some(class);
        }
    }
    let mut left = (0..k).filter(|&output| free[output]);
    order.into_iter().map(|slot| slot.or_else(|| left.next()).expect("as many outputs as classes")).collect()
}

/// Whether every class is where it was.
pub fn is_straight(order: &[usize]) -> bool {
    order.iter().enumerate().all(|(class, &output)| class == output)
}
