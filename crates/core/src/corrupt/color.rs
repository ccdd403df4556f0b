//! Brightness, contrast and saturation.
//!
//! | corruption | red, green, blue as hue, saturation, value | grey |
//! |---|---|---|
//! | brightness | value `+ c`, clamped | `x + c` |
//! | saturate | saturation times `a` plus `b`, clamped | nothing |
//! | contrast | each channel: `(x - mean) c + mean` | the same |
//!
//! *Departure*: no conversion to hue and back. The value is the largest channel, so adding to it multiplies the pixel;
//! saturation is `(max - min) / max`, so changing it moves every channel towards or away from the largest.

use super::plane::to_byte;
use super::tables::{Set, Tables};

/// Brightness, in levels.
pub(super) fn brightness_levels(tables: Tables, severity: u8) -> f32 {
    255.0 * tables.pick(severity, [0.05, 0.1, 0.15, 0.2, 0.3], [0.1, 0.2, 0.3, 0.4, 0.5])
}

/// Contrast, a factor.
pub(super) fn contrast_factor(tables: Tables, severity: u8) -> f32 {
    tables.pick(severity, [0.75, 0.5, 0.4, 0.3, 0.15], [0.4, 0.3, 0.2, 0.1, 0.05])
}

/// Saturation: times, plus.
pub(super) fn saturation(tables: Tables, severity: u8) -> [f32; 2] {
    let cifar = [[0.3, 0.0], [0.1, 0.0], [1.5, 0.0], [2.0, 0.1], [2.5, 0.2]];
    let imagenet = [[0.3, 0.0], [0.1, 0.0], [2.0, 0.0], [5.0, 0.1], [20.0, 0.2]];
    debug_assert!(tables.set != Set::Mnist, "not one of MNIST-C");
    tables.pick(severity, cifar, imagenet)
}

/// Adds `levels` to the value.
pub(super) fn brightness(levels: f32, src: &[u8], c: usize, out: &mut [u8]) {
    if c != 3 {
        let table: [u8; 256] = std::array::from_fn(|value| to_byte(value as f32 + levels));
        return look_up(&table, src, out);
    }
    let factors: [f32; 256] = std::array::from_fn(|value| {
        let value = value as f32;
        if value > 0.0 { (value + levels).clamp(0.0, 255.0) / value } else { 0.0 }
    });
    let black = to_byte(levels);
    for (src, out) in src.chunks_exact(3).zip(out.chunks_exact_mut(3)) {
        let largest = src[0].max(src[1]).max(src[2]);
        if largest == 0 {
            out.fill(black);
            continue;
        }
        let factor = factors[usize::from(largest)];
        for (out, &src) in out.iter_mut().zip(src) {
            *out = to_byte(f32::from(src) * factor);
        }
    }
}

/// Pulls every channel to its mean.
pub(super) fn contrast(factor: f32, src: &[u8], c: usize, out: &mut [u8]) {
    let pixels = (src.len() / c) as f64;
    for channel in 0..c {
        let values = || src.iter().skip(channel).step_by(c);
        let mean = (values().map(|&value| u64::from(value)).sum::<u64>() as f64 / pixels) as f32;
        let table: [u8; 256] = std::array::from_fn(|value| to_byte((value as f32 - mean) * factor + mean));
        for (out, &value) in out.iter_mut().skip(channel).step_by(c).zip(values()) {
            *out = table[usize::from(value)];
        }
    }
}

/// Makes colours weaker or stronger.
pub(super) fn saturate([times, plus]: [f32; 2], src: &[u8], c: usize, out: &mut [u8]) {
    if c != 3 {
        out.copy_from_slice(src);
        return;
    }
    for (src, out) in src.chunks_exact(3).zip(out.chunks_exact_mut(3)) {
        let largest = src[0].max(src[1]).max(src[2]);
        let smallest = src[0].min(src[1]).min(src[2]);
        if largest == smallest {
            // a grey has hue 0, which is red
            let pale = to_byte(f32::from(largest) * (1.0 - plus.min(1.0)));
            out.copy_from_slice(&[largest, pale, pale]);
            continue;
        }
        let value = f32::from(largest);
        let saturation = (value - f32::from(smallest)) / value;
        let factor = (saturation * times + plus).clamp(0.0, 1.0) / saturation;
        for (out, &src) in out.iter_mut().zip(src) {
            *out = to_byte(value - (value - f32::from(src)) * factor);
        }
    }
}

fn look_up(table: &[u8; 256], src: &[u8], out: &mut [u8]) {
    for (out, &src) in out.iter_mut().zip(src) {
        *out = table[usize::from(src)];
    }
}
