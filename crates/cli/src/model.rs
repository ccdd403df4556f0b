//! `seamripper model`: layers, output shapes and parameters, as a table or as JSON.

mod blackbox;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use seamripper_core::digits::thousands;
use seamripper_core::graph::{Graph, Node};
use serde::Serialize;

use crate::args::Global;
use crate::blackbox_file::BlackboxFile;
use crate::diag::{Outcome, Stop, print};
use crate::foundation::Foundation;
use crate::kept_model::Typed;
use crate::model_source::ModelSource;
use crate::runnable::Runnable;
use blackbox::Known;

/// Arguments of `model`.
#[derive(Debug, Args)]
pub struct Model {
    /// A recipe (.toml), a run folder, a .safetensors file of seamripper, or an .onnx file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
}

/// Runs the verb.
pub fn run(verb: &Model, global: &Global) -> Outcome {
    let text = match ModelSource::read(&verb.model, global)? {
        ModelSource::Recipe(mut recipe) => {
            let typed = Typed { path: &verb.model, changes: &[] };
            if let Some(foundation) = Foundation::of(&recipe, typed, global)? {
                foundation.fill_in(&mut recipe, None, typed)?;
            }
            of_graph(&recipe.graph().map_err(|error| Stop::problem(&error, error.hint()))?, global.json)?
        }
        ModelSource::Trained(Runnable::Readable(model)) => of_graph(&model.graph, global.json)?,
        ModelSource::Trained(Runnable::Blackbox(file)) => of_blackbox(&file, global.json)?,
    };
    print(|out| out.write_all(text.as_bytes()))
}

fn of_graph(graph: &Graph, as_json: bool) -> Result<String, Stop> {
    let summary = Summary::of(graph);
    if as_json { json(&summary) } else { Ok(table(&summary, graph)) }
}

fn of_blackbox(file: &BlackboxFile, as_json: bool) -> Result<String, Stop> {
    let parameters = file.model.described().parameters;
    let known = Known::of(file);
    if !as_json {
        return Ok(known.text(parameters));
    }
    json(&Summary { layers: Vec::new(), parameters, black_box: Some(known) })
}

/// The document of `--json`.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    layers: Vec<Line<'a>>,
    parameters: usize,
    /// Of a model whose layers are not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    black_box: Option<Known<'a>>,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    name: &'a str,
    kind: &'a str,
    /// `[h, w, c]`
    output: [usize; 3],
    parameters: usize,
}

impl<'a> Summary<'a> {
    fn of(graph: &'a Graph) -> Self {
        let line = |node: &'a Node| Line {
            name: &node.name,
            kind: node.kind(),
            output: node.output,
            parameters: node.parameters.iter().map(|&index| graph.parameters[index].len()).sum(),
        };
        Self {
            layers: graph.nodes.iter().map(line).collect(),
            parameters: graph.parameter_count(),
            black_box: None,
        }
    }
}

fn json(summary: &Summary<'_>) -> Result<String, Stop> {
    let mut text = serde_json::to_string(summary)
        .map_err(|error| Stop::problem(format!("JSON of the model: {error}"), None))?;
    text.push('\n');
    Ok(text)
}

/// One line a layer, words to the left and numbers to the right.
fn table(summary: &Summary<'_>, graph: &Graph) -> String {
    let row = |name: &str, kind: &str, output: String, parameters: String| {
        [name.to_owned(), kind.to_owned(), output, parameters]
    };
    let mut rows = vec![row("layer", "kind", "output [h, w, c]".into(), "parameters".into())];
    rows.push(row("input", "", format!("{:?}", graph.input), String::new()));
    for line in &summary.layers {
        let shape = format!("{:?}", line.output);
        rows.push(row(line.name, line.kind, shape, thousands(line.parameters as u64)));
    }
    rows.push(row("total", "", String::new(), thousands(summary.parameters as u64)));
    let trained: usize = graph.parameters.iter().filter(|p| p.role.trained()).map(|p| p.len()).sum();
    if trained != summary.parameters {
        rows.push(row("of these trained", "", String::new(), thousands(trained as u64)));
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    let mut text = String::new();
    for [name, kind, output, parameters] in &rows {
        let [w0, w1, w2, w3] = widths;
        let line = format!("{name:w0$}  {kind:w1$}  {output:w2$}  {parameters:>w3$}");
        let _ = writeln!(text, "{}", line.trim_end()); // a String takes everything
    }
    text
}
