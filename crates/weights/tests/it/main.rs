//! Weights in and out.

mod damaged;
mod exports;
mod models;
#[path = "../../../onnx/tests/it/npz.rs"]
mod npz;
mod refused;
mod table;
