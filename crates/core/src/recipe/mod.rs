//! A recipe: everything that decides a run, as read from TOML.
//!
//! *Idea*: the text is parsed into a tree whose every value knows its place; [`read`] walks it table by table, notes
//! each unknown key and each value that does not fit with its place, and goes on, so that all problems come at once.
//! The layers are then built into a graph once, and written back with their names, so that a [`Recipe`] in hand is
//! resolved: [`Recipe::to_toml`] writes every default out, and what it writes reads back equal.
//!
//! `docs/recipe.md` is the reference of the format.

mod error;
mod options;
mod overrides;
mod read;
mod short;
mod transfer;
mod write;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::augment::Transform;
use crate::graph::{Builder, Graph, GraphError, LayerSpec};
use crate::problems::Problem;

pub use crate::graph::Initializer;
pub use crate::graph::{Filter, Fit};
pub use error::{RecipeError, message_at};
pub use options::{
    ClassWeights, EarlyStopping, EpsilonForm, Loss, Optimizer, Progressive, Sampling, Schedule, Teacher,
    TrainOptions,
};
pub use short::{WordProblem, parse_layer, write_layer};
pub use transfer::{Freeze, Transfer, TransferError};

/// Everything that decides a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// `[data]`: which images.
    pub data: DataOptions,
    /// `[augment]`: changed copies of them.
    pub augment: AugmentOptions,
    /// `[model]`: the network.
    pub model: ModelOptions,
    /// `[train]`: how it is fitted.
    pub train: TrainOptions,
}

/// The `[data]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataOptions {
    /// A data set's name, or `folder:PATH`, `idx:PATH`, …; given its meaning by the data room.
    pub source: String,
    /// Share of the training images held out, stratified; at least 0 and below 1.
    pub validation: f64,
    /// Share of all images held out as the test split, if the source has none; the same for every run.
    pub test: f64,
    /// What happens to the proportions of pictures.
    pub fit: Fit,
    /// How their size is changed.
    pub resize: Filter,
    /// Folds to train on for a prediction of every training image by a model that has not seen it; 0 = none, else at
    /// least 2.
    pub folds: usize,
    /// A table of labels to correct first.
    pub relabel: Option<String>,
    /// A table of training images to leave out first.
    pub drop: Option<String>,
}

impl DataOptions {
    /// Share held out for validation where a recipe does not say.
    pub const DEFAULT_VALIDATION: f64 = 0.1;

    /// Share held out for the test where neither the source has a test split nor a recipe says.
    pub const DEFAULT_TEST: f64 = 0.2;
}

/// The `[augment]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AugmentOptions {
    /// One more copy of every training image each, made once before training.
    pub expand: Vec<Transform>,
    /// Applied one after the other to every training image, drawn anew each epoch.
    pub online: Vec<Transform>,
    /// Share of the run, in whole epochs, after which images are shown as they are; 1 = never.
    pub until: f64,
}

impl Default for AugmentOptions {
    fn default() -> Self {
        Self { expand: Vec::new(), online: Vec::new(), until: 1.0 }
    }
}

/// The `[model]` table.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelOptions {
    /// `[h, w, c]` of an image.
    pub input: [usize; 3],
    /// The layers, from the image to the logits, or to the head.
    pub layers: Vec<LayerSpec>,
    /// The model that training goes on from. Before [`Recipe::fill_in`] there may be no layers yet.
    pub transfer: Option<Transfer>,
}

impl Recipe {
    /// Reads and checks a recipe. `file` is what it is called in errors.
    ///
    /// # Errors
    /// All unknown keys, values that do not fit and layers that do not fit together, each with its place; or, if the
    /// text is not TOML, what is wrong with that.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, RecipeError> {
        read::recipe(text, &error::Origin::File(file))
    }

    /// Changes one value: `train.epochs=3`. The value is TOML; a bare word is text.
    ///
    /// # Errors
    /// As [`Recipe::override_all`].
    pub fn override_with(&mut self, argument: &str) -> Result<(), RecipeError> {
        self.override_all([argument])
    }

    /// Changes several values at once; the recipe is checked when all are in their place.
    ///
    /// # Errors
    /// Everything that is wrong with the arguments, each named; the recipe is then as it was.
    pub fn override_all<'a>(
        &mut self,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), RecipeError> {
        *self = overrides::applied(self, arguments)?;
        Ok(())
    }

    /// The whole recipe with every default written out; reads back equal.
    pub fn to_toml(&self) -> String {
        write::recipe(self)
    }

    /// The network.
    ///
    /// # Errors
    /// If the layers do not fit together, which can only be if they were changed after reading, or if they are those of another
    /// model and not [filled in](Recipe::fill_in) yet.
    pub fn graph(&self) -> Result<Graph, GraphError> {
        Builder::with_layers(self.model.input, self.model.all_layers()).build()
    }
}

/// The graph of layers in their short form, without a recipe around them.
///
/// ```
/// let layers = ["conv 8 3x3 relu", "max_pool 2", "flatten", "dense 10"];
/// let graph = seamripper_core::recipe::graph_of([28, 28, 1], &layers).unwrap();
/// assert_eq!(graph.nodes[1].output, [13, 13, 8]);
/// ```
///
/// # Errors
/// Every word that is not understood, or every layer that does not fit.
pub fn graph_of(input: [usize; 3], layers: &[&str]) -> Result<Graph, RecipeError> {
    let mut specs = Vec::new();
    let mut problems = Vec::new();
    for text in layers {
        match parse_layer(text) {
            Ok(spec) => specs.push(spec),
            Err(words) => problems.extend(words.into_iter().map(|WordProblem { message, hint, .. }| {
                let message = format!("layer \"{text}\": {message}");
                Problem { message, hint }
            })),
        }
    }
    if !problems.is_empty() {
        return Err(RecipeError { problems });
    }
    Builder::with_layers(input, specs).build().map_err(|error| RecipeError { problems: error.list() })
}
