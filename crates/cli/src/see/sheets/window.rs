//! One response of a convolution: position, patch, products, sum.

use seamripper_core::graph::Source;
use seamripper_core::see::Model;
use seamripper_core::see::document::WindowSeen;
use seamripper_sheets::{Color, Line, Picture, Sheet, Tile, palette};

use super::SIGNED;
use crate::see::pictures::Shown;
use crate::see::text::channels_by_share;

/// Channels that are drawn at most.
const CHANNELS: usize = 15;

/// Around the patch.
const FRAME: Color = [213, 94, 0];

/// Pixels a picture is magnified to at most.
const SIDE: usize = 112;

/// The image with the patch framed, then what the window holds, channel by channel, the largest share of the sum first.
pub fn window(model: &Model<'_>, image: &Shown, window: &WindowSeen) -> Sheet {
    let WindowSeen { id, layer, filter, row, column, shape: [kh, kw, c], .. } = window;
    let mut sheet =
        Sheet::new(format!("{id}: what makes {layer} #{filter} respond at row {row}, column {column}"), SIDE);
    let WindowSeen { bias, sum, response, rows, columns, .. } = window;
    let products = sum - bias;
    sheet.notes.push(format!(
        "Products {products:+.4}, bias {bias:+.4}: sum {sum:+.4}. After batch normalization and activation: {response:.4}."
    ));
    sheet.notes.push(format!(
        "The patch: rows {} to {}, columns {} to {} of the image. Then, channel by channel, what the window holds (from dark blue, 0 or the \
         smallest, to yellow), the weights, and the products. {SIGNED} The channels that add most come first.",
        rows[0],
        rows[1].max(1) - 1,
        columns[0],
        columns[1].max(1) - 1,
    ));
    sheet.tiles.push(Tile {
        pictures: vec![Some(framed(&Picture::image(model.graph.input, &image.pixels), *rows, *columns))],
        caption: vec![Line::new("the image and the patch"), Line::new("")],
    });
    let node = model.graph.nodes.iter().find(|node| node.name == *layer).expect("a layer of the model");
    let reads_image = node.inputs == [Source::Input];
    let of = |values: &[f32], channel: usize| -> Vec<f32> {
        values.iter().skip(channel).step_by(*c).copied().collect()
    };
    let high = window.input.iter().copied().fold(f32::MIN, f32::max);
    let low = window.input.iter().copied().fold(0.0, f32::min);
    let [weights, most] = [&window.weights, &window.products].map(|values| palette::limit(values));
    let channels = channels_by_share(window);
    for &(channel, share) in channels.iter().take(CHANNELS) {
        let size = [*kh, *kw];
        let number = window.channel + channel;
        let name = match (reads_image, c) {
            (true, 1) => "the pixels".to_owned(),
            (true, 3) => format!("{} of the pixels", ["red", "green", "blue"][channel]),
            _ => format!("channel {number}"),
        };
        sheet.tiles.push(Tile {
            pictures: vec![
                Some(Picture::ramp(size, &of(&window.input, channel), [low, high])),
                Some(Picture::signed(size, &of(&window.weights, channel), weights)),
                Some(Picture::signed(size, &of(&window.products, channel), most)),
            ],
            caption: vec![Line::new(name), Line::new(format!("adds {share:+.4}"))],
        });
    }
    if channels.len() > CHANNELS {
        let rest: f64 = channels[CHANNELS..].iter().map(|(_, share)| share).sum();
        sheet.notes.push(format!("{} more channels add {rest:+.4} together.", channels.len() - CHANNELS));
    }
    sheet
}

/// The image magnified, with a frame around the pixels of `rows` and `columns`.
fn framed(image: &Picture, rows: [usize; 2], columns: [usize; 2]) -> Picture {
    let by = image.magnification(SIDE);
    let (width, height) = (image.width * by, image.height * by);
    let [top, bottom] = rows.map(|row| row * by);
    let [left, right] = columns.map(|column| column * by);
    let pixels = (0..width * height).map(|at| {
        let (y, x) = (at / width, at % width);
        let inside = (top..bottom).contains(&y) && (left..right).contains(&x);
        let edge = y < top + 2 || y + 2 >= bottom || x < left + 2 || x + 2 >= right;
        if inside && edge { FRAME } else { image.pixels[y / by * image.width + x / by] }
    });
    Picture { width, height, pixels: pixels.collect() }
}
