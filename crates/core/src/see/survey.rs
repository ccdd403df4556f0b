//! Which filters respond, how much, to which classes and to which images: one pass over a set.
//!
//! *Idea*:
//! ```text
//! for each batch, run with taps:
//!     in parallel over images, for each filter:  above, sum, sum of squares, least, largest of its responses
//!     image after image, for each filter:        totals, class sums, the nine most and least exciting images
//! ```
//! The set is streamed: memory does not grow with the number of images.
//!
//! *Exactness*: sums are `f64`, over an image's places in order and then over the images in order, so no result depends on
//! the number of threads.

mod tally;

use seamripper_kernels::parallel;

use self::tally::{ImageTally, LayerTally};
use super::duplicates::{Duplicate, Grams, alike};
use super::{FilterLayer, Model, filter_layers};
use crate::engine::{Engine, Wants};
use crate::sample::ImageSet;

/// Images at a time.
const BATCH: usize = 64;

/// Exemplars kept of each kind.
pub const EXEMPLARS: usize = 9;

/// What every filter of a model does on a set of images.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    /// Number of images.
    pub images: usize,
    /// Number of images of each class, `[k]`.
    pub class_images: Vec<usize>,
    /// One a layer with filters, in execution order.
    pub layers: Vec<LayerSurvey>,
}

/// What the filters of a layer do.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSurvey {
    /// The layer.
    pub layer: FilterLayer,
    /// One a filter.
    pub filters: Vec<FilterSurvey>,
    /// Pairs of filters that do the same, by first and second filter.
    pub duplicates: Vec<Duplicate>,
}

/// What a filter does. A response is one value of the filter's channel, at one place of one image.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterSurvey {
    /// Share of responses above 0. After a ReLU that is the share of places where the filter is active; after an activation
    /// that never reaches 0 (sigmoid, softplus) it is 1 and tells nothing.
    pub rate: f64,
    /// Mean of all responses.
    pub mean: f64,
    /// Standard deviation of all responses.
    pub sd: f64,
    /// Smallest response.
    pub min: f32,
    /// Largest response.
    pub max: f32,
    /// Whether every response is the same number.
    pub dead: bool,
    /// Mean response to images of each class, `[k]`; `None` for a class without images.
    pub class_means: Vec<Option<f64>>,
    /// `(m - rest) / (m + rest)` for each class, `[k]`: `m` is the class' mean, `rest` the mean of the other classes' means
    /// (Morcos et al. 2018, "On the importance of single directions for generalization", section 2.3, who state it for the
    /// class with the largest mean). -1 to 1; 0 if the filter does not respond. The formula is for responses that are not
    /// negative, so if the smallest response is below 0, means are measured from there. `None` for a class without images
    /// or if there is no other.
    pub selectivity: Vec<Option<f64>>,
    /// The images with the largest response, largest first; of equal ones the first in the set.
    pub most: Vec<Exemplar>,
    /// The images whose largest response is smallest, smallest first; of equal ones the first in the set.
    pub least: Vec<Exemplar>,
}

/// An image, and where a filter's response to it is largest.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// The image's index in the set.
    pub index: usize,
    /// What it is called.
    pub id: String,
    /// Row of the response; the first of equal ones. [`super::field`] gives the pixels behind it.
    pub row: usize,
    /// Column of the response.
    pub column: usize,
    /// The response.
    pub activation: f32,
}

/// Looks at every filter of `model` on every image of `set`; `progress` is told how many images are done.
///
/// # Panics
/// If the images do not have the graph's input size.
pub fn survey(model: &Model<'_>, set: &ImageSet, mut progress: impl FnMut(usize)) -> Survey {
    assert_eq!(set.size(), model.graph.input, "image size");
    let layers = filter_layers(model.graph);
    let classes = set.classes().len();
    let mut totals: Vec<LayerTally> =
        layers.iter().map(|layer| LayerTally::new(layer.output, classes)).collect();
    let mut grams: Vec<Grams> = layers.iter().map(|layer| Grams::new(layer.output)).collect();
    let batch = BATCH.min(set.len()).max(1);
    let mut engine = model.engine(batch, Wants { taps: true, ..Wants::INFERENCE });
    let mut tallies: Vec<Vec<ImageTally>> =
        vec![layers.iter().map(|layer| ImageTally::new(layer.filters())).collect(); batch];
    for (number, pixels) in set.chunks(batch).enumerate() {
        let first = number * batch;
        engine.run_forward(&model.values(&pixels));
        let count = pixels.len() / model.image_len();
        parallel::for_each(&mut tallies[..count], |image, tallies| {
            for (tally, layer) in tallies.iter_mut().zip(&layers) {
                tally.count(response(&engine, layer, image));
            }
        });
        let each = totals.iter_mut().zip(&mut grams).zip(&layers).enumerate();
        let mut each: Vec<_> = each.map(|(at, ((total, gram), layer))| (at, total, gram, layer)).collect();
        parallel::for_each(&mut each, |_, (at, total, gram, layer)| {
            for (image, tallies) in tallies[..count].iter().enumerate() {
                let class = set.labels()[first + image] as usize;
                total.add(first + image, class, &tallies[*at], response(&engine, layer, image));
            }
            gram.add(model.isa, first, count, |image| response(&engine, layer, image));
        });
        progress(first + count);
    }
    let mut class_images = vec![0; classes];
    for &label in set.labels() {
        class_images[label as usize] += 1;
    }
    let finish = |((layer, total), gram): ((FilterLayer, LayerTally), Grams)| LayerSurvey {
        duplicates: alike(model, &layer, &gram),
        filters: total.finish(&class_images, set.ids()),
        layer,
    };
    let layers = layers.into_iter().zip(totals).zip(grams).map(finish).collect();
    Survey { images: set.len(), class_images, layers }
}

/// The layer's responses to one image of the batch, `[h, w, filters]`.
fn response<'a>(engine: &'a Engine, layer: &FilterLayer, image: usize) -> &'a [f32] {
    engine.tap_of(layer.response, image).expect("an engine with taps")
}
