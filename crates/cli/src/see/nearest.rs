//! The training images that the model finds most like an image.

use seamripper_core::sample::{Ids, ImageSet};
use seamripper_core::see::document::{Nearest, Neighbour};
use seamripper_core::see::{Model, nearest_images, penultimate};

use super::Seen;
use super::pictures::Shown;
use super::sheets;
use crate::diag::Outcome;
use crate::stages::Stages;

/// Training images beside an image.
const NEIGHBOURS: usize = 8;

/// Looks for the nearest of `training` to each image, before the last layer.
pub fn look(
    model: &Model<'_>,
    training: &ImageSet,
    shown: &[Shown],
    seen: &mut Seen,
    stages: &mut Stages,
) -> Outcome {
    let classes = training.classes();
    let pixels: Vec<u8> = shown.iter().flat_map(|image| image.pixels.iter().copied()).collect();
    let names = Ids::Names(shown.iter().map(|image| image.id.as_str().into()).collect());
    let images = ImageSet::new(training.size(), pixels, vec![0; shown.len()], classes.clone(), names);
    let found = stages.run("nearest training images", training.len(), |done| {
        let among = penultimate(model, training, done);
        nearest_images(model.isa, &penultimate(model, &images, |_| {}), &among, NEIGHBOURS)
    });
    for (image, near) in shown.iter().zip(found) {
        let neighbours: Vec<Neighbour> = near
            .iter()
            .map(|near| Neighbour {
                id: training.ids().id(near.index),
                class: classes[training.labels()[near.index] as usize].clone(),
                distance: near.squared_distance.sqrt(),
            })
            .collect();
        let pictures: Vec<_> = near.iter().map(|near| training.image(near.index)).collect();
        let pictures: Vec<&[u8]> = pictures.iter().map(|picture| &**picture).collect();
        let canvas = sheets::nearest(training.size(), image, &neighbours, &pictures).draw();
        let about = format!("{}: the training images that the model finds most like it", image.id);
        seen.sheet(format!("nearest-{}.png", Seen::file_name(&image.id)), &canvas, about)?;
        seen.document.nearest.push(Nearest { id: image.id.clone(), neighbours });
    }
    Ok(())
}
