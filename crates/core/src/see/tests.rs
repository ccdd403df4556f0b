//! Tests of what is seen, one file a subject; and a network to look at.

mod dream;
mod film;
mod layers;
