//! The plain-loop twin of each kernel that sums: seven loops that can be verified by eye, the oracle of the tests.

use crate::conv_pool::Shape;

/// Twin of [`crate::gemm::gemm`]: `out[out_rows[m] + j] (+)= bias[j] + sum over k of a[rows[m] + steps[k]] * b[k, j]`.
pub fn gemm(
    a: &[f32],
    (rows, steps): (&[u32], &[u32]),
    b: &[f32],
    bias: Option<&[f32]>,
    out: &mut [f32],
    (out_rows, accumulate): (&[u32], bool),
) {
    let n = b.len() / steps.len().max(1);
    for (&row, &out_row) in rows.iter().zip(out_rows) {
        for j in 0..n {
            let mut sum = bias.map_or(0.0, |bias| bias[j]);
            for (k, &step) in steps.iter().enumerate() {
                sum += a[(row + step) as usize] * b[k * n + j];
            }
            let out = &mut out[out_row as usize + j];
            *out = if accumulate { *out + sum } else { sum };
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
                    out[to] = f32::NEG_INFINITY;
                    for place in 0..pool * pool {
                        let (y, z) = (row * pool + place / pool, column * pool + place % pool);
                        let sum = convolution(shape, x, weights, bias, [y, z, filter]);
                        if sum > out[to] {
                            (out[to], winner[to]) = (sum, place as u8);
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
                        (row * shape.pool + place / shape.pool, column * shape.pool + place % shape.pool);
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
