//! Which images to flag, once it is known how probable each is to be wrong.
//!
//! *Idea*: with chances `q`, flagging the `m` most suspect finds `sum of their q` errors of `sum of all q`, so the F1 to be
//! expected is about `2 (sum of the m largest q) / (m + sum of all q)`. It is computed for each `m`; at the best one the last
//! flagged image has a `q` of about half that F1.
//!
//! *Ties*: images with the same `q` are flagged together. *Edges*: if no `q` is above 0, nothing is flagged.
//!
//! *Reference*: Lipton, Elkan & Naryanaswamy (2014), "Optimal thresholding of classifiers to maximize F1 measure", ECML PKDD,
//! theorem 1.

/// Whether each image is flagged, from the chance of each to be wrong.
pub fn best_f1(wrong: &[f64]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..wrong.len()).collect();
    order.sort_by(|&i, &j| wrong[j].total_cmp(&wrong[i]));
    let all: f64 = wrong.iter().sum();
    let (mut found, mut best, mut least) = (0.0, 0.0, f64::INFINITY);
    for (rank, &image) in order.iter().enumerate() {
        found += wrong[image];
        let last_of_tie = order.get(rank + 1).is_none_or(|&next| wrong[next] < wrong[image]);
        let f1 = 2.0 * found / ((rank + 1) as f64 + all);
        if last_of_tie && f1 > best {
            (best, least) = (f1, wrong[image]);
        }
    }
    wrong.iter().map(|&q| q >= least).collect()
}
