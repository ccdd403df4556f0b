//! The weight gradient of the first layer of a grey image: lanes are filters, and each finds its pixel in a table.
//!
//! *Idea*: a vector holds as many filters, each of which may have its winner at another place of the pool window. All pixels
//! that the winners of a window can touch are a patch of at most 8 x 8; a kernel row touches four rows of it at most, a table
//! of 32 values in two registers, of which an instruction picks one for every lane.
//! ```text
//! for lanes of filters:      dw[taps] in registers
//!     for w in windows:      g = out > 0 ? gradient : 0
//!         for (kh, kw):      dw[kh, kw] += g * patch w[winner + (kh, kw)]            # one look-up, one multiply-add
//! ```
//! *Exactness*: as its parent; a dead filter adds a zero.
//!
//! *Departure*: the lists of the parent need 5 vectors of 16 taps for 25, and a list has to be made first: 16.0 us an image
//! of 28 x 28 and 128 filters against 4.4 us here (AVX-512 on Zen 5, all windows live).

use super::Forward;
use crate::conv_pool::{Shape, WINNER_ROW};
use crate::dispatch::{Instructions, Kernel};
use crate::isa::{Isa, TABLE};

/// Rows and columns of a patch.
const SIDE: usize = 8;

/// Whether this kernel serves the shape and the instruction set has what it takes.
pub(super) fn serves(isa: Instructions, shape: &Shape) -> bool {
    struct HasLookUp;
    impl Kernel for HasLookUp {
        type Output = bool;
        #[inline(always)]
        fn run<I: Isa>(self, _: I) -> bool {
            I::FAST_LOOK_UP
        }
    }
    shape.input[2] == 1
        && [[3, 3], [5, 5]].contains(&shape.kernel)
        && shape.pool + shape.kernel[1] - 1 <= SIDE
        && isa.run(HasLookUp)
}

/// Adds the gradients to `dw` `[kh * kw, filters]` and `db`. The parent has checked the lengths.
pub(super) fn weight_gradient(
    isa: Instructions,
    shape: &Shape,
    forward: &Forward<'_>,
    (dw, db): (&mut [f32], &mut [f32]),
    patches: &mut Vec<f32>,
) {
    let windows = shape.out_size[0] * shape.out_size[1];
    // The last table reaches a row beyond the last patch.
    patches.resize(windows * SIDE * SIDE + TABLE, 0.0);
    for image in 0..forward.out.len() / shape.output_len() {
        cut_patches(shape, &forward.x[image * shape.input_len()..][..shape.input_len()], patches);
        isa.run(Image { shape, forward, image, patches, dw, db });
    }
}

/// Copies what each window's taps can touch, `[windows, 8, 8]`.
fn cut_patches(shape: &Shape, x: &[f32], patches: &mut [f32]) {
    let ([_, ow], [_, w, _]) = (shape.out_size, shape.input);
    let [rows, columns] = shape.kernel.map(|side| side + shape.pool - 1);
    let windows = shape.out_size[0] * ow;
    for (window, patch) in patches.chunks_exact_mut(SIDE * SIDE).take(windows).enumerate() {
        let corner = (window / ow * w + window % ow) * shape.pool;
        for (row, to) in patch.chunks_exact_mut(SIDE).take(rows).enumerate() {
            to[..columns].copy_from_slice(&x[corner + row * w..][..columns]);
        }
    }
}

struct Image<'a> {
    shape: &'a Shape,
    forward: &'a Forward<'a>,
    image: usize,
    patches: &'a [f32],
    dw: &'a mut [f32],
    db: &'a mut [f32],
}

impl Kernel for Image<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        for filter in (0..self.shape.filters).step_by(I::LANES) {
            match self.shape.kernel {
                [3, _] => self.lanes::<I, 3, 3>(isa, filter, 0),
                _ => {
                    self.lanes::<I, 5, 3>(isa, filter, 0);
                    self.lanes::<I, 5, 2>(isa, filter, 3);
                }
            }
        }
    }
}

impl Image<'_> {
    /// Rows `first..first + R` of a kernel of `K` by `K`, for the filters from `filter` on, as many as a vector holds.
    #[inline(always)]
    fn lanes<I: Isa, const K: usize, const R: usize>(&mut self, isa: I, filter: usize, first: usize) {
        let (shape, filters) = (self.shape, self.shape.filters);
        let count = I::LANES.min(filters - filter);
        let [oh, ow] = shape.out_size;
        let mut sums = [[isa.zero(); K]; R];
        let mut bias = isa.zero();
        for window in 0..oh * ow {
            let start = self.image * shape.output_len()
                + (window / ow * shape.out_width + window % ow) * filters
                + filter;
            let out = &self.forward.out[start..][..count];
            let gradient = &self.forward.out_gradient[start..][..count];
            let winner = &self.forward.winner[start..][..count];
            let patch = &self.patches[window * SIDE * SIDE..][..SIDE * SIDE + TABLE];
            // SAFETY: all three slices hold `count <= LANES` values. A table is read at rows up to `K - 1 <= 4` of the
            // patch, and `TABLE` values lie behind it.
            unsafe {
                let mut gradient = isa.load_first(gradient.as_ptr(), count);
                if self.forward.relu {
                    let out = isa.load_first(out.as_ptr(), count);
                    gradient = isa.select_greater(out, isa.zero(), gradient, isa.zero());
                }
                bias = isa.add(bias, gradient);
                let winner = if count == I::LANES {
                    isa.load_index(winner.as_ptr())
                } else {
                    let mut bytes = [0; 16];
                    bytes[..count].copy_from_slice(winner);
                    isa.load_index(bytes.as_ptr())
                };
                for row in 0..R {
                    let table = isa.load_table(patch.as_ptr().add((first + row) * SIDE));
                    for kw in 0..K {
                        let x = isa.look_up(table, isa.shift_index(winner, kw));
                        sums[row][kw] = isa.mul_add(gradient, x, sums[row][kw]);
                    }
                }
            }
        }
        // Through memory in one go: sums that are indexed in a loop do not stay in registers.
        let store = |sum: I::F32| {
            let mut lanes = [0.0; 16];
            // SAFETY: `lanes` holds 16 values, the widest vector.
            unsafe { isa.store(lanes.as_mut_ptr(), sum) };
            lanes
        };
        let done: [[[f32; 16]; K]; R] =
            core::array::from_fn(|row| core::array::from_fn(|kw| store(sums[row][kw])));
        for (row, kw) in (0..R * K).map(|tap| (tap / K, tap % K)) {
            let to = &mut self.dw[((first + row) * K + kw) * filters + filter..][..count];
            to.iter_mut().zip(done[row][kw]).for_each(|(to, sum)| *to += sum);
        }
        if first == 0 {
            self.db[filter..][..count].iter_mut().zip(store(bias)).for_each(|(to, sum)| *to += sum);
        }
    }
}

const _: () = assert!(WINNER_ROW == SIDE, "a winner is an offset in a patch");
