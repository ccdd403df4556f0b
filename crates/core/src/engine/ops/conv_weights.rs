//! The kernel and bias of a convolution, packed for its product.

use seamripper_kernels::conv_rows::Rows;
use seamripper_kernels::element::{Bf16, F32, to_bf16};
use seamripper_kernels::panels::Panels;
use seamripper_kernels::{Instructions, SLACK};

use super::{Folded, values};
use crate::graph::{Parameter, Weights};

/// Kernel and bias, with a batch normalization folded in if there is one.
#[derive(Debug)]
pub(in crate::engine) struct ConvWeights {
    pub(super) kernel: Parameter,
    pub(super) bias: Option<Parameter>,
    folded: Option<Folded>,
    packed: Packed,
    kernel_values: Vec<f32>,
    reordered: Vec<f32>,
    /// `[filters]`, 0 without a bias.
    pub(super) bias_values: Vec<f32>,
}

/// A packed kernel.
#[derive(Debug)]
pub(super) enum Packed {
    /// As it is.
    F32(Panels<F32>),
    /// Reordered for the kernel for few filters.
    Rows(Rows, Panels<F32>),
    /// Rounded ones.
    Bf16(Panels<Bf16>),
}

impl ConvWeights {
    /// Not packed yet. `bf16` says what products are made of.
    pub(in crate::engine) fn new(
        isa: Instructions,
        (kernel, bias): (Parameter, Option<Parameter>),
        folded: Option<Folded>,
        bf16: bool,
    ) -> Self {
        let filters = *kernel.shape.last().expect("a kernel has filters");
        Self {
            kernel,
            bias,
            folded,
            packed: if bf16 { Packed::Bf16(Panels::new(isa)) } else { Packed::F32(Panels::new(isa)) },
            kernel_values: Vec::new(),
            reordered: Vec::new(),
            bias_values: vec![0.0; filters],
        }
    }

    /// Packs for the kernel for few filters from now on.
    pub(super) fn by_rows(&mut self, isa: Instructions, rows: Rows) {
        self.packed = Packed::Rows(rows, Panels::new(isa));
    }

    /// Whether products are of `bf16`.
    pub(super) fn bf16(&self) -> bool {
        matches!(self.packed, Packed::Bf16(_))
    }

    /// Packs the values of `weights`, `run` taps of which lie side by side in the input; returns the kernel
    /// `[taps, filters]`, folded.
    pub(super) fn prepare<'a>(&'a mut self, weights: &'a Weights, run: usize) -> &'a [f32] {
        let filters = self.bias_values.len();
        let (kernel, packed, reordered) = self.parts(weights);
        match packed {
            Packed::F32(panels) => panels.pack(kernel, filters, run),
            Packed::Bf16(panels) => panels.pack(kernel, filters, run),
            Packed::Rows(rows, panels) => {
                rows.reorder(kernel, reordered);
                panels.pack(reordered, filters, 1);
            }
        }
        kernel
    }

    /// As [`ConvWeights::prepare`], without packing.
    pub(super) fn folded<'a>(&'a mut self, weights: &'a Weights) -> &'a [f32] {
        self.parts(weights).0
    }

    /// Takes the bias from `weights`; the kernel, folded, and what it is packed and reordered in.
    fn parts<'a>(&'a mut self, weights: &'a Weights) -> (&'a [f32], &'a mut Packed, &'a mut Vec<f32>) {
        self.bias_values.fill(0.0);
        if let Some(bias) = &self.bias {
            self.bias_values.copy_from_slice(values(bias, weights));
        }
        let mut kernel = values(&self.kernel, weights);
        if let Some(folded) = &self.folded {
            self.kernel_values.clear();
            self.kernel_values.extend_from_slice(kernel);
            folded.fold(weights, &mut self.kernel_values, &mut self.bias_values);
            kernel = &self.kernel_values;
        }
        (kernel, &mut self.packed, &mut self.reordered)
    }

    /// Values of the gradients of kernel and bias, one behind the other.
    pub(super) fn gradient_len(&self) -> usize {
        self.kernel.len() + self.bias_values.len()
    }

    /// Writes them from `own` to the graph's layout.
    pub(super) fn finish_gradient(&self, own: &[f32], gradient: &mut [f32]) {
        let (dw, db) = own.split_at(self.kernel.len());
        gradient[self.kernel.range()].copy_from_slice(dw);
        if let Some(bias) = &self.bias {
            gradient[bias.range()].copy_from_slice(db);
        }
    }

    pub(super) fn packed(&self) -> &Packed {
        &self.packed
    }
}

/// Rounds all of `x` but its slack, which becomes 0.
pub(super) fn round<'a>(isa: Instructions, x: &[f32], halves: &'a mut Vec<u16>) -> &'a [u16] {
    halves.resize(x.len(), 0);
    let (values, slack) = halves.split_at_mut(x.len() - SLACK);
    to_bf16(isa, &x[..values.len()], values);
    slack.fill(0);
    halves
}
