//! Two filters and the image that excites both.

use serde::{Deserialize, Serialize};

/// Two filters of a layer and the image that excites their sum most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The layer.
    pub layer: String,
    /// The filters.
    pub filters: [usize; 2],
    /// The class that made them a pair; none if they were asked for.
    pub class: Option<String>,
    /// The sum of their responses at the middle place to that image; 0 if none was found that excites them.
    pub value: f32,
    /// The largest sum to an image of the data.
    pub largest: f32,
}
