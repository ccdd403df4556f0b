//! Tests of graphs, one file a subject.

mod build;
mod ensemble;
mod file;
mod initial;
mod part;
mod preprocessing;
mod shape;
