//! Patterns from the diamond-square fractal: the fog of one image, and the picture of ice that frost is cut from.

use std::sync::OnceLock;

use crate::random::{Purpose, Stream};

/// Writes a fractal `[side, side]`, 0 to 1, that goes on at its opposite border; `side` is a power of two, at least 2.
///
/// `plasma_fractal` of the published code: corners, then middles of squares and of diamonds, each the mean of its four
/// neighbours plus `d U(-d, d)`, where `d` is 100 and falls by `decay` with each halving.
pub(super) fn plasma(side: usize, decay: f32, stream: &mut Stream, map: &mut Vec<f32>) {
    debug_assert!(side.is_power_of_two() && side > 1);
    map.clear();
    map.resize(side * side, 0.0);
    let mask = side - 1;
    let (mut step, mut wibble) = (side, 100.0_f32);
    let mut uniforms = Uniforms { bits: 0, left: 0 };
    while step >= 2 {
        let half = step / 2;
        let amplitude = wibble * wibble;
        // squares, then the middles of their upper sides, then of their left sides
        for (from_y, from_x) in [(half, half), (0, half), (half, 0)] {
            let square = from_y == from_x;
            for y in (from_y..side).step_by(step) {
                for x in (from_x..side).step_by(step) {
                    let at = |y: usize, x: usize| map[(y & mask) * side + (x & mask)];
                    let (up, left) = (y.wrapping_sub(half), x.wrapping_sub(half));
                    let sum = if square {
                        at(up, left) + at(up, x + half) + at(y + half, left) + at(y + half, x + half)
                    } else {
                        at(up, x) + at(y + half, x) + at(y, left) + at(y, x + half)
                    };
                    map[y * side + x] = sum * 0.25 + amplitude * uniforms.draw(stream);
                }
            }
        }
        step = half;
        wibble /= decay;
    }
    let low = map.iter().copied().fold(f32::INFINITY, f32::min);
    let high = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let scale = 1.0 / (high - low).max(f32::MIN_POSITIVE);
    map.iter_mut().for_each(|value| *value = (*value - low) * scale);
}

/// Uniform in -1..1, four from 64 bits.
struct Uniforms {
    bits: u64,
    left: u32,
}

impl Uniforms {
    fn draw(&mut self, stream: &mut Stream) -> f32 {
        if self.left == 0 {
            (self.bits, self.left) = (stream.bits(), 4);
        }
        let bits = self.bits as u16;
        self.bits >>= 16;
        self.left -= 1;
        (f32::from(bits) + 0.5) * (2.0 / 65_536.0) - 1.0
    }
}

/// A picture of ice, grey levels, `[side, side]`.
#[derive(Clone, Debug)]
pub(super) struct Ice {
    pub(super) side: usize,
    pub(super) levels: Vec<f32>,
}

impl Ice {
    /// For images whose longer side is `longest`; made once. The same picture for every seed: it stands for the six photographs of
    /// the published code, which are not random either.
    ///
    /// Veins are where a fractal passes its middle, at two widths; crusts are the upper half of another.
    pub(super) fn get(longest: usize) -> &'static Self {
        static ICE: [OnceLock<Ice>; 5] = [const { OnceLock::new() }; 5];
        let side = (4 * longest).next_power_of_two().clamp(SMALLEST, SMALLEST << (ICE.len() - 1));
        ICE[(side / SMALLEST).ilog2() as usize].get_or_init(|| Self::new(side))
    }

    fn new(side: usize) -> Self {
        let mut layers = [(1.5, 0_u64), (1.35, 1), (1.2, 2), (1.3, 3)].map(|(decay, number)| {
            let mut map = Vec::new();
            plasma(side, decay, &mut Stream::new(0, Purpose::Corrupt, ICE, number), &mut map);
            equalize(&mut map);
            map
        });
        let [crust, veins, fine, shade] = &mut layers;
        let mut levels: Vec<f32> = (0..side * side)
            .map(|i| {
                let ridge = |value: f32, sharpness: i32| (1.0 - (2.0 * value - 1.0).abs()).powi(sharpness);
                0.75 * (2.0 * crust[i] - 1.0).max(0.0)
                    + 0.55 * ridge(veins[i], 6)
                    + 0.45 * ridge(fine[i], 4)
                    + 0.15 * shade[i]
            })
            .collect();
        let n = levels.len() as f32;
        let mean = levels.iter().sum::<f32>() / n;
        let deviation = (levels.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / n).sqrt();
        let [wanted_mean, wanted_deviation] = PHOTOGRAPHS;
        for value in &mut levels {
            *value = (wanted_mean + (*value - mean) * wanted_deviation / deviation).clamp(0.0, 255.0);
        }
        Self { side, levels }
    }
}

/// Mean and deviation of the grey levels of the published photographs, averaged over the six.
const PHOTOGRAPHS: [f32; 2] = [148.0, 37.0];

/// The smallest picture; each next is twice as large.
const SMALLEST: usize = 64;

/// The stream of the ice: no change has this number.
const ICE: u64 = u64::MAX;

/// Every value becomes its rank, 0 to 1.
fn equalize(map: &mut [f32]) {
    const BINS: usize = 4096;
    let bin = |value: f32| ((value * BINS as f32) as usize).min(BINS - 1);
    let mut counts = vec![0_u32; BINS];
    map.iter().for_each(|&value| counts[bin(value)] += 1);
    let mut below = 0;
    let ranks: Vec<f32> = counts
        .iter()
        .map(|&count| {
            below += count;
            (below as f32 - 0.5 * count as f32) / map.len() as f32
        })
        .collect();
    map.iter_mut().for_each(|value| *value = ranks[bin(*value)]);
}
