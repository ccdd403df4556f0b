//! What a saliency map is worth: checks that a map can fail.

mod baseline;
mod curves;
mod judge;
mod likeness;
mod priors;
mod sanity;

pub use baseline::{Baseline, blurred};
pub use curves::{CURVE_BATCH, Curve, curve, pixels_by_saliency, random_orders};
pub use judge::{Areas, Floor, Judged, Verdict, judge, judge_by_predictions};
pub use likeness::rank_correlation;
pub use priors::{center_prior, edge_map};
pub use sanity::{PASSES_BELOW, Sanity, randomised, sanity, sanity_noise, smooth_likeness};
