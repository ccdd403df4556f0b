//! Holding images out of training, class by class: one part of them once, or each of them once in folds.
//!
//! *Idea*: of a class of `n` images, `fraction * n` are held out, rounded so that the total is as close to
//! `fraction * N` as can be (largest remainders) and every class keeps at least one image to train on. Which ones is
//! drawn from the stream `(seed, Split, class)`: neither the other classes nor the number of threads matter.
//!
//! *Reference*: largest remainders: Hamilton's method of apportionment.

use seamripper_core::random::{Purpose, Stream};

/// Splits `0..labels.len()` into what is trained on and what is held out; both ascending.
///
/// For every class of `n` images, the number held out differs from `fraction * n` by less than 1, and is less
/// than `n`.
///
/// # Panics
/// If `fraction` is not in `0.0..1.0` or a label is not below `classes`: a recipe and a loader check these.
pub fn stratified(labels: &[u32], classes: usize, fraction: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    assert!((0.0..1.0).contains(&fraction), "a fraction of {fraction} cannot be held out");
    let members = members(labels, classes);
    let sizes: Vec<usize> = members.iter().map(Vec::len).collect();
    let mut held = vec![false; labels.len()];
    for (class, (mut indices, count)) in members.into_iter().zip(held_out(&sizes, fraction)).enumerate() {
        Stream::new(seed, Purpose::Split, class as u64, 0).shuffle(&mut indices);
        for &index in &indices[..count] {
            held[index] = true;
        }
    }
    (0..labels.len()).partition(|&index| !held[index])
}

/// Deals `0..labels.len()` into `count` folds: the fold of each image, below `count`.
///
/// The images of a class, in an order drawn from the stream `(seed, Folds, class)`, are dealt one by one, each class from
/// where the class before it ended. So of every class, and of all images, any two folds differ by one image at most.
///
/// # Panics
/// If `count` is 0 or a label is not below `classes`.
pub fn folds(labels: &[u32], classes: usize, count: usize, seed: u64) -> Vec<usize> {
    assert!(count > 0, "no folds to deal into");
    let mut fold_of = vec![0; labels.len()];
    let mut dealt = 0;
    for (class, mut indices) in members(labels, classes).into_iter().enumerate() {
        Stream::new(seed, Purpose::Folds, class as u64, 0).shuffle(&mut indices);
        for index in indices {
            fold_of[index] = dealt % count;
            dealt += 1;
        }
    }
    fold_of
}

/// Indices of the images of each class, ascending.
fn members(labels: &[u32], classes: usize) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); classes];
    for (index, &label) in labels.iter().enumerate() {
        members[label as usize].push(index);
    }
    members
}

/// How many of each class are held out.
fn held_out(sizes: &[usize], fraction: f64) -> Vec<usize> {
    let exact = |class: usize| fraction * sizes[class] as f64;
    let mut counts: Vec<usize> = (0..sizes.len()).map(|class| exact(class).floor() as usize).collect();
    let wanted = (fraction * sizes.iter().sum::<usize>() as f64).round() as usize;
    let mut left = wanted.saturating_sub(counts.iter().sum());

    let remainder = |class: usize| exact(class) - exact(class).floor();
    let mut order: Vec<usize> = (0..sizes.len()).filter(|&class| remainder(class) > 0.0).collect();
    order.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)));
    for class in order {
        if left > 0 && counts[class] + 1 < sizes[class] {
            counts[class] += 1;
            left -= 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests;
