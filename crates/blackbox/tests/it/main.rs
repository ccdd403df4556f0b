//! Models that are run without being read.

mod damaged;
mod golden;
mod npz;
mod refused;
