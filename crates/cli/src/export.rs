//! `seamripper export`: a model for other programs.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use seamripper_core::graph::{ModelFile, to_safetensors};
use seamripper_data::whole_file;
use seamripper_onnx::{OPSET, to_onnx};
use seamripper_weights::{WeightsError, to_keras, to_torch};
use serde::Serialize;

use crate::args::Global;
use crate::audit::CALIBRATED;
use crate::diag::{Outcome, Stop, print};
use crate::model_source::{ModelSource, read_trained};
use crate::runnable::Runnable;

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct Export {
    /// A run folder, a .safetensors file of seamripper, or an .onnx file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Where to write it; the ending says as what: .onnx, .safetensors, or .weights.h5 (the weights, for Keras' load_weights)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Whose tensors a .safetensors file has: a model of seamripper, or PyTorch's state dict
    #[arg(long, value_enum)]
    layout: Option<Layout>,
    /// With the temperature that `audit RUN --calibrate temperature` has fitted: logits are divided by it
    #[arg(long)]
    calibrated: bool,
}

/// What a .safetensors file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Layout {
    /// Layers, classes, preprocessing and weights, for every verb
    Seamripper,
    /// Weights as `load_state_dict` takes them
    Torch,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Onnx,
    Ours,
    Torch,
    Keras,
}

impl Format {
    /// By the ending of `out`.
    fn of(out: &Path, layout: Option<Layout>) -> Result<Self, Stop> {
        let shown = out.display();
        let name = out.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let format = match layout {
            _ if name.ends_with(".onnx") => Self::Onnx,
            _ if name.ends_with(".weights.h5") => Self::Keras,
            Some(Layout::Torch) if name.ends_with(".safetensors") => return Ok(Self::Torch),
            _ if name.ends_with(".safetensors") => return Ok(Self::Ours),
            _ => {
                let hint = name
                    .ends_with(".h5")
                    .then(|| "Keras takes weights from a file that ends in .weights.h5".to_owned());
                return Err(Stop::problem(
                    format!(
                        "out {shown}: expected an .onnx, .safetensors or .weights.h5 file, found another ending"
                    ),
                    hint,
                ));
            }
        };
        match layout {
            None => Ok(format),
            Some(_) => Err(Stop::problem(
                format!("--layout: expected it with a .safetensors file, found {shown}"),
                None,
            )),
        }
    }

    /// For `--json`.
    fn name(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            Self::Ours => "safetensors",
            Self::Torch => "torch",
            Self::Keras => "keras",
        }
    }
}

/// The document of `--json`.
#[derive(Debug, Serialize)]
struct Document {
    schema: &'static str,
    out: String,
    format: &'static str,
    bytes: usize,
    calibrated: bool,
}

/// Runs the verb.
pub fn run(verb: &Export, global: &Global) -> Outcome {
    let out = verb.out.display();
    let format = Format::of(&verb.out, verb.layout)?;
    let model = model(verb, global)?;
    let refused = |error: WeightsError| Stop::problem(format!("out {out}: {error}"), error.hint());
    let bytes = match format {
        Format::Onnx => to_onnx(&model),
        Format::Ours => to_safetensors(&model).map_err(|error| Stop::problem(&error, error.hint()))?,
        Format::Torch => to_torch(&model).map_err(refused)?,
        Format::Keras => to_keras(&model).map_err(refused)?,
    };
    whole_file::write_bytes(&verb.out, &bytes).map_err(|error| Stop::problem(&error, error.hint()))?;
    let text = if global.json {
        let document = Document {
            schema: "seamripper.export/1",
            out: out.to_string(),
            format: format.name(),
            bytes: bytes.len(),
            calibrated: verb.calibrated,
        };
        serde_json::to_string(&document)
            .map_err(|error| Stop::problem(format!("JSON of the export: {error}"), None))?
    } else {
        text(verb, format, &model, bytes.len())
    };
    print(|stdout| writeln!(stdout, "{text}"))
}

/// The model to write.
fn model(verb: &Export, global: &Global) -> Result<Box<ModelFile>, Stop> {
    let shown = verb.model.display();
    if verb.calibrated {
        let file = verb.model.join(CALIBRATED);
        if file.is_file() {
            return calibrated(&verb.model, read_trained(&file)?, global);
        }
        let found = if verb.model.is_dir() { "none" } else { "a model alone" };
        return Err(Stop::problem(
            format!("model {shown}: expected a run folder with {CALIBRATED}, found {found}"),
            Some(if verb.model.is_dir() {
                format!("`seamripper audit {shown} --calibrate temperature` fits a temperature and writes it")
            } else {
                "give the run folder that `audit RUN --calibrate temperature` was called with".to_owned()
            }),
        ));
    }
    match ModelSource::read(&verb.model, global)? {
        ModelSource::Trained(Runnable::Readable(model)) => Ok(model),
        ModelSource::Trained(Runnable::Blackbox(file)) => Err(file.refused("export")),
        ModelSource::Recipe(_) => Err(Stop::problem(
            format!("model {shown}: expected a trained model, found a recipe"),
            Some(format!("train it first: `seamripper train {shown}`, then give its run folder")),
        )),
    }
}

/// The calibrated model of `run`; a run that was trained again since then has another.
fn calibrated(run: &Path, model: ModelFile, global: &Global) -> Result<Box<ModelFile>, Stop> {
    if run.join("recipe.toml").is_file()
        && let ModelSource::Trained(Runnable::Readable(own)) = ModelSource::read(run, global)?
    {
        let last = model.graph.nodes.last().map_or(&[][..], |node| &node.parameters);
        let before = last.iter().map(|&index| model.graph.parameters[index].offset).min();
        let before = before.unwrap_or(model.weights.values.len());
        if own.graph != model.graph || own.weights.values[..before] != model.weights.values[..before] {
            let shown = run.display();
            return Err(Stop::problem(
                format!(
                    "{CALIBRATED} in {shown}: expected the run's model with a temperature, found another model"
                ),
                Some(format!("fit it again: `seamripper audit {shown} --calibrate temperature`")),
            ));
        }
    }
    Ok(Box::new(model))
}

fn text(verb: &Export, format: Format, model: &ModelFile, bytes: usize) -> String {
    let out = verb.out.display();
    let [h, w, c] = model.graph.input;
    let k = model.graph.outputs();
    let logits = if verb.calibrated { "calibrated logits" } else { "logits" };
    let (prepared, classes) = (model.preprocessing.to_string(), model.classes.join(", "));
    match format {
        Format::Onnx => format!(
            "{out}: ONNX, opset {OPSET}, {bytes} bytes\n  images [n, {c}, {h}, {w}] (float, prepared as its metadata `preprocessing` says) -> {logits} [n, {k}]"
        ),
        Format::Ours => format!("{out}: safetensors, {bytes} bytes"),
        Format::Torch => format!(
            "{out}: PyTorch state dict, {bytes} bytes\n  model.load_state_dict(safetensors.torch.load_file(\"{out}\")), for modules called as the layers are\n  images [n, {c}, {h}, {w}], prepared as {prepared} -> {logits} [n, {k}]: {classes}"
        ),
        Format::Keras => format!(
            "{out}: weights for Keras, {bytes} bytes\n  model.load_weights(\"{out}\"), for a model of the same layers in the same order\n  images [n, {h}, {w}, {c}], prepared as {prepared} -> {logits} [n, {k}]: {classes}"
        ),
    }
}
