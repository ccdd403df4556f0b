//! 2x3 affine matrices in `f64`, with OpenCV's order of operations.

/// `[[a, b, tx], [c, d, ty]]`: `x' = a x + b y + tx`, `y' = c x + d y + ty`, x to the right and y down.
///
/// Values are named for what they map, so that products read: `c_from_a = compose(c_from_b, b_from_a)`.
pub type Matrix = [[f64; 3]; 2];

/// OpenCV's `getRotationMatrix2D`: `dst_from_src` of a turn by `degrees` (counter-clockwise positive) and a `scale`
/// about `center` = `[x, y]`. OpenCV holds the center as `f32`; halves of image sizes are exact in both.
pub fn rotation_matrix_2d(center: [f64; 2], degrees: f64, scale: f64) -> Matrix {
    let [cx, cy] = center;
    let radians = degrees * (std::f64::consts::PI / 180.0);
    let (a, b) = (radians.cos() * scale, radians.sin() * scale);
    [[a, b, (1.0 - a) * cx - b * cy], [-b, a, b * cx + (1.0 - a) * cy]]
}

/// `src_from_dst` from `dst_from_src`, as `warpAffine` does it; a singular matrix gives zeros where the inverse of the
/// determinant would stand.
pub fn invert(dst_from_src: &Matrix) -> Matrix {
    let [[m0, m1, m2], [m3, m4, m5]] = *dst_from_src;
    let determinant = m0 * m4 - m1 * m3;
    let d = if determinant == 0.0 { 0.0 } else { 1.0 / determinant };
    let (i0, i1, i3, i4) = (m4 * d, m1 * -d, m3 * -d, m0 * d);
    [[i0, i1, -i0 * m2 - i1 * m5], [i3, i4, -i3 * m2 - i4 * m5]]
}

/// `c_from_a`: first `b_from_a`, then `c_from_b`.
pub fn compose(c_from_b: &Matrix, b_from_a: &Matrix) -> Matrix {
    c_from_b.map(|[a, b, t]| {
        let [x, y] = b_from_a;
        [a * x[0] + b * y[0], a * x[1] + b * y[1], a * x[2] + b * y[2] + t]
    })
}
