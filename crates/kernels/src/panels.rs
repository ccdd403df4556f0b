//! A matrix packed so that a register tile reads it front to back.

use std::marker::PhantomData;

use crate::Aligned;
use crate::dispatch::Instructions;
use crate::element::{Element, F32};

/// Most vectors in a panel's width.
pub(crate) const VECTORS: usize = 2;

/// Taps that lie side by side in memory: `count` of them from `start` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Offset of the first from where a window begins.
    pub start: u32,
    /// How many.
    pub count: u32,
}

/// The taps of a window of `[rows, length]` values in an image whose rows are `stride` values long.
pub fn runs(rows: usize, length: usize, stride: usize) -> Vec<Run> {
    (0..rows).map(|row| Run { start: (row * stride) as u32, count: length as u32 }).collect()
}

/// A matrix `[k, n]` packed into panels of one or two vectors of columns: `[ceil(n / width), steps, width]`, zeros where
/// `n` ends. A step is [`Element::PER_STEP`] rows; where a run of rows ends within a step, the rest of the step is 0.
#[derive(Clone, Debug)]
pub struct Panels<E: Element = F32> {
    steps: usize,
    k: usize,
    n: usize,
    lanes: usize,
    data: Aligned,
    element: PhantomData<E>,
}

impl<E: Element> Panels<E> {
    /// An empty matrix, to be filled by `pack`.
    pub fn new(isa: Instructions) -> Self {
        Self { steps: 0, k: 0, n: 0, lanes: isa.lanes(), data: Aligned::default(), element: PhantomData }
    }

    /// `[k, n]`.
    pub fn shape(&self) -> [usize; 2] {
        [self.k, self.n]
    }

    /// Values in a panel's row.
    #[inline(always)]
    pub(crate) fn width(&self) -> usize {
        if self.n <= self.lanes { self.lanes } else { VECTORS * self.lanes }
    }

    /// Values in a vector of the instruction set it was packed for.
    pub(crate) fn lanes(&self) -> usize {
        self.lanes
    }

    /// One panel, `[steps, width]`. Asked for by every tile.
    #[inline(always)]
    pub(crate) fn panel(&self, index: usize) -> &[f32] {
        let length = self.steps * self.width();
        &self.data[index * length..][..length]
    }

    /// Makes room for a matrix `[k, n]` whose rows are multiplied one at a time, to be written by [`Panels::values_mut`].
    pub(crate) fn resize(&mut self, k: usize, n: usize) {
        (self.k, self.n, self.steps) = (k, n, k);
        let width = self.width();
        self.data.resize(n.div_ceil(width) * k * width);
    }

    /// All panels one after the other. What lies beyond `n` must be finite.
    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// Packs `matrix`, `[k, n]` row-major, of which `run` rows at a time are multiplied with neighbours in memory. Allocates
    /// only if the matrix is larger than any before it.
    ///
    /// # Panics
    /// If the matrix is not made of whole runs.
    pub fn pack(&mut self, matrix: &[f32], n: usize, run: usize) {
        assert!(n > 0 && matrix.len().is_multiple_of(n), "a matrix of whole rows");
        self.k = matrix.len() / n;
        self.n = n;
        assert!(self.k.is_multiple_of(run.max(1)), "whole runs");
        let width = self.width();
        self.steps = self.k.checked_div(run).unwrap_or(0) * run.div_ceil(E::PER_STEP);
        self.data.resize(n.div_ceil(width) * self.steps * width);
        for (index, panel) in self.data.chunks_exact_mut((self.steps * width).max(1)).enumerate() {
            let columns = index * width..n.min((index + 1) * width);
            let mut slots = panel.chunks_exact_mut(width);
            for rows in matrix.chunks_exact(n * run) {
                for pair in rows.chunks(n * E::PER_STEP) {
                    let (first, second) = pair.split_at(n);
                    let slot = slots.next().expect("as many slots as steps");
                    for (to, column) in slot.iter_mut().zip(columns.clone()) {
                        *to = E::pack(first[column], second.get(column).copied().unwrap_or(0.0));
                    }
                    slot[columns.len()..].fill(0.0);
                }
            }
        }
    }
}
