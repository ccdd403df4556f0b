//! Muon: steps whose matrix has singular values near 1.
//!
//! *Idea*: a kernel is a matrix of what it reads (rows) by filters (columns). Its momentum mostly points along few directions; made
//! orthogonal, all directions that it has are walked alike.
//! ```text
//! m <- momentum m + (1 - momentum) g
//! u  = (1 - momentum) g + momentum m            (Nesterov), or m
//! X0 = u / |u|;   X <- X (a I + b A + c A A), A = X^T X          ITERATIONS times; of a wide matrix, the transposed one
//! w <- w - rate decay w - rate 0.2 sqrt(max(rows, columns)) X
//! ```
//! The factor gives the step the root mean square of one of Adam's, so that one `rate` does for both. Kernels of convolutions and dense
//! layers are stepped so, but not the last layer's, nor those in groups, whose matrices are a column wide: these, biases and
//! normalizations are left to Adam.
//!
//! A kernel of 3x3 has many more rows than columns. So `X` is multiplied twice only: all its iterations are one small square matrix
//! ```text
//! P = a I + b A + c A A;   Q <- Q P;   A <- P A P                ITERATIONS times from A = X0^T X0, Q = I
//! X = X0 Q
//! ```
//! with 35 m^3 multiplications for the 95 m^3 of the direct way where there are 9 rows a column, and 19 for 15 of a square one.
//! (`A` has the squares of the singular values, so that short directions have few digits there; they are far from 1 after five iterations
//! anyway, and the outcome is within 2e-4 of that of plain iterations in double precision.)
//!
//! *Exactness*: products are those of [`gemm`] and [`gemm_gradient`], whose rows are shared out over threads.
//!
//! *Reference*: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks", with its polynomial; Liu et al. 2025,
//! "Muon is Scalable for LLM Training", section 2.2, for the factor. PyTorch's `torch.optim.Muon` with `match_rms_adamw` does the same
//! in bf16.

use seamripper_kernels::gemm::{Gemm, gemm};
use seamripper_kernels::gemm_gradient::{GemmGradient, gemm_gradient};
use seamripper_kernels::panels::{Panels, Run};
use seamripper_kernels::{Aligned, Instructions, SLACK, parallel};

use crate::graph::{Graph, Layer, Parameter, Role};

/// Of the polynomial `a x + b x^3 + c x^5`, which takes all of (0, 1] near 1 when repeated.
const COEFFICIENTS: [f32; 3] = [3.4445, -4.775, 2.0315];
/// How often.
const ITERATIONS: usize = 5;
/// Added to a matrix' norm, so that one of zeros stays one.
const EPSILON: f32 = 1e-7;
/// Rows of a product that one thread computes at a time; a multiple of the kernel's tiles.
const ROWS: usize = 48;
/// Side of the squares that are transposed one after the other.
const SQUARE: usize = 16;
/// The root mean square of a step of Adam, by which steps are scaled.
const ADAM_STEP: f64 = 0.2;

/// `[rows, columns]` of a parameter that is stepped this way.
pub(super) fn shape(graph: &Graph, node: usize, parameter: &Parameter) -> Option<[usize; 2]> {
    let last = graph.nodes.iter().rposition(|node| !node.parameters.is_empty());
    let whole = match graph.nodes[node].layer {
        Layer::Conv2d { groups, .. } => groups == 1,
        Layer::Dense { .. } => true,
        _ => false,
    };
    if parameter.role != Role::Kernel || !whole || last == Some(node) {
        return None;
    }
    let columns = *parameter.shape.last()?;
    Some([parameter.len() / columns, columns])
}

/// Moves the momentum `first` towards `gradient`, and gives the direction of the step.
pub(super) fn momentum((share, nesterov): (f64, bool), gradient: &[f32], first: &mut [f32]) -> Vec<f32> {
    let (past, now) = (share as f32, (1.0 - share) as f32);
    let step = |(first, &gradient): (&mut f32, &f32)| {
        *first = past * *first + now * gradient;
        if nesterov { past * *first + now * gradient } else { *first }
    };
    first.iter_mut().zip(gradient).map(step).collect()
}

/// What a step of rate 1 is of a matrix of this shape that is [`orthogonal`].
pub(super) fn factor([rows, columns]: [usize; 2]) -> f64 {
    ADAM_STEP * (rows.max(columns) as f64).sqrt()
}

/// `[rows, columns]` with the singular vectors of `matrix` and singular values near 1.
pub(super) fn orthogonal(isa: Instructions, matrix: &[f32], [rows, columns]: [usize; 2]) -> Vec<f32> {
    let norm = matrix.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt() as f32;
    let tall = rows >= columns;
    let (n, m) = if tall { (rows, columns) } else { (columns, rows) };
    let mut x = Aligned::zeros(n * m + SLACK);
    if tall {
        x[..n * m].copy_from_slice(matrix);
    } else {
        x[..n * m].copy_from_slice(&transposed(matrix, [rows, columns]));
    }
    for x in &mut x[..n * m] {
        *x /= norm + EPSILON;
    }
    let mut product = Product::new(isa);
    let mut gram = vec![0.0; m * m];
    product.gram(&x, [n, m], &mut gram);
    let turn = product.turn(gram, m);
    let mut out = vec![0.0; n * m];
    product.of(&x, &turn, [n, m, m], &mut out);
    if tall { out } else { transposed(&out, [n, m]) }
}

fn transposed(matrix: &[f32], [rows, columns]: [usize; 2]) -> Vec<f32> {
    let mut out = vec![0.0; matrix.len()];
    // In squares, so that the lines that are written to stay in the cache until they are full.
    for first_row in (0..rows).step_by(SQUARE) {
        for first_column in (0..columns).step_by(SQUARE) {
            for row in first_row..rows.min(first_row + SQUARE) {
                for column in first_column..columns.min(first_column + SQUARE) {
                    out[column * rows + row] = matrix[row * columns + column];
                }
            }
        }
    }
    out
}

/// Matrix products, with the memory they pack into.
struct Product {
    isa: Instructions,
    panels: Panels,
}

impl Product {
    fn new(isa: Instructions) -> Self {
        Self { isa, panels: Panels::new(isa) }
    }

    /// `x' x` `[m, m]` of `x` `[n, m]`, which has [`SLACK`] more values.
    fn gram(&self, x: &[f32], [n, m]: [usize; 2], out: &mut [f32]) {
        let rows: Vec<u32> = (0..n).map(|row| (row * m) as u32).collect();
        out.fill(0.0);
        parallel::for_each_chunk(out, ROWS * m, |start, out| {
            let runs = [Run { start: (start / m) as u32, count: (out.len() / m) as u32 }];
            let sum = GemmGradient { x, corners: &rows, runs: &runs, dy: x, rows: &rows, filters: m };
            gemm_gradient(self.isa, sum, out);
        });
    }

    /// What [`ITERATIONS`] of the polynomial multiply a matrix with this `gram` `[m, m]` by, `[m, m]`.
    fn turn(&mut self, mut gram: Vec<f32>, m: usize) -> Vec<f32> {
        let ([a, b, c], square) = (COEFFICIENTS, [m, m, m]);
        let [mut factor, mut turn, mut other] = [(); 3].map(|()| vec![0.0; m * m]);
        for iteration in 0..ITERATIONS {
            self.of(&gram, &gram, square, &mut factor);
            for (factor, &gram) in factor.iter_mut().zip(&gram) {
                *factor = b * gram + c * *factor;
            }
            for x in factor.iter_mut().step_by(m + 1) {
                *x += a;
            }
            if iteration == 0 {
                turn.copy_from_slice(&factor);
            } else {
                self.of(&turn, &factor, square, &mut other);
                std::mem::swap(&mut turn, &mut other);
            }
            if iteration + 1 < ITERATIONS {
                self.of(&factor, &gram, square, &mut other);
                self.of(&other, &factor, square, &mut gram);
            }
        }
        turn
    }

    /// `a` `[m, k]` times `b` `[k, n]`. A row does not depend on which others are computed with it.
    fn of(&mut self, a: &[f32], b: &[f32], [m, k, n]: [usize; 3], out: &mut [f32]) {
        self.panels.pack(b, n, k);
        let offsets = |width: usize| (0..m).map(|row| (row * width) as u32).collect::<Vec<_>>();
        let (rows, out_rows, panels) = (offsets(k), offsets(n), &self.panels);
        parallel::for_each_chunk(out, ROWS * n, |start, out| {
            let count = out.len() / n;
            gemm(
                self.isa,
                Gemm {
                    a,
                    rows: &rows[start / n..][..count],
                    runs: &[Run { start: 0, count: k as u32 }],
                    b: panels,
                    bias: None,
                    relu: false,
                    out,
                    out_rows: &out_rows[..count],
                    accumulate: false,
                },
            );
        });
    }
}
