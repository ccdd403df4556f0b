//! The program as it is run.

mod audit;
mod data;
mod eval;
mod model;
mod readme;
mod report;
mod see;
mod train;
