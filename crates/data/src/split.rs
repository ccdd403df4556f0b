//! Holding images out of training, class by class: one part of them once, or each of them once in folds.
//!
//! *Idea*: of a class of `n` images, `fraction * n` are held out, rounded so that the total is as close to
//! `fraction * N` as can be (largest remainders) and every class keeps at least one image to train on. Which ones is
//! drawn from the stream `(seed, Split, class)`: neither the other classes nor the number of threads matter.
//!
//! *Reference*: largest remainders: Hamilton's method of apportionment.

use std::collections::HashMap;

use seamripper_core::random::{Purpose, Stream};
use seamripper_core::sample::ImageSet;

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

/// Splits images into what is trained on and what is held out for validation: what their source holds out, or else
/// `fraction` of every class ([`stratified`]), in whole groups if there are any.
///
/// # Panics
/// If `fraction` is not in `0.0..1.0`.
pub fn hold_out(images: &ImageSet, fraction: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    if let Some(held) = images.held() {
        return (0..images.len()).partition(|&row| !held[row]);
    }
    let (labels, classes) = (images.labels(), images.classes().len());
    match images.groups() {
        Some(groups) => grouped(labels, classes, groups, fraction, seed),
        None => stratified(labels, classes, fraction, seed),
    }
}

/// Splits whole groups: in an order drawn from `(seed, Split, classes)`, a group is held out if that brings the number held
/// out of each class nearer to `fraction` of it (sum of the squares of the differences) and leaves every class something to train on.
pub(crate) fn grouped(
    labels: &[u32],
    classes: usize,
    groups: &[u32],
    fraction: f64,
    seed: u64,
) -> (Vec<usize>, Vec<usize>) {
    assert!((0.0..1.0).contains(&fraction), "a fraction of {fraction} cannot be held out");
    assert_eq!(labels.len(), groups.len(), "a group for every label");
    let count = groups.iter().max().map_or(0, |&most| most as usize + 1);
    let mut members = vec![Vec::new(); count];
    let mut left = vec![0_usize; classes];
    for (index, (&label, &group)) in labels.iter().zip(groups).enumerate() {
        members[group as usize].push(index);
        left[label as usize] += 1;
    }
    let mut missing: Vec<f64> = left.iter().map(|&n| fraction * n as f64).collect();
    let mut order: Vec<usize> = (0..count).collect();
    Stream::new(seed, Purpose::Split, classes as u64, 1).shuffle(&mut order);
    let mut held = vec![false; labels.len()];
    for group in order {
        let mut inside = vec![0_usize; classes];
        for &index in &members[group] {
            inside[labels[index] as usize] += 1;
        }
        let gain: f64 =
            (inside.iter().zip(&missing)).map(|(&n, &missing)| n as f64 * (2.0 * missing - n as f64)).sum();
        let leaves_some = inside.iter().zip(&left).all(|(&n, &left)| n == 0 || n < left);
        if gain > 0.0 && leaves_some {
            for class in 0..classes {
                missing[class] -= inside[class] as f64;
                left[class] -= inside[class];
            }
            for &index in &members[group] {
                held[index] = true;
            }
        }
    }
    (0..labels.len()).partition(|&index| !held[index])
}

/// Groups by name as numbers; `None` if no image has one. An image without a group is one of its own.
pub fn groups<'a>(names: impl Iterator<Item = Option<&'a str>>) -> Option<Vec<u32>> {
    let mut numbers = HashMap::new();
    let mut next = 0;
    let mut fresh = || {
        next += 1;
        next - 1
    };
    let mut any = false;
    let groups = names
        .map(|name| match name {
            Some(name) => {
                any = true;
                *numbers.entry(name).or_insert_with(&mut fresh)
            }
            None => fresh(),
        })
        .collect();
    any.then_some(groups)
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

/// Deals images into `count` folds as [`folds`]; where there are groups, in whole groups: in an order drawn from
/// `(seed, Folds, classes)`, the largest first, each goes to the fold that has the fewest images of its classes.
///
/// # Panics
/// If `count` is 0.
pub fn deal(images: &ImageSet, count: usize, seed: u64) -> Vec<usize> {
    let (labels, classes) = (images.labels(), images.classes().len());
    let Some(groups) = images.groups() else { return folds(labels, classes, count, seed) };
    assert!(count > 0, "no folds to deal into");
    let number = groups.iter().max().map_or(0, |&most| most as usize + 1);
    let mut inside = vec![Vec::new(); number];
    for (index, &group) in groups.iter().enumerate() {
        inside[group as usize].push(index);
    }
    let mut order: Vec<usize> = (0..number).collect();
    Stream::new(seed, Purpose::Folds, classes as u64, 1).shuffle(&mut order);
    order.sort_by_key(|&group| std::cmp::Reverse(inside[group].len()));
    let mut have = vec![vec![0_usize; classes]; count];
    let mut fold_of = vec![0; labels.len()];
    for group in order {
        let of_classes = |fold: &usize| -> usize {
            inside[group].iter().map(|&index| have[*fold][labels[index] as usize]).sum()
        };
        let fold =
            (0..count).min_by_key(|fold| (of_classes(fold), have[*fold].iter().sum::<usize>())).unwrap_or(0);
        for &index in &inside[group] {
            fold_of[index] = fold;
            have[fold][labels[index] as usize] += 1;
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
