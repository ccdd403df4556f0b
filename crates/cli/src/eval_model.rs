//! Predictions of a model for `eval`: where a run or a model file meets the images.

use seamripper_core::predictions::Predictions;
use seamripper_core::sample::Split;

use crate::args::Global;
use crate::diag::Stop;

/// Predicts the images of `split` (default: test) of `data` (default: the run's own) with `model`.
pub fn predict_model(
    model: &str,
    _data: Option<&str>,
    _split: Option<Split>,
    _global: &Global,
) -> Result<Predictions, Stop> {
    Err(Stop::problem(
        format!("model {model}: expected a loader for models, found none in this build"),
        Some("evaluate its predictions with --predictions FILE".to_owned()),
    ))
}
