//! What every filter of a layer responds to one image.

use seamripper_core::see::FilterLayer;
use seamripper_sheets::{Line, Picture, Sheet, Tile};

/// Responses `[h, w, c]` of `layer` to the image called `id`: a tile a filter, all on one scale.
pub fn responses(layer: &FilterLayer, id: &str, values: &[f32]) -> Sheet {
    let [h, w, c] = layer.output;
    let largest = values.iter().copied().fold(0.0, f32::max);
    let smallest = values.iter().copied().fold(0.0, f32::min);
    let mut sheet =
        Sheet::new(format!("{id}: what the {c} filters of {} respond, {h} x {w} places", layer.name), 84);
    sheet.notes.push(format!(
        "One scale for all: from {smallest:.2}, dark blue, to {largest:.2}, yellow. The number is the filter's largest response here."
    ));
    for filter in 0..c {
        let channel: Vec<f32> = values.iter().skip(filter).step_by(c).copied().collect();
        let most = channel.iter().copied().fold(f32::MIN, f32::max);
        sheet.tiles.push(Tile {
            pictures: vec![Some(Picture::ramp([h, w], &channel, [smallest, largest]))],
            caption: vec![Line::new(format!("#{filter}  {most:.2}"))],
        });
    }
    sheet
}
