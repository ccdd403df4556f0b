//! Progressive resizing: small images first.
//!
//! *Idea*: what is to be learnt at first is coarse, and half the side is a quarter of the work. A network that ends in a global pooling
//! has the same weights for every size of image.
//! ```text
//! share of epoch e of n (from 0) = from + (1 - from) min(1, e / (until n))
//! side of it = side of the images times the share, rounded to a multiple of STEP, at least STEP
//! ```
//! *Reference*: Howard 2018, "Training Imagenet in 3 hours for 25 minutes"; Tan & Le 2021, "EfficientNetV2", section 4.2, without its
//! stronger augmentation.

use crate::graph::{Builder, Graph};
use crate::recipe::Progressive;

/// Sides are multiples of this, so that a network that halves them twice meets no odd one.
const STEP: usize = 4;

/// `[h, w]` of the images of an epoch, counted from 0, whose whole size is `size`.
pub(super) fn of_epoch(progressive: Progressive, epoch: u64, epochs: u64, size: [usize; 2]) -> [usize; 2] {
    let end = progressive.until * epochs as f64;
    let grown = if (epoch as f64) < end { epoch as f64 / end } else { 1.0 };
    let share = progressive.from + (1.0 - progressive.from) * grown;
    size.map(|side| {
        let rounded = (share * side as f64 / STEP as f64).round() as usize * STEP;
        if grown < 1.0 { rounded.clamp(STEP.min(side), side) } else { side }
    })
}

/// `graph` for images of another size; `None` if it does not fit them, or with other weights.
pub(super) fn resized(graph: &Graph, [h, w]: [usize; 2]) -> Option<Graph> {
    let other = Builder::with_layers([h, w, graph.input[2]], graph.layers()).build().ok()?;
    (other.parameters == graph.parameters && other.outputs() == graph.outputs()).then_some(other)
}
