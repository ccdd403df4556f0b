//! A page of tiles: rows of pictures with their captions, as many side by side as fit.

use crate::{Canvas, Color, Picture, Weight};

/// Pixels between things, and around the page.
const GAP: usize = 6;
const MARGIN: usize = 16;

/// Text colors, dark enough on white for small letters.
pub(crate) const INK: Color = [20, 20, 20];
const FAINT: Color = [90, 90, 90];
const ALARM: Color = [170, 30, 0];

/// A line of a caption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it says.
    pub text: String,
    /// Whether it is a warning: drawn bold in a color of its own, and framed with its picture.
    pub alarm: bool,
}

impl Line {
    /// An ordinary line.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), alarm: false }
    }

    /// A warning.
    pub fn alarm(text: impl Into<String>) -> Self {
        Self { text: text.into(), alarm: true }
    }
}

/// Pictures side by side, with lines of text above.
#[derive(Clone, Debug, Default)]
pub struct Tile {
    /// Drawn from left to right; `None` leaves a place empty.
    pub pictures: Vec<Option<Picture>>,
    /// Written above them, one below the other; the first is the head.
    pub caption: Vec<Line>,
}

/// A page of tiles.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Head of the page.
    pub title: String,
    /// Lines under it: what is shown, what colors mean.
    pub notes: Vec<String>,
    /// In reading order.
    pub tiles: Vec<Tile>,
    /// Pixels a picture is magnified to at most.
    pub side: usize,
    /// Width of the page that tiles are wrapped at.
    pub width: usize,
}

impl Sheet {
    /// An empty page for pictures of about `side` pixels.
    pub fn new(title: impl Into<String>, side: usize) -> Self {
        Self { title: title.into(), notes: Vec::new(), tiles: Vec::new(), side, width: 1400 }
    }

    /// `[width, height]` of the largest tile.
    fn tile_size(&self) -> [usize; 2] {
        let mut size = [0, 0];
        for tile in &self.tiles {
            let text = tile.caption.iter().map(|line| Weight::Small.width(&line.text)).max().unwrap_or(0);
            let [width, height] = self.pictures_size(tile);
            size = [size[0].max(width).max(text), size[1].max(height + self.caption_height(tile))];
        }
        size
    }

    fn pictures_size(&self, tile: &Tile) -> [usize; 2] {
        let mut size = [0, 0];
        for picture in &tile.pictures {
            let [width, height] = picture.as_ref().map_or([self.side, self.side], |picture| {
                let by = picture.magnification(self.side);
                [picture.width * by, picture.height * by]
            });
            size = [size[0] + width + GAP, size[1].max(height)];
        }
        [size[0].saturating_sub(GAP), size[1]]
    }

    fn caption_height(&self, tile: &Tile) -> usize {
        tile.caption.len() * Weight::Small.height() + 2
    }

    /// Draws the page.
    pub fn draw(&self) -> Canvas {
        let [tile_width, tile_height] = self.tile_size();
        let inner = self.width.max(tile_width);
        let columns = ((inner + 3 * GAP) / (tile_width + 3 * GAP).max(1)).clamp(1, self.tiles.len().max(1));
        let notes: Vec<String> = self.notes.iter().flat_map(|note| wrapped(note, inner)).collect();
        let head = MARGIN + Weight::Title.height() + notes.len() * Weight::Plain.height() + 2 * GAP;
        let rows = self.tiles.len().div_ceil(columns);
        let text = notes.iter().map(|note| Weight::Plain.width(note)).max().unwrap_or(0);
        let grid = columns * (tile_width + 3 * GAP) - 3 * GAP;
        let width = grid.max(text).max(Weight::Title.width(&self.title)) + 2 * MARGIN;
        let mut canvas = Canvas::new(width, head + rows * (tile_height + 2 * GAP) + MARGIN);
        canvas.text([MARGIN, MARGIN], &self.title, Weight::Title, INK);
        for (row, note) in notes.iter().enumerate() {
            let y = MARGIN + Weight::Title.height() + row * Weight::Plain.height();
            canvas.text([MARGIN, y], note, Weight::Plain, FAINT);
        }
        for (index, tile) in self.tiles.iter().enumerate() {
            let x = MARGIN + index % columns * (tile_width + 3 * GAP);
            let y = head + index / columns * (tile_height + 2 * GAP);
            self.draw_tile(&mut canvas, [x, y], tile);
        }
        canvas
    }

    fn draw_tile(&self, canvas: &mut Canvas, [x, y]: [usize; 2], tile: &Tile) {
        for (row, line) in tile.caption.iter().enumerate() {
            let color = match (line.alarm, row) {
                (true, _) => ALARM,
                (false, 0) => INK,
                (false, _) => FAINT,
            };
            canvas.text([x, y + row * Weight::Small.height()], &line.text, Weight::Small, color);
        }
        let alarm = tile.caption.iter().any(|line| line.alarm);
        let (mut left, top) = (x, y + self.caption_height(tile));
        for picture in &tile.pictures {
            let Some(picture) = picture else {
                left += self.side + GAP;
                continue;
            };
            let by = picture.magnification(self.side);
            canvas.picture([left, top], picture, by);
            let (thick, color) = if alarm { (2, ALARM) } else { (1, [200, 200, 200]) };
            canvas.frame([left, top], [picture.width * by, picture.height * by], thick, color);
            left += picture.width * by + GAP;
        }
    }
}

/// `text` in lines of at most `width` pixels, broken between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines
            .last_mut()
            .filter(|line| Weight::Plain.width(line) + Weight::Plain.width(word) + 7 <= width)
        {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}
