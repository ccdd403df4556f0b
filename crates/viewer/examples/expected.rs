//! What the page must show, computed natively by other code than the page's: the logits, responses and Grad-CAM of images,
//! and turned images. `web/tests` compares.
//!
//! `expected MODEL.safetensors PIXELS OUT`: PIXELS holds images `[n, h, w, c]`; OUT gets for each image, little-endian: logits
//! `[k]`, every layer's responses, Grad-CAM `[h, w]`, all `f32`; then the pixels turned by `i DEGREES - 180` for image `i`, `u8`.

use std::error::Error;
use std::fs;

use seamripper_core::engine::{Engine, Executor, Wants};
use seamripper_core::graph::from_safetensors;
use seamripper_core::see::saliency::{Explainer, Method, Options, Target};
use seamripper_core::see::{Model, filter_layers};
use seamripper_core::tensor::argmax;
use seamripper_kernels::Instructions;
use seamripper_kernels::warp::{Image, ImageMut, rotation_matrix_2d, warp_affine};

/// An image is turned by so many degrees more than the one before; `web/tests/equal.test.mjs` has the same number.
const DEGREES: f64 = 1.8;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, pixels, out] = &arguments[..] else { return Err("expected MODEL PIXELS OUT".into()) };
    let file = from_safetensors(&fs::read(model)?)?;
    let isa = Instructions::detect().map_err(|error| error.to_string())?;
    let (graph, weights) = (&file.graph, &file.weights);
    let model = Model { isa, graph, weights, preprocessing: &file.preprocessing };
    let mut explainer = Explainer::new(model, Options::new(&model));
    let mut engine = Engine::new(graph, isa, 1, Wants { taps: true, ..Wants::INFERENCE });
    let size @ [h, w, _] = graph.input;
    let mut bytes = Vec::new();
    for (index, image) in fs::read(pixels)?.chunks_exact(model.image_len()).enumerate() {
        let values = model.values(image);
        let logits = engine.forward(weights, &values).into_data();
        let target = Target::Logit(argmax(&logits));
        let mut floats = logits;
        for layer in filter_layers(graph) {
            floats.extend(engine.tap(layer.response).ok_or("a response")?.into_data());
        }
        if explainer.can(Method::GradCam) {
            floats.extend(explainer.explain(Method::GradCam, &values, target).map);
        }
        bytes.extend(floats.iter().flat_map(|value| value.to_le_bytes()));
        let degrees = index as f64 * DEGREES - 180.0;
        let mut turned = vec![0; image.len()];
        let dst_from_src = rotation_matrix_2d([w as f64 / 2.0, h as f64 / 2.0], degrees, 1.0);
        warp_affine(Image { size, pixels: image }, ImageMut { size, pixels: &mut turned }, &dst_from_src, 0);
        bytes.extend(turned);
    }
    fs::write(out, bytes)?;
    Ok(())
}
