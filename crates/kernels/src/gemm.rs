//! One matrix product for convolution, dense layers and both of their gradients.
//!
//! *Idea*: the left matrix is never built; an entry is found by two offset tables.
//! ```text
//! out[out_rows[m] + j] (+)= bias[j] + sum over k of a[rows[m] + steps[k]] * b[k, j]
//! ```
//! | product | `rows` | `steps` | `b` |
//! |---|---|---|---|
//! | convolution | corner of each output position's window | offset of each tap `(kh, kw, in_c)` | weights `[taps, out_c]` |
//! | its weight gradient | offset of each tap | corner of each window | output gradient `[positions, out_c]` |
//! | its input gradient | corner in the zero-bordered output gradient | offset of each flipped tap `(kh, kw, out_c)` | weights `[taps, in_c]`, flipped |
//! | dense | start of each image | 0, 1, 2, … | weights `[in, out]` |
//!
//! A tile of `M` rows by 2 vectors of columns is held in registers (6 x 2 with 16 registers, 8 x 2 with 32) while `k`
//! runs; `b` is packed once ([`Panels`]) so that a tile reads it front to back.
//!
//! *Exactness*: each output is a chain of multiply-adds in the order of `k`, starting from the bias; it keeps within
//! [`crate::sum_bound`] of [`crate::scalar::gemm`], and does not depend on how rows are grouped into tiles.
//!
//! *Reference*: Goto & van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication", for packing and
//! register blocking; Dukhan 2019, "The Indirect Convolution Algorithm", for the indirection.

use crate::dispatch::{Instructions, Kernel};
use crate::isa::Isa;

/// Vectors in a panel's width.
pub(crate) const VECTORS: usize = 2;

/// A matrix `[k, n]` packed into panels of two vectors of columns: `[ceil(n / width), k, width]`, zeros where `n` ends.
#[derive(Clone, Debug)]
pub struct Panels {
    k: usize,
    n: usize,
    width: usize,
    data: Vec<f32>,
}

impl Panels {
    /// An empty matrix, to be filled by [`Panels::pack`].
    pub fn new(isa: Instructions) -> Self {
        Self { k: 0, n: 0, width: VECTORS * isa.lanes(), data: Vec::new() }
    }

    /// Packs `matrix`, `[k, n]` row-major. Allocates only if the matrix is larger than any before it.
    pub fn pack(&mut self, matrix: &[f32], n: usize) {
        assert!(matrix.len().is_multiple_of(n), "a matrix of whole rows");
        self.fill(n, matrix.chunks_exact(n));
    }

    /// Packs the rows of `values` that start at `rows`, each `n` long.
    pub fn pack_rows(&mut self, values: &[f32], rows: &[u32], n: usize) {
        self.fill(n, rows.iter().map(|&row| &values[row as usize..][..n]));
    }

    fn fill<'a>(&mut self, n: usize, rows: impl ExactSizeIterator<Item = &'a [f32]> + Clone) {
        (self.k, self.n) = (rows.len(), n);
        let (k, width) = (self.k, self.width);
        self.data.resize(n.div_ceil(width) * k * width, 0.0);
        for (index, panel) in self.data.chunks_exact_mut((k * width).max(1)).enumerate() {
            let first = index * width;
            let count = width.min(n - first);
            for (slot, row) in panel.chunks_exact_mut(width).zip(rows.clone()) {
                slot[..count].copy_from_slice(&row[first..first + count]);
                slot[count..].fill(0.0);
            }
        }
    }

    /// `[k, n]`.
    pub fn shape(&self) -> [usize; 2] {
        [self.k, self.n]
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn panel(&self, index: usize) -> &[f32] {
        &self.data[index * self.k * self.width..][..self.k * self.width]
    }
}

/// The product described above.
#[derive(Debug)]
pub struct Gemm<'a> {
    /// The values the offsets point into.
    pub a: &'a [f32],
    /// `[m]`, offset of each row in `a`.
    pub rows: &'a [u32],
    /// `[k]`, offset of each step in `a`.
    pub steps: &'a [u32],
    /// `[k, n]`
    pub b: &'a Panels,
    /// `[n]`, what the sums start from; 0 if absent.
    pub bias: Option<&'a [f32]>,
    /// Where the result goes.
    pub out: &'a mut [f32],
    /// `[m]`, offset of each row's first column in `out`.
    pub out_rows: &'a [u32],
    /// Add to what is in `out` instead of overwriting it.
    pub accumulate: bool,
}

/// Computes the product.
///
/// # Panics
/// If an offset points outside its array or the shapes do not agree.
pub fn gemm(isa: Instructions, product: Gemm<'_>) {
    let [k, n] = product.b.shape();
    assert_eq!(product.steps.len(), k, "steps");
    assert_eq!(product.rows.len(), product.out_rows.len(), "rows");
    assert_eq!(product.b.width(), VECTORS * isa.lanes(), "panels packed for another instruction set");
    assert!(product.bias.is_none_or(|bias| bias.len() == n), "bias");
    if product.rows.is_empty() || n == 0 {
        return;
    }
    let last = |offsets: &[u32]| offsets.iter().max().map_or(0, |&offset| offset as usize);
    assert!(k == 0 || last(product.rows) + last(product.steps) < product.a.len(), "an offset outside of a");
    assert!(last(product.out_rows) + n <= product.out.len(), "an offset outside of out");
    isa.run(Checked(product));
}

/// A product whose offsets have been checked.
struct Checked<'a>(Gemm<'a>);

impl Kernel for Checked<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        if I::REGISTERS >= 32 {
            rows_of_tiles::<I, 8>(isa, &mut self.0)
        } else {
            rows_of_tiles::<I, 6>(isa, &mut self.0)
        }
    }
}

#[inline(always)]
fn rows_of_tiles<I: Isa, const M: usize>(isa: I, product: &mut Gemm<'_>) {
    let [_, n] = product.b.shape();
    let width = VECTORS * I::LANES;
    // A block of rows stays in the first-level cache while the panels pass by.
    let mut block = 0;
    while block < product.rows.len() {
        let end = product.rows.len().min(block + 16 * M);
        for panel in 0..n.div_ceil(width) {
            let columns = width.min(n - panel * width);
            let mut start = block;
            while start + M <= end {
                tile_to_out::<I, M>(isa, product, panel, columns, start);
                start += M;
            }
            while start < end {
                tile_to_out::<I, 1>(isa, product, panel, columns, start);
                start += 1;
            }
        }
        block = end;
    }
}

/// Rows `start..start + M` of one panel.
#[inline(always)]
fn tile_to_out<I: Isa, const M: usize>(
    isa: I,
    product: &mut Gemm<'_>,
    panel: usize,
    columns: usize,
    start: usize,
) {
    let first = panel * VECTORS * I::LANES;
    let mut initial = [isa.zero(); VECTORS];
    if let Some(bias) = product.bias {
        let bias = &bias[first..first + columns];
        for (vector, lanes) in bias.chunks(I::LANES).enumerate() {
            // SAFETY: `lanes` holds `lanes.len() <= LANES` values.
            initial[vector] = unsafe { isa.load_first(lanes.as_ptr(), lanes.len()) };
        }
    }
    let rows: [usize; M] = core::array::from_fn(|m| product.rows[start + m] as usize);
    // SAFETY: `gemm` checked that every row plus every step lies inside `a`; the panel holds `steps.len()` rows.
    let sums = unsafe { tile(isa, product.a, rows, product.steps, product.b.panel(panel), initial) };
    for m in 0..M {
        let row = product.out_rows[start + m] as usize + first;
        for vector in 0..VECTORS {
            let skipped = vector * I::LANES;
            if skipped >= columns {
                break;
            }
            let count = I::LANES.min(columns - skipped);
            let out = product.out[row + skipped..][..count].as_mut_ptr();
            // SAFETY: `out` is valid for `count` values, and `count <= LANES`.
            unsafe {
                if count == I::LANES {
                    let sum = if product.accumulate {
                        isa.add(isa.load(out), sums[m][vector])
                    } else {
                        sums[m][vector]
                    };
                    isa.store(out, sum);
                } else {
                    let old = if product.accumulate { isa.load_first(out, count) } else { isa.zero() };
                    isa.store_first(out, isa.add(old, sums[m][vector]), count);
                }
            }
        }
    }
}

/// `initial + sum over k of a[rows[m] + steps[k]] * panel[k]` for `M` rows and one panel's columns.
///
/// # Safety
/// Every `rows[m] + steps[k]` must be an index of `a`, and `panel` must hold `steps.len()` rows of
/// `VECTORS * LANES` values.
#[inline(always)]
pub(crate) unsafe fn tile<I: Isa, const M: usize>(
    isa: I,
    a: &[f32],
    rows: [usize; M],
    steps: &[u32],
    panel: &[f32],
    initial: [I::F32; VECTORS],
) -> [[I::F32; VECTORS]; M] {
    let mut sums = [initial; M];
    let mut b = panel.as_ptr();
    // SAFETY: the caller vouches for all offsets and for the panel's length.
    unsafe {
        let corners = rows.map(|row| a.as_ptr().add(row));
        for &step in steps {
            let columns: [I::F32; VECTORS] =
                core::array::from_fn(|vector| isa.load(b.add(vector * I::LANES)));
            for m in 0..M {
                let x = isa.splat(*corners[m].add(step as usize));
                for vector in 0..VECTORS {
                    sums[m][vector] = isa.mul_add(x, columns[vector], sums[m][vector]);
                }
            }
            b = b.add(VECTORS * I::LANES);
        }
    }
    sums
}
