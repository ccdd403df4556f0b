//! Numeric kernels: slices in, slices out, no dependency but a thread pool, and the only `unsafe` of the project.
//!
//! Every kernel exists once, generic over an [`isa::Isa`], and is compiled for each instruction set; which one runs is
//! decided at run time by an [`Instructions`] value, whose existence proves that the CPU qualifies. Beside each stands
//! its plain-loop twin in [`scalar`], the oracle of the tests.
//!
//! *Exactness*: element-wise kernels never fuse a multiplication with an addition and therefore equal their twin bit
//! for bit on every instruction set. Sums use fused multiply-add where the CPU has it and keep within [`sum_bound`] of
//! the twin. For one instruction set the result never depends on the number of threads.

mod aligned;
pub mod conv_pool;
pub mod conv_pool_backward;
pub mod conv_rows;
pub mod depthwise;
mod dispatch;
pub mod element;
pub mod elementwise;
pub mod exp;
pub mod gemm;
pub mod gemm_gradient;
pub mod isa;
pub mod layer_norm;
pub mod norm;
pub mod optimizer;
pub mod panels;
pub mod parallel;
pub mod peak;
pub mod pool;
pub mod scalar;
pub mod softmax;
pub mod warp;
pub mod winograd;

pub use aligned::Aligned;
pub use dispatch::{Instructions, Kernel, Unavailable};

/// Values that must be readable (not meaningful) after the end of an array that a kernel reads in whole vectors.
pub const SLACK: usize = 16;

/// How far a sum of `terms` products may lie from its scalar twin, given the sum of the products' magnitudes.
///
/// Both are within `gamma(terms + 1) = (terms + 1) u / (1 - (terms + 1) u)` of the exact value, `u = 2^-24`
/// (Higham 2002, *Accuracy and Stability of Numerical Algorithms*, section 3.1), hence the factor 2.
pub fn sum_bound(terms: usize, magnitude: f32) -> f32 {
    let gamma = (terms as f64 + 1.0) * 2.0_f64.powi(-24);
    (2.0 * gamma / (1.0 - gamma) * f64::from(magnitude)) as f32 + f32::MIN_POSITIVE
}

#[cfg(test)]
mod tests;
