//! Predictions of a model for a set of images.

use seamripper_kernels::{Instructions, softmax};

use crate::engine::{Engine, Wants};
use crate::graph::{Graph, Weights};
use crate::predictions::Predictions;
use crate::sample::{ImageSet, Split};

/// Images at a time.
pub const PREDICT_BATCH: usize = 256;

/// Class probabilities of every image of `set`; `progress` is told how many are done.
///
/// # Panics
/// If the images do not have the graph's input size or there are not as many classes as outputs.
pub fn predict(
    isa: Instructions,
    graph: &Graph,
    weights: &Weights,
    set: &ImageSet,
    split: Split,
    mut progress: impl FnMut(usize),
) -> Predictions {
    assert_eq!(set.size(), graph.input, "image size");
    let k = graph.outputs();
    assert_eq!(set.classes().len(), k, "classes");
    let mut engine = Engine::new(graph, isa, PREDICT_BATCH.min(set.len()), Wants::INFERENCE);
    engine.load(weights);
    let length: usize = graph.input.iter().product();
    let mut pixels = vec![0.0; PREDICT_BATCH * length];
    let (mut logits, mut probs) = (vec![0.0; PREDICT_BATCH * k], vec![0.0; PREDICT_BATCH * k]);
    let mut table = Vec::with_capacity(set.len() * k);
    for (done, images) in set.pixels().chunks(PREDICT_BATCH * length).enumerate() {
        for (value, &pixel) in pixels.iter_mut().zip(images) {
            *value = f32::from(pixel) / 255.0;
        }
        let count = images.len() / length;
        engine.run_forward(&pixels[..images.len()]);
        engine.copy_logits(&mut logits[..count * k]);
        softmax::softmax(&logits[..count * k], k, &mut probs[..count * k]);
        table.extend(probs[..count * k].iter().map(|&p| f64::from(p)));
        progress(done * PREDICT_BATCH + count);
    }
    Predictions {
        classes: set.classes().to_vec(),
        ids: (0..set.len()).map(|index| set.ids().id(index)).collect(),
        splits: vec![split; set.len()],
        labels: set.labels().to_vec(),
        probs: table,
    }
}
