//! Where the images lie before the last layer: by neighbours, and along the two principal axes.

use seamripper_core::sample::ImageSet;
use seamripper_core::see::document::{Layout, Place};
use seamripper_core::see::{MapOptions, Model, map, map_sample, penultimate, principal};
use seamripper_core::tensor::argmax;

use super::Seen;
use super::sheets::{self, Point};
use crate::diag::Outcome;
use crate::stages::Stages;

/// Lays out the images of a set, or evenly spaced ones of a large set.
pub fn look(
    model: &Model<'_>,
    set: &ImageSet,
    classes: &[String],
    seen: &mut Seen,
    stages: &mut Stages,
) -> Outcome {
    let options = MapOptions::default();
    let sample = set.select(&map_sample(set.len()));
    let (tsne, pca) = stages.run("images: map", options.steps, |done| {
        let features = penultimate(model, &sample, |_| {});
        (map(model.isa, &features, &options, done), principal(&features))
    });
    let all: Vec<usize> = (0..sample.len()).collect();
    let logits = model.logits(&model.values_of(&sample, &all));
    let images: Vec<Place> = (logits.data().chunks_exact(classes.len()).enumerate())
        .map(|(index, row)| Place {
            id: sample.ids().id(index),
            label: sample.labels()[index] as usize,
            predicted: argmax(row),
            tsne: tsne[index],
            pca: pca.points[index].map(|x| x as f32),
        })
        .collect();
    let points = |at: fn(&Place) -> [f32; 2]| -> Vec<Point> {
        let point = |image: &Place| Point {
            at: at(image),
            label: image.label,
            wrong: image.predicted != image.label,
        };
        images.iter().map(point).collect()
    };
    let dots = "A dot an image, colored by its class; a cross where the model is wrong.";
    let n = images.len();
    let title = format!("Where {n} images lie before the last layer (t-SNE)");
    let note = format!("{dots} Distances between groups mean little.");
    let by_neighbours = sheets::map(&title, &note, classes, &points(|image| image.tsne));
    seen.sheet("map.png".to_owned(), &by_neighbours, "where images lie before the last layer (t-SNE)")?;
    let [first, second] = pca.shares.map(|share| 100.0 * share);
    let title = format!("Where {n} images lie before the last layer (principal axes)");
    let note = format!("{dots} Across: {first:.0} % of the variance; down: {second:.0} %.");
    let along_axes = sheets::map(&title, &note, classes, &points(|image| image.pca));
    seen.document.map = Some(Layout { pca_shares: pca.shares, images });
    seen.sheet("map-pca.png".to_owned(), &along_axes, "the same along the two principal axes")
}
