//! A checked list of transforms as steps on `u8` pixels.

use seamripper_kernels::warp::{Image, ImageMut, Matrix, Warp, compose, rotation_matrix_2d};

use super::{Affine, Erase, Transform};
use crate::random::Stream;

/// How often a rectangle is drawn until one fits, as in the published code of random erasing; then none is erased.
const ERASE_ATTEMPTS: usize = 100;

/// One step on the pixels of an image.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// A run of warps, interpolated once.
    Warp(Vec<Affine>),
    Flip(f64),
    Crop(usize),
    Erase(Erase),
}

/// The steps of a list, for images `[h, w, c]`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Steps {
    size: [usize; 3],
    steps: Vec<Step>,
}

/// Working memory of one thread; allocates nothing once it has seen an image.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    warp: Warp,
    front: Vec<u8>,
    back: Vec<u8>,
}

impl Steps {
    /// `transforms` have been checked; noise and mixup are not steps on pixels and are left out.
    pub(super) fn new(transforms: &[Transform], size: [usize; 3]) -> Self {
        let mut steps = Vec::new();
        for transform in transforms {
            let warp = match transform {
                Transform::Rotate(rotate) => Affine { rotate: *rotate, ..Affine::default() },
                Transform::Translate(translate) => Affine { translate: *translate, ..Affine::default() },
                Transform::Affine(affine) => affine.clone(),
                Transform::Flip(probability) => {
                    steps.push(Step::Flip(*probability));
                    continue;
                }
                Transform::Crop(crop) => {
                    steps.push(Step::Crop(crop.pad));
                    continue;
                }
                Transform::Erase(erase) => {
                    steps.push(Step::Erase(erase.clone()));
                    continue;
                }
                Transform::Noise(_) | Transform::Mixup(_) | Transform::Cutmix(_) => continue,
            };
            match steps.last_mut() {
                Some(Step::Warp(run)) => run.push(warp),
                _ => steps.push(Step::Warp(vec![warp])),
            }
        }
        Self { size, steps }
    }

    /// `[h, w, c]`.
    pub(super) fn size(&self) -> [usize; 3] {
        self.size
    }

    /// The changed pixels of `image`: itself if there is no step, else in `scratch`.
    pub(super) fn apply<'a>(
        &self,
        image: &'a [u8],
        stream: &mut Stream,
        scratch: &'a mut Scratch,
    ) -> &'a [u8] {
        if self.steps.is_empty() {
            return image;
        }
        let Scratch { warp, front, back } = scratch;
        front.clear();
        front.extend_from_slice(image);
        back.resize(image.len(), 0);
        let size = self.size;
        for step in &self.steps {
            match step {
                Step::Warp(run) => {
                    let dst_from_src = draw_run(run, size, stream);
                    let dst = ImageMut { size, pixels: back };
                    warp.affine(Image { size, pixels: front }, dst, &dst_from_src, 0);
                    std::mem::swap(front, back);
                }
                Step::Flip(probability) => {
                    if stream.unit() < *probability {
                        flip(size, front);
                    }
                }
                Step::Crop(pad) => {
                    let mut shift = || stream.below(2 * *pad as u64 + 1) as isize - *pad as isize;
                    crop(size, [shift(), shift()], front, back);
                    std::mem::swap(front, back);
                }
                Step::Erase(erase) => {
                    if stream.unit() < erase.probability {
                        erase_rectangle(size, erase, stream, front);
                    }
                }
            }
        }
        front
    }
}

/// One matrix for a run of warps, the first of the list done first.
pub(super) fn draw_run(run: &[Affine], size: [usize; 3], stream: &mut Stream) -> Matrix {
    run.iter()
        .map(|affine| draw_matrix(affine, size, stream))
        .reduce(|dst_from_src, next| compose(&next, &dst_from_src))
        .expect("a run has a warp")
}

/// `dst_from_src` of one draw: shear, then scale and rotation, all about `(w / 2, h / 2)`, then translation. Where the
/// other ranges are left out, it is `getRotationMatrix2D` or a shift exactly.
pub(super) fn draw_matrix(affine: &Affine, [h, w, _]: [usize; 3], stream: &mut Stream) -> Matrix {
    let mut draw = |[low, high]: [f64; 2]| if low < high { stream.uniform(low, high) } else { low };
    let (degrees, shear, scale) = (draw(affine.rotate), draw(affine.shear), draw(affine.scale));
    let shift = [draw(affine.translate), draw(affine.translate)];
    let center = [w as f64 / 2.0, h as f64 / 2.0];
    let mut dst_from_src = rotation_matrix_2d(center, degrees, scale);
    if shear != 0.0 {
        let slope = shear.to_radians().tan();
        dst_from_src = compose(&dst_from_src, &[[1.0, slope, -slope * center[1]], [0.0, 1.0, 0.0]]);
    }
    for (row, shift) in dst_from_src.iter_mut().zip(shift) {
        row[2] += shift;
    }
    dst_from_src
}

/// Mirrors left and right.
pub(super) fn flip([_, w, c]: [usize; 3], pixels: &mut [u8]) {
    for row in pixels.chunks_exact_mut(w * c) {
        row.reverse();
        if c > 1 {
            // The channels of each pixel have been turned round with it.
            row.chunks_exact_mut(c).for_each(|pixel| pixel.reverse());
        }
    }
}

/// `dst[y, x] = src[y + dy, x + dx]`, 0 outside.
pub(super) fn crop([h, w, c]: [usize; 3], [dy, dx]: [isize; 2], src: &[u8], dst: &mut [u8]) {
    dst.fill(0);
    let kept = w - dx.unsigned_abs();
    let (from, to) = (dx.max(0) as usize, (-dx).max(0) as usize);
    for (y, dst) in dst.chunks_exact_mut(w * c).enumerate() {
        if let Some(row) = y.checked_add_signed(dy).filter(|&row| row < h) {
            dst[to * c..][..kept * c].copy_from_slice(&src[(row * w + from) * c..][..kept * c]);
        }
    }
}

/// Overwrites one rectangle with uniform random pixels (Zhong et al. 2017, algorithm 1, "RE-R").
fn erase_rectangle([h, w, c]: [usize; 3], erase: &Erase, stream: &mut Stream, pixels: &mut [u8]) {
    let [area, aspect] = [erase.area, erase.aspect];
    for _ in 0..ERASE_ATTEMPTS {
        let target = stream.uniform(area[0], area[1]) * (h * w) as f64;
        let ratio = stream.uniform(aspect[0], aspect[1]);
        let side = |square: f64| square.sqrt().round().max(1.0) as usize;
        let (rows, columns) = (side(target * ratio), side(target / ratio));
        if rows > h || columns > w {
            continue;
        }
        let top = stream.below((h - rows) as u64 + 1) as usize;
        let left = stream.below((w - columns) as u64 + 1) as usize;
        for row in pixels.chunks_exact_mut(w * c).skip(top).take(rows) {
            for bytes in row[left * c..][..columns * c].chunks_mut(8) {
                bytes.copy_from_slice(&stream.bits().to_le_bytes()[..bytes.len()]);
            }
        }
        return;
    }
}
