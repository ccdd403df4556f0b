//! Integration tests of the core.
mod opencv;
