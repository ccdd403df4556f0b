//! `[train] teacher`: the model whose probabilities are learnt beside the labels. A run keeps it as `teacher.safetensors`.

use std::path::Path;

use seamripper_core::recipe::{Recipe, Teacher};

use crate::args::Global;
use crate::diag::Stop;
use crate::kept_model::{KeptModel, Typed};

/// The copy in a run folder.
const COPY: &str = "teacher.safetensors";

/// The teacher that `recipe` names, if it names one.
pub fn of(recipe: &Recipe, typed: Typed<'_>, global: &Global) -> Result<Option<KeptModel>, Stop> {
    let Some(Teacher { model, .. }) = &recipe.train.teacher else { return Ok(None) };
    let place = ("train.teacher", COPY, "learning from it");
    KeptModel::read(model, place, typed, global).map(Some)
}

/// The copy that a run keeps.
pub fn of_run(recipe: &Recipe, run: &Path) -> Result<Option<KeptModel>, Stop> {
    recipe.train.teacher.as_ref().map(|_| KeptModel::of_run(run, COPY)).transpose()
}

/// What is learnt from, for the user.
pub fn said(recipe: &Recipe) -> Option<String> {
    let Teacher { model, weight, temperature } = recipe.train.teacher.as_ref()?;
    Some(format!("learns from {model}: {weight} of the loss, at a temperature of {temperature}"))
}
