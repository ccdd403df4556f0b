//! A recipe: everything that decides a run, as read from TOML.

mod options;

pub use options::{EarlyStopping, EpsilonForm, Initializer, Optimizer, Schedule, TrainOptions};
