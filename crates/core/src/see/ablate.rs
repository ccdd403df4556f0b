//! What a filter is needed for: predictions with its response replaced by a constant.
//!
//! *Idea*: what is before the filter is computed once, what is behind it once for each filter.
//! ```text
//! cut:  the last node behind the response from which the rest of the network can be run alone
//! for each chunk of images:  kept = the output of the cut
//!     for each filter:  the rest of the network on `kept` with the filter's channel replaced
//! ```
//! A pool that alone reads the response gives a constant channel for a constant channel, so the cut is behind it. Where something
//! goes around the filter (a residual block), the cut is before the block, and the channel is replaced by a gate
//! ([`crate::graph::Graph::gated`]).
//!
//! *Exactness*: images whose channel holds the constant already are not run again. Each layer's changes are counted against a
//! run of the same parts with nothing replaced; it differs from a run of the whole model by the rounding of sums only.
//!
//! *Reference*: Morcos et al. 2018, "On the importance of single directions for generalization", section 2.2: replacing by zero
//! and by the mean.

mod route;

use seamripper_kernels::softmax;

use self::route::Route;
use super::{FilterLayer, Model, Survey};
use crate::engine::{Engine, Wants};
use crate::sample::ImageSet;
use crate::tensor::argmax;

/// Images at a time.
const BATCH: usize = 256;

/// What a filter's response is replaced by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// Zero at every place.
    Zero,
    /// The filter's mean response over the set of a survey, at every place.
    Mean,
}

/// What every filter of a model is needed for on a set of images.
#[derive(Clone, Debug, PartialEq)]
pub struct Ablation {
    /// What responses were replaced by.
    pub replacement: Replacement,
    /// Number of images of each class, `[k]`.
    pub class_images: Vec<usize>,
    /// Number of images of each class that the whole model predicts right, `[k]`.
    pub right: Vec<usize>,
    /// One a layer with filters, in execution order.
    pub layers: Vec<LayerAblation>,
}

/// What the filters of a layer are needed for.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerAblation {
    /// The layer.
    pub layer: FilterLayer,
    /// Each filter alone replaced.
    pub filters: Vec<Change>,
    /// All filters of the layer replaced at once.
    pub whole: Change,
}

/// How predictions change, as the two counts an exact McNemar test needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Images of each class that were wrong and become right, `[k]`.
    pub gained: Vec<usize>,
    /// Images of each class that were right and become wrong, `[k]`.
    pub lost: Vec<usize>,
}

impl Change {
    fn none(classes: usize) -> Self {
        Self { gained: vec![0; classes], lost: vec![0; classes] }
    }

    /// Images won less images lost, of all classes; divided by the number of images, the change of accuracy.
    pub fn net(&self) -> i64 {
        let total = |counts: &[usize]| counts.iter().sum::<usize>() as i64;
        total(&self.gained) - total(&self.lost)
    }

    fn count(&mut self, label: usize, before: usize, after: usize) {
        if before != label && after == label {
            self.gained[label] += 1;
        } else if before == label && after != label {
            self.lost[label] += 1;
        }
    }
}

/// Replaces the response of every filter, and of every layer, and counts which predictions change. `survey` gives the means;
/// `progress` is told how many of [`ablation_steps`] runs of an image are done.
///
/// # Panics
/// If the images do not have the graph's input size, there are not as many classes as outputs, or `survey` is of another
/// model.
pub fn ablate(
    model: &Model<'_>,
    set: &ImageSet,
    survey: &Survey,
    replacement: Replacement,
    mut progress: impl FnMut(usize),
) -> Ablation {
    assert_eq!(set.size(), model.graph.input, "image size");
    let classes = model.graph.outputs();
    assert_eq!(set.classes().len(), classes, "classes");
    let mut class_images = vec![0; classes];
    let mut right = vec![0; classes];
    for (&label, predicted) in set.labels().iter().zip(predictions(model, set)) {
        class_images[label as usize] += 1;
        right[label as usize] += usize::from(predicted == label as usize);
    }
    let mut done = 0;
    let mut layers = Vec::new();
    for looked in &survey.layers {
        let values: Vec<f32> = match replacement {
            Replacement::Zero => vec![0.0; looked.layer.filters()],
            Replacement::Mean => looked.filters.iter().map(|filter| filter.mean as f32).collect(),
        };
        layers.push(ablate_layer(model, set, &looked.layer, &values, |runs| {
            done += runs;
            progress(done);
        }));
    }
    Ablation { replacement, class_images, right, layers }
}

/// How many runs of an image [`ablate`] does: one a filter, and one a layer.
pub fn ablation_steps(survey: &Survey, set: &ImageSet) -> usize {
    survey.layers.iter().map(|layer| (layer.filters.len() + 1) * set.len()).sum()
}

/// The filters of one layer, `values` being what each is replaced by; `progress` is told of runs just done.
fn ablate_layer(
    model: &Model<'_>,
    set: &ImageSet,
    layer: &FilterLayer,
    values: &[f32],
    mut progress: impl FnMut(usize),
) -> LayerAblation {
    let classes = model.graph.outputs();
    let mut route = Route::new(model, layer, BATCH.min(set.len()).max(1));
    let mut filters = vec![Change::none(classes); layer.filters()];
    let mut whole = Change::none(classes);
    let mut first = 0;
    for pixels in set.chunks(route.chunk()) {
        let kept = route.keep(model, &pixels);
        let labels = &set.labels()[first..first + kept.images];
        first += kept.images;
        let open = route.open(&kept);
        let mut run = |replaced: &[(usize, f32)], change: &mut Change| {
            route.run(&kept, replaced, |image, after| {
                change.count(labels[image] as usize, open[image], after);
            });
            progress(kept.images);
        };
        for (filter, change) in filters.iter_mut().enumerate() {
            run(&[(filter, values[filter])], change);
        }
        run(&values.iter().copied().enumerate().collect::<Vec<_>>(), &mut whole);
    }
    LayerAblation { layer: layer.clone(), filters, whole }
}

/// The predicted class of every image, as `train::Predictor` predicts it.
fn predictions(model: &Model<'_>, set: &ImageSet) -> Vec<usize> {
    let batch = BATCH.min(set.len()).max(1);
    let mut engine = model.engine(batch, Wants::INFERENCE);
    let mut predicted = Vec::with_capacity(set.len());
    for pixels in set.chunks(batch) {
        predicted.extend(predict(&mut engine, &model.values(&pixels), model.graph.outputs()));
    }
    predicted
}

/// Runs images and gives the class with the highest probability, the first of equals.
fn predict(engine: &mut Engine, values: &[f32], classes: usize) -> Vec<usize> {
    engine.run_forward(values);
    let mut logits = vec![0.0; engine.images() * classes];
    engine.copy_logits(&mut logits);
    let mut probs = vec![0.0; logits.len()];
    softmax::softmax(&logits, classes, &mut probs);
    probs.chunks_exact(classes).map(argmax).collect()
}
