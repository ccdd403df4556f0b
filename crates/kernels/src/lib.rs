//! Numeric kernels.

pub mod parallel;
pub mod warp;
