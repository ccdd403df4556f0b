//! MNIST-C: shear, scale, rotate, translate, stripe.
//!
//! | corruption | severities |
//! |---|---|
//! | shear, rotate | 0.2 to 1 radian, either way |
//! | scale | to 0.9 to 0.5 of the size |
//! | translate | 1 to 5 pixels of 28, either way along both axes |
//! | stripe | 1/20 to 1/4 of the columns at each side become their negative |
//!
//! All warps keep the middle `((w - 1) / 2, (h - 1) / 2)` where it is. A shear by `c` reads `x - sin(c) y` and `cos(c) y`, what
//! `skimage.transform.AffineTransform` was before version 0.20.
//!
//! *Departures*: 1. Warps are OpenCV's ([`seamripper_kernels::warp`]), which interpolates in 32nds of a pixel. 2. The published
//! stripe has no severities; it is severity 5 here.

use seamripper_kernels::warp::{Matrix, invert};

use super::names::Kind;
use super::tables::Tables;
use crate::random::Stream;

/// `dst_from_src` of one of the four warps, drawn for an image.
pub(super) fn draw(
    kind: Kind,
    tables: Tables,
    severity: u8,
    [h, w, _]: [usize; 3],
    stream: &mut Stream,
) -> Matrix {
    let step = f64::from(severity);
    let mut sign = || if stream.bits() & 1 == 0 { 1.0 } else { -1.0 };
    let src_from_dst = match kind {
        Kind::Translate => {
            let pixels = tables.whole(f32::from(severity)) as f64;
            return [[1.0, 0.0, sign() * pixels], [0.0, 1.0, sign() * pixels]];
        }
        Kind::Scale => {
            let enlarged = 1.0 / (1.0 - 0.1 * step);
            [[enlarged, 0.0], [0.0, enlarged]]
        }
        Kind::Shear => {
            let (sin, cos) = (0.2 * step * sign()).sin_cos();
            [[1.0, -sin], [0.0, cos]]
        }
        _ => {
            let (sin, cos) = (0.2 * step * sign()).sin_cos();
            [[cos, -sin], [sin, cos]]
        }
    };
    let middle = [(w as f64 - 1.0) / 2.0, (h as f64 - 1.0) / 2.0];
    let [row_x, row_y] = [0, 1].map(|axis| {
        let [a, b]: [f64; 2] = src_from_dst[axis];
        [a, b, middle[axis] - a * middle[0] - b * middle[1]]
    });
    // the inverse of an inverse is the matrix
    invert(&[row_x, row_y])
}

/// stripe.
pub(super) fn stripe(severity: u8, [_, w, c]: [usize; 3], src: &[u8], out: &mut [u8]) {
    let columns = ((w * usize::from(severity)) as f64 / 20.0).round() as usize;
    out.copy_from_slice(src);
    for row in out.chunks_exact_mut(w * c) {
        let right = (w - columns.min(w)).max(columns) * c;
        let (left, rest) = row.split_at_mut((columns * c).min(w * c));
        let skip = right.saturating_sub(left.len());
        let ends = left.iter_mut().chain(rest.iter_mut().skip(skip));
        ends.for_each(|value| *value = 255 - *value);
    }
}
