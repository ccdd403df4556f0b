//! `seamripper model`: layers, output shapes and parameters, as a table or as JSON.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use seamripper_core::digits::thousands;
use seamripper_core::graph::{Graph, Node};
use serde::Serialize;

use crate::args::Global;
use crate::diag::{Outcome, Stop, print};
use crate::foundation::{Foundation, Typed};
use crate::model_source::ModelSource;

/// Arguments of `model`.
#[derive(Debug, Args)]
pub struct Model {
    /// A recipe (.toml), a run folder, a .safetensors file of seamripper, or an .onnx file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
}

/// Runs the verb.
pub fn run(verb: &Model, global: &Global) -> Outcome {
    let mut source = ModelSource::read(&verb.model)?;
    if let ModelSource::Recipe(recipe) = &mut source {
        let typed = Typed { path: &verb.model, changes: &[] };
        if let Some(foundation) = Foundation::of(recipe, typed)? {
            foundation.fill_in(recipe, None, typed)?;
        }
    }
    let graph = source.graph()?;
    let summary = Summary::of(&graph);
    let text = if global.json { json(&summary)? } else { table(&summary, &graph) };
    print(|out| out.write_all(text.as_bytes()))
}

/// The document of `--json`.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    layers: Vec<Line<'a>>,
    parameters: usize,
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
        Self { layers: graph.nodes.iter().map(line).collect(), parameters: graph.parameter_count() }
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
