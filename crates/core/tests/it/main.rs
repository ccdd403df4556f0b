//! Integration tests of the core.

mod scikit_learn;
