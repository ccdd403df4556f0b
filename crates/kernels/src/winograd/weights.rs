//! Kernels to points, and gradients at points back to kernels.

use super::{KERNEL, Kernels, POINTS, WINDOW, slab, transforms};
use crate::SLACK;
use crate::dispatch::{Instructions, Kernel};
use crate::isa::Isa;
use crate::panels::Panels;

/// Taps of the kernel.
const TAPS: usize = KERNEL * KERNEL;

/// Fills `kernels` with `G w G'` of `w` `[3, 3, c, filters]`. Allocates only if the kernel is larger than any before it.
///
/// # Panics
/// If `w` has another length.
pub fn transform_kernel(isa: Instructions, w: &[f32], [c, filters]: [usize; 2], kernels: &mut Kernels) {
    assert_eq!(w.len(), TAPS * c * filters, "a kernel of 3 x 3");
    for panels in &mut kernels.points {
        panels.resize(c, filters);
        assert_eq!(panels.lanes(), isa.lanes(), "panels for another instruction set");
    }
    isa.run(ToPanels { w, c, filters, points: &mut kernels.points });
}

struct ToPanels<'a> {
    w: &'a [f32],
    c: usize,
    filters: usize,
    points: &'a mut [Panels],
}

impl Kernel for ToPanels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let (c, filters) = (self.c, self.filters);
        let width = self.points[0].width();
        let to: [&mut [f32]; POINTS] = {
            let mut points = self.points.iter_mut();
            core::array::from_fn(|_| points.next().expect("a panel for each point").values_mut())
        };
        for channel in 0..c {
            for filter in (0..filters).step_by(I::LANES) {
                let count = I::LANES.min(filters - filter);
                let taps: [I::F32; TAPS] = core::array::from_fn(|tap| {
                    let taps = &self.w[(tap * c + channel) * filters + filter..][..count];
                    // SAFETY: `taps` holds `count` values.
                    unsafe { isa.load_first(taps.as_ptr(), count) }
                });
                let half: [[I::F32; WINDOW]; KERNEL] = core::array::from_fn(|column| {
                    transforms::kernel(isa, core::array::from_fn(|row| taps[row * KERNEL + column]))
                });
                // Where the panel's row is that holds this filter.
                let place = (filter / width * c + channel) * width + filter % width;
                for row in 0..WINDOW {
                    let points = transforms::kernel(isa, core::array::from_fn(|column| half[column][row]));
                    for (column, &point) in points.iter().enumerate() {
                        let to = &mut to[row * WINDOW + column][place..][..I::LANES];
                        // SAFETY: `to` holds a vector.
                        unsafe { isa.store(to.as_mut_ptr(), point) };
                    }
                }
            }
        }
    }
}

/// Adds `G' du G` to `dw` `[3, 3, c, filters]`, `du` `[36, c, filters]` with points [`slab`] apart.
///
/// # Panics
/// If an array is too short.
pub fn add_kernel_gradient(isa: Instructions, du: &[f32], [c, filters]: [usize; 2], dw: &mut [f32]) {
    assert_eq!(dw.len(), TAPS * c * filters, "a kernel of 3 x 3");
    assert!(du.len() >= POINTS * slab(c, filters) && slab(c, filters) >= c * filters + SLACK, "du");
    isa.run(ToTaps { du, n: c * filters, slab: slab(c, filters), dw });
}

struct ToTaps<'a> {
    du: &'a [f32],
    n: usize,
    slab: usize,
    dw: &'a mut [f32],
}

impl Kernel for ToTaps<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        for place in (0..self.n).step_by(I::LANES) {
            let count = I::LANES.min(self.n - place);
            let half: [[I::F32; KERNEL]; WINDOW] = core::array::from_fn(|column| {
                let points: [I::F32; WINDOW] = core::array::from_fn(|row| {
                    let from = &self.du[(row * WINDOW + column) * self.slab + place..][..I::LANES];
                    // SAFETY: `from` holds a vector.
                    unsafe { isa.load(from.as_ptr()) }
                });
                transforms::kernel_back(isa, points)
            });
            for row in 0..KERNEL {
                let taps = transforms::kernel_back(isa, core::array::from_fn(|column| half[column][row]));
                for (column, &tap) in taps.iter().enumerate() {
                    let to = &mut self.dw[(row * KERNEL + column) * self.n + place..][..count];
                    // SAFETY: `to` holds `count` values.
                    unsafe {
                        let sum = isa.add(isa.load_first(to.as_ptr(), count), tap);
                        isa.store_first(to.as_mut_ptr(), sum, count);
                    }
                }
            }
        }
    }
}
