//! `[model] from`: the model that training goes on from. A run keeps it as `from.safetensors`.

use std::path::Path;

use seamripper_core::digits::thousands;
use seamripper_core::graph::{Graph, ModelFile, Node};
use seamripper_core::recipe::{Recipe, TransferError};
use seamripper_core::sample::ImageSet;
use seamripper_data::options::ImageOptions;
use seamripper_data::source::Dataset;

use crate::args::Global;
use crate::diag::{Outcome, Stop};
use crate::kept_model::{KeptModel, Typed};

/// The copy in a run folder.
const COPY: &str = "from.safetensors";

/// The model that training goes on from.
#[derive(Debug)]
pub struct Foundation {
    /// The model and its copy.
    pub kept: KeptModel,
}

impl Foundation {
    /// The model that `recipe` names, if it names one.
    pub fn of(recipe: &Recipe, typed: Typed<'_>, global: &Global) -> Result<Option<Self>, Stop> {
        let Some(transfer) = &recipe.model.transfer else { return Ok(None) };
        let place = ("model.from", COPY, "training from it");
        Ok(Some(Self { kept: KeptModel::read(&transfer.from, place, typed, global)? }))
    }

    /// The copy that a run keeps.
    pub fn of_run(recipe: &Recipe, run: &Path) -> Result<Option<Self>, Stop> {
        match recipe.model.transfer {
            None => Ok(None),
            Some(_) => Ok(Some(Self { kept: KeptModel::of_run(run, COPY)? })),
        }
    }

    /// The model.
    pub fn model(&self) -> &ModelFile {
        &self.kept.model
    }

    /// Takes what `recipe` leaves open from the model, for images of so many classes, if they are known.
    pub fn fill_in(&self, recipe: &mut Recipe, classes: Option<usize>, typed: Typed<'_>) -> Outcome {
        recipe.fill_in(&self.model().graph, classes).map_err(|error: TransferError| {
            typed.problem(&format!("model.{}", error.key()), &error.to_string(), error.hint())
        })
    }

    /// How pictures become images for the model, of a recipe that says `images`.
    pub fn images(&self, images: ImageOptions) -> ImageOptions {
        ImageOptions { size: Some(self.model().graph.input), ..images }.wished(&self.model().preprocessing)
    }

    /// The images in the layout of the model.
    pub fn arranged(&self, data: Dataset, typed: Typed<'_>) -> Result<Dataset, Stop> {
        let ModelFile { graph, preprocessing, .. } = self.model();
        let (size, found) = (graph.input, data.train.size());
        if size != found {
            return Err(typed.problem(
                "model.from",
                &format!("expected a model for images {found:?}, as those of {}, found one for {size:?}", data.name),
                Some("pictures in folders, tables and Parquet are brought to the size of the model; images of IDX and NPZ are not".to_owned()),
            ));
        }
        if !preprocessing.layout.matters(size) {
            return Ok(data); // which may be larger than the memory
        }
        let arrange = |set: ImageSet| set.map_pixels(|pixels| preprocessing.arrange(size, pixels));
        Ok(Dataset { train: arrange(data.train), test: data.test.map(arrange), ..data })
    }

    /// What is kept and what is new, for the user.
    pub fn said(&self, recipe: &Recipe, graph: &Graph) -> String {
        let count = |nodes: &[Node]| {
            let parameters = nodes.iter().flat_map(|node| &node.parameters);
            thousands(parameters.map(|&index| graph.parameters[index].len() as u64).sum())
        };
        let (layers, frozen) = (recipe.model.layers.len(), recipe.model.frozen());
        let from = recipe.model.transfer.as_ref().map_or("", |transfer| &transfer.from);
        let trained = match frozen {
            0 => "all trained".to_owned(),
            all if all == layers => "frozen".to_owned(),
            some => format!("frozen up to {} ({})", graph.nodes[some - 1].name, count(&graph.nodes[..some])),
        };
        format!(
            "from {from}: {layers} layers with {} parameters, {trained}; a new head with {}; images as {}",
            count(&graph.nodes[..layers]),
            count(&graph.nodes[layers..]),
            self.model().preprocessing
        )
    }
}
