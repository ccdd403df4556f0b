//! The plain-loop twin of each kernel that sums: seven loops that can be verified by eye, the oracle of the tests.

pub mod depthwise;
pub mod norm;

use crate::conv_pool::{Shape, WINNER_ROW};
use crate::gemm_gradient::GemmGradient;
use crate::panels::Run;

/// Offset of each tap, run after run.
fn taps(runs: &[Run]) -> Vec<usize> {
    runs.iter().flat_map(|run| (0..run.count).map(move |tap| (run.start + tap) as usize)).collect()
}

/// Twin of [`crate::gemm::gemm`], with `b` `[k, n]`.
pub fn gemm(
    a: &[f32],
    (rows, runs): (&[u32], &[Run]),
    b: &[f32],
    (bias, relu): (Option<&[f32]>, bool),
    out: &mut [f32],
    (out_rows, accumulate): (&[u32], bool),
) {
    let taps = taps(runs);
    let n = b.len() / taps.len().max(1);
    for (&row, &out_row) in rows.iter().zip(out_rows) {
        for j in 0..n {
            let mut sum = bias.map_or(0.0, |bias| bias[j]);
            for (k, &tap) in taps.iter().enumerate() {
                sum += a[row as usize + tap] * b[k * n + j];
            }
            let out = &mut out[out_row as usize + j];
            if accumulate {
                sum += *out;
            }
            *out = if relu && sum <= 0.0 { 0.0 } else { sum };
        }
    }
}

/// Twin of [`crate::gemm_gradient::gemm_gradient`].
pub fn gemm_gradient(sum: &GemmGradient<'_>, dw: &mut [f32]) {
    for (&corner, &row) in sum.corners.iter().zip(sum.rows) {
        for (tap, &place) in taps(sum.runs).iter().enumerate() {
            for filter in 0..sum.filters {
                let gradient = sum.dy[row as usize + filter];
                dw[tap * sum.filters + filter] += sum.x[corner as usize + place] * gradient;
            }
        }
    }
}

/// One value of a valid convolution with stride 1: `bias[f] + sum of x[row + kh, column + kw, c] w[kh, kw, c, f]`.
fn convolution(shape: &Shape, x: &[f32], weights: &[f32], bias: &[f32], place: [usize; 3]) -> f32 {
    let [_, w, c] = shape.input;
    let [kernel_h, kernel_w] = shape.kernel;
    let [row, column, filter] = place;
    let mut sum = bias[filter];
    for kh in 0..kernel_h {
        for kw in 0..kernel_w {
            for channel in 0..c {
                sum += x[((row + kh) * w + column + kw) * c + channel]
                    * weights[((kh * kernel_w + kw) * c + channel) * shape.filters + filter];
            }
        }
    }
    sum
}

/// Twin of [`crate::conv_pool::conv_pool`], with weights `[kh, kw, c, filters]`.
pub fn conv_pool(
    shape: &Shape,
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    relu: bool,
    out: &mut [f32],
    winner: &mut [u8],
) {
    let (input, output, pool) = (shape.input_len(), shape.output_len(), shape.pool);
    for image in 0..out.len() / output {
        let x = &x[image * input..][..input];
        for row in 0..shape.out_size[0] {
            for column in 0..shape.out_size[1] {
                for filter in 0..shape.filters {
                    let to = image * output + (row * shape.out_width + column) * shape.filters + filter;
                    for place in 0..pool * pool {
                        let (y, z) = (row * pool + place / pool, column * pool + place % pool);
                        let sum = convolution(shape, x, weights, bias, [y, z, filter]);
                        if place == 0 || sum > out[to] {
                            (out[to], winner[to]) = (sum, (place / pool * WINNER_ROW + place % pool) as u8);
                        }
                    }
                    if relu && out[to] <= 0.0 {
                        out[to] = 0.0;
                    }
                }
            }
        }
    }
}

/// Twin of [`crate::conv_pool_backward::conv_pool_backward`], with weights and their gradient `[kh, kw, c, filters]`.
pub fn conv_pool_backward(
    shape: &Shape,
    forward: crate::conv_pool_backward::Forward<'_>,
    weights: &[f32],
    dw: &mut [f32],
    db: &mut [f32],
    dx: &mut [f32],
) {
    let [_, w, c] = shape.input;
    let [kernel_h, kernel_w] = shape.kernel;
    for image in 0..forward.out.len() / shape.output_len() {
        for row in 0..shape.out_size[0] {
            for column in 0..shape.out_size[1] {
                for filter in 0..shape.filters {
                    let from = image * shape.output_len()
                        + (row * shape.out_width + column) * shape.filters
                        + filter;
                    if forward.relu && forward.out[from] <= 0.0 {
                        continue;
                    }
                    let (gradient, place) = (forward.out_gradient[from], usize::from(forward.winner[from]));
                    let (y, z) =
                        (row * shape.pool + place / WINNER_ROW, column * shape.pool + place % WINNER_ROW);
                    db[filter] += gradient;
                    for kh in 0..kernel_h {
                        for kw in 0..kernel_w {
                            for channel in 0..c {
                                let at = image * shape.input_len() + ((y + kh) * w + z + kw) * c + channel;
                                let tap = ((kh * kernel_w + kw) * c + channel) * shape.filters + filter;
                                dw[tap] += gradient * forward.x[at];
                                dx[at] += gradient * weights[tap];
                            }
                        }
                    }
                }
            }
        }
    }
}
