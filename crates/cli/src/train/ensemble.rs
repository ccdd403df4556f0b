//! `NAME/ensemble.safetensors`: the models of all seeds as one.

use seamripper_core::fail::{Evaluation, evaluate};
use seamripper_core::graph::ModelFile;
use seamripper_core::sample::{ImageSet, Split};

use super::folder::RunFolder;
use super::run::predict;
use super::session::Session;
use crate::diag::Stop;

/// Its name in the folder of the runs.
pub const ENSEMBLE: &str = "ensemble.safetensors";

/// Writes the mean of the models of `seeds`, if there are several, and says what it is worth on `test`. There is no report without test
/// images: what one member was not trained on, others were.
///
/// # Errors
/// A model that cannot be read, or is not one of the same recipe; a file that cannot be written.
pub fn keep(
    session: &Session<'_>,
    folder: &RunFolder,
    seeds: &[u64],
    test: Option<&ImageSet>,
) -> Result<Option<Evaluation>, Stop> {
    if seeds.len() < 2 {
        return Ok(None);
    }
    let members: Vec<ModelFile> =
        seeds.iter().map(|&seed| folder.seed(seed).read_model()).collect::<Result<_, _>>()?;
    let model = ModelFile::ensemble(&members).map_err(|error| {
        Stop::problem(
            format!("the models of {}: {error}", folder.path().display()),
            Some("begin anew with another --out".to_owned()),
        )
    })?;
    folder.model_as(ENSEMBLE, &model)?;
    let evaluation = |set| session.threads.run(|| evaluate(&predict(session, &model, set, Split::Test)));
    Ok(test.filter(|set| !set.is_empty()).map(evaluation))
}
