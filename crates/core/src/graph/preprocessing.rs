//! From pixels to what the first layer reads.
//!
//! *Idea*: two steps. Geometry comes first, while images are loaded for a model, so that whoever looks at a model sees its
//! images as it does; values come last, in front of the first layer.
//! ```text
//! picture --fit, resize--> [h, w, c] --arrange: layout--> pixels of an ImageSet --apply--> values
//! apply:   x[.., c] = (scale p[.., order(c)] - mean[c]) / std[c],   p = pixel, or 255 - pixel if inverted
//! ```
//! `mean[c]` belongs to channel `c` of what the first layer reads: with [`ChannelOrder::Bgr`], `mean[0]` is that of blue.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Filter, Fit, Layout};

/// The order of colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelOrder {
    /// Red, green, blue, as pictures are held here.
    #[default]
    Rgb,
    /// Blue, green, red, as OpenCV and Caffe have them.
    Bgr,
}

/// `x = (scale pixel - mean[c]) / std[c]`, with the pixel as `0..=255`, and what pixels are taken first. What is not said in a file
/// has its default; what has its default is not written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Usually 1/255.
    pub scale: f32,
    /// Subtracted, one a channel.
    pub mean: Vec<f32>,
    /// Divided by, one a channel.
    pub std: Vec<f32>,
    /// Which color comes first; anything but [`ChannelOrder::Rgb`] takes three channels.
    #[serde(default, skip_serializing_if = "is_default")]
    pub channels: ChannelOrder,
    /// Whether `255 - pixel` stands for the pixel.
    #[serde(default, skip_serializing_if = "is_default")]
    pub inverted: bool,
    /// Where values lie.
    #[serde(default, skip_serializing_if = "is_default")]
    pub layout: Layout,
    /// How the proportions of pictures were brought to those of the model, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit: Option<Fit>,
    /// How the size of pictures was changed, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<Filter>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Preprocessing {
    /// Pixels to `[0, 1]` and nothing else.
    pub fn new(channels: usize) -> Self {
        Self::of(1.0 / 255.0, vec![0.0; channels], vec![1.0; channels])
    }

    /// `(scale pixel - mean[c]) / std[c]` and nothing else.
    pub fn of(scale: f32, mean: Vec<f32>, std: Vec<f32>) -> Self {
        Self {
            scale,
            mean,
            std,
            channels: ChannelOrder::Rgb,
            inverted: false,
            layout: Layout::Straight,
            fit: None,
            resize: None,
        }
    }

    /// What the first layer reads for a pixel of this channel. With a scale of 1/255 the pixel is divided by 255, which is
    /// what training reads; a product with the rounded 1/255 differs in the last bit.
    /// The pixel is the one that this channel reads: see [`Self::swaps`].
    ///
    /// # Panics
    /// If there is no such channel.
    pub fn value(&self, pixel: u8, channel: usize) -> f32 {
        let pixel = f32::from(if self.inverted { 255 - pixel } else { pixel });
        let scaled = if self.scale == 1.0 / 255.0 { pixel / 255.0 } else { pixel * self.scale };
        (scaled - self.mean[channel]) / self.std[channel]
    }

    /// Whether the first layer reads the channels of a pixel in reverse.
    pub fn swaps(&self) -> bool {
        self.channels == ChannelOrder::Bgr && !self.layout.tears()
    }

    /// Pixels `[n, h, w, c]` of images of `size` `[h, w, c]` in the layout of the model: what [`Self::apply`] is given. (Where
    /// the values of a pixel do not stay together, the order of colors is changed here, and not by `apply`.)
    ///
    /// # Panics
    /// If there are no whole images.
    pub fn arrange(&self, size: [usize; 3], mut pixels: Vec<u8>) -> Vec<u8> {
        let length = size.iter().product::<usize>();
        assert!(pixels.len().is_multiple_of(length), "whole images");
        if self.layout.tears() && self.channels == ChannelOrder::Bgr {
            pixels.chunks_exact_mut(size[2]).for_each(<[u8]>::reverse);
        }
        if !self.layout.matters(size) {
            return pixels;
        }
        let from = self.layout.from(size);
        let mut image = vec![0; length];
        for arranged in pixels.chunks_exact_mut(length) {
            image.copy_from_slice(arranged);
            arranged.iter_mut().zip(&from).for_each(|(value, &place)| *value = image[place]);
        }
        pixels
    }

    /// What the first layer reads for whole images, arranged as the layout says ([`Self::arrange`]): `pixels` and `values` are
    /// `[n, h, w, c]`.
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
        let swapped = self.swaps();
        for (pixels, values) in pixels.chunks_exact(channels).zip(values.chunks_exact_mut(channels)) {
            let set =
                |((value, &pixel), table): ((&mut f32, &u8), &[f32; 256])| *value = table[usize::from(pixel)];
            if swapped {
                values.iter_mut().zip(pixels.iter().rev()).zip(&tables).for_each(set);
            } else {
                values.iter_mut().zip(pixels).zip(&tables).for_each(set);
            }
        }
    }

    /// The same as [`Self::apply`] in place for values of `[0, 1]`, as changed copies have them: what is `pixel / 255` becomes what
    /// that pixel becomes, bit for bit.
    ///
    /// # Panics
    /// If the length is not a multiple of the channels.
    pub fn apply_to_units(&self, values: &mut [f32]) {
        let channels = self.mean.len();
        assert!(values.len().is_multiple_of(channels), "whole pixels");
        let swapped = self.swaps();
        for values in values.chunks_exact_mut(channels) {
            if swapped {
                values.reverse();
            }
            for ((value, mean), std) in values.iter_mut().zip(&self.mean).zip(&self.std) {
                let pixel = if self.inverted { 255.0 - *value * 255.0 } else { *value * 255.0 };
                let scaled = if self.scale == 1.0 / 255.0 { pixel / 255.0 } else { pixel * self.scale };
                *value = (scaled - mean) / std;
            }
        }
    }

    /// Whether values are `pixel / 255` and nothing else is done, but what comes before: layout, fit and filter.
    pub fn is_plain(&self) -> bool {
        let Self { scale, mean, std, channels, inverted, .. } = self;
        *scale == 1.0 / 255.0
            && mean.iter().all(|&x| x == 0.0)
            && std.iter().all(|&x| x == 1.0)
            && *channels == ChannelOrder::Rgb
            && !inverted
    }

    /// What is wrong with it for images of `channels` channels.
    pub fn fault(&self, channels: usize) -> Option<String> {
        let Self { scale, mean, std, .. } = self;
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
        if let Some(wrong) = std.iter().find(|x| !(x.is_finite() && **x > 0.0)) {
            return Some(format!("expected a std above 0, found {wrong}"));
        }
        let swapped = self.channels == ChannelOrder::Bgr && channels != 3;
        swapped.then(|| format!("expected three channels for the order bgr, found {channels}"))
    }
}

/// In words: `(pixel / 255 - 0.5) / 0.5, blue first, cropped`.
impl fmt::Display for Preprocessing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pixel = if self.inverted { "(255 - pixel)" } else { "pixel" };
        let scaled = match self.scale {
            scale if scale == 1.0 / 255.0 => format!("{pixel} / 255"),
            1.0 => pixel.to_owned(),
            scale => format!("{scale} {pixel}"),
        };
        let list = |values: &[f32]| match values {
            [first, others @ ..] if others.iter().all(|x| x == first) => first.to_string(),
            values => format!("{values:?}"),
        };
        let is = |values: &[f32], all: f32| values.iter().all(|&x| x == all);
        match (is(&self.mean, 0.0), is(&self.std, 1.0)) {
            (true, true) => f.write_str(&scaled)?,
            (true, false) => write!(f, "{scaled} / {}", list(&self.std))?,
            (false, true) => write!(f, "{scaled} - {}", list(&self.mean))?,
            (false, false) => write!(f, "({scaled} - {}) / {}", list(&self.mean), list(&self.std))?,
        }
        if self.channels == ChannelOrder::Bgr {
            f.write_str(", blue first (BGR)")?;
        }
        f.write_str(match self.layout {
            Layout::Straight => "",
            Layout::Transposed => ", rows and columns swapped",
            Layout::ChwAsHwc => ", memory [c, h, w] read as [h, w, c]",
            Layout::HwcAsChw => ", memory [h, w, c] read as [c, h, w]",
        })?;
        f.write_str(match self.fit {
            None => "",
            Some(Fit::Stretch) => ", stretched",
            Some(Fit::Crop) => ", the middle cropped",
            Some(Fit::Pad) => ", padded with black",
        })?;
        self.resize.map_or(Ok(()), |filter| write!(f, ", {}", filter.name()))
    }
}
