//! Predictions averaged over several views of each image: test-time augmentation.

use crate::augment::View;
use crate::predictions::Predictions;
use crate::sample::ImageSet;

/// Images whose views are held at once.
const CHUNK: usize = 4096;

/// The predictions of `set`, each the mean of the probabilities of its `views`. `predict` is given some images at a time, in order.
///
/// # Panics
/// If there is no view, or `predict` does not give a row for every image.
pub fn over_views(
    set: &ImageSet,
    views: &[View],
    mut predict: impl FnMut(&ImageSet) -> Predictions,
) -> Predictions {
    let share = 1.0 / views.len() as f64;
    let rows: Vec<usize> = (0..set.len()).collect();
    let parts = rows.chunks(CHUNK).map(|rows| {
        let images = set.select(rows);
        let tables = views.iter().map(|view| predict(&view.of(images.clone())));
        let sum = tables.reduce(|mut sum, table| {
            assert_eq!(sum.probs.len(), table.probs.len(), "rows");
            sum.probs.iter_mut().zip(&table.probs).for_each(|(sum, p)| *sum += p);
            sum
        });
        let mut mean = sum.expect("a view");
        mean.probs.iter_mut().for_each(|p| *p *= share);
        mean
    });
    let whole = parts.reduce(|mut whole, part| {
        whole.ids.extend(part.ids);
        whole.splits.extend(part.splits);
        whole.labels.extend(part.labels);
        whole.probs.extend(part.probs);
        whole
    });
    whole.unwrap_or_else(|| predict(set))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::views;
    use crate::sample::{Ids, Split};

    fn set(images: Vec<[u8; 6]>) -> ImageSet {
        let count = images.len();
        let ids = Ids::Rows { prefix: "image".into(), rows: (0..count as u32).collect() };
        let classes: Vec<String> = ["a".to_owned(), "b".to_owned()].into();
        ImageSet::new([2, 3, 1], images.concat(), vec![0; count], classes.into(), ids)
    }

    /// A model that reads the first pixel, over more images than are held at once: the mean is that of all views, row by row.
    #[test]
    fn the_mean_of_all_views() {
        let images = set((0..CHUNK + 3).map(|n| [(n % 200) as u8, 0, (n % 7) as u8, 0, 0, 0]).collect());
        let first = |set: &ImageSet| {
            Predictions::of(set, Split::Test, 100, |pixels| {
                pixels
                    .chunks_exact(6)
                    .flat_map(|image| [f32::from(image[0]) / 256.0, 1.0 - f32::from(image[0]) / 256.0])
                    .collect()
            })
        };
        let mean = over_views(&images, &views(true, false), first);
        assert_eq!(mean.ids, first(&images).ids);
        for row in [0, 1, 150, CHUNK - 1, CHUNK, CHUNK + 2] {
            let expected = ((row % 200) as f64 + (row % 7) as f64) / 512.0;
            assert_eq!(mean.row(row), [expected, 1.0 - expected], "{row}");
        }
        assert_eq!(over_views(&images, &views(false, false), first), first(&images));
    }
}
