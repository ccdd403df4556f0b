//! The matrices of F(4, 3) along one axis, as few additions as they take.
//!
//! ```text
//! B' = 4  0 -5  0  1  0      G = 1/4    0    0      A' = 1  1  1  1  1  0
//!      0 -4 -4  1  1  0         -1/6 -1/6 -1/6           0  1 -1  2 -2  0
//!      0  4 -4 -1  1  0         -1/6  1/6 -1/6           0  1  1  4  4  0
//!      0 -2 -1  2  1  0         1/24 1/12  1/6           0  1 -1  8 -8  1
//!      0  2 -1 -2  1  0         1/24 -1/12 1/6
//!      0  4  0 -5  0  1            0    0    1
//! ```

use super::{KERNEL, TILE, WINDOW};
use crate::isa::Isa;

/// `B' d`.
#[inline(always)]
pub(super) fn window<I: Isa>(isa: I, d: [I::F32; WINDOW]) -> [I::F32; WINDOW] {
    let [four, two, minus_four, minus_five] = [4.0, 2.0, -4.0, -5.0].map(|x| isa.splat(x));
    let (a, b) = (isa.mul_add(minus_four, d[2], d[4]), isa.mul_add(minus_four, d[1], d[3]));
    let (c, e) = (isa.sub(d[4], d[2]), isa.mul(two, isa.sub(d[3], d[1])));
    [
        isa.mul_add(four, d[0], isa.mul_add(minus_five, d[2], d[4])),
        isa.add(a, b),
        isa.sub(a, b),
        isa.add(c, e),
        isa.sub(c, e),
        isa.mul_add(four, d[1], isa.mul_add(minus_five, d[3], d[5])),
    ]
}

/// `A' m`.
#[inline(always)]
pub(super) fn outputs<I: Isa>(isa: I, m: [I::F32; WINDOW]) -> [I::F32; TILE] {
    let [two, four, eight] = [2.0, 4.0, 8.0].map(|x| isa.splat(x));
    let (a, b) = (isa.add(m[1], m[2]), isa.sub(m[1], m[2]));
    let (c, e) = (isa.add(m[3], m[4]), isa.sub(m[3], m[4]));
    [
        isa.add(isa.add(m[0], a), c),
        isa.mul_add(two, e, b),
        isa.mul_add(four, c, a),
        isa.add(isa.mul_add(eight, e, b), m[5]),
    ]
}

/// `A y`.
#[inline(always)]
pub(super) fn outputs_back<I: Isa>(isa: I, y: [I::F32; TILE]) -> [I::F32; WINDOW] {
    let [two, four] = [2.0, 4.0].map(|x| isa.splat(x));
    let (a, b) = (isa.add(y[0], y[2]), isa.add(y[1], y[3]));
    let (c, e) = (isa.mul_add(four, y[2], y[0]), isa.mul(two, isa.mul_add(four, y[3], y[1])));
    [y[0], isa.add(a, b), isa.sub(a, b), isa.add(c, e), isa.sub(c, e), y[3]]
}

/// `G g`.
#[inline(always)]
pub(super) fn kernel<I: Isa>(isa: I, g: [I::F32; KERNEL]) -> [I::F32; WINDOW] {
    let [quarter, sixth, half] = [0.25, 1.0 / 6.0, 0.5].map(|x| isa.splat(x));
    let (a, b) = (isa.add(g[0], g[2]), g[1]);
    let minus_sixth = isa.sub(isa.zero(), sixth);
    // 1/24 g0 + 1/6 g2 = 1/6 (g0 / 4 + g2); 1/12 g1 = 1/6 (g1 / 2).
    let (c, e) = (isa.mul_add(quarter, g[0], g[2]), isa.mul(half, b));
    [
        isa.mul(quarter, g[0]),
        isa.mul(minus_sixth, isa.add(a, b)),
        isa.mul(minus_sixth, isa.sub(a, b)),
        isa.mul(sixth, isa.add(c, e)),
        isa.mul(sixth, isa.sub(c, e)),
        g[2],
    ]
}

/// `G' u`.
#[inline(always)]
pub(super) fn kernel_back<I: Isa>(isa: I, u: [I::F32; WINDOW]) -> [I::F32; KERNEL] {
    let [quarter, sixth, half] = [0.25, 1.0 / 6.0, 0.5].map(|x| isa.splat(x));
    let (a, b) = (isa.add(u[1], u[2]), isa.sub(u[2], u[1]));
    let (c, e) = (isa.add(u[3], u[4]), isa.sub(u[3], u[4]));
    [
        isa.mul_add(quarter, u[0], isa.mul(sixth, isa.sub(isa.mul(quarter, c), a))),
        isa.mul(sixth, isa.mul_add(half, e, b)),
        isa.mul_add(sixth, isa.sub(c, a), u[5]),
    ]
}
