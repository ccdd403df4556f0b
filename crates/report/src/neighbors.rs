//! The training images that the model finds most like those it gets wrong.

use std::collections::BTreeMap;

use seamripper_core::predictions::Predictions;
use seamripper_core::sample::ImageSet;
use seamripper_core::see::{Model, nearest_images, penultimate};

use crate::schema::NeighborInfo;

/// Neighbours of an image.
pub const EACH: usize = 4;

/// Wrong images that have neighbours, at most: those with the highest loss.
pub const MOST_NEIGHBORED: usize = 1000;

/// Bytes of all pictures of neighbors together, at most.
pub const MOST_NEIGHBOR_BYTES: usize = 32 << 20;

/// Neighbours of rows, with the pictures of the training images among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbors {
    pub(crate) info: NeighborInfo,
    /// `[rows, each]`, places among the pictures.
    pub(crate) places: Vec<u32>,
    /// `[rows, each]`
    pub(crate) distances: Vec<f32>,
    /// `[pictures, h, w, c]`
    pub(crate) pixels: Vec<u8>,
}

impl Neighbors {
    /// Those of the wrong rows of `table` among `training`, compared by what the last layer reads. `images[row]` is the image of a
    /// row in `set`. `None` if nothing is wrong or there are too few training images.
    pub fn of(
        model: &Model<'_>,
        table: &Predictions,
        set: &ImageSet,
        images: &[Option<usize>],
        training: &ImageSet,
    ) -> Option<Self> {
        if training.len() < EACH {
            return None;
        }
        let is_wrong = |&row: &usize| table.top1(row) != table.labels[row] as usize;
        let mut rows: Vec<usize> =
            (0..table.len()).filter(is_wrong).filter(|&row| images[row].is_some()).collect();
        let of_truth = |row: usize| table.row(row)[table.labels[row] as usize];
        rows.sort_by(|&a, &b| of_truth(a).total_cmp(&of_truth(b)));
        let bytes: usize = training.size().iter().product();
        rows.truncate(MOST_NEIGHBORED.min(MOST_NEIGHBOR_BYTES / (EACH * bytes.max(1))));
        if rows.is_empty() {
            return None;
        }
        let asked = set.select(&rows.iter().filter_map(|&row| images[row]).collect::<Vec<_>>());
        let [of, among] = [&asked, training].map(|set| penultimate(model, set, |_| {}));
        let found = nearest_images(model.isa, &of, &among, EACH);
        let mut place_of: BTreeMap<usize, u32> =
            found.iter().flatten().map(|neighbor| (neighbor.index, 0)).collect();
        for (place, (_, value)) in place_of.iter_mut().enumerate() {
            *value = place as u32;
        }
        let chosen = training.select(&place_of.keys().copied().collect::<Vec<_>>());
        Some(Self {
            info: NeighborInfo {
                rows: rows.iter().map(|&row| row as u32).collect(),
                each: EACH,
                ids: (0..chosen.len()).map(|index| chosen.ids().id(index)).collect(),
                labels: chosen.labels().to_vec(),
            },
            places: found.iter().flatten().map(|neighbor| place_of[&neighbor.index]).collect(),
            distances: found
                .iter()
                .flatten()
                .map(|neighbor| neighbor.squared_distance.sqrt() as f32)
                .collect(),
            pixels: chosen.into_pixels(),
        })
    }
}
