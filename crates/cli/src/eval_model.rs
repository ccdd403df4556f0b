//! Predictions of a model for `eval`.

use clap::ValueEnum;
use seamripper_core::augment::views;
use seamripper_core::graph::ModelFile;
use seamripper_core::predictions::Predictions;
use seamripper_core::sample::Split;
use seamripper_core::train::{Predictor, over_views};

use crate::args::Global;
use crate::diag::Stop;
use crate::subject::Subject;
use crate::train::{instructions, threads};

/// What a model says.
pub struct Predicted {
    /// As it was asked to be run.
    pub table: Predictions,
    /// In `f32` and of the images as they are, if it was asked to be run in another way.
    pub plain: Option<Predictions>,
}

/// Views besides the image as it is, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Seen {
    /// Its mirror image
    #[value(name = "flip")]
    Mirrored,
    /// Moved by a pixel to each of the four sides
    #[value(name = "shift")]
    Shifted,
}

/// How a model is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct How<'a> {
    /// Whether factors are rounded.
    pub bf16: bool,
    /// Over what its probabilities are averaged; nothing: the image alone.
    pub views: &'a [Seen],
}

/// Predicts the images of `split` (default: test) of `data` (default: the run's own) with the model `name`.
pub fn predict_model(
    name: &str,
    data: Option<&str>,
    split: Option<Split>,
    how: How<'_>,
    global: &Global,
) -> Result<Predicted, Stop> {
    let Subject { model, images, split, .. } = Subject::read(name, data, split, false, global)?;
    let isa = instructions()?;
    let threads = threads(global)?;
    let predicted = match how {
        How { bf16: true, .. } => {
            let ModelFile { graph, weights, preprocessing, .. } = model.read_for("--bf16")?;
            let rounded = Predictor { isa, graph, weights, preprocessing, bf16: true };
            threads.run(|| Predicted {
                table: rounded.predict(&images, split, |_| {}),
                plain: Some(model.predict(isa, &images, split)),
            })
        }
        How { views: [], .. } => {
            threads.run(|| Predicted { table: model.predict(isa, &images, split), plain: None })
        }
        How { views: seen, .. } => {
            if model.preprocessing().layout.matters(model.input()) {
                let problem = format!(
                    "--tta: expected a model of images as they are, found that {name} reads them {}",
                    model.preprocessing()
                );
                return Err(Stop::problem(problem, None));
            }
            let views = views(seen.contains(&Seen::Mirrored), seen.contains(&Seen::Shifted));
            threads.run(|| Predicted {
                table: over_views(&images, &views, |images| model.predict(isa, images, split)),
                plain: Some(model.predict(isa, &images, split)),
            })
        }
    };
    model.check()?;
    Ok(predicted)
}
