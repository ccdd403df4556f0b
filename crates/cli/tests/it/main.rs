//! The program as it is run.

mod data;
mod eval;
mod model;
mod onnx;
mod readme;
mod see;
mod train;
