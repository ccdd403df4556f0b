//! An ONNX file that is run and not read: what is said about it, and how what needs weights is refused.

use std::path::Path;

use seamripper_blackbox::{Blackbox, BlackboxError};
use seamripper_data::checksum::sha256;
use seamripper_onnx::{NEWEST_OPSET, OLDEST_OPSET, OnnxError, Options};

use crate::diag::{Outcome, Stop};

/// Operators that a note names; `model` lists all.
const NAMED: usize = 3;

/// What works on such a model.
const WORKS: &str = "`eval`, `audit`, `report`, `see` (occlusion and RISE) and `model` work on it";

/// A model that is run and not read.
#[derive(Debug)]
pub struct BlackboxFile {
    /// It.
    pub model: Blackbox,
    /// Why it was not read.
    pub why: OnnxError,
    /// SHA-256 of the file.
    pub digest: String,
    /// The file, as it was typed.
    name: String,
}

impl BlackboxFile {
    /// Loads the bytes of `path`, which could not be read for the reason `why`.
    pub fn load(
        path: &Path,
        bytes: Vec<u8>,
        options: &Options<'_>,
        why: OnnxError,
        threads: usize,
    ) -> Result<Self, Stop> {
        let name = path.display().to_string();
        let digest = sha256(&bytes);
        match Blackbox::load(bytes, options, threads) {
            Ok(model) => Ok(Self { model, why, digest, name }),
            // What keeps it from being run is what would keep it from being read, too.
            Err(BlackboxError::Onnx(error)) => {
                Err(Stop::problem(format!("model {name}: {error}"), error.hint()))
            }
            Err(error) => {
                let message = format!("model {name}: {why}\n  and it cannot be run as a black box: {error}");
                Err(Stop::problem(message, error.hint()))
            }
        }
    }

    /// Why it is not read, in a few words.
    fn reason(&self) -> String {
        match &self.why {
            OnnxError::Unsupported(operators) => {
                let named: Vec<_> =
                    operators.iter().take(NAMED).map(|one| format!("{} at {}", one.op, one.node)).collect();
                let more = match operators.len().saturating_sub(NAMED) {
                    0 => String::new(),
                    more => format!(", {more} more"),
                };
                format!("operators that are not read here ({}{more})", named.join(", "))
            }
            OnnxError::Opset { found } => {
                format!("opset {found}, where {OLDEST_OPSET} to {NEWEST_OPSET} are read here")
            }
            other => other.to_string(),
        }
    }

    /// What is said once when it is loaded.
    pub fn note(&self) -> String {
        format!("{}; it is run by rten as a black box: no gradients, filters or live page", self.unread())
    }

    /// Why it is not read.
    pub fn unread(&self) -> String {
        format!("{} has {}", self.name, self.reason())
    }

    /// That `what` needs a model that was read.
    pub fn refused(&self, what: &str) -> Stop {
        Stop::problem(self.refusal(what), Some(WORKS.to_owned()))
    }

    /// The same without a hint.
    pub fn refusal(&self, what: &str) -> String {
        let (name, reason) = (&self.name, self.reason());
        format!("{what}: expected a model whose layers can be read, found {name} with {reason}")
    }

    /// That nothing went wrong while it was run.
    pub fn check(&self) -> Outcome {
        match self.model.failure() {
            None => Ok(()),
            Some(error) => Err(Stop::problem(format!("model {}: {error}", self.name), error.hint())),
        }
    }
}
