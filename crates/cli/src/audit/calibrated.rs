//! `--calibrate temperature`: the model with its temperature in it.
//!
//! *Idea*: `softmax(z / T)` is what the network says if the weights and biases of its last layer are divided by `T`. So the model
//! stays a plain model: every verb and every other program reads the better probabilities from it, and no class changes.

use seamripper_core::fail::audit::Document;
use seamripper_core::graph::{Activation, Layer, ModelFile, to_safetensors};

use crate::diag::Stop;

/// The file.
pub const NAME: &str = "calibrated.safetensors";

/// The bytes of `model` with the temperature that `document` has fitted on validation images.
pub fn model(model: &ModelFile, document: &Document) -> Result<Vec<u8>, Stop> {
    let scalings = document.calibration.iter().flat_map(|section| &section.scalings);
    let temperature = scalings.into_iter().find_map(|scaling| scaling.temperature).ok_or_else(|| {
        Stop::problem(
            "--calibrate: expected validation images to fit a temperature on, found none",
            Some(
                "train with data.validation above 0, or give predictions of other images with --validation; and leave \
                 calibration among the kinds of --only"
                    .to_owned(),
            ),
        )
    })?;
    let last = model.graph.nodes.last().expect("a model has a layer");
    if !matches!(last.layer, Layer::Dense { .. }) || last.activation != Activation::Identity {
        let found = format!("{} with activation {}", last.kind(), last.activation.name());
        return Err(Stop::problem(
            format!(
                "--calibrate: expected a dense layer without activation at the end of the model, found {found}"
            ),
            Some("audit.json has the temperature: divide the logits by it".to_owned()),
        ));
    }
    let mut calibrated = model.clone();
    for &parameter in &last.parameters {
        let range = model.graph.parameters[parameter].range();
        calibrated.weights.values[range].iter_mut().for_each(|value| *value /= temperature as f32);
    }
    to_safetensors(&calibrated).map_err(|error| Stop::problem(&error, error.hint()))
}
