//! Rectangles of images put into others, and their labels mixed by area.
//!
//! *Idea*: for each image a weight from Beta(alpha, alpha) is drawn, and a rectangle of the image's own shape whose area is the
//! share 1 - weight, about a center anywhere in the image; what lies outside is cut off. The pixels in it become those of the
//! partner, a random permutation of the batch, at the same place. Labels are mixed by the area that was in fact replaced.
//!
//! *Reference*: Yun, Han, Oh, Chun, Choe, Yoo 2019, "CutMix: Regularization Strategy to Train Strong Classifiers with
//! Localizable Features", equations 1 and 2; its published code draws one rectangle for the whole batch.

use super::mixup::symmetric_beta;
use crate::random::Stream;

/// Whose pixels go where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) partner: Vec<usize>,
    pub(super) rectangles: Vec<Rectangle>,
}

/// Rows and columns, the second ends not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rectangle {
    pub(super) rows: [usize; 2],
    pub(super) columns: [usize; 2],
}

impl Rectangle {
    fn draw([h, w, _]: [usize; 3], alpha: f64, stream: &mut Stream) -> Self {
        let side = (1.0 - symmetric_beta(alpha, stream)).sqrt();
        let mut span = |length: usize| {
            let cut = (side * length as f64) as usize;
            let center = stream.below(length as u64) as usize;
            let first = center.saturating_sub(cut / 2);
            [first, (center + cut - cut / 2).min(length).max(first)]
        };
        Self { rows: span(h), columns: span(w) }
    }

    /// Pixels in it.
    pub(super) fn area(&self) -> usize {
        let Self { rows, columns } = self;
        (rows[1] - rows[0]) * (columns[1] - columns[0])
    }
}

impl Cut {
    /// A draw for a batch of `n` images `size` = `[h, w, c]`.
    pub(super) fn draw(n: usize, size: [usize; 3], alpha: f64, stream: &mut Stream) -> Self {
        let mut partner: Vec<usize> = (0..n).collect();
        stream.shuffle(&mut partner);
        Self { partner, rectangles: (0..n).map(|_| Rectangle::draw(size, alpha, stream)).collect() }
    }

    /// Changes `images` `[n, h, w, c]` and `targets` `[n, k]` in place.
    pub(super) fn apply(&self, size: [usize; 3], images: &mut [f32], targets: &mut [f32]) {
        let [h, w, c] = size;
        let k = targets.len() / self.partner.len();
        let (others, labels) = (images.to_vec(), targets.to_vec());
        for (image, (&partner, rectangle)) in self.partner.iter().zip(&self.rectangles).enumerate() {
            for row in rectangle.rows[0]..rectangle.rows[1] {
                let place = |image: usize, column: usize| ((image * h + row) * w + column) * c;
                let [first, end] = rectangle.columns;
                images[place(image, first)..place(image, end)]
                    .copy_from_slice(&others[place(partner, first)..place(partner, end)]);
            }
            let share = rectangle.area() as f32 / (h * w) as f32;
            let other = &labels[partner * k..][..k];
            for (own, other) in targets[image * k..][..k].iter_mut().zip(other) {
                *own = (1.0 - share) * *own + share * other;
            }
        }
    }
}
