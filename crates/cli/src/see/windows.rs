//! Responses taken apart: from a place to its patch, the products, and their sum.

use seamripper_core::engine::{Executor, Wants};
use seamripper_core::see::document::WindowSeen;
use seamripper_core::see::{Model, field, window};

use super::Seen;
use super::asked::Asked;
use super::pictures::Shown;
use super::sheets;
use crate::diag::Outcome;

/// The responses asked for, of one image with these `values` `[h, w, c]`.
pub fn look(model: &Model<'_>, asked: &Asked, image: &Shown, values: &[f32], seen: &mut Seen) -> Outcome {
    let mut engine = model.engine(1, Wants { taps: true, ..Wants::INFERENCE });
    engine.run_forward(values);
    for named in &asked.windows {
        let (layer, filter) = (&named.layer, named.filter);
        let [_, w, c] = layer.output;
        let response = engine.tap(layer.response).expect("compiled with taps");
        let channel: Vec<f32> = response.data().iter().skip(filter).step_by(c).copied().collect();
        let most = seamripper_core::tensor::argmax(&channel);
        let place @ [row, column] = named.place.unwrap_or([most / w, most % w]);
        let region = field(model.graph, layer.response, place);
        let made = window(model, values, layer.node, place, filter);
        let response = channel[row * w + column];
        let made = WindowSeen::of([&image.id, &layer.name], filter, place, &region, made, response);
        let canvas = sheets::window(model, image, &made).draw();
        let about = format!("{}: what makes {} #{filter} respond at {row}, {column}", image.id, layer.name);
        let name = format!(
            "window-{}-{}-{filter}-{row}-{column}.png",
            Seen::file_name(&image.id),
            Seen::file_name(&layer.name)
        );
        seen.sheet(name, &canvas, about)?;
        seen.document.windows.push(made);
    }
    Ok(())
}
