//! What JPEG does to an image, without making a file.
//!
//! ```text
//! Y, Cb, Cr = levels of red, green, blue; Cb and Cr at half the size (4:2:0)
//! each block of 8x8:  F = D (levels - 128) Dᵀ, in eighths;  F = q rint(F / q);  levels = DᵀF D + 128, to a byte
//! Cb, Cr at full size again, between two pixels 3 to 1; red, green, blue
//! ```
//! `q` is the table of Annex K of the standard, scaled for a quality as libjpeg does. What comes after, Huffman coding, loses
//! nothing, so it is left out: no bytes are written or read.
//!
//! *Exactness*: libjpeg multiplies in integers, so a frequency near a half may take the next step: on average within a quarter
//! of a level of Pillow 10, at most 24 levels (`JPEG` in `tests/it/corruptions.rs`).
//!
//! *Reference*: ITU-T T.81 (1992), Annexes A and K; the defaults of libjpeg: 4:2:0, "fancy upsampling".

use super::tables::Tables;

/// Annex K, table K.1, row by row.
const LUMA: [u16; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17,
    22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78,
    87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];

/// Table K.2: 99 but for a corner.
const CHROMA_CORNER: [[u16; 4]; 4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]];

type Block = [[f32; 8]; 8];

/// A quality, prepared.
#[derive(Clone, Debug)]
pub(super) struct Jpeg {
    /// Steps of luma and chroma.
    steps: [Block; 2],
    /// `D`, and turned.
    cosines: [Block; 2],
}

/// Working memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    planes: [Vec<f32>; 3],
    small: [Vec<f32>; 2],
}

impl Jpeg {
    /// The quality of a severity.
    pub(super) fn quality(tables: Tables, severity: u8) -> u8 {
        tables.pick(severity, [80, 65, 58, 50, 40], [25, 18, 15, 10, 7])
    }

    /// For a `quality` of 1 to 100.
    pub(super) fn new(quality: u8) -> Self {
        let quality = u32::from(quality.clamp(1, 100));
        let scale = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
        let step = |base: u16| ((u32::from(base) * scale + 50) / 100).clamp(1, 255) as f32;
        let block = |value: &dyn Fn(usize, usize) -> f32| -> Block {
            std::array::from_fn(|y| std::array::from_fn(|x| value(y, x)))
        };
        let chroma = |y: usize, x: usize| if y < 4 && x < 4 { CHROMA_CORNER[y][x] } else { 99 };
        let cosine = |u: usize, x: usize| {
            let norm = if u == 0 { 0.5_f64.sqrt() } else { 1.0 };
            (0.5 * norm * ((2 * x + 1) as f64 * u as f64 * std::f64::consts::PI / 16.0).cos()) as f32
        };
        Self {
            steps: [block(&|y, x| step(LUMA[8 * y + x])), block(&|y, x| step(chroma(y, x)))],
            cosines: [block(&cosine), block(&|x, u| cosine(u, x))],
        }
    }

    pub(super) fn apply(&self, src: &[u8], size: [usize; 3], memory: &mut Memory, out: &mut [u8]) {
        let [h, w, c] = size;
        let Memory { planes, small } = memory;
        if c != 3 {
            for channel in 0..c {
                let plane = &mut planes[0];
                plane.clear();
                plane.extend(src.iter().skip(channel).step_by(c).map(|&value| f32::from(value)));
                self.through(plane, [h, w], 0);
                for (out, &value) in out.iter_mut().skip(channel).step_by(c).zip(plane.iter()) {
                    *out = value as u8;
                }
            }
            return;
        }
        to_ycc(src, planes);
        self.through(&mut planes[0], [h, w], 0);
        for (plane, small) in planes[1..].iter_mut().zip(small) {
            halve(plane, [h, w], small);
            self.through(small, [h.div_ceil(2), w.div_ceil(2)], 1);
            double(small, plane, [h, w]);
        }
        to_rgb(planes, out);
    }

    /// Quantises a plane `[h, w]` block by block; blocks over the border repeat the last row and column.
    fn through(&self, plane: &mut [f32], [h, w]: [usize; 2], table: usize) {
        for top in (0..h).step_by(8) {
            for left in (0..w).step_by(8) {
                let row = |y: usize| (top + y).min(h - 1) * w;
                let mut block: Block = std::array::from_fn(|y| {
                    std::array::from_fn(|x| plane[row(y) + (left + x).min(w - 1)] - 128.0)
                });
                self.quantize(&mut block, &self.steps[table]);
                let across = (w - left).min(8);
                for (y, values) in block.iter().enumerate().take(h - top) {
                    let out = &mut plane[(top + y) * w + left..][..across];
                    for (out, value) in out.iter_mut().zip(values) {
                        *out = (value + 128.0).round_ties_even().clamp(0.0, 255.0);
                    }
                }
            }
        }
    }

    fn quantize(&self, block: &mut Block, steps: &Block) {
        let [d, turned] = &self.cosines;
        let mut frequencies = multiply(&multiply(d, block), turned);
        for (row, steps) in frequencies.iter_mut().zip(steps) {
            for (value, step) in row.iter_mut().zip(steps) {
                // libjpeg holds frequencies in eighths, and rounds halves away from zero
                let eighths = nearest(value.abs() * 8.0);
                let steps = ((eighths + 4.0 * step) / (8.0 * step)) as i32 as f32;
                *value = (steps * step).copysign(*value);
            }
        }
        *block = multiply(&multiply(turned, &frequencies), d);
    }
}

/// To the nearest whole number, without a call: a number of this size has no fraction.
fn nearest(value: f32) -> f32 {
    const LARGE: f32 = 12_582_912.0;
    (value + LARGE) - LARGE
}

fn multiply(a: &Block, b: &Block) -> Block {
    let mut product = [[0.0; 8]; 8];
    for (product, a) in product.iter_mut().zip(a) {
        for (a, b) in a.iter().zip(b) {
            for (product, b) in product.iter_mut().zip(b) {
                *product += a * b;
            }
        }
    }
    product
}

fn to_ycc(src: &[u8], planes: &mut [Vec<f32>; 3]) {
    let pixel = |pixel: &[u8]| [0, 1, 2].map(|channel| f32::from(pixel[channel]));
    let round = |value: f32| nearest(value).clamp(0.0, 255.0);
    planes.iter_mut().for_each(Vec::clear);
    let [luma, blue, red] = planes;
    luma.extend(src.chunks_exact(3).map(pixel).map(|[r, g, b]| round(0.299 * r + 0.587 * g + 0.114 * b)));
    blue.extend(
        src.chunks_exact(3)
            .map(pixel)
            .map(|[r, g, b]| round(128.0 - 0.168_735_9 * r - 0.331_264_1 * g + 0.5 * b)),
    );
    red.extend(
        src.chunks_exact(3)
            .map(pixel)
            .map(|[r, g, b]| round(128.0 + 0.5 * r - 0.418_687_6 * g - 0.081_312_4 * b)),
    );
}

fn to_rgb([luma, blue, red]: &[Vec<f32>; 3], out: &mut [u8]) {
    let byte = |value: f32| super::plane::to_byte(value);
    for (((out, &y), &cb), &cr) in out.chunks_exact_mut(3).zip(luma).zip(blue).zip(red) {
        let (cb, cr) = (cb - 128.0, cr - 128.0);
        out[0] = byte(y + 1.402 * cr);
        out[1] = byte(y - 0.344_136_3 * cb - 0.714_136_3 * cr);
        out[2] = byte(y + 1.772 * cb);
    }
}

/// Means of 2x2, rounded up and down in turns.
fn halve(plane: &[f32], [h, w]: [usize; 2], small: &mut Vec<f32>) {
    small.clear();
    for y in (0..h).step_by(2) {
        let (above, below) = (&plane[y * w..][..w], &plane[(y + 1).min(h - 1) * w..][..w]);
        for x in (0..w).step_by(2) {
            let next = (x + 1).min(w - 1);
            let sum = above[x] + above[next] + below[x] + below[next];
            let bias = if x & 2 == 0 { 1.0 } else { 2.0 };
            small.push(((sum + bias) * 0.25).floor());
        }
    }
}

/// Back to `[h, w]`: 3/4 of the near pixel and 1/4 of the next along each axis.
fn double(small: &[f32], plane: &mut [f32], [h, w]: [usize; 2]) {
    let (small_h, small_w) = (h.div_ceil(2), w.div_ceil(2));
    for y in 0..h {
        let near = y / 2;
        let far = if y & 1 == 0 { near.saturating_sub(1) } else { (near + 1).min(small_h - 1) };
        let (near, far) = (&small[near * small_w..][..small_w], &small[far * small_w..][..small_w]);
        let sum = |x: usize| 3.0 * near[x] + far[x];
        for (x, out) in plane[y * w..][..w].iter_mut().enumerate() {
            let place = x / 2;
            let (other, bias) = if x & 1 == 0 { (place.saturating_sub(1), 8.0) } else { (place + 1, 7.0) };
            *out = ((3.0 * sum(place) + sum(other.min(small_w - 1)) + bias) * (1.0 / 16.0)).floor();
        }
    }
}
