//! Why a model cannot be run.

use seamripper_onnx::OnnxError;
use thiserror::Error;

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum BlackboxError {
    /// What its file says of itself cannot be.
    #[error("{0}")]
    Onnx(OnnxError),
    /// More images at a time, or larger ones, than there is memory for by reason.
    #[error("input: expected at most {most} values in a batch, found {found}")]
    TooLarge {
        /// How many.
        most: usize,
        /// What the file asks for.
        found: String,
    },
    /// Files beside the model that hold its tensors.
    #[error("tensors: expected values in another file, found {}", .0.join("\n  found "))]
    Files(Vec<String>),
    /// The runtime does not take it.
    #[error("model: expected one that rten can load, found: {reason}")]
    Load {
        /// What rten says.
        reason: String,
    },
    /// The runtime takes it, but cannot run it.
    #[error("model: expected one that rten can run, found: {reason}")]
    Run {
        /// What rten says.
        reason: String,
    },
    /// The output is not one number a class.
    #[error("output {name}: expected {images} images with one number a class, {expected}, found {found}")]
    Output {
        /// What it is called.
        name: String,
        /// How many were given.
        images: usize,
        /// The shape it should have.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A number that is none.
    #[error("output: expected finite numbers, found another for class {class}")]
    NotFinite {
        /// The first such class.
        class: String,
    },
}

impl BlackboxError {
    /// The way out, if there is one to name.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Onnx(error) => error.hint(),
            Self::Files(_) => Some(
                "weights may lie in a file beside the model, such as model.onnx.data: keep both in one folder"
                    .into(),
            ),
            Self::NotFinite { .. } => Some("are pixels prepared as the model was trained with?".into()),
            _ => Some("predictions made elsewhere can be read with `eval --predictions`".into()),
        }
    }
}
