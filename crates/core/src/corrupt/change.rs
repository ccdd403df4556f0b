//! One change with one number: what sweeps are made of.

use serde::{Deserialize, Serialize};

use super::names::{Corruption, SEVERITIES, Suite};

/// What is done to every image of a set. Warps are about `(w / 2, h / 2)`, black outside, and OpenCV 4.11's
/// `warpAffine` bit for bit, as in [`crate::augment`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Turn by degrees, counter-clockwise positive.
    Rotate(f64),
    /// Shift to the right by pixels.
    ShiftRight(f64),
    /// Shift down by pixels.
    ShiftDown(f64),
    /// Enlarge by a factor.
    Scale(f64),
    /// Wider by the root of a factor and lower by the same: the area stays.
    Aspect(f64),
    /// Shear by degrees: `x += tan(degrees) (y - h / 2)`.
    Shear(f64),
    /// Add a share of the full range to every level (colours: to the largest channel of each pixel).
    Brightness(f64),
    /// Pull levels to their mean by a factor: 1 changes nothing, 0 leaves the mean.
    Contrast(f64),
    /// Gaussian filter with this deviation in pixels.
    Blur(f64),
    /// Normal noise with this deviation, a share of the full range.
    Noise(f64),
    /// JPEG of this quality, 1 to 100.
    Jpeg(u8),
    /// Pixelate: what is left of the sides, a share.
    Pixelate(f64),
    /// A black square at a random place, as a share of the image's area.
    Occlude(f64),
    /// A corruption of a suite, severity 1 to 5; 0 changes nothing.
    Corrupt(Corruption, u8),
}

impl Change {
    /// What changes with the same name and another number are called.
    pub fn family(&self) -> String {
        match self {
            Self::Rotate(_) => "rotate".into(),
            Self::ShiftRight(_) => "shift right".into(),
            Self::ShiftDown(_) => "shift down".into(),
            Self::Scale(_) => "scale".into(),
            Self::Aspect(_) => "aspect".into(),
            Self::Shear(_) => "shear".into(),
            Self::Brightness(_) => "brightness".into(),
            Self::Contrast(_) => "contrast".into(),
            Self::Blur(_) => "blur".into(),
            Self::Noise(_) => "noise".into(),
            Self::Jpeg(_) => "jpeg".into(),
            Self::Pixelate(_) => "pixelate".into(),
            Self::Occlude(_) => "occlude".into(),
            Self::Corrupt(corruption, _) => corruption.label(),
        }
    }

    /// Its number.
    pub fn parameter(&self) -> f64 {
        match *self {
            Self::Rotate(value)
            | Self::ShiftRight(value)
            | Self::ShiftDown(value)
            | Self::Scale(value)
            | Self::Aspect(value)
            | Self::Shear(value)
            | Self::Brightness(value)
            | Self::Contrast(value)
            | Self::Blur(value)
            | Self::Noise(value)
            | Self::Pixelate(value)
            | Self::Occlude(value) => value,
            Self::Jpeg(quality) => f64::from(quality),
            Self::Corrupt(_, severity) => f64::from(severity),
        }
    }

    /// The number at which the change does nothing (JPEG: the least).
    pub fn neutral(&self) -> f64 {
        match self {
            Self::Scale(_) | Self::Aspect(_) | Self::Contrast(_) | Self::Pixelate(_) => 1.0,
            Self::Jpeg(_) => 100.0,
            _ => 0.0,
        }
    }

    /// The number as people say it: `35 degrees`, `severity 3`.
    pub fn amount(&self) -> String {
        let value = self.parameter();
        let percent = || (1000.0 * value).round() / 10.0;
        match self {
            Self::Rotate(_) | Self::Shear(_) => format!("{value} degrees"),
            Self::ShiftRight(_) | Self::ShiftDown(_) | Self::Blur(_) => format!("{value} pixels"),
            Self::Scale(_) | Self::Aspect(_) | Self::Contrast(_) => format!("factor {value}"),
            Self::Brightness(_) | Self::Noise(_) | Self::Pixelate(_) | Self::Occlude(_) => {
                format!("{} %", percent())
            }
            Self::Jpeg(_) => format!("quality {value}"),
            Self::Corrupt(..) => format!("severity {value}"),
        }
    }

    /// Family and amount: `rotate 35 degrees`.
    pub fn label(&self) -> String {
        format!("{} {}", self.family(), self.amount())
    }

    /// What is wrong with the number, if anything is.
    pub fn problem(&self) -> Option<String> {
        let value = self.parameter();
        let expected = match self {
            _ if !value.is_finite() => "a finite number",
            Self::Scale(_) | Self::Aspect(_) if value <= 0.0 => "a factor above 0",
            Self::Shear(_) if value.abs() >= 90.0 => "degrees between -90 and 90",
            Self::Contrast(_) | Self::Blur(_) | Self::Noise(_) if value < 0.0 => "a number of 0 or more",
            Self::Jpeg(_) if !(1.0..=100.0).contains(&value) => "a quality from 1 to 100",
            Self::Pixelate(_) if value <= 0.0 || value > 1.0 => "a share above 0, up to 1",
            Self::Occlude(_) if !(0.0..=1.0).contains(&value) => "a share from 0 to 1",
            Self::Corrupt(..) if value > f64::from(SEVERITIES) => "a severity from 0 to 5",
            _ => return None,
        };
        Some(format!("{}: expected {expected}, found {value}", self.family()))
    }

    /// `make(low)`, `make(low + step)` … up to `high`.
    pub fn range(make: impl Fn(f64) -> Self, [low, high]: [f64; 2], step: f64) -> Vec<Self> {
        let steps = ((high - low) / step + 1e-9).floor().max(0.0) as usize;
        // rounded, so that 0.1 + 0.2 is 0.3
        (0..=steps).map(|i| make(((low + i as f64 * step) * 1e9).round() / 1e9)).collect()
    }

    /// Every corruption of a suite at every severity.
    pub fn suite(suite: Suite, channels: usize) -> Vec<Self> {
        let severities =
            |corruption| (1..=SEVERITIES).map(move |severity| Self::Corrupt(corruption, severity));
        suite.corruptions(channels).into_iter().flat_map(severities).collect()
    }

    /// The stream its draws come from. One number a family, so that a sweep meets the same noise at each deviation; a
    /// corruption has one a severity.
    pub(super) fn stream(&self) -> u64 {
        match *self {
            Self::Corrupt(corruption, severity) => {
                (corruption.suite as u64) << 16 | (corruption.kind as u64) << 8 | u64::from(severity)
            }
            Self::Noise(_) => 1 << 32,
            Self::Occlude(_) => 2 << 32,
            _ => 3 << 32,
        }
    }
}
