//! An image and the training images that the model finds most like it.

use seamripper_core::see::document::Neighbour;
use seamripper_sheets::{Line, Picture, Sheet, Tile};

use crate::see::pictures::Shown;

/// The image first, then its neighbours, nearest first; `pictures` are their pixels `[h, w, c]`.
pub fn nearest(size: [usize; 3], image: &Shown, neighbours: &[Neighbour], pictures: &[&[u8]]) -> Sheet {
    let mut sheet =
        Sheet::new(format!("{}: the training images that the model finds most like it", image.id), 168);
    sheet.notes.push(
        "Nearest by what the last layer reads (Euclidean distance). Classes are those of the labels."
            .to_owned(),
    );
    let tile = |pixels: &[u8], lines: [String; 2]| Tile {
        pictures: vec![Some(Picture::image(size, pixels))],
        caption: lines.into_iter().map(Line::new).collect(),
    };
    sheet.tiles.push(tile(&image.pixels, [image.id.clone(), "the image".to_owned()]));
    for (neighbour, pixels) in neighbours.iter().zip(pictures) {
        let about = format!("{}  {:.2}", neighbour.class, neighbour.distance);
        sheet.tiles.push(tile(pixels, [neighbour.id.clone(), about]));
    }
    sheet
}
