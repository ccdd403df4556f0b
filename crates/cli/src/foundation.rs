//! `[model] from`: the model that training goes on from.
//!
//! A run keeps it as `from.safetensors`, exactly as it was read: an interrupted run goes on with it, whatever becomes of the file
//! it came from.

use std::path::Path;

use seamripper_core::digits::thousands;
use seamripper_core::graph::{Graph, ModelFile, Node, to_safetensors};
use seamripper_core::recipe::{Recipe, TransferError, message_at};
use seamripper_core::sample::ImageSet;
use seamripper_data::checksum::HashingReader;
use seamripper_data::options::ImageOptions;
use seamripper_data::source::Dataset;
use seamripper_data::whole_file;
use serde_json::{Value, json};

use crate::args::Global;
use crate::diag::{Outcome, Stop};
use crate::model_source::{ModelSource, read_trained};
use crate::runnable::Runnable;

/// The copy in a run folder.
const COPY: &str = "from.safetensors";

/// A recipe on the command line, for messages.
#[derive(Clone, Copy, Debug)]
pub struct Typed<'a> {
    /// Its file.
    pub path: &'a Path,
    /// What was changed of it.
    pub changes: &'a [String],
}

impl Typed<'_> {
    /// A problem with `key` of `[model]`.
    fn problem(self, key: &str, rest: &str, hint: Option<String>) -> Stop {
        let text = std::fs::read_to_string(self.path).unwrap_or_default();
        let file = self.path.display().to_string();
        Stop::problem(message_at(&text, &file, self.changes, &format!("model.{key}"), rest), hint)
    }
}

/// The model that training goes on from.
#[derive(Debug)]
pub struct Foundation {
    /// The model, as it was read.
    pub model: ModelFile,
}

impl Foundation {
    /// The model that `recipe` names, if it names one.
    pub fn of(recipe: &Recipe, typed: Typed<'_>, global: &Global) -> Result<Option<Self>, Stop> {
        let Some(transfer) = &recipe.model.transfer else { return Ok(None) };
        let kinds = "name a run folder, a .safetensors or an .onnx file";
        if !Path::new(&transfer.from).exists() {
            let rest = format!("expected a trained model, found nothing of the name {}", transfer.from);
            return Err(typed.problem(
                "from",
                &rest,
                Some(format!("{kinds}; paths begin in the present folder")),
            ));
        }
        match ModelSource::read(Path::new(&transfer.from), global) {
            Ok(ModelSource::Trained(Runnable::Readable(model))) => Ok(Some(Self { model: *model })),
            Ok(ModelSource::Trained(Runnable::Blackbox(file))) => Err(file.refused("training from it")),
            Ok(ModelSource::Recipe(_)) => Err(typed.problem(
                "from",
                &format!("expected a trained model, found the recipe {}", transfer.from),
                Some(kinds.to_owned()),
            )),
            Err(Stop::Problem { message, hint }) => Err(typed.problem("from", &message, hint)),
            Err(other) => Err(other),
        }
    }

    /// The copy that a run keeps.
    pub fn of_run(recipe: &Recipe, run: &Path) -> Result<Option<Self>, Stop> {
        match recipe.model.transfer {
            None => Ok(None),
            Some(_) => Ok(Some(Self { model: read_trained(&run.join(COPY))? })),
        }
    }

    /// Takes what `recipe` leaves open from the model, for images of so many classes, if they are known.
    pub fn fill_in(&self, recipe: &mut Recipe, classes: Option<usize>, typed: Typed<'_>) -> Outcome {
        recipe
            .fill_in(&self.model.graph, classes)
            .map_err(|error: TransferError| typed.problem(error.key(), &error.to_string(), error.hint()))
    }

    /// How pictures become images for the model, of a recipe that says `images`.
    pub fn images(&self, images: ImageOptions) -> ImageOptions {
        ImageOptions { size: Some(self.model.graph.input), ..images }.wished(&self.model.preprocessing)
    }

    /// The images in the layout of the model.
    pub fn arranged(&self, data: Dataset, typed: Typed<'_>) -> Result<Dataset, Stop> {
        let ModelFile { graph, preprocessing, .. } = &self.model;
        let (size, found) = (graph.input, data.train.size());
        if size != found {
            return Err(typed.problem(
                "from",
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
            self.model.preprocessing
        )
    }

    /// Puts the copy into a run folder, unless it is there already.
    pub fn keep(&self, run: &Path) -> Outcome {
        let copy = run.join(COPY);
        if copy.is_file() {
            return Ok(());
        }
        whole_file::write_bytes(&copy, &self.bytes()?).map_err(|error| Stop::problem(&error, error.hint()))
    }

    /// The entry of `environment.json`: the digest of the copy.
    pub fn record(&self) -> Result<Value, Stop> {
        let bytes = self.bytes()?;
        let mut reader = HashingReader::new(&bytes[..]);
        reader.append(bytes.len() as u64, &mut Vec::new()).expect("memory can be read");
        Ok(json!({"sha256": reader.finish()}))
    }

    fn bytes(&self) -> Result<Vec<u8>, Stop> {
        to_safetensors(&self.model).map_err(|error| Stop::problem(&error, error.hint()))
    }
}
