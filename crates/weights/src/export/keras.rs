//! Keras' `.weights.h5`: groups called after classes and counted, datasets called after numbers.
//!
//! ```text
//! layers/conv2d/vars/0        kernel [kh, kw, in / groups, out]       (the attribute `name` of vars is the layer's)
//! layers/conv2d/vars/1        bias [out]
//! layers/depthwise_conv2d/…   kernel [kh, kw, in, multiplier]
//! layers/batch_normalization/vars/0 to 3    gamma, beta, moving mean, moving variance
//! ```
//! A layer's count is among those of its class in the list of the model's layers, so a Keras model with the same layers in the same
//! order takes the file, whatever its layers are called.
//!
//! *Reference*: `keras/src/saving/saving_lib.py`, `_save_container_state`.

use std::collections::BTreeMap;

use hdf5_pure::{AttrValue, FileBuilder};
use seamripper_core::graph::{Graph, Layer, ModelFile, NodeId};

use crate::error::WeightsError;

/// The bytes of a file for `model.load_weights("….weights.h5")` of Keras 3.
///
/// # Errors
/// [`WeightsError::NotThere`] with all layers that Keras has no layer for; [`WeightsError::Unwritten`].
pub fn to_keras(model: &ModelFile) -> Result<Vec<u8>, WeightsError> {
    let ModelFile { graph, weights, .. } = model;
    let weighted = (0..graph.nodes.len()).filter(|&node| !graph.nodes[node].parameters.is_empty());
    let foreign: Vec<String> = (weighted.clone())
        .filter(|&node| class(graph, node).is_none())
        .map(|node| format!("{} ({})", graph.nodes[node].name, graph.nodes[node].kind()))
        .collect();
    if !foreign.is_empty() {
        return Err(WeightsError::NotThere { format: "Keras weights", layers: foreign });
    }
    let mut file = FileBuilder::new();
    let mut layers = file.create_group("layers");
    let mut counts = BTreeMap::<&str, usize>::new();
    for node in weighted {
        let own = &graph.nodes[node];
        let class = class(graph, node).expect("foreign layers are refused");
        let count = counts.entry(class).or_default();
        let name = if *count == 0 { class.to_owned() } else { format!("{class}_{count}") };
        *count += 1;
        let mut layer = layers.create_group(&name);
        let mut vars = layer.create_group("vars");
        vars.set_attr("name", AttrValue::String(own.name.clone()));
        for (number, &index) in own.parameters.iter().enumerate() {
            let parameter = &graph.parameters[index];
            let shape: Vec<u64> =
                shape(graph, node, &parameter.shape).iter().map(|&length| length as u64).collect();
            vars.create_dataset(&number.to_string()).with_f32_data(weights.of(parameter)).with_shape(&shape);
        }
        layer.add_group(vars.finish());
        layers.add_group(layer.finish());
    }
    file.add_group(layers.finish());
    file.finish().map_err(|error| WeightsError::Unwritten { what: "HDF5", found: error.to_string() })
}

/// Keras' class, as its files write it.
fn class(graph: &Graph, node: NodeId) -> Option<&'static str> {
    match graph.nodes[node].layer {
        Layer::Conv2d { .. } => Some("conv2d"),
        Layer::Depthwise { .. } => Some("depthwise_conv2d"),
        Layer::Dense { .. } => Some("dense"),
        Layer::BatchNorm { .. } => Some("batch_normalization"),
        Layer::LayerNorm { .. } => Some("layer_normalization"),
        _ => None,
    }
}

/// A parameter's shape there; its values lie in the same order.
fn shape(graph: &Graph, node: NodeId, ours: &[usize]) -> Vec<usize> {
    match (&graph.nodes[node].layer, ours) {
        (Layer::Depthwise { multiplier, .. }, &[h, w, 1, out]) => vec![h, w, out / multiplier, *multiplier],
        _ => ours.to_vec(),
    }
}
