//! A page to draw on.

use std::convert::Infallible;
use std::io::{Cursor, Error};

use embedded_graphics::Drawable;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::iso_8859_1::{FONT_6X10, FONT_7X13, FONT_7X13_BOLD, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::text::{Baseline, Text};

use crate::Picture;

/// Red, green, blue.
pub type Color = [u8; 3];

/// How text is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Labels beside small pictures.
    Small,
    /// Text.
    Plain,
    /// What matters in a text.
    Bold,
    /// The head of a page.
    Title,
}

impl Weight {
    fn font(self) -> &'static MonoFont<'static> {
        match self {
            Self::Small => &FONT_6X10,
            Self::Plain => &FONT_7X13,
            Self::Bold => &FONT_7X13_BOLD,
            Self::Title => &FONT_10X20,
        }
    }

    /// Height of a line in pixels.
    pub fn height(self) -> usize {
        self.font().character_size.height as usize + 2
    }

    /// Width of `text` in pixels.
    pub fn width(self, text: &str) -> usize {
        let font = self.font();
        text.chars().count() * (font.character_size.width + font.character_spacing) as usize
    }
}

/// White paper.
#[derive(Clone, Debug)]
pub struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    /// An empty page.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![255; width * height * 3] }
    }

    /// `[width, height]`
    pub fn size(&self) -> [usize; 2] {
        [self.width, self.height]
    }

    /// Red, green and blue of every pixel, row by row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The color of a pixel.
    pub fn color(&self, [x, y]: [usize; 2]) -> Color {
        let at = (y * self.width + x) * 3;
        [self.pixels[at], self.pixels[at + 1], self.pixels[at + 2]]
    }

    fn set(&mut self, x: usize, y: usize, color: Color) {
        if x < self.width && y < self.height {
            self.pixels[(y * self.width + x) * 3..][..3].copy_from_slice(&color);
        }
    }

    /// Writes a line whose top left corner is `(x, y)`. The font has the letters of Western Europe; others become `?`.
    pub fn text(&mut self, [x, y]: [usize; 2], text: &str, weight: Weight, [r, g, b]: Color) {
        let known = |c: char| if (' '..='ÿ').contains(&c) && c != '\u{7f}' { c } else { substitute(c) };
        let text: String = text.chars().map(known).collect();
        let style = MonoTextStyle::new(weight.font(), Rgb888::new(r, g, b));
        let drawn =
            Text::with_baseline(&text, Point::new(x as i32, y as i32), style, Baseline::Top).draw(self);
        match drawn {
            Ok(_) => {}
            Err(never) => match never {},
        }
    }

    /// Draws `picture` with its top left corner at `(x, y)`, every pixel as a square of `magnification`.
    pub fn picture(&mut self, [x, y]: [usize; 2], picture: &Picture, magnification: usize) {
        for row in 0..picture.height * magnification {
            for column in 0..picture.width * magnification {
                let from = row / magnification * picture.width + column / magnification;
                self.set(x + column, y + row, picture.pixels[from]);
            }
        }
    }

    /// The outline, `thick` pixels wide, of the rectangle whose inside begins at `(x, y)` and is `[width, height]`.
    pub fn frame(&mut self, [x, y]: [usize; 2], [width, height]: [usize; 2], thick: usize, color: Color) {
        for row in 0..height + 2 * thick {
            for column in 0..width + 2 * thick {
                let inside =
                    (thick..thick + height).contains(&row) && (thick..thick + width).contains(&column);
                if !inside && x + column >= thick && y + row >= thick {
                    self.set(x + column - thick, y + row - thick, color);
                }
            }
        }
    }

    /// A filled rectangle.
    pub fn fill(&mut self, [x, y]: [usize; 2], [width, height]: [usize; 2], color: Color) {
        for row in 0..height {
            for column in 0..width {
                self.set(x + column, y + row, color);
            }
        }
    }

    /// The page as the bytes of a PNG file.
    ///
    /// # Errors
    /// If it is too large for the format.
    pub fn to_png(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Cursor::new(Vec::new());
        let (width, height) = (self.width as u32, self.height as u32);
        let kind = image::ExtendedColorType::Rgb8;
        image::write_buffer_with_format(
            &mut bytes,
            &self.pixels,
            width,
            height,
            kind,
            image::ImageFormat::Png,
        )
        .map_err(Error::other)?;
        Ok(bytes.into_inner())
    }
}

/// What stands for a letter the font lacks.
fn substitute(c: char) -> char {
    match c {
        '–' | '—' | '−' => '-',
        '≥' => '>',
        '…' => '.',
        '’' => '\'',
        _ => '?',
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.width as u32, self.height as u32)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(Point { x, y }, color) in pixels {
            if let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) {
                self.set(x, y, [color.r(), color.g(), color.b()]);
            }
        }
        Ok(())
    }
}
