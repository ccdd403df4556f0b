//! Where images lie before the last layer.

use serde::{Deserialize, Serialize};

/// Images in two dimensions, twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// Share of the variance along each of the two principal axes.
    pub pca_shares: [f64; 2],
    /// One an image.
    pub images: Vec<Place>,
}

/// Where an image lies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// What the image is called.
    pub id: String,
    /// Index of its class.
    pub label: usize,
    /// Index of the class the model calls it.
    pub predicted: usize,
    /// On the map of [`crate::see::map`].
    pub tsne: [f32; 2],
    /// Along the principal axes.
    pub pca: [f32; 2],
}
