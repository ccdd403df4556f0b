//! MNIST-C: dotted_line, zigzag, canny_edges.
//!
//! A line from `(c0, r0)` to `(c1, r1)` adds `1 + ln(1 - d / 2.3)` of white, at least 0, to a pixel whose vertical distance from it
//! is `d`, in 28ths of the image. Dots are 2 columns long, 2 columns apart. A zigzag is 4 long and 2 high. Edges are
//! Canny's of the image blurred by a Gaussian of 1 pixel, thresholds 0.1 and 0.2.
//!
//! *Departures*: the published code has no severities for these. Severity `s` draws `s` dotted lines or zigzags (1 is the
//! published one), and blends `s / 5` of the edges with the image (5 is the published one).

use super::canny::Canny;
use super::plane::{self, Edge};
use crate::random::Stream;

/// The image of the paper has this side; lines are drawn on it.
const SIDE: f32 = 28.0;

/// Adds a line to `layer`, 0 to 1, in columns that `drawn` allows.
fn add_line(layer: &mut [f32], [h, w]: [usize; 2], [c0, r0, c1, r1]: [f32; 4], drawn: impl Fn(f32) -> bool) {
    if c0 == c1 {
        return;
    }
    let slope = (r1 - r0) / (c1 - c0);
    let (scale_x, scale_y) = (SIDE / w as f32, SIDE / h as f32);
    let middle = |i: usize, scale: f32| (i as f32 + 0.5) * scale - 0.5;
    for x in 0..w {
        let column = middle(x, scale_x);
        if column < c0.floor() || column >= c1.ceil() || !drawn(column) {
            continue;
        }
        let row = slope * (column - c0) + r0;
        // where the logarithm is above -1
        const REACH: f32 = 2.3 * (1.0 - 0.367_879_44);
        let from = (((row - REACH + 0.5) / scale_y - 0.5).floor().max(0.0)) as usize;
        let to = (((row + REACH + 0.5) / scale_y + 1.0).max(0.0) as usize).min(h);
        for y in from..to {
            let away = (middle(y, scale_y) - row).abs();
            if away < REACH {
                let value = &mut layer[y * w + x];
                *value = (*value + 1.0 + (1.0 - away / 2.3).ln()).min(1.0);
            }
        }
    }
}

/// Draws `count` dotted lines on an empty layer.
pub(super) fn dotted(layer: &mut [f32], size: [usize; 2], count: u8, stream: &mut Stream) {
    for _ in 0..count {
        let [r0, r1] = [0; 2].map(|_| stream.below(27) as f32);
        add_line(layer, size, [0.0, r0, 27.0, r1], |column| column.rem_euclid(4.0) >= 2.0);
    }
}

/// Draws `count` zigzags on an empty layer.
pub(super) fn zigzag(layer: &mut [f32], size: [usize; 2], count: u8, stream: &mut Stream) {
    for _ in 0..count {
        let r0 = stream.below(27) as f32;
        let rise = stream.below(10) as f32 - 5.0;
        let (length, height, (c0, c1)) = (2.0, 2.0, (2.0, 25.0));
        let angle = (rise / (c1 - c0)).atan();
        let (sin, cos) = angle.sin_cos();
        let long = (c1 - c0) / cos;
        let peaks = ((long - length) / (2.0 * length)).floor() as usize + 1;
        let mut points = vec![[0.0, 0.0]];
        for i in 0..peaks {
            let side = if i % 2 == 0 { height } else { -height };
            points.push([(2 * i + 1) as f32 * length, side]);
        }
        let last_peak = 2.0 * length * (long / (2.0 * length)).floor();
        if long > last_peak {
            points.push([long, points[peaks][1] / (2.0 * (long - last_peak))]);
        }
        let turned = |[c, r]: [f32; 2]| [cos * c - sin * r + c0, sin * c + cos * r + r0];
        for ends in points.windows(2) {
            let ([from_c, from_r], [to_c, to_r]) = (turned(ends[0]), turned(ends[1]));
            add_line(layer, size, [from_c, from_r, to_c, to_r], |_| true);
        }
    }
}

/// Adds a layer of white to an image.
pub(super) fn lay_over(layer: &[f32], src: &[u8], c: usize, out: &mut [u8]) {
    for ((src, out), &light) in src.chunks_exact(c).zip(out.chunks_exact_mut(c)).zip(layer) {
        for (src, out) in src.iter().zip(out) {
            *out = plane::to_byte(f32::from(*src) + 255.0 * light);
        }
    }
}

/// canny_edges: `share` of the edges, the rest of the image. Of a colour image, the edges of its grey levels.
pub(super) fn edges(
    share: f32,
    plane: &mut [f32],
    [h, w, c]: [usize; 3],
    canny: &mut Canny,
    [grey, found, row, between]: [&mut Vec<f32>; 4],
) {
    grey.clear();
    grey.extend(
        plane
            .chunks_exact(c)
            .map(|pixel| if c == 3 { plane::luma([pixel[0], pixel[1], pixel[2]]) } else { pixel[0] }),
    );
    plane::blur(grey, [h, w, 1], &plane::gaussian(1.0, 4.0), Edge::Clamp, [row, between]);
    canny.edges(grey, [h, w], [0.1 * 255.0, 0.2 * 255.0], found);
    for (pixel, edge) in plane.chunks_exact_mut(c).zip(found.iter()) {
        for value in pixel {
            *value += share * (255.0 * edge - *value);
        }
    }
}
