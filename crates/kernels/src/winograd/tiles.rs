//! Tiles of images to points, and back.

use std::ops::Range;

use super::{Grid, POINTS, TILE, WINDOW, slab, transforms};
use crate::SLACK;
use crate::dispatch::{Instructions, Kernel};
use crate::isa::Isa;

/// Writes `v` `[36, tiles, c]`, `B' x B` of the window of each of these tiles in `x` `[images, h, w, c]`, which has [`SLACK`] more
/// values. Tiles are counted through all images.
///
/// # Panics
/// If an array is too short.
pub fn read_windows(isa: Instructions, grid: &Grid, tiles: Range<usize>, x: &[f32], v: &mut [f32]) {
    isa.run(Read::<WINDOW>::new(grid, tiles, x, v));
}

/// Writes `d` `[36, tiles, c]`, `A dy A'` of each of these tiles of `dy` `[images, h, w, c]`, which has [`SLACK`] more values.
///
/// # Panics
/// If an array is too short.
pub fn read_outputs(isa: Instructions, grid: &Grid, tiles: Range<usize>, dy: &[f32], d: &mut [f32]) {
    isa.run(Read::<TILE>::new(grid, tiles, dy, d));
}

/// Tiles of `SIDE` rows and columns to points.
struct Read<'a, const SIDE: usize> {
    grid: &'a Grid,
    tiles: Range<usize>,
    x: &'a [f32],
    v: &'a mut [f32],
}

/// So many tiles ahead the image's lines are asked for.
const AHEAD: usize = 2;

/// What is read outside of an image.
static ZEROS: [f32; SLACK] = [0.0; SLACK];

impl<'a, const SIDE: usize> Read<'a, SIDE> {
    fn new(grid: &'a Grid, tiles: Range<usize>, x: &'a [f32], v: &'a mut [f32]) -> Self {
        let [h, w, c] = grid.image;
        grid.check();
        assert!(x.len() >= grid.images(&tiles) * h * w * c + SLACK, "x needs slack");
        assert!(v.len() >= POINTS * slab(tiles.len(), c), "v");
        Self { grid, tiles, x, v }
    }
}

impl<const SIDE: usize> Kernel for Read<'_, SIDE> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Grid { image: [h, w, c], inside, origin, .. } = *self.grid;
        let slab = slab(self.tiles.len(), c);
        // Where rows, or columns, of the tile at `place` begin in the image, so many values each; `None` outside.
        let along = |axis: usize, place: usize, length: usize| -> [Option<usize>; SIDE] {
            core::array::from_fn(|step| {
                let at = origin[axis] + (place * TILE + step) as isize;
                usize::try_from(at).ok().filter(|&at| at < inside[axis]).map(|at| at * length)
            })
        };
        for (index, tile) in self.tiles.enumerate() {
            self.grid.lines(tile + AHEAD, |at| isa.prefetch(self.x.as_ptr().wrapping_add(at)));
            let [image, row, column] = self.grid.place(tile);
            let image = self.x[image * h * w * c..].as_ptr();
            let (down, right) = (along(0, row, w * c), along(1, column, c));
            let whole = down.iter().chain(&right).all(Option::is_some);
            for channel in (0..c).step_by(I::LANES) {
                let count = I::LANES.min(c - channel);
                // SAFETY: `along` gives rows and columns inside the image, and `Read::new` checked that there is a vector to
                // spare behind the last image and that `v` has a slab of `c` values a tile for each point.
                unsafe {
                    let to = self.v.as_mut_ptr().add(index * c + channel);
                    if let (true, Some(top), Some(left)) = (whole, down[0], right[0]) {
                        let corner = image.add(top + left + channel);
                        let at = |row: usize, column: usize| corner.add((row * w + column) * c);
                        to_points::<I, SIDE>(isa, at, (to, slab), count);
                    } else {
                        let at = |row: usize, column: usize| match (down[row], right[column]) {
                            (Some(top), Some(left)) => image.add(top + left + channel),
                            _ => ZEROS.as_ptr(),
                        };
                        to_points::<I, SIDE>(isa, at, (to, slab), count);
                    }
                }
            }
        }
    }
}

/// One tile's vector of channels, found `at(row, column)`, to points `slab` apart.
///
/// # Safety
/// All `SIDE * SIDE` places must be valid for reading a vector, and all [`POINTS`] for writing `count` values.
#[inline(always)]
unsafe fn to_points<I: Isa, const SIDE: usize>(
    isa: I,
    at: impl Fn(usize, usize) -> *const f32,
    (to, slab): (*mut f32, usize),
    count: usize,
) {
    let mut half = [[isa.zero(); SIDE]; WINDOW];
    for column in 0..SIDE {
        // SAFETY: the caller vouches for the places.
        let values: [I::F32; SIDE] = core::array::from_fn(|row| unsafe { isa.load(at(row, column)) });
        let points = transform::<I, SIDE>(isa, values);
        for row in 0..WINDOW {
            half[row][column] = points[row];
        }
    }
    for (row, values) in half.into_iter().enumerate() {
        let points = transform::<I, SIDE>(isa, values);
        for (column, &point) in points.iter().enumerate() {
            // SAFETY: the caller vouches for the places.
            unsafe { isa.store_first(to.add((row * WINDOW + column) * slab), point, count) };
        }
    }
}

/// `B'` of a window, `A` of outputs.
#[inline(always)]
fn transform<I: Isa, const SIDE: usize>(isa: I, x: [I::F32; SIDE]) -> [I::F32; WINDOW] {
    if SIDE == WINDOW {
        transforms::window(isa, core::array::from_fn(|place| x[place]))
    } else {
        transforms::outputs_back(isa, core::array::from_fn(|place| x[place]))
    }
}

/// What [`write_outputs`] does with a tile's sums.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// `[c]`, added; 0 if absent.
    pub bias: Option<&'a [f32]>,
    /// Whether negative results become 0.
    pub relu: bool,
    /// Add to what is in the output instead of overwriting it.
    pub accumulate: bool,
}

/// Writes to `y` `[images, h, w, c]` these tiles, `A' m A` of `m` `[36, tiles, c]`, as far as the grid's size goes.
///
/// # Panics
/// If the grid does not begin at the corner of the image or reaches out of it, or an array is too short.
pub fn write_outputs(
    isa: Instructions,
    grid: &Grid,
    tiles: Range<usize>,
    m: &[f32],
    write: Write<'_>,
    y: &mut [f32],
) {
    let [h, w, c] = grid.image;
    grid.check();
    assert!(grid.origin == [0, 0] && (0..2).all(|axis| grid.size[axis] <= grid.inside[axis]), "{grid:?}");
    assert!(y.len() >= grid.images(&tiles) * h * w * c, "y");
    assert!(m.len() >= POINTS * slab(tiles.len(), c), "m");
    assert!(write.bias.is_none_or(|bias| bias.len() == c), "bias");
    isa.run(ToOutputs { grid, tiles, m, write, y });
}

struct ToOutputs<'a> {
    grid: &'a Grid,
    tiles: Range<usize>,
    m: &'a [f32],
    write: Write<'a>,
    y: &'a mut [f32],
}

impl Kernel for ToOutputs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Grid { image: [h, w, c], size, .. } = *self.grid;
        let slab = slab(self.tiles.len(), c);
        for (index, tile) in self.tiles.enumerate() {
            let [image, row, column] = self.grid.place(tile);
            let corner = ((image * h + row * TILE) * w + column * TILE) * c;
            self.grid.lines(tile + AHEAD, |at| isa.prefetch_to_write(self.y.as_ptr().wrapping_add(at)));
            let inside = [size[0] - row * TILE, size[1] - column * TILE].map(|left| left.min(TILE));
            for channel in (0..c).step_by(I::LANES) {
                let count = I::LANES.min(c - channel);
                // SAFETY: `write_outputs` checked that `m` has a slab of `c` values a tile for each point (and the next or the
                // pad behind them), that `bias` has `c` values, and that the outputs inside lie in `y`.
                unsafe {
                    let from = self.m.as_ptr().add(index * c + channel);
                    let bias = match self.write.bias {
                        Some(bias) => isa.load_first(bias.as_ptr().add(channel), count),
                        None => isa.zero(),
                    };
                    let outputs = of_points(isa, (from, slab), bias);
                    let to = self.y.as_mut_ptr().add(corner + channel);
                    store(isa, outputs, self.write, inside, (to, w * c, c), count);
                }
            }
        }
    }
}

/// A tile's outputs from its points.
///
/// # Safety
/// All [`POINTS`] places, `slab` apart, must be valid for reading a vector.
#[inline(always)]
unsafe fn of_points<I: Isa>(
    isa: I,
    (from, slab): (*const f32, usize),
    bias: I::F32,
) -> [[I::F32; TILE]; TILE] {
    let mut half = [[isa.zero(); WINDOW]; TILE];
    for column in 0..WINDOW {
        // SAFETY: the caller vouches for the places.
        let points: [I::F32; WINDOW] =
            core::array::from_fn(|row| unsafe { isa.load(from.add((row * WINDOW + column) * slab)) });
        let outputs = transforms::outputs(isa, points);
        for row in 0..TILE {
            half[row][column] = outputs[row];
        }
    }
    half.map(|row| transforms::outputs(isa, row).map(|output| isa.add(output, bias)))
}

/// Stores the outputs `inside`, rows `down` and columns `right` values apart.
///
/// # Safety
/// Their places must be valid for reading and writing `count` values.
#[inline(always)]
unsafe fn store<I: Isa>(
    isa: I,
    outputs: [[I::F32; TILE]; TILE],
    write: Write<'_>,
    inside: [usize; 2],
    (to, down, right): (*mut f32, usize, usize),
    count: usize,
) {
    for (row, outputs) in outputs.into_iter().enumerate().take(inside[0]) {
        for (column, mut output) in outputs.into_iter().enumerate().take(inside[1]) {
            // SAFETY: the caller vouches for the place.
            unsafe {
                let to = to.add(row * down + column * right);
                if write.accumulate {
                    output = isa.add(isa.load_first(to, count), output);
                }
                if write.relu {
                    output = isa.max(output, isa.zero());
                }
                isa.store_first(to, output, count);
            }
        }
    }
}
