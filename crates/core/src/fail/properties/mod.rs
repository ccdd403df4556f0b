//! Properties of images that a reader can see: dark, small, far left, blurred, red.
//!
//! [`measure`] computes them from pixels; [`Property::numbers`] and [`Property::names`] make them of a user's columns. Slices
//! are described in these words, so every property comes with the words for its low and its high end.

use std::collections::BTreeMap;

use seamripper_kernels::parallel;

use crate::sample::ImageSet;
use picture::Picture;

mod color;
mod picture;
#[cfg(test)]
pub(in crate::fail) mod tests;

/// One value an image, and how to say it.
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// What it is called.
    pub name: String,
    /// The value of every image.
    pub values: Values,
    /// How a low and a high value are said of an image; not used for names.
    pub words: [String; 2],
}

/// The values of a property.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// `[n]`; NaN where there is none.
    Numbers(Vec<f64>),
    /// One of some names.
    Names {
        /// How each is said of an image.
        names: Vec<String>,
        /// `[n]`, an index into `names`.
        of: Vec<u32>,
    },
}

impl Property {
    /// A column of numbers; NaN is "unknown".
    pub fn numbers(name: &str, values: Vec<f64>) -> Self {
        let words = [format!("low {name}"), format!("high {name}")];
        Self { name: name.to_owned(), values: Values::Numbers(values), words }
    }

    /// A column of names, for instance of cameras: said as `camera = A`.
    pub fn names(name: &str, values: &[&str]) -> Self {
        let mut indices: BTreeMap<&str, u32> = values.iter().map(|&value| (value, 0)).collect();
        for (index, slot) in (0..).zip(indices.values_mut()) {
            *slot = index;
        }
        let of = values.iter().map(|value| indices[value]).collect();
        let names = indices.keys().map(|value| format!("{name} = {value}")).collect();
        Self { name: name.to_owned(), values: Values::Names { names, of }, words: Default::default() }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Numbers(values) => values.len(),
            Values::Names { of, .. } => of.len(),
        }
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The numeric properties, in the order [`measured`] gives them: name, low word, high word.
const NUMBERS: [[&str; 3]; 12] = [
    ["brightness", "dark", "bright"],
    ["contrast", "low in contrast", "high in contrast"],
    ["area", "small", "large"],
    ["aspect", "narrow", "wide"],
    ["horizontal position", "far left", "far right"],
    ["vertical position", "high up", "low down"],
    ["left-right symmetry", "lopsided left to right", "symmetric left to right"],
    ["up-down symmetry", "lopsided top to bottom", "symmetric top to bottom"],
    ["edges", "poor in edges", "rich in edges"],
    ["sharpness", "blurred", "sharp"],
    ["colorfulness", "pale in color", "colorful"],
    ["saturation", "grey", "saturated"],
];
/// The last of [`NUMBERS`] are of color images only.
const OF_COLOR: usize = 2;

/// Images measured by a thread at a time.
const PIECE: usize = 64;

/// All properties of all images. For images without color, those of color are left out. Every value is finite.
///
/// | property | what it is | source |
/// |---|---|---|
/// | brightness | mean of the grey value `0.299 r + 0.587 g + 0.114 b`, in \[0, 1\] | ITU-R BT.601 |
/// | contrast | its standard deviation (RMS contrast) | Peli 1990, J. Opt. Soc. Am. A 7:2032 |
/// | area | share of pixels in the foreground: further from the border's median grey than Otsu's threshold of these distances | Otsu 1979, IEEE Trans. SMC 9:62 |
/// | aspect | log2 of width / height of the foreground's box | |
/// | position | centroid of the distances to the border's median, 0 left or top, 1 right or bottom | |
/// | symmetry | `1 - Σ abs(d - d mirrored) / Σ (d + d mirrored)` of these distances `d` (Bray–Curtis) | Bray & Curtis 1957, Ecol. Monogr. 27:325 |
/// | edges | mean length of the Sobel gradient, 1 for a step from black to white | Sobel & Feldman 1968 |
/// | sharpness | log of 1 + variance of the Laplacian | Pech-Pacheco et al. 2000, ICPR |
/// | colorfulness | Hasler & Süsstrunk's M3 | Hasler & Süsstrunk 2003, SPIE 5007:87, eq. 2 |
/// | saturation, hue | length and direction of the mean color in the plane without grey; a hue is one of six names | |
/// | border | whether the foreground touches it | |
pub fn measure(images: &ImageSet) -> Vec<Property> {
    let is_color = images.size()[2] == 3;
    let mut rows = vec![Measured::default(); images.len()];
    parallel::for_each_chunk(&mut rows, PIECE, |first, rows| {
        let mut picture = Picture::new(images.size());
        for (index, row) in (first..).zip(rows) {
            let pixels = images.image(index);
            picture.load(&pixels);
            *row = measured(&picture, is_color.then_some(&*pixels));
        }
    });
    let used = NUMBERS.len() - if is_color { 0 } else { OF_COLOR };
    let numbers = NUMBERS[..used].iter().enumerate().map(|(number, [name, low, high])| Property {
        name: (*name).to_owned(),
        values: Values::Numbers(rows.iter().map(|row| row.numbers[number]).collect()),
        words: [low, high].map(|word| (*word).to_owned()),
    });
    let named = |name: &str, names: &[&str], of: Vec<u32>| Property {
        name: name.to_owned(),
        values: Values::Names { names: names.iter().map(|&name| name.to_owned()).collect(), of },
        words: Default::default(),
    };
    let border = named(
        "border",
        &["clear of the border", "touching the border"],
        rows.iter().map(|row| u32::from(row.touches_border)).collect(),
    );
    let hue = is_color.then(|| named("hue", &color::HUES, rows.iter().map(|row| row.hue).collect()));
    numbers.chain([border]).chain(hue).collect()
}

/// The properties of one image.
#[derive(Clone, Debug, Default)]
struct Measured {
    numbers: [f64; NUMBERS.len()],
    touches_border: bool,
    hue: u32,
}

fn measured(picture: &Picture, color: Option<&[u8]>) -> Measured {
    let [brightness, contrast] = picture.moments();
    let foreground = picture.foreground();
    let [x, y] = picture.centroid();
    let [left_right, up_down] = picture.symmetries();
    let color = color.map(color::Color::of).unwrap_or_default();
    Measured {
        numbers: [
            brightness,
            contrast,
            foreground.area,
            foreground.aspect,
            x,
            y,
            left_right,
            up_down,
            picture.edges(),
            picture.sharpness(),
            color.colorfulness,
            color.saturation,
        ],
        touches_border: foreground.touches_border,
        hue: color.hue,
    }
}
