//! The few formulas that turn counts into statements: intervals, two exact tests, one correction for many tests.

pub mod exact_test;
pub mod interval;
pub mod multiple;
pub mod two_rates;
pub mod poisson_binomial;

#[cfg(test)]
mod tests;
