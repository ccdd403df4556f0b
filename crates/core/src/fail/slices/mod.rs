//! Slices: images with something in common that are wrong more often than the images they are compared with, found on one
//! half of a table and confirmed on the other.
//!
//! *Idea*:
//! ```text
//! halves    = images of each class, right and wrong apart, dealt to two halves at random        (halves)
//! scopes    = all images; each true class; each predicted class, if wanted
//! conditions= property below or above a quantile of the scope, or of a name                      (conditions)
//! candidates= conjunctions by decision tree and by all pairs, on the first half                  (search)
//!           + clusters of embeddings, if there are any                                           (clusters)
//! chosen    = best first; each must still be worse than its scope without the images of those
//!             before it, and overlap each by less than half
//! p         = exact test on the second half; Benjamini–Hochberg over all that were chosen        (confirm)
//! ```
//! The scope is what a slice is compared with. "Bag, dark" is compared with the other bags, so that a hard class is no
//! slice. In the scope of all images the comparison is made within true classes, for the same reason.
//!
//! *Exactness*: the second half has no part in what is tested on it, so of all confirmed slices at most
//! [`SliceOptions::false_discovery_rate`] are false, on average; `tests::simulation` counts both that and what is found.
//!
//! *Reference*: rules from one half, tested on another: Cox (1975), "A note on data-splitting for the evaluation of
//! significance levels", Biometrika 62, 441–444. Slices by trees and lattices: Chung et al. (2019), "Slice Finder", ICDE.
//! Leaving out what was already found: Clark & Niblett (1989), "The CN2 induction algorithm", Machine Learning 3, 261–283.
//! Clusters: Eyuboglu et al. (2022), "Domino" (arXiv 2203.14960). What to score: Plumb et al. (2023), "Towards a More
//! Rigorous Science of Blindspot Discovery" (arXiv 2207.04104).

use super::properties::Property;
use crate::predictions::Predictions;
use crate::tensor::Tensor;

mod bits;
mod clusters;
mod conditions;
mod confirm;
mod halves;
mod search;
mod sentence;
mod slice;
#[cfg(test)]
mod tests;

pub use slice::{Scope, Slice, Slices};

/// How to look for slices.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceOptions {
    /// Of the halves and the clusters.
    pub seed: u64,
    /// A slice has at least this many images in each half.
    pub support: usize,
    /// Of the confirmed slices, at most this share is false, on average.
    pub false_discovery_rate: f64,
    /// At most this many are tested on the second half.
    pub tested_most: usize,
    /// At most this many conditions make a slice; pairs are searched completely, more only by the tree.
    pub depth: usize,
    /// Whether predicted classes are scopes too. Then "called Shirt, small: 60 % wrong" is found also where the reason is
    /// only that another class, whose images are small, is taken for it.
    pub predicted_classes: bool,
    /// Number of clusters of the embeddings.
    pub clusters: usize,
}

impl Default for SliceOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            support: 30,
            false_discovery_rate: 0.1,
            tested_most: 30,
            depth: 3,
            predicted_classes: false,
            clusters: 20,
        }
    }
}

/// Looks for slices in a table. `embeddings` are `[n, d]`, usually what the last layer but one makes of each image.
///
/// Returned are all slices that were tested, confirmed ones first, most harm first.
///
/// # Panics
/// If a property or the embeddings are not of the table's images.
pub fn find(
    predictions: &Predictions,
    properties: &[Property],
    embeddings: Option<&Tensor>,
    options: &SliceOptions,
) -> Slices {
    for property in properties {
        assert_eq!(property.len(), predictions.len(), "values of {}", property.name);
    }
    let table = slice::Table::new(predictions, properties);
    let halves = halves::Halves::new(&table, options.seed);
    let mut candidates = search::candidates(&table, &halves, options);
    if let Some(embeddings) = embeddings {
        candidates.extend(clusters::candidates(&table, &halves, embeddings, options));
    }
    let chosen = confirm::choose(&table, &halves, candidates, options);
    confirm::confirm(&table, &halves, chosen, options)
}
