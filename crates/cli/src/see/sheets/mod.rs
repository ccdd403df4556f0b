//! What is on the sheets.

mod ablation;
mod filters;
mod map;
mod nearest;
mod responses;
mod saliency;

pub use ablation::ablation;
pub use filters::{Looked, classes, filters};
pub use map::{Point, map};
pub use nearest::nearest;
pub use responses::responses;
pub use saliency::{Drawn, saliency};

/// Beside every picture of signed values.
const SIGNED: &str = "Orange: above 0. Purple: below 0. White: 0.";
