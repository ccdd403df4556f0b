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

/// Two independent standard normals (Box & Muller 1958).
fn normal_pair(stream: &mut Stream) -> [f64; 2] {
    let radius = (-2.0 * (1.0 - stream.unit()).ln()).sqrt();
    let (sin, cos) = (std::f64::consts::TAU * stream.unit()).sin_cos();
    [radius * cos, radius * sin]
}

/// The same on bytes, rounded to the nearest.
pub(super) fn add_to_bytes(deviation: f64, stream: &mut Stream, pixels: &mut [u8]) {
    for two in pixels.chunks_mut(2) {
        for (value, normal) in two.iter_mut().zip(normal_pair(stream)) {
            *value = (f64::from(*value) + 255.0 * deviation * normal).round() as u8;
        }
    }
}
