//! Integration tests of the program.

mod data;
