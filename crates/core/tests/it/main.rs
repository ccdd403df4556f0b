//! Integration tests of the core.

mod keras;
mod npz;
mod opencv;
mod scikit_learn;
