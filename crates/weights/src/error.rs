//! Why a file gives no weights, or not those of a recipe.

use std::fmt::Display;

use seamripper_core::problems::{self, Problem};
use thiserror::Error;

/// Why a file is not read, or its layers are not the recipe's.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum WeightsError {
    /// None of the formats that are read.
    #[error(
        "format: expected a PyTorch state dict (.pt, .pth, .safetensors) or a Keras file (.keras, .weights.h5, .h5), found {found}"
    )]
    Format {
        /// What it is.
        found: String,
    },
    /// The format is not kept.
    #[error("{what}: expected {expected}, found {found}")]
    Broken {
        /// Which part of the file.
        what: String,
        /// What should be there.
        expected: String,
        /// What is.
        found: String,
    },
    /// A file of PyTorch from before 1.6.
    #[error("format: expected the zip archive that PyTorch 1.6 and later writes, found a bare pickle")]
    OldTorch,
    /// A program, not weights.
    #[error("format: expected a state dict, found a TorchScript program")]
    TorchScript,
    /// A model of this program.
    #[error(
        "format: expected weights of another program, found a model of seamripper, which needs no import"
    )]
    Ours,
    /// Classes that are not part of tensors.
    #[error("data.pkl: expected tensors, numbers and texts only, found {}", names.join(", "))]
    Foreign {
        /// Their names.
        names: Vec<String>,
    },
    /// No dictionary of tensors.
    #[error("state dict: expected a dictionary of tensors, found {found}")]
    NoStateDict {
        /// What is there.
        found: String,
    },
    /// More than one.
    #[error("state dict: expected one dictionary of tensors, found {}", keys.join(", "))]
    ManyStateDicts {
        /// Where they are.
        keys: Vec<String>,
    },
    /// Not the one that was asked for.
    #[error("state dict: expected a dictionary of tensors under \"{key}\", found {}", if keys.is_empty() { "none".to_owned() } else { keys.join(", ") })]
    NoKey {
        /// What was asked for.
        key: String,
        /// What there is.
        keys: Vec<String>,
    },
    /// Everything in which the file and the recipe do not agree.
    #[error("{}", problems::message(&listed(.0)))]
    Mismatches(Vec<Mismatch>),
    /// A layer that another program has nothing for.
    #[error("{format}: expected layers that it has, found {}", layers.join(", "))]
    NotThere {
        /// Where it was to go.
        format: &'static str,
        /// Names and kinds.
        layers: Vec<String>,
    },
    /// A library's writer failed.
    #[error("{what}: expected to write it, found: {found}")]
    Unwritten {
        /// What was being written.
        what: &'static str,
        /// Why.
        found: String,
    },
}

/// One disagreement.
#[derive(Clone, Debug, PartialEq)]
pub enum Mismatch {
    /// An array of the file that cannot be read.
    Array {
        /// Its name.
        name: String,
        /// What was expected of it.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Two layers that belong together by name or by map, and do not fit.
    Unlike {
        /// The recipe's layer.
        layer: String,
        /// The file's.
        stored: String,
        /// Parts and shapes, in the layout of the file.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// Layers of the recipe without one in the file.
    Missing {
        /// Their names.
        layers: Vec<String>,
        /// Parts and shapes, in the layout of the file.
        expected: String,
        /// Layers that fit, fewer than are needed.
        found: Vec<String>,
    },
    /// Which is which cannot be told.
    Ambiguous {
        /// Layers of the recipe.
        layers: Vec<String>,
        /// Layers of the file that fit.
        stored: Vec<String>,
        /// Why their order does not tell.
        reason: &'static str,
    },
    /// Layers of the file that the recipe has no place for.
    LeftOver {
        /// Names and shapes.
        layers: Vec<String>,
    },
    /// A name of the map or of what is to be skipped that the file or the recipe does not have.
    NoSuch {
        /// Where the name was given.
        place: &'static str,
        /// What was given.
        name: String,
        /// What it should be one of.
        of: &'static str,
        /// The nearest there is.
        nearest: Option<String>,
    },
    /// An epsilon that differs.
    Epsilon {
        /// The recipe's layer.
        layer: String,
        /// The file's.
        expected: f32,
        /// The recipe's.
        found: f32,
    },
    /// Channels in another order than the layer can bring into ours.
    Flattened {
        /// The recipe's layer.
        layer: String,
    },
}

impl Mismatch {
    /// A missing layer's line in the list of all of them.
    fn line(&self) -> String {
        let Self::Missing { layers, expected, found } = self else { return String::new() };
        let found = match &found[..] {
            [] => String::new(),
            found => format!(" (found {})", found.join(", ")),
        };
        format!("\n  {}: {expected}{found}", layers.join(", "))
    }

    fn problem(&self) -> Problem {
        let (message, hint) = match self {
            Self::Array { name, expected, found } => {
                (format!("array {name}: expected {expected}, found {found}"), None)
            }
            Self::Unlike { layer, stored, expected, found } => (
                format!("layer {layer}, from the file's {stored}: expected {expected}, found {found}"),
                Some(
                    "make the recipe's layer the same, or say which layer it is with --map FILE.toml"
                        .to_owned(),
                ),
            ),
            Self::Missing { .. } => (
                format!(
                    "recipe: expected layers of the file for all of its own, found too few for{}",
                    self.line()
                ),
                Some("the recipe has to have the layers of the model that the file is of".to_owned()),
            ),
            Self::Ambiguous { layers, stored, reason } => (
                format!(
                    "{}: expected to tell which of the file's layers each is, found that {} fit and {reason}",
                    list("layer", layers),
                    stored.join(", ")
                ),
                Some(
                    "name the recipe's layers as the file does, or say which is which with --map FILE.toml"
                        .to_owned(),
                ),
            ),
            Self::LeftOver { layers } => (
                format!(
                    "file: expected a place in the recipe for every layer, found none for{}",
                    lines(layers)
                ),
                Some("add the layers to the recipe, or leave them out with --skip NAME,…".to_owned()),
            ),
            Self::NoSuch { place, name, of, nearest } => (
                format!("{place}: expected {of}, found \"{name}\""),
                nearest.as_ref().map(|near| format!("the nearest is \"{near}\"")),
            ),
            Self::Epsilon { layer, expected, found } => (
                format!(
                    "layer {layer}: expected the epsilon {expected} of the file, found {found} in the recipe"
                ),
                Some(format!("write `epsilon {expected}` behind its kind")),
            ),
            Self::Flattened { layer } => (
                format!(
                    "layer {layer}: expected channels in their own order, found flattened ones that are taken apart"
                ),
                Some("bring such a model as ONNX".to_owned()),
            ),
        };
        Problem { message, hint }
    }
}

/// `layer a` or `layers a, b`
fn list(what: &str, names: &[String]) -> String {
    format!("{what}{} {}", if names.len() == 1 { "" } else { "s" }, names.join(", "))
}

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n  {line}")).collect()
}

/// A problem each, but one for all layers that are missing.
fn listed(mismatches: &[Mismatch]) -> Vec<Problem> {
    let (missing, mut others): (Vec<_>, Vec<_>) =
        mismatches.iter().partition(|mismatch| matches!(mismatch, Mismatch::Missing { .. }));
    let mut problems = Vec::with_capacity(others.len() + 1);
    // What the file has left over is read beside what the recipe lacks.
    let left_over = others.pop_if(|mismatch| matches!(mismatch, Mismatch::LeftOver { .. }));
    problems.extend(others.into_iter().map(Mismatch::problem));
    if let Some((first, rest)) = missing.split_first() {
        let mut problem = first.problem();
        rest.iter().for_each(|more| problem.message.push_str(&more.line()));
        problems.push(problem);
    }
    problems.extend(left_over.map(Mismatch::problem));
    problems
}

impl WeightsError {
    pub(crate) fn broken(what: impl Into<String>, expected: &str, found: impl Display) -> Self {
        Self::Broken { what: what.into(), expected: expected.to_owned(), found: found.to_string() }
    }

    /// The way out, if there is one to name.
    pub fn hint(&self) -> Option<String> {
        let save = "save the weights alone: torch.save(model.state_dict(), \"weights.pt\")";
        match self {
            Self::Format { .. } => Some(format!("PyTorch: {save}; Keras: model.save(\"model.keras\")")),
            Self::Broken { .. } => Some("the file is damaged or was not written to the end".to_owned()),
            Self::OldTorch | Self::Foreign { .. } => {
                Some(format!("nothing else is read from a pickle; {save}"))
            }
            Self::TorchScript | Self::NoStateDict { .. } => Some(save.to_owned()),
            Self::Ours => Some("give it to `eval`, `see` or `export` as MODEL".to_owned()),
            Self::ManyStateDicts { keys } | Self::NoKey { keys, .. } => {
                keys.first().map(|key| format!("choose one with --key, for instance --key {key}"))
            }
            Self::Mismatches(list) => problems::hint(&listed(list)),
            Self::NotThere { .. } => Some("ONNX has all layers: --out FILE.onnx".to_owned()),
            Self::Unwritten { .. } => None,
        }
    }
}
