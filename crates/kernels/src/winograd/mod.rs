//! Convolution 3 x 3 with stride 1 in tiles of 4 x 4 outputs, a quarter of the multiplications: F(4 x 4, 3 x 3).
//!
//! *Idea*: a tile of 4 x 4 outputs and its 6 x 6 inputs are polynomials' values at six points an axis, where a convolution is a
//! product. For each of the 36 points the channels are summed by an ordinary matrix product over tiles ([`crate::gemm`]):
//! ```text
//! forward:          V = B' x B [36, tiles, c]     U = G w G' [36, c, filters]     M[p] = V[p] U[p]     y = A' M A
//! weight gradient:  D = A dy A' [36, tiles, filters]     dU[p] = V[p]' D[p]                            dw = G' dU G
//! input gradient:   forward, of dy in a border of zeros, with the kernel flipped and transposed
//! ```
//! The points are 0, 1, -1, 2, -2 and infinity (`transforms`).
//!
//! *Exactness*: sums of other numbers than a direct convolution's, so rounding errors are larger: for channels with noise of the
//! same size, the largest error of a value is [`ERROR`] of the largest value. Within an instruction set
//! the result depends on neither threads nor how tiles are grouped. Meant for training, where a step's own noise is
//! thousands of times that.
//!
//! *Departures*:
//! 1. What the points' arrays hold is a slab of memory and a cache line: 36 slabs a power of two apart would fall into the same sets
//!    of the first-level cache.
//! 2. `V` is computed again for the weight gradient instead of kept: 36 / 16 of the input's memory, for a tenth of the time.
//! 3. Tiles reach over the output's edge where it is no multiple of 4: 7 x 7 takes four tiles, a third of whose work is lost.
//!    Smaller tiles would lose less there and save less elsewhere.
//!
//! *Reference*: Winograd 1980, "Arithmetic Complexity of Computations"; Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural
//! Networks", for the tiles and for these points.

mod tiles;
mod transforms;
mod weights;

pub use tiles::{Write, read_outputs, read_windows, write_outputs};
pub use weights::{add_kernel_gradient, transform_kernel};

use crate::dispatch::Instructions;
use crate::gemm::{Gemm, gemm};
use crate::gemm_gradient::{GemmGradient, gemm_gradient, gemm_gradient_anew};
use crate::panels::{Panels, Run};

/// Rows and columns of the kernel.
pub const KERNEL: usize = 3;
/// Rows and columns of a tile's outputs.
pub const TILE: usize = 4;
/// Rows and columns of a tile's inputs, and points an axis.
const WINDOW: usize = TILE + KERNEL - 1;
/// Points of a tile.
pub const POINTS: usize = WINDOW * WINDOW;
/// Values of a cache line.
const LINE: usize = 16;

/// Largest error of a value, relative to the largest value, that the tests allow for channels with noise of the same size.
pub const ERROR: f32 = 2e-5;

/// Where the tiles of an image lie.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// `[h, w, c]` of an image in memory.
    pub image: [usize; 3],
    /// `[h, w]` of the part of it that counts, from its corner; everything around it is read as zeros.
    pub inside: [usize; 2],
    /// Row and column in the image where the first tile, or its window, begins.
    pub origin: [isize; 2],
    /// `[h, w]` of the outputs that the tiles cover.
    pub size: [usize; 2],
}

impl Grid {
    /// Rows and columns of tiles.
    pub fn tiles(&self) -> [usize; 2] {
        self.size.map(|length| length.div_ceil(TILE))
    }

    /// Tiles of an image.
    pub fn count(&self) -> usize {
        self.tiles().iter().product()
    }

    /// Image, row and column of a tile, counted through all images.
    #[inline(always)]
    fn place(&self, tile: usize) -> [usize; 3] {
        let [rows, columns] = self.tiles();
        [tile / (rows * columns), tile / columns % rows, tile % columns]
    }

    /// Offset of a tile's first output, counted through all images.
    #[inline(always)]
    fn corner(&self, tile: usize) -> usize {
        let ([h, w, c], [image, row, column]) = (self.image, self.place(tile));
        ((image * h + row * TILE) * w + column * TILE) * c
    }

    /// Calls `ask(offset)` for every cache line of a tile's rows of outputs.
    #[inline(always)]
    fn lines(&self, tile: usize, ask: impl Fn(usize)) {
        let ([_, w, c], corner) = (self.image, self.corner(tile));
        for row in 0..TILE {
            for place in (0..TILE * c).step_by(LINE) {
                ask(corner + row * w * c + place);
            }
        }
    }

    /// Images up to the last of these tiles.
    fn images(&self, tiles: &std::ops::Range<usize>) -> usize {
        tiles.end.div_ceil(self.count().max(1))
    }

    fn check(&self) {
        let [h, w, _] = self.image;
        assert!(self.inside[0] <= h && self.inside[1] <= w, "{self:?}");
    }
}

/// Values of one point: `tiles` rows of `channels`, and some between one point's and the next's.
pub fn slab(tiles: usize, channels: usize) -> usize {
    (tiles * channels).next_multiple_of(LINE) + LINE
}

/// A kernel at every point.
#[derive(Clone, Debug)]
pub struct Kernels {
    /// `[c, filters]` for each point.
    points: Vec<Panels>,
}

impl Kernels {
    /// An empty one, to be filled by [`transform_kernel`].
    pub fn new(isa: Instructions) -> Self {
        Self { points: (0..POINTS).map(|_| Panels::new(isa)).collect() }
    }
}

/// The products at all points: `m` `[36, tiles, filters]` from `v` `[36, tiles, c]`, points [`slab`] apart; `rows` and `out_rows` are the
/// tiles' places in a point's part of `v` and of `m`.
///
/// # Panics
/// If the shapes do not agree.
pub fn products(
    isa: Instructions,
    kernels: &Kernels,
    (rows, out_rows): (&[u32], &[u32]),
    v: &[f32],
    m: &mut [f32],
) {
    let [c, filters] = kernels.points[0].shape();
    let (from, to) = (slab(rows.len(), c), slab(rows.len(), filters));
    let runs = [Run { start: 0, count: c as u32 }];
    for (point, b) in kernels.points.iter().enumerate() {
        let (a, out) = (&v[point * from..][..from], &mut m[point * to..][..to]);
        let product =
            Gemm { a, rows, runs: &runs, b, bias: None, relu: false, out, out_rows, accumulate: false };
        gemm(isa, product);
    }
}

/// Writes, or adds unless `anew`, the outer products at all points: to `du` `[36, c, filters]` those of `v` `[36, tiles, c]` and `d` `[36, tiles, filters]`.
///
/// # Panics
/// If the shapes do not agree.
pub fn gradients(
    isa: Instructions,
    [c, filters]: [usize; 2],
    (corners, rows): (&[u32], &[u32]),
    (v, d): (&[f32], &[f32]),
    du: &mut [f32],
    anew: bool,
) {
    let (of_v, of_d) = (slab(rows.len(), c), slab(rows.len(), filters));
    let runs = [Run { start: 0, count: c as u32 }];
    for point in 0..POINTS {
        let (x, dy) = (&v[point * of_v..][..of_v], &d[point * of_d..][..of_d]);
        let dw = &mut du[point * slab(c, filters)..][..c * filters];
        let sum = GemmGradient { x, corners, runs: &runs, dy, rows, filters };
        if anew { gemm_gradient_anew(isa, sum, dw) } else { gemm_gradient(isa, sum, dw) }
    }
}
