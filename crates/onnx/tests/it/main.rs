//! ONNX in and out.

mod damaged;
mod models;
mod npz;
mod refused;
mod round_trip;
