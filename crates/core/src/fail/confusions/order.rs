//! An order of classes in which those that are confused stand side by side, so that a large matrix shows blocks.
//!
//! *Idea*: the similarity of two classes is the share of their images that goes between them, both directions,
//! `(c_ij + c_ji) / sqrt(n_i n_j)`. A path through all classes with a large sum of similarities between neighbours is built from the
//! strongest pair down: a pair is joined if both are ends of different paths. What is left over is joined in the order of the
//! table. Then parts of the path are turned round as long as that helps.
//! ```text
//! for pairs, most similar first: join if both are ends of different pieces
//! repeat: reverse order[i..=j] if similarity(i-1, j) + similarity(i, j+1) grows
//! ```
//! *Reference*: seriation as a shortest path: Hahsler, Hornik & Buchta (2008), "Getting Things in Order", J. Stat. Softw.
//! 25(3), section 2.3.3; greedy edges and 2-opt: Bentley (1992), "Fast Algorithms for Geometric Traveling Salesman Problems",
//! ORSA J. Comput. 4, 387–411.

use std::collections::BTreeMap;

use super::Confusions;

/// Rounds of turning parts round.
const ROUNDS: usize = 20;

/// Above this number of classes only the greedy path is made: turning costs the square of it.
const TURNED_MOST: usize = 2_000;

/// An order of all classes; `images` is how many images each class has. Ties are broken by the order of the table.
///
/// # Panics
/// If `images` is not of the classes.
pub fn by_confusion(confusions: &Confusions, images: &[u64]) -> Vec<usize> {
    let k = confusions.classes;
    assert_eq!(images.len(), k, "images of every class");
    let similarity = similarities(confusions, images);
    let mut strongest: Vec<(&(usize, usize), &f64)> = similarity.iter().collect();
    strongest.sort_by(|a, b| b.1.total_cmp(a.1).then(a.0.cmp(b.0)));
    let mut order = greedy(k, strongest.into_iter().map(|(&pair, _)| pair));
    if k <= TURNED_MOST {
        turn(&mut order, |i, j| similarity.get(&(i.min(j), i.max(j))).copied().unwrap_or(0.0));
    }
    order
}

fn similarities(confusions: &Confusions, images: &[u64]) -> BTreeMap<(usize, usize), f64> {
    let of = |pair: &super::Confusion| {
        let [n, m] = [pair.from, pair.to].map(|class| images[class].max(1) as f64);
        let ends = (pair.from.min(pair.to), pair.from.max(pair.to));
        (ends, (pair.count + pair.reverse) as f64 / (n * m).sqrt())
    };
    confusions.pairs.iter().map(of).collect()
}

/// Paths from pairs, joined where both are ends; then one after the other, by their smallest class.
fn greedy(k: usize, pairs: impl Iterator<Item = (usize, usize)>) -> Vec<usize> {
    let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); k];
    // the other end of the path that a class is an end of
    let mut other_end: Vec<usize> = (0..k).collect();
    for (i, j) in pairs {
        if neighbours[i].len() == 2 || neighbours[j].len() == 2 || other_end[i] == j {
            continue;
        }
        neighbours[i].push(j);
        neighbours[j].push(i);
        let (a, b) = (other_end[i], other_end[j]);
        (other_end[a], other_end[b]) = (b, a);
    }
    let mut order = Vec::with_capacity(k);
    let mut placed = vec![false; k];
    let ends: Vec<usize> = (0..k).filter(|&class| neighbours[class].len() < 2).collect();
    for start in ends {
        let mut next = (!placed[start]).then_some(start);
        while let Some(class) = next {
            placed[class] = true;
            order.push(class);
            next = neighbours[class].iter().copied().find(|&class| !placed[class]);
        }
    }
    order
}

/// Reverses parts of the path while that makes neighbours more similar.
fn turn(order: &mut [usize], similarity: impl Fn(usize, usize) -> f64) {
    let k = order.len();
    for _ in 0..ROUNDS {
        let mut turned = false;
        for i in 0..k {
            for j in i + 1..k {
                let at = |a: Option<usize>, b: Option<usize>| match (a, b) {
                    (Some(a), Some(b)) => similarity(order[a], order[b]),
                    _ => 0.0,
                };
                let (before, after) = (i.checked_sub(1), Some(j + 1).filter(|&after| after < k));
                let now = at(before, Some(i)) + at(Some(j), after);
                let then = at(before, Some(j)) + at(Some(i), after);
                if then > now + 1e-12 {
                    order[i..=j].reverse();
                    turned = true;
                }
            }
        }
        if !turned {
            break;
        }
    }
}
