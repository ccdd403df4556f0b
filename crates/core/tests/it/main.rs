//! Integration tests of the core.

mod opencv;
mod scikit_learn;
