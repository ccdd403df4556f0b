//! Pictures of numbers as labelled PNG sheets.
//!
//! *Idea*: a [`Picture`] is a small block of pixels made from values by one of a few [`palette`]s; a [`Sheet`] is a page on which
//! pictures, each magnified by a whole number and without smoothing, stand in a grid with text. Nothing here knows a model.
//! Palettes are readable with any color vision, and what a color says is said in text as well.

mod animation;
mod canvas;
pub mod palette;
mod sheet;

#[cfg(test)]
mod tests;

pub use animation::animation;
pub use canvas::{Canvas, Color, Weight};
pub use palette::Picture;
pub use sheet::{Line, Sheet, Tile};
