//! The few formulas that turn counts into statements: intervals, two exact tests, one correction for many tests.

pub mod exact_test;
pub mod interval;
pub mod multiple;
pub mod poisson_binomial;
pub mod two_rates;

#[cfg(test)]
mod tests;
