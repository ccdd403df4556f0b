//! Tests of what is seen, one file a subject; and networks to look at.

mod ablate;
mod layers;
mod planted;
mod receptive;
mod survey;
