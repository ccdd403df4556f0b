//! Gaussian, shot, impulse and speckle noise.
//!
//! | corruption | a value `x`, 0 to 1, becomes |
//! |---|---|
//! | gaussian_noise | `x + d z`, `z` standard normal |
//! | speckle_noise | `x + x d z` |
//! | shot_noise | `Poisson(x c) / c` |
//! | impulse_noise | with probability `p` 0 or 1, one as likely as the other (`skimage.util.random_noise`) |
//!
//! Each value of each channel draws for itself.
//!
//! *Departures*: 1. normals come from [`Normals`]: 4096 pieces of the quantile function, straight inside a piece, exact in
//! the two outer ones; neither logarithm nor root for the others. 2. Poisson counts come from a table of each level's
//! cumulative probabilities in 2^-32.

use std::sync::OnceLock;

use statrs::distribution::{ContinuousCDF, Normal};

use super::plane::to_byte;
use super::tables::Tables;
use crate::random::Stream;

/// Pieces of the quantile function.
const PIECES: usize = 4096;

/// Standard normals by their quantile function.
#[derive(Debug)]
pub(super) struct Normals {
    ends: Vec<f32>,
}

impl Normals {
    /// The table, made once.
    pub(super) fn get() -> &'static Self {
        static NORMALS: OnceLock<Normals> = OnceLock::new();
        NORMALS.get_or_init(|| {
            let inside = |i: usize| quantile(i as f64 / PIECES as f64) as f32;
            let ends = (0..=PIECES).map(|i| inside(i.clamp(1, PIECES - 1))).collect();
            Self { ends }
        })
    }

    /// The normal that 32 random bits stand for.
    #[inline]
    fn of(&self, bits: u32) -> f32 {
        let piece = (bits >> 20) as usize;
        if piece == 0 || piece == PIECES - 1 {
            return quantile((f64::from(bits) + 0.5) / f64::from(1 << 16).powi(2)) as f32;
        }
        let share = (bits & 0xF_FFFF) as f32 * (1.0 / 1_048_576.0);
        let low = self.ends[piece];
        low + share * (self.ends[piece + 1] - low)
    }

    /// Calls `each(index, normal)` for `0..n`.
    #[inline]
    pub(super) fn for_each(&self, n: usize, stream: &mut Stream, mut each: impl FnMut(usize, f32)) {
        for index in (0..n).step_by(2) {
            let bits = stream.bits();
            each(index, self.of(bits as u32));
            if index + 1 < n {
                each(index + 1, self.of((bits >> 32) as u32));
            }
        }
    }
}

fn quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

/// gaussian_noise, [`super::Change::Noise`]: `deviation` in levels.
pub(super) fn gaussian(deviation: f32, src: &[u8], stream: &mut Stream, out: &mut [u8]) {
    Normals::get().for_each(src.len(), stream, |i, normal| {
        out[i] = to_byte(f32::from(src[i]) + deviation * normal);
    });
}

/// speckle_noise: `deviation` as a share of the value.
pub(super) fn speckle(deviation: f32, src: &[u8], stream: &mut Stream, out: &mut [u8]) {
    Normals::get().for_each(src.len(), stream, |i, normal| {
        let value = f32::from(src[i]);
        out[i] = to_byte(value + value * deviation * normal);
    });
}

/// impulse_noise: a share `amount` of values.
pub(super) fn impulse(amount: f32, src: &[u8], stream: &mut Stream, out: &mut [u8]) {
    let threshold = (f64::from(amount) * f64::from(1 << 16).powi(2)) as u32;
    for (src, out) in src.chunks(2).zip(out.chunks_mut(2)) {
        let bits = stream.bits();
        for ((&src, out), bits) in src.iter().zip(out).zip([bits as u32, (bits >> 32) as u32]) {
            // the lowest bit says nothing about being below the threshold
            let extreme = if bits & 1 == 1 { 255 } else { 0 };
            *out = if bits < threshold { extreme } else { src };
        }
    }
}

/// Entries of the guide of a level's table: the first count a random number's top bits allow.
const GUIDE: usize = 256;

/// Poisson counts of every level, as bytes.
#[derive(Clone, Debug)]
pub(super) struct Poisson {
    levels: Vec<Level>,
}

#[derive(Clone, Debug)]
struct Level {
    /// `P(count <= first + i)` in 2^-32; the last is the largest `u32`.
    cumulative: Vec<u32>,
    /// What a count is as a byte.
    values: Vec<u8>,
    guide: Vec<u16>,
}

impl Poisson {
    /// `photons` make white.
    pub(super) fn new(photons: f64) -> Self {
        Self {
            levels: (0..=255).map(|level| Level::new(f64::from(level) / 255.0 * photons, photons)).collect(),
        }
    }

    /// shot_noise.
    pub(super) fn apply(&self, src: &[u8], stream: &mut Stream, out: &mut [u8]) {
        for (src, out) in src.chunks(2).zip(out.chunks_mut(2)) {
            if src.iter().all(|&value| value == 0) {
                out.fill(0);
                continue;
            }
            let bits = stream.bits();
            for ((&src, out), bits) in src.iter().zip(out).zip([bits as u32, (bits >> 32) as u32]) {
                *out = self.levels[usize::from(src)].draw(bits);
            }
        }
    }
}

impl Level {
    fn new(mean: f64, photons: f64) -> Self {
        // beyond 8 deviations there is less than 2^-32
        let reach = 8.0 * mean.sqrt() + 12.0;
        let (first, last) = ((mean - reach).max(0.0) as u64, (mean + reach) as u64);
        let whole = f64::from(1 << 16).powi(2);
        let mut sum = 0.0;
        let mut cumulative = Vec::new();
        // P(count), each from the one before; the first by its logarithm
        let ln_factorial: f64 = (1..=first).map(|i| (i as f64).ln()).sum();
        let mut term = if mean > 0.0 { (first as f64 * mean.ln() - mean - ln_factorial).exp() } else { 1.0 };
        for count in first..=last {
            sum += term;
            cumulative.push((sum * whole).min(whole - 1.0) as u32);
            term *= mean / (count + 1) as f64;
        }
        *cumulative.last_mut().expect("a count") = u32::MAX;
        let values = (first..=last).map(|count| to_byte((count as f64 * 255.0 / photons) as f32)).collect();
        let guide = (0..GUIDE)
            .map(|top| {
                let bits = (top << 24) as u32;
                cumulative.partition_point(|&end| end < bits) as u16
            })
            .collect();
        Self { cumulative, values, guide }
    }

    fn draw(&self, bits: u32) -> u8 {
        let mut i = usize::from(self.guide[(bits >> 24) as usize]);
        while self.cumulative[i] < bits {
            i += 1;
        }
        self.values[i]
    }
}

/// The number of a severity of one of the four; [`super::Kind`] in the order gaussian, shot, impulse, speckle.
pub(super) fn strengths(tables: Tables, severity: u8) -> [f32; 4] {
    [
        tables.pick(severity, [0.04, 0.06, 0.08, 0.09, 0.10], [0.08, 0.12, 0.18, 0.26, 0.38]),
        tables.pick(severity, [500.0, 250.0, 100.0, 75.0, 50.0], [60.0, 25.0, 12.0, 5.0, 3.0]),
        tables.pick(severity, [0.01, 0.02, 0.03, 0.05, 0.07], [0.03, 0.06, 0.09, 0.17, 0.27]),
        tables.pick(severity, [0.06, 0.1, 0.12, 0.16, 0.2], [0.15, 0.2, 0.35, 0.45, 0.6]),
    ]
}
