//! `seamripper export`: a model for other programs.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use seamripper_core::graph::to_safetensors;
use seamripper_data::whole_file;
use seamripper_onnx::{OPSET, to_onnx};
use serde::Serialize;

use crate::args::Global;
use crate::diag::{Outcome, Stop, print};
use crate::model_source::ModelSource;

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct Export {
    /// A run folder, a .safetensors file of seamripper, or an .onnx file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Where to write it; the ending says as what
    #[arg(long, value_name = "FILE.onnx|FILE.safetensors")]
    out: PathBuf,
}

/// The document of `--json`.
#[derive(Debug, Serialize)]
struct Document {
    schema: &'static str,
    out: String,
    format: &'static str,
    bytes: usize,
}

/// Runs the verb.
pub fn run(verb: &Export, global: &Global) -> Outcome {
    let out = verb.out.display();
    let ending = verb.out.extension().and_then(|extension| extension.to_str());
    let Some(format) = ["onnx", "safetensors"].into_iter().find(|format| ending == Some(*format)) else {
        return Err(Stop::problem(
            format!("out {out}: expected an .onnx or .safetensors file, found another ending"),
            None,
        ));
    };
    let ModelSource::Trained(model) = ModelSource::read(&verb.model, global)? else {
        let shown = verb.model.display();
        return Err(Stop::problem(
            format!("model {shown}: expected a trained model, found a recipe"),
            Some(format!("train it first: `seamripper train {shown}`, then give its run folder")),
        ));
    };
    let model = model.read_for("export")?;
    let bytes = match format {
        "onnx" => to_onnx(model),
        _ => to_safetensors(model).map_err(|error| Stop::problem(&error, error.hint()))?,
    };
    whole_file::write_bytes(&verb.out, &bytes).map_err(|error| Stop::problem(&error, error.hint()))?;
    let [h, w, c] = model.graph.input;
    let text = if global.json {
        let document =
            Document { schema: "seamripper.export/1", out: out.to_string(), format, bytes: bytes.len() };
        serde_json::to_string(&document)
            .map_err(|error| Stop::problem(format!("JSON of the export: {error}"), None))?
    } else if format == "onnx" {
        format!(
            "{out}: ONNX, opset {OPSET}, {} bytes\n  images [n, {c}, {h}, {w}] (float, prepared as its metadata `preprocessing` says) -> logits [n, {}]",
            bytes.len(),
            model.graph.outputs()
        )
    } else {
        format!("{out}: safetensors, {} bytes", bytes.len())
    };
    print(|stdout| writeln!(stdout, "{text}"))
}
