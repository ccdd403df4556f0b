//! From pixels to what the first layer reads.

use serde::{Deserialize, Serialize};

/// `x = (scale pixel - mean[c]) / std[c]`, with the pixel as `0..=255`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Usually 1/255.
    pub scale: f32,
    /// Subtracted, one a channel.
    pub mean: Vec<f32>,
    /// Divided by, one a channel.
    pub std: Vec<f32>,
}

impl Preprocessing {
    /// Pixels to `[0, 1]` and nothing else.
    pub fn new(channels: usize) -> Self {
        Self { scale: 1.0 / 255.0, mean: vec![0.0; channels], std: vec![1.0; channels] }
    }

    /// What the first layer reads for a pixel of this channel. With a scale of 1/255 the pixel is divided by 255, which is
    /// what training reads; a product with the rounded 1/255 differs in the last bit.
    ///
    /// # Panics
    /// If there is no such channel.
    pub fn value(&self, pixel: u8, channel: usize) -> f32 {
        let pixel = f32::from(pixel);
        let scaled = if self.scale == 1.0 / 255.0 { pixel / 255.0 } else { pixel * self.scale };
        (scaled - self.mean[channel]) / self.std[channel]
    }

    /// What the first layer reads for whole images: `pixels` and `values` are `[n, h, w, c]`.
    ///
    /// # Panics
    /// If the lengths differ or are not a multiple of the channels.
    pub fn apply(&self, pixels: &[u8], values: &mut [f32]) {
        assert_eq!(pixels.len(), values.len(), "values");
        let channels = self.mean.len();
        assert!(pixels.len().is_multiple_of(channels), "whole pixels");
        let tables: Vec<[f32; 256]> = (0..channels)
            .map(|channel| std::array::from_fn(|pixel| self.value(pixel as u8, channel)))
            .collect();
        for (pixels, values) in pixels.chunks_exact(channels).zip(values.chunks_exact_mut(channels)) {
            for ((value, &pixel), table) in values.iter_mut().zip(pixels).zip(&tables) {
                *value = table[usize::from(pixel)];
            }
        }
    }

    /// What is wrong with it for images of `channels` channels.
    pub fn fault(&self, channels: usize) -> Option<String> {
        let Self { scale, mean, std } = self;
        if !(scale.is_finite() && *scale > 0.0) {
            return Some(format!("expected a scale above 0, found {scale}"));
        }
        for (name, values) in [("mean", mean), ("std", std)] {
            if values.len() != channels {
                return Some(format!("expected {channels} values of {name}, found {}", values.len()));
            }
        }
        if let Some(wrong) = mean.iter().find(|x| !x.is_finite()) {
            return Some(format!("expected a finite mean, found {wrong}"));
        }
        let wrong = std.iter().find(|x| !(x.is_finite() && **x > 0.0))?;
        Some(format!("expected a std above 0, found {wrong}"))
    }
}
