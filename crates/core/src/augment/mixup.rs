//! Pairs of images and their labels, blended.
//!
//! *Idea*: `x_i <- weight_i x_i + (1 - weight_i) x_partner(i)`, the same for the labels, with `partner` a random
//! permutation of the batch and `weight_i` from Beta(alpha, alpha), drawn for each image.
//!
//! *Reference*: Zhang, Cisse, Dauphin, Lopez-Paz 2017, "mixup: Beyond Empirical Risk Minimization", equation of section
//! 2; its published code draws one weight for the whole batch.

use crate::random::Stream;

/// Who is blended with whom, and how much of an image's own is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mix {
    pub(super) partner: Vec<usize>,
    pub(super) weight: Vec<f32>,
}

impl Mix {
    /// A draw for a batch of `n`.
    pub(super) fn draw(n: usize, alpha: f64, stream: &mut Stream) -> Self {
        let mut partner: Vec<usize> = (0..n).collect();
        stream.shuffle(&mut partner);
        Self { partner, weight: (0..n).map(|_| symmetric_beta(alpha, stream) as f32).collect() }
    }

    /// Blends `rows` `[n, …]` in place. An image that is its own partner stays as it is.
    pub(super) fn blend(&self, rows: &mut [f32]) {
        let length = rows.len() / self.partner.len();
        let mut done = vec![false; self.partner.len()];
        let mut first = Vec::with_capacity(length);
        let row = |i: usize| i * length..(i + 1) * length;
        for start in 0..self.partner.len() {
            if done[start] {
                continue;
            }
            // Along a cycle of the permutation every row but the first is read as a partner before it is written.
            first.clear();
            first.extend_from_slice(&rows[row(start)]);
            let mut i = start;
            while !std::mem::replace(&mut done[i], true) {
                let partner = self.partner[i];
                if partner == start && i != start {
                    blend_row(&mut rows[row(i)], &first, self.weight[i]);
                } else if partner != i {
                    let [own, other] =
                        rows.get_disjoint_mut([row(i), row(partner)]).expect("two rows of the batch");
                    blend_row(own, other, self.weight[i]);
                }
                i = partner;
            }
        }
    }
}

fn blend_row(own: &mut [f32], other: &[f32], weight: f32) {
    for (own, other) in own.iter_mut().zip(other) {
        *own = weight * *own + (1.0 - weight) * other;
    }
}

/// Beta(alpha, alpha), as a ratio of two gammas kept as logarithms: a small alpha underflows otherwise.
pub(super) fn symmetric_beta(alpha: f64, stream: &mut Stream) -> f64 {
    let (a, b) = (log_gamma_draw(alpha, stream), log_gamma_draw(alpha, stream));
    1.0 / (1.0 + (b - a).exp())
}

/// The logarithm of a Gamma(shape, 1) draw (Marsaglia & Tsang 2000, "A Simple Method for Generating Gamma Variables",
/// with its section 6 for shapes below 1).
fn log_gamma_draw(shape: f64, stream: &mut Stream) -> f64 {
    let boost = if shape < 1.0 { (1.0 - stream.unit()).ln() / shape } else { 0.0 };
    let d = if shape < 1.0 { shape + 1.0 } else { shape } - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = stream.normal();
        let v = (1.0 + c * x).powi(3);
        let u = 1.0 - stream.unit();
        if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return (d * v).ln() + boost;
        }
    }
}
