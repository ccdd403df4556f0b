//! Where a model fails, read from a table of predictions.
//!
//! This room never runs a model: it takes [`crate::predictions::Predictions`], so that predictions made anywhere can be
//! analysed. [`evaluate`] is the per-class report: bias, precision and recall with intervals, the classes that are
//! predicted too often or too seldom, and a sentence for each of them. Accuracy is one of its numbers, not its point:
//! one aggregate can hide a class that fails.

pub mod abstain;
pub mod audit;
pub mod calibration;
pub mod confusions;
pub mod doctor;
pub mod drift;
pub mod duplicates;
pub mod evaluation;
pub mod finding;
pub mod label_errors;
pub mod paired;
pub mod properties;
pub mod robustness;
pub mod scores;
pub mod sentence;
pub mod slices;
pub mod spread;
pub mod spurious;
pub mod statistics;
pub mod top_losses;

pub use evaluation::{ClassEvaluation, Evaluation, evaluate};
pub use finding::{Audit, Finding, Kind};
pub use paired::Paired;
