//! A PyTorch state dict as safetensors: `conv1.weight` `[out, in / groups, kh, kw]`, `dense1.weight` `[out, in]`.

use std::collections::HashMap;

use safetensors::{Dtype, tensor::TensorView};
use seamripper_core::graph::{Graph, ModelFile, NodeId, Parameter, Role};

use crate::channels::{Orders, permutation};
use crate::error::{Mismatch, WeightsError};

/// An array on its way out.
struct Out {
    name: String,
    shape: Vec<usize>,
    dtype: Dtype,
    bytes: Vec<u8>,
}

/// The bytes of a safetensors file that `load_state_dict(safetensors.torch.load_file(…))` takes for modules called as the
/// layers are. Rows behind a flattening are in PyTorch's order. Batch normalizations have their `num_batches_tracked`, which is 0.
///
/// # Errors
/// [`Mismatch::Flattened`] for each layer that takes flattened channels apart by number; [`WeightsError::Unwritten`].
pub fn to_torch(model: &ModelFile) -> Result<Vec<u8>, WeightsError> {
    let graph = &model.graph;
    let orders = Orders::channels_first(graph);
    if !orders.broken.is_empty() {
        let names = orders.broken.iter().map(|&node| graph.nodes[node].name.clone());
        return Err(WeightsError::Mismatches(names.map(|layer| Mismatch::Flattened { layer }).collect()));
    }
    let mut arrays = Vec::new();
    for node in 0..graph.nodes.len() {
        layer(model, node, &orders, &mut arrays);
    }
    let unwritten = |error: safetensors::SafeTensorError| WeightsError::Unwritten {
        what: "safetensors",
        found: error.to_string(),
    };
    let views = arrays.iter().map(|Out { name, shape, dtype, bytes }| {
        TensorView::new(*dtype, shape.clone(), bytes).map(|view| (name.as_str(), view)).map_err(unwritten)
    });
    let views = views.collect::<Result<Vec<_>, _>>()?;
    let format = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(format)).map_err(unwritten)
}

fn layer(model: &ModelFile, node: NodeId, orders: &Orders, arrays: &mut Vec<Out>) {
    let ModelFile { graph, weights, .. } = model;
    let own = &graph.nodes[node];
    let channels = permutation(orders.get(own.inputs[0]));
    for &index in &own.parameters {
        let parameter = &graph.parameters[index];
        let (shape, values) = converted(parameter, weights.of(parameter), channels.as_deref());
        let last = match parameter.role {
            Role::Kernel | Role::Gamma => "weight",
            Role::Bias | Role::Beta => "bias",
            Role::MovingMean => "running_mean",
            Role::MovingVariance => "running_var",
        };
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        arrays.push(Out { name: format!("{}.{last}", own.name), shape, dtype: Dtype::F32, bytes });
    }
    if has_moments(graph, node) {
        let name = format!("{}.num_batches_tracked", own.name);
        arrays.push(Out { name, shape: Vec::new(), dtype: Dtype::I64, bytes: vec![0; 8] });
    }
}

fn has_moments(graph: &Graph, node: NodeId) -> bool {
    let roles = graph.nodes[node].parameters.iter().map(|&index| graph.parameters[index].role);
    roles.into_iter().any(|role| role == Role::MovingMean)
}

/// Shape and values there; `channels` has for each channel that is read its number there.
fn converted(parameter: &Parameter, values: &[f32], channels: Option<&[usize]>) -> (Vec<usize>, Vec<f32>) {
    let there = |ours: usize| channels.map_or(ours, |channels| channels[ours]);
    let (shape, taps, each, out) = match parameter.shape[..] {
        [h, w, each, out] => (vec![out, each, h, w], h * w, each, out),
        [rows, out] => (vec![out, rows], 1, rows, out),
        _ => {
            let mut moved = vec![0.0; values.len()];
            // A vector of what a layer gives is in its own order; one of what it reads, in that of its input.
            let by_input = !matches!(parameter.role, Role::Bias);
            for (ours, &value) in values.iter().enumerate() {
                moved[if by_input { there(ours) } else { ours }] = value;
            }
            return (parameter.shape.clone(), moved);
        }
    };
    let mut moved = vec![0.0; values.len()];
    for (from, &value) in values.iter().enumerate() {
        let (tap, channel, filter) = (from / (each * out), from / out % each, from % out);
        moved[(filter * each + there(channel)) * taps + tap] = value;
    }
    (shape, moved)
}
