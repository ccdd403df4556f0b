//! The library behind `seamripper`: what a model is, how it runs and trains, what it sees and where it fails.
//!
//! This crate opens no file, reads no clock and no environment, and talks to no network; it builds for
//! wasm32 as it is. Who may import whom is written in ARCHITECTURE.md and checked by `xtask tidy`.
#![forbid(unsafe_code)]

pub mod augment;
pub mod corrupt;
pub mod digits;
pub mod engine;
pub mod fail;
pub mod graph;
pub mod nearest;
pub mod predictions;
pub mod problems;
pub mod random;
pub mod recipe;
pub mod sample;
pub mod see;
pub mod tensor;
pub mod train;
