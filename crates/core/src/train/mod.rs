//! Fitting weights: batches, optimizer, schedule, epochs, checkpoints.
//!
//! *Idea*: everything a step needs to know is in [`State`] and the recipe; every random draw is named by seed, epoch and
//! place. A run that is stopped after any step and goes on from its saved state is therefore the same run, bit for bit.

mod average;
mod batches;
mod checkpoint;
mod class_weights;
mod muon;
mod optimizer;
mod predict;
mod profile;
pub mod rate_range;
mod schedule;
mod sizes;
mod teacher;
mod trainer;
mod views;

#[cfg(test)]
mod tests;

pub use checkpoint::CheckpointError;
pub use optimizer::Moments;
pub use predict::{PREDICT_BATCH, Predictor};
pub use profile::Profile;
pub use schedule::factor;
pub use trainer::{Best, ClassCount, EpochReport, Held, State, TrainError, Trainer};
pub use views::over_views;
