//! The source, framed with the border and laid out so that four neighbours are one load.

use super::Image;

/// Pairs readable after the last one, because three channels are read 16 bytes at a time.
const SLACK: usize = 2;

/// Each value beside the one below it, `[h + 2, w + 3, c]` pairs: row `r`, column `k` holds source rows `r - 1` and `r`
/// at column `k - 1`. What lies outside the source is the border. Hence the neighbours of any position are found at
/// `row.min(h + 1), column.min(w + 1)` (unsigned, so that all that is far to the left or above also lands on border).
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    /// `[upper, lower]`, [`SLACK`] more than `[h + 2, w + 3, c]`.
    pub(super) pairs: Vec<[u8; 2]>,
    /// `[h, w, c]` of the source.
    pub(super) size: [usize; 3],
}

impl Pairs {
    /// Pairs from one row to the next.
    #[inline(always)]
    pub(super) fn stride(&self) -> usize {
        (self.size[1] + 3) * self.size[2]
    }

    /// Lays `src` out; `interleave(upper, lower, pairs)` does what [`interleave`] does.
    #[inline(always)]
    pub(super) fn fill(
        &mut self,
        src: Image<'_>,
        border: u8,
        interleave: impl Fn(&[u8], &[u8], &mut [[u8; 2]]),
    ) {
        let [h, w, c] = src.size;
        self.size = src.size;
        let stride = self.stride();
        self.pairs.resize((h + 2) * stride + SLACK, [border; 2]);
        for (r, pairs) in self.pairs.chunks_exact_mut(stride).enumerate() {
            pairs[..c].fill([border; 2]);
            pairs[(w + 1) * c..].fill([border; 2]);
            let pairs = &mut pairs[c..][..w * c];
            let row = |y: usize| &src.pixels[y * w * c..][..w * c];
            match r {
                0 => pairs.iter_mut().zip(row(0)).for_each(|(pair, &lower)| *pair = [border, lower]),
                _ if r < h => interleave(row(r - 1), row(r), pairs),
                _ if r == h => {
                    pairs.iter_mut().zip(row(h - 1)).for_each(|(pair, &upper)| *pair = [upper, border]);
                }
                _ => pairs.fill([border; 2]),
            }
        }
    }
}

/// `pairs[i] = [upper[i], lower[i]]`.
pub(super) fn interleave(upper: &[u8], lower: &[u8], pairs: &mut [[u8; 2]]) {
    for (pair, (&upper, &lower)) in pairs.iter_mut().zip(upper.iter().zip(lower)) {
        *pair = [upper, lower];
    }
}
