//! Which pixels the middle place of each layer depends on.

use seamripper_core::see::document::Field;
use seamripper_sheets::{Color, Line, Picture, Sheet, Tile};

/// Pixels that a layer's middle place cannot depend on.
const BEYOND: Color = [225, 225, 225];

/// A tile a layer, by name; fields are the mean of `images` images.
pub fn fields(layers: &[(&str, &Field)], images: usize) -> Sheet {
    let mut sheet = Sheet::new("The pixels that the middle of each layer depends on", 224);
    sheet.notes.push(format!(
        "Size of the gradient of all filters' responses at the middle place, mean of {images} images: from 0, dark blue, to the layer's \
         largest, yellow. Grey: pixels that no response there can depend on."
    ));
    for &(name, field) in layers {
        let values: Vec<f32> = field.effective.iter().flatten().map(|&value| value as f32).collect();
        let width = field.effective.first().map_or(0, Vec::len);
        let size = [field.effective.len(), width];
        let largest = values.iter().copied().fold(0.0, f32::max);
        let mut picture = Picture::ramp(size, &values, [0.0, largest]);
        for (at, pixel) in picture.pixels.iter_mut().enumerate() {
            let (row, column) = (at / width, at % width);
            let inside = (field.rows[0]..field.rows[1]).contains(&row)
                && (field.columns[0]..field.columns[1]).contains(&column);
            if !inside {
                *pixel = BEYOND;
            }
        }
        let [high, wide] = [field.rows, field.columns].map(|[start, end]| end - start);
        let caption = vec![
            Line::new(name),
            Line::new(format!("can see {high} x {wide} pixels")),
            Line::new(format!("half of it in {} pixels", field.half)),
        ];
        sheet.tiles.push(Tile { pictures: vec![Some(picture)], caption });
    }
    sheet
}
