//! Integration tests of the core.
mod data;
