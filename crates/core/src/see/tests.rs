//! Tests of what is seen, one file a subject; and networks to look at.

mod layers;
mod planted;
mod survey;
