//! The program as it is run.

mod model;
