//! `NAME/ensemble`: the models of all seeds as one, in a folder that is read like a run's.

use seamripper_core::fail::Evaluation;
use seamripper_core::graph::ModelFile;
use seamripper_core::sample::{ImageSet, Split};
use seamripper_data::whole_file;

use super::run::{predict, report};
use super::seeds::Seeds;
use crate::diag::Stop;

/// Its name in the folder of the runs.
pub const ENSEMBLE: &str = "ensemble";

impl Seeds<'_> {
    /// Writes the mean of the models of `seeds`, if there are several, and its report on the test images. Its recipe holds out no
    /// validation images: what one member was not trained on, others were.
    ///
    /// # Errors
    /// A model that cannot be read, or is not one of the same recipe; a file that cannot be written.
    pub fn ensemble(&self, seeds: &[u64], test: Option<&ImageSet>) -> Result<Option<Evaluation>, Stop> {
        if seeds.len() < 2 {
            return Ok(None);
        }
        let members: Vec<ModelFile> =
            seeds.iter().map(|&seed| self.folder.seed(seed).read_model()).collect::<Result<_, _>>()?;
        let model = ModelFile::ensemble(&members).map_err(|error| {
            Stop::problem(
                format!("the models in {}: {error}", self.folder.path().display()),
                Some("begin anew with another --out".to_owned()),
            )
        })?;
        let mut recipe = self.recipe.clone();
        recipe.data.validation = 0.0;
        let folder = self.folder.part(ENSEMBLE);
        whole_file::create_folder(folder.path()).map_err(|error| Stop::problem(&error, error.hint()))?;
        self.corrections.keep(folder.path())?;
        folder.write("recipe.toml", recipe.to_toml().as_bytes())?;
        folder.write("environment.json", self.environment.as_bytes())?;
        folder.model(&model)?;
        let predictions = |set| self.session.threads.run(|| predict(self.session, &model, set, Split::Test));
        report(&folder, test.filter(|set| !set.is_empty()).map(predictions).into_iter().collect())
    }
}
