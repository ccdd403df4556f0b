//! Tests of what is seen, one file a subject; and networks to look at.

mod ablate;
mod contribution;
mod dream;
mod film;
mod layers;
mod map;
mod nearest_images;
mod planted;
mod pointing;
mod probe;
mod receptive;
mod survey;
