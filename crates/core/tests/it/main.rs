//! Integration tests of the core.

mod keras;
mod opencv;
mod scikit_learn;
