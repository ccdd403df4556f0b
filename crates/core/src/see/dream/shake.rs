//! Small random moves of an image, and gradients back: what survives them is no noise.
//!
//! *Idea*: for an output pixel `p`, with `m` the middle of the image,
//! ```text
//! q = m + rotation(angle) (p - m) / zoom + shift          shaken[p] = bilinear image at q, the border continued outwards
//! ```
//! Bilinear resampling is linear in the image, so its gradient goes back by the same four weights.
//!
//! *Reference*: Olah, Mordvintsev & Schubert 2017, "Feature Visualization", "transformation robustness".

use crate::random::Stream;

/// How far images are moved; 0 everywhere for not at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Robustness {
    /// Most pixels each way.
    pub jitter: f64,
    /// Most degrees either way.
    pub degrees: f64,
    /// Most change of size, as a share: 0.05 is from 0.95 to 1.05.
    pub zoom: f64,
}

/// One move.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shake {
    /// Columns of the matrix from output to image, and where output `[0, 0]` lies: row and column of each.
    right: [f64; 2],
    down: [f64; 2],
    corner: [f64; 2],
}

impl Shake {
    /// Draws one for images of `[h, w]`.
    pub(crate) fn draw(stream: &mut Stream, robustness: Robustness, [h, w]: [usize; 2]) -> Self {
        let mut around = |most: f64| stream.uniform(-most, most);
        let Robustness { jitter, degrees, zoom } = robustness;
        let shift = [around(jitter), around(jitter)];
        let (sin, cos) = around(degrees).to_radians().sin_cos();
        let zoom = 1.0 + around(zoom);
        let (right, down) = ([-sin / zoom, cos / zoom], [cos / zoom, sin / zoom]);
        let middle = [(h as f64 - 1.0) / 2.0, (w as f64 - 1.0) / 2.0];
        let corner =
            [0, 1].map(|axis| middle[axis] + shift[axis] - down[axis] * middle[0] - right[axis] * middle[1]);
        Self { right, down, corner }
    }

    /// Calls `with(output pixel, [(image pixel, weight); 4])` for every pixel of `[h, w]`.
    fn each(&self, [h, w]: [usize; 2], mut with: impl FnMut(usize, [(usize, f32); 4])) {
        let place = |at: f64, length: usize| {
            let at = at.clamp(0.0, length as f64 - 1.0);
            let first = at as usize;
            (first, (first + 1).min(length - 1), at.fract() as f32)
        };
        for row in 0..h {
            for column in 0..w {
                let at = |axis: usize| {
                    self.corner[axis] + self.down[axis] * row as f64 + self.right[axis] * column as f64
                };
                let (above, below, fall) = place(at(0), h);
                let (left, right, over) = place(at(1), w);
                let corners = [
                    (above * w + left, (1.0 - fall) * (1.0 - over)),
                    (above * w + right, (1.0 - fall) * over),
                    (below * w + left, fall * (1.0 - over)),
                    (below * w + right, fall * over),
                ];
                with(row * w + column, corners);
            }
        }
    }

    /// `shaken` from `image`, both `[h, w, c]`.
    pub(crate) fn apply(&self, image: &[f32], [h, w, c]: [usize; 3], shaken: &mut [f32]) {
        self.each([h, w], |to, corners| {
            for channel in 0..c {
                let part = |(from, weight): (usize, f32)| weight * image[from * c + channel];
                shaken[to * c + channel] = corners.into_iter().map(part).sum();
            }
        });
    }

    /// The image's gradient from the shaken one's, both `[h, w, c]`.
    pub(crate) fn gradient(&self, shaken: &[f32], [h, w, c]: [usize; 3], image: &mut [f32]) {
        image.fill(0.0);
        self.each([h, w], |to, corners| {
            for (from, weight) in corners {
                for channel in 0..c {
                    image[from * c + channel] += weight * shaken[to * c + channel];
                }
            }
        });
    }
}
