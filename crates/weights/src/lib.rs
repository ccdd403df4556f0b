//! Weights of PyTorch and Keras to and from [`ModelFile`](seamripper_core::graph::ModelFile): a file has named arrays, a recipe has
//! layers, and what is here finds which is which.
//!
//! ```text
//! bytes -> arrays with names (torch, tensors, keras) -> layers with parts (layer)
//!       -> which layer of the graph each is (map), by name, shape or order -> weights of the graph, and a table that says so
//! graph with weights -> arrays in the other program's layout and under its names (export) -> bytes
//! ```
//! No file's code runs. Nothing is allocated because a header says so.

mod array;
mod channels;
mod error;
mod export;
mod hdf5;
mod keras;
mod keras_config;
mod layer;
mod map;
mod pickle;
mod read;
mod tensors;
mod torch;

pub use array::{Array, Element};
pub use error::{Mismatch, WeightsError};
pub use export::{to_keras, to_torch};
pub use layer::{Origin, Stored};
pub use map::{Assigned, Choices, How, LeftOut, Row, assign};
pub use read::read;
