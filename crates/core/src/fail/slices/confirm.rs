//! Which candidates are tested on the second half, and what that says about them.

use super::SliceOptions;
use super::halves::Halves;
use super::slice::{Candidate, Origin, Slice, Slices, Table};
use super::{clusters, sentence};
use crate::fail::finding::{EXAMPLES_MOST, harm};
use crate::fail::properties::Values;
use crate::fail::statistics::multiple::benjamini_hochberg;
use crate::fail::statistics::two_rates::{Difference, excess_p};

/// A candidate is chosen only if it is still worse than its scope, with this p-value on the first half, when the images of
/// all that were chosen before it are left out.
const STILL_WORSE: f64 = 0.01;

/// Of two slices that overlap as much (Jaccard: images in both / images in either), the stronger is kept.
const SAME: f64 = 0.5;

/// The candidates to test, best first. Of the second half only the number of their images is used.
pub fn choose(
    table: &Table<'_>,
    halves: &Halves,
    mut candidates: Vec<Candidate>,
    options: &SliceOptions,
) -> Vec<Candidate> {
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut covered = vec![false; table.len()];
    let mut chosen: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        if chosen.len() == options.tested_most {
            break;
        }
        let in_second = candidate.members.iter().filter(|&&row| halves.is_second(row)).count();
        let large = in_second.min(candidate.members.len() - in_second) >= options.support;
        if !large || chosen.iter().any(|other| jaccard(&other.members, &candidate.members) >= SAME) {
            continue;
        }
        let rest = table.rates(candidate.scope, &candidate.members, |row| {
            !halves.is_second(row) && !covered[row as usize]
        });
        if excess_p(&rest) <= STILL_WORSE {
            candidate.members.iter().for_each(|&row| covered[row as usize] = true);
            chosen.push(candidate);
        }
    }
    chosen
}

/// Images in both over images in either; members are in rising order.
fn jaccard(a: &[u32], b: &[u32]) -> f64 {
    let (mut i, mut j, mut both) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        both += usize::from(a[i] == b[j]);
        (i, j) = (i + usize::from(a[i] <= b[j]), j + usize::from(b[j] <= a[i]));
    }
    both as f64 / (a.len() + b.len() - both).max(1) as f64
}

/// Tests the chosen on the second half.
pub fn confirm(table: &Table<'_>, halves: &Halves, chosen: Vec<Candidate>, options: &SliceOptions) -> Slices {
    let second = (0..table.len() as u32).filter(|&row| halves.is_second(row));
    let (n, errors) = second.fold((0, 0), |(n, e), row| (n + 1, e + u64::from(table.wrong[row as usize])));
    let rates = |candidate: &Candidate, second: bool| {
        table.rates(candidate.scope, &candidate.members, |row| halves.is_second(row) == second)
    };
    let tested: Vec<_> = chosen.iter().map(|candidate| rates(candidate, true)).collect();
    let p: Vec<f64> = tested.iter().map(|strata| excess_p(strata)).collect();
    let corrected = benjamini_hochberg(&p);
    let mut slices: Vec<Slice> = Vec::new();
    for (index, candidate) in chosen.into_iter().enumerate() {
        let difference = Difference::of(&tested[index]).expect("images in the second half");
        let found = Difference::of(&rates(&candidate, false)).expect("images in the first half");
        let n: u64 = tested[index].iter().map(|s| s.n_in).sum();
        let wrong: u64 = tested[index].iter().map(|s| s.wrong_in).sum();
        let (words, is_cluster) = match &candidate.origin {
            Origin::Conditions(conditions) => (sentence::words(conditions, table.properties), false),
            Origin::Cluster(_) => (clusters::telling(table, &candidate.members), true),
        };
        slices.push(Slice {
            scope: candidate.scope,
            words,
            is_cluster,
            n,
            wrong,
            difference,
            found,
            p: p[index],
            p_corrected: corrected[index],
            confirmed: corrected[index] <= options.false_discovery_rate,
            harm: harm(wrong, difference.outside * n as f64, errors),
            examples: typical(table, &candidate),
            rows: candidate.members,
        });
    }
    slices.sort_by(|a, b| b.confirmed.cmp(&a.confirmed).then(b.harm.total_cmp(&a.harm)));
    Slices { slices, n, errors }
}

/// The wrong images of a candidate, those nearest to its middle first: the center of a cluster, or the medians of its
/// properties, each in units of its standard deviation over all images.
fn typical(table: &Table<'_>, candidate: &Candidate) -> Vec<u32> {
    let distances = match &candidate.origin {
        Origin::Cluster(distances) => distances.clone(),
        Origin::Conditions(_) => distances_to_medians(table, &candidate.members),
    };
    let mut wrong: Vec<(u32, f64)> = candidate.members.iter().copied().zip(distances).collect();
    wrong.retain(|&(row, _)| table.wrong[row as usize]);
    wrong.sort_by(|a, b| a.1.total_cmp(&b.1));
    wrong.into_iter().take(EXAMPLES_MOST).map(|(row, _)| row).collect()
}

fn distances_to_medians(table: &Table<'_>, members: &[u32]) -> Vec<f64> {
    let mut distances = vec![0.0; members.len()];
    for property in table.properties {
        let Values::Numbers(values) = &property.values else { continue };
        let (_, deviation) = clusters::moments(values.iter().copied());
        let mut own: Vec<f64> =
            members.iter().map(|&row| values[row as usize]).filter(|v| !v.is_nan()).collect();
        own.sort_by(f64::total_cmp);
        if own.is_empty() || deviation == 0.0 {
            continue;
        }
        let median = own[own.len() / 2];
        for (distance, &row) in distances.iter_mut().zip(members) {
            let off = (values[row as usize] - median) / deviation;
            // an unknown value is one deviation off
            *distance += if off.is_nan() { 1.0 } else { off * off };
        }
    }
    distances
}
