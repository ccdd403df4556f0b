//! A trained model as the bytes of a safetensors file.
//!
//! *Idea*: tensors are the graph's parameters under their names, `F32`. Graph, classes and preprocessing are one JSON
//! text under the metadata key `seamripper`: a single key, because the format's writer has no fixed order for several,
//! and equal models must give equal bytes. The graph is stored as its list of layers and built again on reading, so a
//! file can hold no graph that a recipe could not.
//!
//! *Safety of reading*: nothing is allocated from a number in the file. The safetensors header must describe exactly
//! the bytes that are there; the layers pass the checks of [`Builder`]; every tensor is compared with the graph before
//! the weights are allocated.

use std::collections::{BTreeMap, HashMap};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Builder, Graph, GraphError, LayerSpec, Preprocessing, Weights};
use crate::nearest::nearest;

/// Name and version of the metadata.
pub const SCHEMA: &str = "seamripper.model/1";

/// The metadata key everything but the weights is under.
const KEY: &str = "seamripper";

/// Everything needed to predict: what `model.safetensors` holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    /// Layers and shapes.
    pub graph: Graph,
    /// Values of the graph's parameters.
    pub weights: Weights,
    /// Names of the outputs, in their order.
    pub classes: Vec<String>,
    /// From pixels to input values.
    pub preprocessing: Preprocessing,
}

/// The JSON under [`KEY`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    schema: String,
    input: [usize; 3],
    layers: Vec<LayerSpec>,
    classes: Vec<String>,
    preprocessing: Preprocessing,
}

/// Why bytes are not a model.
#[derive(Debug, Error)]
pub enum ModelFileError {
    /// The safetensors format is not kept.
    #[error("safetensors header: expected one that describes the file's {bytes} bytes, found: {reason}")]
    Broken {
        /// Length of the file.
        bytes: usize,
        /// What the format's reader says.
        reason: String,
    },
    /// A safetensors file of somebody else.
    #[error("safetensors metadata: expected the key `{KEY}`, found {found}")]
    Foreign {
        /// The keys that are there.
        found: String,
    },
    /// Another version of this program's metadata.
    #[error("safetensors metadata: expected schema \"{SCHEMA}\", found {found}")]
    Schema {
        /// The schema that is there.
        found: String,
    },
    /// The metadata cannot be read.
    #[error("safetensors metadata: expected the fields of {SCHEMA}, found: {0}")]
    Metadata(String),
    /// The layers make no graph.
    #[error("layers in the safetensors metadata: {0}")]
    Graph(#[from] GraphError),
    /// Tensors and graph do not agree.
    #[error("tensors: {}", list(.0))]
    Tensors(Vec<TensorProblem>),
    /// Not one name an output.
    #[error("classes: expected {outputs} names, one an output, found {classes}")]
    Classes {
        /// Outputs of the graph.
        outputs: usize,
        /// Names.
        classes: usize,
    },
    /// The preprocessing cannot be applied.
    #[error("preprocessing: {0}")]
    Preprocessing(String),
    /// The weights are not those of the graph; found when writing.
    #[error("weights: expected {parameters} values, found {values}")]
    Weights {
        /// Values the graph's parameters have.
        parameters: usize,
        /// Values there are.
        values: usize,
    },
}

/// One disagreement between the tensors of a file and its graph.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TensorProblem {
    /// A parameter without a tensor.
    #[error("expected {name} {shape:?}, found none{}", nearest.as_ref().map(|n| format!(" (there is {n})")).unwrap_or_default())]
    Missing {
        /// The parameter.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// A tensor without a parameter that is called nearly so.
        nearest: Option<String>,
    },
    /// A tensor without a parameter.
    #[error("expected no {name}, found {shape:?}")]
    Unexpected {
        /// The tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// Another element type or shape.
    #[error("expected {name} F32 {shape:?}, found {found_dtype} {found:?}")]
    Unlike {
        /// The parameter.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Element type in the file.
        found_dtype: String,
        /// Shape in the file.
        found: Vec<usize>,
    },
}

fn list(problems: &[TensorProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  ")
}

impl ModelFileError {
    /// The way out, if there is one to name.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Broken { .. } => Some("the file is damaged or was not written to the end".into()),
            Self::Foreign { .. } => {
                Some("only files written by seamripper say how their layers connect".into())
            }
            Self::Schema { .. } => Some("read it with the version of seamripper that wrote it".into()),
            Self::Graph(error) => error.hint(),
            _ => None,
        }
    }
}

/// The bytes of `model.safetensors`; equal models give equal bytes.
///
/// # Errors
/// If the parts of `model` do not belong together.
pub fn to_safetensors(model: &ModelFile) -> Result<Vec<u8>, ModelFileError> {
    let ModelFile { graph, weights, classes, preprocessing } = model;
    check_parts(graph, classes, preprocessing)?;
    if weights.values.len() != graph.parameter_count() {
        return Err(ModelFileError::Weights {
            parameters: graph.parameter_count(),
            values: weights.values.len(),
        });
    }
    let metadata = Metadata {
        schema: SCHEMA.to_owned(),
        input: graph.input,
        layers: graph.layers(),
        classes: classes.clone(),
        preprocessing: preprocessing.clone(),
    };
    let json = serde_json::to_string(&metadata).map_err(|e| ModelFileError::Metadata(e.to_string()))?;
    let bytes: Vec<u8> = weights.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let broken = |e: safetensors::SafeTensorError| ModelFileError::Broken {
        bytes: bytes.len(),
        reason: e.to_string(),
    };
    let mut tensors = Vec::with_capacity(graph.parameters.len());
    for parameter in &graph.parameters {
        let range = parameter.range();
        let data = &bytes[range.start * 4..range.end * 4];
        let view = TensorView::new(Dtype::F32, parameter.shape.clone(), data).map_err(broken)?;
        tensors.push((parameter.name.as_str(), view));
    }
    safetensors::serialize(tensors, Some(HashMap::from([(KEY.to_owned(), json)]))).map_err(broken)
}

/// The model in the bytes of a file.
///
/// # Errors
/// If the bytes are not a model, with all tensors that do not fit.
pub fn from_safetensors(bytes: &[u8]) -> Result<ModelFile, ModelFileError> {
    let broken = |e: safetensors::SafeTensorError| ModelFileError::Broken {
        bytes: bytes.len(),
        reason: e.to_string(),
    };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
    let Metadata { input, layers, classes, preprocessing, .. } = metadata(header.metadata().as_ref())?;
    let graph = Builder::with_layers(input, layers).build()?;
    check_parts(&graph, &classes, &preprocessing)?;
    let tensors = SafeTensors::deserialize(bytes).map_err(broken)?;
    let weights = weights(&graph, &tensors)?;
    Ok(ModelFile { graph, weights, classes, preprocessing })
}

fn metadata(found: Option<&HashMap<String, String>>) -> Result<Metadata, ModelFileError> {
    /// The part every version has.
    #[derive(Deserialize)]
    struct Version {
        schema: Option<String>,
    }
    let Some(json) = found.and_then(|found| found.get(KEY)) else {
        let mut keys: Vec<_> = found.into_iter().flatten().map(|(key, _)| format!("`{key}`")).collect();
        keys.sort();
        let found = if keys.is_empty() { "none".to_owned() } else { keys.join(", ") };
        return Err(ModelFileError::Foreign { found });
    };
    let unreadable = |e: serde_json::Error| ModelFileError::Metadata(e.to_string());
    match serde_json::from_str::<Version>(json).map_err(unreadable)?.schema {
        Some(schema) if schema == SCHEMA => serde_json::from_str(json).map_err(unreadable),
        Some(other) => Err(ModelFileError::Schema { found: format!("{other:?}") }),
        None => Err(ModelFileError::Schema { found: "none".to_owned() }),
    }
}

fn check_parts(
    graph: &Graph,
    classes: &[String],
    preprocessing: &Preprocessing,
) -> Result<(), ModelFileError> {
    if classes.len() != graph.outputs() {
        return Err(ModelFileError::Classes { outputs: graph.outputs(), classes: classes.len() });
    }
    preprocessing.fault(graph.input[2]).map_or(Ok(()), |fault| Err(ModelFileError::Preprocessing(fault)))
}

fn weights(graph: &Graph, tensors: &SafeTensors<'_>) -> Result<Weights, ModelFileError> {
    let mut found: BTreeMap<&str, TensorView<'_>> = tensors.iter().collect();
    let mut fitting = Vec::with_capacity(graph.parameters.len());
    let mut missing = Vec::new();
    let mut problems = Vec::new();
    for parameter in &graph.parameters {
        match found.remove(parameter.name.as_str()) {
            None => missing.push(parameter),
            Some(tensor) if tensor.dtype() == Dtype::F32 && tensor.shape() == parameter.shape => {
                fitting.push(tensor.data());
            }
            Some(tensor) => problems.push(TensorProblem::Unlike {
                name: parameter.name.clone(),
                shape: parameter.shape.clone(),
                found_dtype: tensor.dtype().to_string(),
                found: tensor.shape().to_vec(),
            }),
        }
    }
    problems.extend(missing.into_iter().map(|parameter| TensorProblem::Missing {
        name: parameter.name.clone(),
        shape: parameter.shape.clone(),
        nearest: nearest(&parameter.name, found.keys().copied()).map(str::to_owned),
    }));
    problems.extend(found.iter().map(|(name, tensor)| TensorProblem::Unexpected {
        name: (*name).to_owned(),
        shape: tensor.shape().to_vec(),
    }));
    if !problems.is_empty() {
        return Err(ModelFileError::Tensors(problems));
    }
    let mut values = Vec::with_capacity(graph.parameter_count());
    for data in fitting {
        values.extend(data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
    }
    Ok(Weights { values })
}
