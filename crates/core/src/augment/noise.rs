//! Gaussian noise on pixels of `0..=1`.

use super::Transform;
use crate::random::Stream;

/// The standard deviation of all the noise of a list together: variances add up.
pub(super) fn deviation(transforms: &[Transform]) -> f64 {
    let variances = transforms.iter().map(|transform| match transform {
        Transform::Noise(deviation) => deviation * deviation,
        _ => 0.0,
    });
    variances.sum::<f64>().sqrt()
}

/// `out[i] = pixels[i] / 255 + deviation * normal`, clamped to `0..=1`; exactly `pixels[i] / 255` without noise.
pub(super) fn to_units(pixels: &[u8], deviation: f64, stream: &mut Stream, out: &mut [f32]) {
    for (out, &value) in out.iter_mut().zip(pixels) {
        *out = f32::from(value) / 255.0;
    }
    if deviation > 0.0 {
        for two in out.chunks_mut(2) {
            for (out, normal) in two.iter_mut().zip(normal_pair(stream)) {
                *out = (*out + (deviation * normal) as f32).clamp(0.0, 1.0);
            }
        }
    }
}

/// Two independent standard normals (Marsaglia & Bray 1964, "A Convenient Method for Generating Normal Variables"), from
/// points on a grid of 2^-31: no sine, no cosine, one draw of bits a try.
fn normal_pair(stream: &mut Stream) -> [f64; 2] {
    const STEP: f64 = 1.0 / (1_u64 << 31) as f64;
    loop {
        let bits = stream.bits();
        let [u, v] = [bits as i32, (bits >> 32) as i32].map(|half| (f64::from(half) + 0.5) * STEP);
        let square = u * u + v * v;
        if square < 1.0 {
            let factor = (-2.0 * square.ln() / square).sqrt();
            return [u * factor, v * factor];
        }
    }
}

/// `pixels[i] + 255 * deviation * normal`, rounded to the nearest byte.
pub(super) fn add_to_bytes(deviation: f64, stream: &mut Stream, pixels: &mut [u8]) {
    for two in pixels.chunks_mut(2) {
        for (value, normal) in two.iter_mut().zip(normal_pair(stream)) {
            *value = (f64::from(*value) + 255.0 * deviation * normal).round() as u8;
        }
    }
}
