//! Insertion and deletion: does the prediction follow the pixels that a map calls important?
//!
//! *Idea*: pixels go from the most salient to the least. Deletion replaces them in the image by the baseline; insertion puts them
//! into the baseline. A good map makes the class' probability fall at once, or rise at once: a small area under the deletion
//! curve, a large one under the insertion curve. A random order is what to beat.
//!
//! *Exactness*: the golden file `captum` has two curves each.
//!
//! *Reference*: Petsiuk, Das & Saenko 2018, "RISE", section 4.2.

use crate::random::{Purpose, Stream};
use crate::see::Classifier;

/// Points of a curve, both ends included.
const POINTS: usize = 29;

/// Images that [`curve`] predicts at once.
pub const CURVE_BATCH: usize = 2 * POINTS;

/// Indices of pixels, the most salient first; equal ones, 0 and -0 among them, in the order of their index.
pub fn pixels_by_saliency(map: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..map.len()).collect();
    // `+ 0.0` makes -0 a 0
    order.sort_by(|&a, &b| (map[b] + 0.0).total_cmp(&(map[a] + 0.0)));
    order
}

/// `count` random orders of `pixels` pixels.
pub fn random_orders(seed: u64, count: usize, pixels: usize) -> Vec<Vec<usize>> {
    let order = |index| {
        let mut order: Vec<usize> = (0..pixels).collect();
        Stream::new(seed, Purpose::PixelOrder, index as u64, 0).shuffle(&mut order);
        order
    };
    (0..count).map(order).collect()
}

/// Probabilities of a class along both ways.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// `[points]`, from the whole image to the baseline.
    pub deletion: Vec<f64>,
    /// `[points]`, from the baseline to the whole image.
    pub insertion: Vec<f64>,
}

impl Curve {
    /// Areas under deletion and insertion, by trapezoids over the share of pixels, 0 to 1.
    pub fn areas(&self) -> [f64; 2] {
        [&self.deletion, &self.insertion].map(|curve| {
            let ends = (curve[0] + curve[curve.len() - 1]) / 2.0;
            (ends + curve[1..curve.len() - 1].iter().sum::<f64>()) / (curve.len() - 1) as f64
        })
    }
}

/// The curves of `class` for `image` `[h, w, c]` when pixels go in the given order; `baseline` `[h, w, c]` stands where they are not.
///
/// # Panics
/// If the order is not of all pixels.
pub fn curve(
    model: &mut dyn Classifier,
    image: &[f32],
    baseline: &[f32],
    class: usize,
    order: &[usize],
) -> Curve {
    let [h, w, c] = model.input();
    assert_eq!(order.len(), h * w, "an order of all pixels");
    let mut images = Vec::with_capacity(2 * POINTS * image.len());
    for (from, to) in [(image, baseline), (baseline, image)] {
        let mut changed = from.to_vec();
        let mut done = 0;
        for point in 0..POINTS {
            let count = point * order.len() / (POINTS - 1);
            for &pixel in &order[done..count] {
                changed[pixel * c..][..c].copy_from_slice(&to[pixel * c..][..c]);
            }
            done = count;
            images.extend_from_slice(&changed);
        }
    }
    let classes = model.outputs();
    let mut deletion: Vec<f64> =
        model.probs(&images).chunks_exact(classes).map(|row| f64::from(row[class])).collect();
    let insertion = deletion.split_off(POINTS);
    Curve { deletion, insertion }
}
