//! Tests of graphs, one file a subject.

mod build;
mod file;
mod initial;
mod part;
mod preprocessing;
mod shape;
