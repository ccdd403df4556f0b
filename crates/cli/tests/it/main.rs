//! The program as it is run.

mod audit;
mod blackbox;
mod data;
mod doctor;
mod eval;
mod lr_find;
mod model;
mod onnx;
mod photos;
mod predictions;
mod readme;
mod report;
mod see;
mod selftest;
mod train;
mod weights;
