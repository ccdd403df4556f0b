//! Why an ONNX file is no model of ours.

use std::fmt;

use seamripper_core::graph::GraphError;
use thiserror::Error;

/// The oldest operator set whose operators are read as they were meant.
pub const OLDEST_OPSET: i64 = 7;
/// The newest one.
pub const NEWEST_OPSET: i64 = 21;

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum OnnxError {
    /// Not the bytes of a `ModelProto`.
    #[error("ONNX file: expected a protobuf ModelProto in its {bytes} bytes, found: {reason}")]
    Broken {
        /// Length of the file.
        bytes: usize,
        /// What the decoder says.
        reason: String,
    },
    /// A model without a graph.
    #[error("ONNX model: expected a graph, found none")]
    NoGraph,
    /// An operator set from before or after those that are known.
    #[error("opset: expected {OLDEST_OPSET} to {NEWEST_OPSET}, found {found}")]
    Opset {
        /// Its number, or what else is wrong.
        found: String,
    },
    /// The input is no image.
    #[error("input {name}: expected an image [n, c, h, w] or [n, h, w, c], found {found}")]
    Input {
        /// What it is called.
        name: String,
        /// Its shape.
        found: String,
    },
    /// Rows and columns are open, and nobody said how many.
    #[error("input {name}: expected known rows and columns, found {found}")]
    OpenSize {
        /// What it is called.
        name: String,
        /// Its shape.
        found: String,
    },
    /// Tensors whose values do not fit their description.
    #[error("tensors: {}", list(.0))]
    Tensors(Vec<TensorFault>),
    /// Operators that are not layers of ours.
    #[error("operators: {}", list(.0))]
    Unsupported(Vec<Unsupported>),
    /// The output is not one value a class.
    #[error("output {name}: expected one value a class, [n, k], found {found}")]
    Output {
        /// What it is called.
        name: String,
        /// Its shape.
        found: String,
    },
    /// Not one name a class.
    #[error("classes: expected {outputs} names, one an output, found {found}")]
    Classes {
        /// Outputs of the model.
        outputs: usize,
        /// Names.
        found: usize,
    },
    /// The layers make no graph.
    #[error("layers: {0}")]
    Graph(#[from] GraphError),
}

/// A tensor that cannot be read.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{name}: expected {expected}, found {found}")]
pub struct TensorFault {
    /// Which.
    pub name: String,
    /// What its description asks for.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// A node that is no layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Unsupported {
    /// Name of the node, or of its output where it has none.
    pub node: String,
    /// Its operator.
    pub op: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.op, self.node, self.reason)
    }
}

fn list<T: fmt::Display>(problems: &[T]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  ")
}

impl OnnxError {
    /// The way out, if there is one to name.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Broken { .. } => Some("the file is damaged, was not written to the end, or is no ONNX file".into()),
            Self::Opset { .. } => Some("export it again with opset_version=17".into()),
            Self::OpenSize { .. } => Some("say them with --size HxW, for instance --size 224x224".into()),
            Self::Unsupported(_) => Some(
                "docs/models.md lists what is supported; predictions made elsewhere can be read with `eval --predictions`"
                    .into(),
            ),
            Self::Tensors(_) => Some(
                "weights may lie in a file beside the model, such as model.onnx.data: keep both in one folder".into(),
            ),
            Self::Graph(error) => error.hint(),
            _ => None,
        }
    }
}
