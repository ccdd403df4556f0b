//! What is on the sheets.

mod ablation;
mod fields;
mod filters;
mod map;
mod nearest;
mod pairs;
mod responses;
mod saliency;
mod window;

#[cfg(test)]
mod tests;

pub use ablation::ablation;
pub use fields::fields;
pub use filters::{Looked, classes, filters};
pub use map::{Point, map};
pub use nearest::nearest;
pub use pairs::{PairDreams, pairs};
pub use responses::responses;
pub use saliency::{Drawn, saliency};
pub use window::window;

/// Beside every picture of signed values.
const SIGNED: &str = "Orange: above 0. Purple: below 0. White: 0.";
