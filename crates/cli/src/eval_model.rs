//! Predictions of a model for `eval`.

use seamripper_core::graph::ModelFile;
use seamripper_core::predictions::Predictions;
use seamripper_core::sample::Split;
use seamripper_core::train::Predictor;

use crate::args::Global;
use crate::diag::Stop;
use crate::subject::Subject;
use crate::train::{instructions, threads};

/// What a model says.
pub struct Predicted {
    /// As it was asked to be run.
    pub table: Predictions,
    /// In `f32`, if it was asked to be run in `bf16`.
    pub exact: Option<Predictions>,
}

/// Predicts the images of `split` (default: test) of `data` (default: the run's own) with `model`.
pub fn predict_model(
    model: &str,
    data: Option<&str>,
    split: Option<Split>,
    bf16: bool,
    global: &Global,
) -> Result<Predicted, Stop> {
    let Subject { model, images, split, .. } = Subject::read(model, data, split, false, global)?;
    let isa = instructions()?;
    let threads = threads(global)?;
    let predicted = match bf16 {
        true => {
            let ModelFile { graph, weights, preprocessing, .. } = model.read_for("--bf16")?;
            let rounded = Predictor { isa, graph, weights, preprocessing, bf16 };
            threads.run(|| Predicted {
                table: rounded.predict(&images, split, |_| {}),
                exact: Some(model.predict(isa, &images, split)),
            })
        }
        false => threads.run(|| Predicted { table: model.predict(isa, &images, split), exact: None }),
    };
    model.check()?;
    Ok(predicted)
}
