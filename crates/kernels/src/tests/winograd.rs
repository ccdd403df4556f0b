//! Convolution in tiles against the direct one.

use proptest::prelude::*;

use super::{difference, noise};
use crate::gemm_gradient::GemmGradient;
use crate::panels::runs;
use crate::winograd::{
    ERROR, Grid, Kernels, POINTS, Write, add_kernel_gradient, gradients, products, read_outputs,
    read_windows, slab, transform_kernel, write_outputs,
};
use crate::{Instructions, SLACK, scalar};

/// A convolution of images `[h, w, c]`, `before` zeros around them.
struct Case {
    images: usize,
    size: [usize; 2],
    out: [usize; 2],
    /// `[h, w]` of the output in memory.
    memory: [usize; 2],
    before: [usize; 2],
    channels: [usize; 2],
    x: Vec<f32>,
    kernel: Vec<f32>,
    dy: Vec<f32>,
}

/// Its numbers are noise, which says nothing.
impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { images, size, before, channels, .. } = self;
        write!(f, "{images} of {size:?} in {before:?}, {channels:?}")
    }
}

impl Case {
    fn new(images: usize, size: [usize; 2], before: [usize; 2], channels: [usize; 2]) -> Self {
        let out = [0, 1].map(|axis| size[axis] + 2 * before[axis] - 2);
        let memory = out.map(|length| length + images % 2);
        let [c, filters] = channels;
        let mut dy = noise(3, images * memory[0] * memory[1] * filters);
        dy.resize(dy.len() + SLACK, f32::MAX);
        let mut x = noise(1, images * size[0] * size[1] * c);
        x.resize(x.len() + SLACK, f32::MAX);
        Self { images, size, out, memory, before, channels, x, kernel: noise(2, 9 * c * filters), dy }
    }

    fn windows(&self) -> Grid {
        let [h, w] = self.size;
        let origin = self.before.map(|before| -(before as isize));
        Grid { image: [h, w, self.channels[0]], inside: self.size, origin, size: self.out }
    }

    fn outputs(&self) -> Grid {
        let [h, w] = self.memory;
        Grid { image: [h, w, self.channels[1]], inside: self.out, origin: [0, 0], size: self.out }
    }

    /// The images in zeros, and where windows and outputs lie.
    fn bordered(&self) -> (Vec<f32>, [usize; 2], Vec<u32>, Vec<u32>) {
        let ([h, w], [c, filters]) = (self.size, self.channels);
        let bordered = [0, 1].map(|axis| self.size[axis] + 2 * self.before[axis]);
        let mut x = vec![0.0; self.images * bordered[0] * bordered[1] * c];
        for (row, from) in self.x[..self.images * h * w * c].chunks_exact(w * c).enumerate() {
            let (image, row) = (row / h, row % h + self.before[0]);
            let to = ((image * bordered[0] + row) * bordered[1] + self.before[1]) * c;
            x[to..][..w * c].copy_from_slice(from);
        }
        let place = |size: [usize; 2], channels: usize| -> Vec<u32> {
            let [oh, ow] = self.out;
            let at = |i: usize| ((i / (oh * ow) * size[0] + i / ow % oh) * size[1] + i % ow) * channels;
            (0..self.images * oh * ow).map(|i| at(i) as u32).collect()
        };
        (x, bordered, place(bordered, c), place(self.memory, filters))
    }
}

/// All tiles in pieces of `chunk`.
fn chunks(case: &Case, grid: &Grid, chunk: usize) -> Vec<std::ops::Range<usize>> {
    let tiles = case.images * grid.count();
    (0..tiles).step_by(chunk).map(|first| first..tiles.min(first + chunk)).collect()
}

fn offsets(tiles: usize, channels: usize) -> Vec<u32> {
    (0..tiles).map(|tile| (tile * channels) as u32).collect()
}

/// Memory for so many tiles that nothing was written to yet.
fn points(tiles: usize, channels: usize) -> Vec<f32> {
    vec![f32::NAN; POINTS * slab(tiles, channels)]
}

/// [`ERROR`] of the largest value, or of 1.
fn bound(expected: &[f32]) -> f32 {
    ERROR * expected.iter().fold(1.0, |largest, value| value.abs().max(largest))
}

fn cases() -> impl Strategy<Value = Case> {
    let sizes =
        (1_usize..4, [2_usize..15, 2_usize..15], [0_usize..3, 0_usize..3], [1_usize..40, 1_usize..70]);
    sizes.prop_filter_map("an output", |(images, size, before, channels)| {
        let fits = (0..2).all(|axis| size[axis] + 2 * before[axis] > 2);
        fits.then(|| Case::new(images, size, before, channels))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_convolution_in_tiles_is_the_direct_one(
        case in cases(), chunk in 1_usize..20, relu: bool, accumulate: bool, bias: bool,
    ) {
        let [c, filters] = case.channels;
        let (x, [_, width], corners, rows) = case.bordered();
        let bias = bias.then(|| noise(4, filters));
        let start = case.dy[..case.dy.len() - SLACK].to_vec();
        let mut expected = start.clone();
        let runs = runs(3, 3 * c, width * c);
        let from = (&corners[..], &runs[..]);
        scalar::gemm(&x, from, &case.kernel, (bias.as_deref(), relu), &mut expected, (&rows, accumulate));
        for isa in Instructions::available() {
            let mut kernels = Kernels::new(isa);
            // Of another size before.
            transform_kernel(isa, &[1.0; 9], [1, 1], &mut kernels);
            transform_kernel(isa, &case.kernel, case.channels, &mut kernels);
            let mut y = start.clone();
            for tiles in chunks(&case, &case.outputs(), chunk) {
                let (mut v, mut m) = (points(tiles.len(), c), points(tiles.len(), filters));
                read_windows(isa, &case.windows(), tiles.clone(), &case.x, &mut v);
                let of = (&offsets(tiles.len(), c)[..], &offsets(tiles.len(), filters)[..]);
                products(isa, &kernels, of, &v, &mut m);
                let write = Write { bias: bias.as_deref(), relu, accumulate };
                write_outputs(isa, &case.outputs(), tiles, &m, write, &mut y);
            }
            let wrong = difference(&y, &expected, bound(&expected));
            prop_assert!(wrong.is_none(), "{}: {}", isa.name(), wrong.unwrap());
        }
    }

    #[test]
    fn the_weight_gradient_in_tiles_is_the_direct_one(case in cases(), chunk in 1_usize..20) {
        let [c, filters] = case.channels;
        let (x, [_, width], corners, rows) = case.bordered();
        let runs = runs(3, 3 * c, width * c);
        let mut expected = case.kernel.clone();
        let sum = GemmGradient { x: &x, corners: &corners, runs: &runs, dy: &case.dy, rows: &rows, filters };
        scalar::gemm_gradient(&sum, &mut expected);
        for isa in Instructions::available() {
            let mut du = vec![f32::NAN; POINTS * slab(c, filters)];
            for tiles in chunks(&case, &case.outputs(), chunk) {
                let (mut v, mut d) = (points(tiles.len(), c), points(tiles.len(), filters));
                read_windows(isa, &case.windows(), tiles.clone(), &case.x, &mut v);
                read_outputs(isa, &case.outputs(), tiles.clone(), &case.dy, &mut d);
                let of = (&offsets(tiles.len(), c)[..], &offsets(tiles.len(), filters)[..]);
                gradients(isa, case.channels, of, (&v, &d), &mut du, tiles.start == 0);
            }
            let mut dw = case.kernel.clone();
            add_kernel_gradient(isa, &du, case.channels, &mut dw);
            let wrong = difference(&dw, &expected, bound(&expected));
            prop_assert!(wrong.is_none(), "{}: {}", isa.name(), wrong.unwrap());
        }
    }
}

#[test]
fn how_tiles_are_grouped_changes_no_bit() {
    let case = Case::new(3, [9, 6], [1, 1], [17, 5]);
    for isa in Instructions::available() {
        let mut kernels = Kernels::new(isa);
        transform_kernel(isa, &case.kernel, case.channels, &mut kernels);
        let outputs = |chunk: usize| {
            let mut y = vec![0.0; case.dy.len()];
            for tiles in chunks(&case, &case.outputs(), chunk) {
                let (mut v, mut m) = (points(tiles.len(), 17), points(tiles.len(), 5));
                read_windows(isa, &case.windows(), tiles.clone(), &case.x, &mut v);
                let of = (&offsets(tiles.len(), 17)[..], &offsets(tiles.len(), 5)[..]);
                products(isa, &kernels, of, &v, &mut m);
                let write = Write { bias: None, relu: false, accumulate: false };
                write_outputs(isa, &case.outputs(), tiles, &m, write, &mut y);
            }
            y
        };
        let whole = outputs(1000);
        assert!(whole.iter().any(|&y| y != 0.0));
        for chunk in [1, 5, 13] {
            assert!(
                outputs(chunk).iter().zip(&whole).all(|(a, b)| a.to_bits() == b.to_bits()),
                "{}",
                isa.name()
            );
        }
    }
}
