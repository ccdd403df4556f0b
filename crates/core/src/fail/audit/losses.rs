//! Lists of images to look at, each with the training images that are nearest to it in the last layer but one.

use seamripper_kernels::parallel;
use serde::{Deserialize, Serialize};

use super::{Subject, Training};
use crate::fail::top_losses::{Row, TopLosses};
use crate::tensor::Tensor;

/// Training images named for each image.
const NEAREST: usize = 5;

/// The section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Losses {
    /// Largest loss first.
    pub top_losses: Vec<Shown>,
    /// Wrong images, most confident first.
    pub confident_and_wrong: Vec<Shown>,
    /// Right images, smallest margin first.
    pub unsure_and_right: Vec<Shown>,
}

/// An image of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The image.
    #[serde(flatten)]
    pub row: Row,
    /// Training images, nearest first; empty without embeddings.
    pub nearest: Vec<Near>,
}

/// A training image near another image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Near {
    /// Its id.
    pub id: String,
    /// Index of its class.
    pub label: usize,
    /// Euclidean distance of the embeddings.
    pub distance: f64,
}

pub(super) fn section(subject: &Subject<'_>, listed: usize) -> Losses {
    let lists = TopLosses::of(subject.predictions, listed);
    let near = subject.embeddings.zip(subject.training);
    let shown = |rows: Vec<Row>| -> Vec<Shown> {
        let mut nearest = vec![Vec::new(); rows.len()];
        if let Some((embeddings, training)) = near {
            parallel::for_each_chunk(&mut nearest, 1, |index, slot| {
                slot[0] = nearest_training(embeddings, rows[index].row, &training);
            });
        }
        rows.into_iter().zip(nearest).map(|(row, nearest)| Shown { row, nearest }).collect()
    };
    Losses {
        top_losses: shown(lists.top_losses),
        confident_and_wrong: shown(lists.confident_and_wrong),
        unsure_and_right: shown(lists.unsure_and_right),
    }
}

fn nearest_training(embeddings: &Tensor, row: usize, training: &Training<'_>) -> Vec<Near> {
    let Some(of_training) = training.embeddings else { return Vec::new() };
    let d = embeddings.data().len() / embeddings.shape()[0];
    let query = &embeddings.data()[row * d..][..d];
    let square = |point: &[f32]| -> f64 {
        point.iter().zip(query).map(|(a, b)| f64::from(a - b) * f64::from(a - b)).sum()
    };
    let mut best: Vec<(f64, usize)> = Vec::with_capacity(NEAREST + 1);
    for (index, point) in of_training.data().chunks_exact(d).enumerate() {
        let distance = square(point);
        if best.len() < NEAREST || distance < best[NEAREST - 1].0 {
            let place = best.partition_point(|&(other, _)| other <= distance);
            best.insert(place, (distance, index));
            best.truncate(NEAREST);
        }
    }
    let near = |(square, index): (f64, usize)| Near {
        id: training.images.ids().id(index),
        label: training.images.labels()[index] as usize,
        distance: square.sqrt(),
    };
    best.into_iter().map(near).collect()
}
