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

    /// What the first layer reads for a pixel of this channel.
    ///
    /// # Panics
    /// If there is no such channel.
    pub fn value(&self, pixel: u8, channel: usize) -> f32 {
        (f32::from(pixel) * self.scale - self.mean[channel]) / self.std[channel]
    }

    /// What is wrong with it for images of `channels` channels.
    pub(super) fn fault(&self, channels: usize) -> Option<String> {
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
