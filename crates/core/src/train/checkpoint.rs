//! A run's state as bytes, and back.
//!
//! A safetensors file: `weights`, `first`, `second` and `best_weights` as flat `F32` arrays, and one JSON text with the
//! counters, whose numbers are written so that they read back to the same bits.

use std::collections::HashMap;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::optimizer::Moments;
use super::trainer::{Best, ClassCount, State};
use crate::graph::Weights;

const SCHEMA: &str = "seamripper.checkpoint/1";
const KEY: &str = "seamripper";

/// Why bytes are not a checkpoint of this run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// Not a checkpoint at all.
    #[error("expected a checkpoint of {SCHEMA}, found: {0}")]
    Broken(String),
    /// Of another network.
    #[error("{name}: expected {expected} values, found {found}")]
    Length {
        /// Which array.
        name: &'static str,
        /// As the recipe's network has.
        expected: usize,
        /// As the file has.
        found: usize,
    },
    /// Of a run with other images.
    #[error(
        "steps: expected {steps} an epoch, as many as the training images make, \
         found {step} in {epoch} whole epochs and {step_in_epoch} steps"
    )]
    Place {
        /// Steps in an epoch, as the training images give them.
        steps: u64,
        /// Whole epochs of the checkpoint.
        epoch: u64,
        /// Steps in its present epoch.
        step_in_epoch: u64,
        /// Its steps in all.
        step: u64,
    },
}

impl CheckpointError {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Broken(_) => "the file is damaged: start again with `seamripper train RECIPE`",
            Self::Length { .. } => "the recipe of the run was changed: undo that, or begin a new run",
            Self::Place { .. } => "the images of the run were changed: undo that, or begin a new run",
        };
        Some(hint.to_owned())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counters {
    schema: String,
    step: u64,
    epoch: u64,
    step_in_epoch: u64,
    /// The bits of an `f64`: JSON has no infinity, and a loss can overflow.
    loss: u64,
    seen: u64,
    counts: Vec<ClassCount>,
    best: Option<(u64, f64)>,
    stopped: bool,
}

impl State {
    /// The state as a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let counters = Counters {
            schema: SCHEMA.to_owned(),
            step: self.step,
            epoch: self.epoch,
            step_in_epoch: self.step_in_epoch,
            loss: self.loss.to_bits(),
            seen: self.seen,
            counts: self.counts.clone(),
            best: self.best.as_ref().map(|best| (best.epoch, best.loss)),
            stopped: self.stopped,
        };
        let arrays = [
            ("weights", Some(&self.weights.values)),
            ("first", Some(&self.moments.first)),
            ("second", Some(&self.moments.second)),
            ("average", self.average.as_ref().map(|average| &average.values)),
            ("best_weights", self.best.as_ref().map(|best| &best.weights.values)),
        ];
        let bytes: Vec<(&str, usize, Vec<u8>)> = arrays
            .into_iter()
            .filter_map(|(name, values)| Some((name, values?)))
            .map(|(name, values)| {
                (name, values.len(), values.iter().flat_map(|value| value.to_le_bytes()).collect())
            })
            .collect();
        let views = bytes.iter().map(|(name, length, bytes)| {
            (*name, TensorView::new(Dtype::F32, vec![*length], bytes).expect("four bytes a value"))
        });
        let text = serde_json::to_string(&counters).expect("plain numbers and strings");
        let metadata = HashMap::from([(KEY.to_owned(), text)]);
        safetensors::serialize(views, Some(metadata)).expect("views of their own lengths")
    }

    /// The state in a file, for a network with as many parameters and classes as `like`, a state of the same run.
    ///
    /// # Errors
    /// If the bytes are not a checkpoint, or of another network or optimizer.
    pub fn from_bytes(bytes: &[u8], like: &Self) -> Result<Self, CheckpointError> {
        let broken = |error: &dyn std::fmt::Display| CheckpointError::Broken(error.to_string());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| broken(&error))?;
        let text = header.metadata().as_ref().and_then(|map| map.get(KEY));
        let text = text.ok_or_else(|| broken(&format_args!("no entry `{KEY}` in the header")))?;
        let counters: Counters = serde_json::from_str(text).map_err(|error| broken(&error))?;
        if counters.schema != SCHEMA {
            return Err(CheckpointError::Broken(counters.schema));
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| broken(&error))?;
        let array = |name: &'static str, expected: usize| -> Result<Vec<f32>, CheckpointError> {
            let view = tensors.tensor(name).map_err(|error| broken(&error))?;
            let (values, rest) = view.data().as_chunks::<4>();
            if view.dtype() != Dtype::F32 || !rest.is_empty() {
                return Err(CheckpointError::Broken(format!("{name} is not an array of F32")));
            }
            if values.len() != expected {
                return Err(CheckpointError::Length { name, expected, found: values.len() });
            }
            Ok(values.iter().map(|&value| f32::from_le_bytes(value)).collect())
        };
        let (parameters, classes) = (like.weights.values.len(), like.counts.len());
        if counters.counts.len() != classes {
            let found = counters.counts.len();
            return Err(CheckpointError::Length { name: "counts", expected: classes, found });
        }
        let best = match counters.best {
            Some((epoch, loss)) => {
                Some(Best { epoch, loss, weights: Weights { values: array("best_weights", parameters)? } })
            }
            None => None,
        };
        Ok(Self {
            weights: Weights { values: array("weights", parameters)? },
            average: match like.average {
                Some(_) => Some(Weights { values: array("average", parameters)? }),
                None => None,
            },
            moments: Moments {
                first: array("first", like.moments.first.len())?,
                second: array("second", like.moments.second.len())?,
            },
            step: counters.step,
            epoch: counters.epoch,
            step_in_epoch: counters.step_in_epoch,
            loss: f64::from_bits(counters.loss),
            seen: counters.seen,
            counts: counters.counts,
            best,
            stopped: counters.stopped,
        })
    }
}
