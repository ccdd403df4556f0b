//! From values to colors.

use colorous::{CIVIDIS, Gradient, PURPLE_ORANGE};

use crate::Color;

/// `height` rows of `width` pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row by row.
    pub pixels: Vec<Color>,
}

impl Picture {
    /// An image `[h, w, c]` as it is: `c` = 1 stays grey, 3 is red, green, blue.
    ///
    /// # Panics
    /// If there are other channels or not as many values.
    pub fn image([height, width, channels]: [usize; 3], pixels: &[u8]) -> Self {
        assert!(channels == 1 || channels == 3, "{channels} channels");
        assert_eq!(pixels.len(), height * width * channels, "pixels");
        let color = |pixel: &[u8]| if channels == 1 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] };
        Self { width, height, pixels: pixels.chunks_exact(channels).map(color).collect() }
    }

    /// Values that mean something on both sides of 0: `-limit` purple, 0 near white, `limit` orange (ColorBrewer's PuOr).
    pub fn signed([height, width]: [usize; 2], values: &[f32], limit: f32) -> Self {
        let place = |value: f32| 0.5 + 0.5 * f64::from(value) / f64::from(limit.max(f32::MIN_POSITIVE));
        Self::drawn([height, width], values, PURPLE_ORANGE, place)
    }

    /// Values from `low`, dark blue, to `high`, yellow (cividis: Nuñez, Anderton & Renslow 2018, made for any color vision).
    pub fn ramp([height, width]: [usize; 2], values: &[f32], [low, high]: [f32; 2]) -> Self {
        let span = f64::from(high - low).max(f64::from(f32::MIN_POSITIVE));
        Self::drawn([height, width], values, CIVIDIS, |value| f64::from(value - low) / span)
    }

    fn drawn(
        [height, width]: [usize; 2],
        values: &[f32],
        gradient: Gradient,
        place: impl Fn(f32) -> f64,
    ) -> Self {
        assert_eq!(values.len(), height * width, "values");
        let color = |&value: &f32| {
            let place = place(value);
            if place.is_nan() {
                return NOT_A_NUMBER;
            }
            let color = gradient.eval_continuous(place.clamp(0.0, 1.0));
            [color.r, color.g, color.b]
        };
        Self { width, height, pixels: values.iter().map(color).collect() }
    }

    /// The part of `rows` × `columns` pixels whose top left pixel is `(row, column)`; outside the picture it is `outside`.
    pub fn part(&self, [row, column]: [isize; 2], [rows, columns]: [usize; 2], outside: Color) -> Self {
        let at = |row: isize, column: isize| {
            let inside =
                (0..self.height as isize).contains(&row) && (0..self.width as isize).contains(&column);
            if inside { self.pixels[row as usize * self.width + column as usize] } else { outside }
        };
        let pixels = (0..rows * columns)
            .map(|index| at(row + (index / columns) as isize, column + (index % columns) as isize))
            .collect();
        Self { width: columns, height: rows, pixels }
    }

    /// The largest whole magnification that fits in `side` pixels each way; 1 if none does.
    pub fn magnification(&self, side: usize) -> usize {
        (side / self.width.max(self.height).max(1)).max(1)
    }
}

/// What is no number is drawn in a color that no palette has.
pub const NOT_A_NUMBER: Color = [255, 0, 255];

/// The largest size of a value, for [`Picture::signed`].
pub fn limit(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |limit, value| limit.max(value.abs()))
}
