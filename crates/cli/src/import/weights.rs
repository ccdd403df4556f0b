//! Weights of PyTorch or Keras for the network of a recipe, and the table that says which array went where.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::Path;

use seamripper_core::graph::{ModelFile, Preprocessing};
use seamripper_weights::{Assigned, Choices, LeftOut, Row, WeightsError, assign, read};
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::Import;
use crate::diag::Stop;
use crate::model_source::read_recipe_to_train;
use crate::onnx_file::{Read, Unsaid};

/// A model of a recipe with the weights of a file.
pub struct Filled {
    /// The model, and what is to be said about it.
    pub read: Read,
    /// What of the file went where.
    pub table: Table,
}

/// A row a parameter, and what was not used.
pub struct Table {
    rows: Vec<Row>,
    left_out: Vec<LeftOut>,
}

/// Reads the recipe and the file.
pub fn fill(verb: &Import, recipe: &Path, unsaid: Unsaid) -> Result<Filled, Stop> {
    let path = recipe.display();
    let recipe = read_recipe_to_train(recipe)?;
    if !recipe.model.filled_in() {
        return Err(Stop::problem(
            format!(
                "recipe {path}: expected the layers of the weights, found layers of another model (model.from)"
            ),
            Some("write model.input and model.layers in place of model.from".to_owned()),
        ));
    }
    let graph = recipe.graph().map_err(|error| Stop::problem(&error, error.hint()))?;
    let file = verb.file.display();
    let problem = |error: WeightsError| Stop::problem(format!("weights {file}: {error}"), error.hint());
    let choices = choices(verb)?;
    let bytes = std::fs::read(&verb.file).map_err(|error| {
        let found = match error.kind() {
            ErrorKind::NotFound => "nothing of that name".to_owned(),
            _ => error.to_string(),
        };
        Stop::problem(format!("weights {file}: expected a readable file, found {found}"), None)
    })?;
    let stored = read(&bytes, verb.key.as_deref()).map_err(problem)?;
    let Assigned { weights, rows, left_out, mut notes } =
        assign(&graph, &stored, &choices).map_err(problem)?;
    let classes = classes(unsaid.classes, graph.outputs(), &mut notes)?;
    let preprocessing = match &unsaid.preprocessing {
        Some(said) => said.of(&format!("weights {file}"), graph.input[2])?,
        None => {
            notes.push("the file does not say how pixels are prepared: they are divided by 255".to_owned());
            Preprocessing::new(graph.input[2])
        }
    };
    let model = ModelFile { graph, weights, classes, preprocessing };
    Ok(Filled { read: Read { model, notes }, table: Table { rows, left_out } })
}

fn choices(verb: &Import) -> Result<Choices, Stop> {
    let mut choices = Choices { skip: verb.skip.clone(), ..Choices::default() };
    if let Some(map) = &verb.map {
        let shown = map.display();
        let text = std::fs::read_to_string(map).map_err(|error| {
            Stop::problem(format!("map {shown}: expected a readable text file, found: {error}"), None)
        })?;
        choices.read_map(&text).map_err(|reason| {
            Stop::problem(
                format!("map {shown}: expected a line for each layer, found: {reason}"),
                Some("a line is \"LAYER OF THE FILE\" = \"LAYER OF THE RECIPE\"".to_owned()),
            )
        })?;
    }
    Ok(choices)
}

fn classes(said: Option<Vec<String>>, outputs: usize, notes: &mut Vec<String>) -> Result<Vec<String>, Stop> {
    match said {
        Some(classes) if classes.len() == outputs => Ok(classes),
        Some(classes) => Err(Stop::problem(
            format!("classes: expected {outputs} names, one an output, found {}", classes.len()),
            None,
        )),
        None => {
            let last = outputs.saturating_sub(1);
            notes.push(format!("the file does not name its classes: they are called 0 to {last}"));
            Ok((0..outputs).map(|class| class.to_string()).collect())
        }
    }
}

impl Table {
    /// Array, its shape, parameter, its shape, and how it was known; then what was left out.
    pub fn text(&self) -> String {
        let head = ["file", "", "recipe", "", "by", ""].map(str::to_owned);
        let mut rows = vec![head];
        rows.extend(self.rows.iter().map(|row| {
            let (name, shape) = match &row.array {
                // Keras' places in a file do not have the layers' names.
                Some((name, ..)) if !name.contains(&row.layer) => {
                    (format!("{name} ({})", row.layer), shape(row))
                }
                Some((name, ..)) => (name.clone(), shape(row)),
                None => (format!("none in {}", row.layer), String::new()),
            };
            let own = format!("{:?}", row.shape);
            [name, shape, row.parameter.clone(), own, row.how.name().to_owned(), row.change.clone()]
        }));
        let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
        let widths: [usize; 6] = std::array::from_fn(width);
        let mut text = String::new();
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                let space = " ".repeat(width - cell.width() + 2);
                let _ = write!(line, "{cell}{space}"); // a String takes everything
            }
            let _ = writeln!(text, "{}", line.trim_end());
        }
        for (skipped, what) in [(true, "left out as asked"), (false, "no weights, left out")] {
            let names = counted(self.left_out.iter().filter(|left| left.skipped == skipped));
            if !names.is_empty() {
                let _ = writeln!(text, "{what}: {}", names.join(", "));
            }
        }
        text.push('\n');
        text
    }

    /// The rows for `--json`.
    pub fn rows(&self) -> Vec<RowDocument<'_>> {
        self.rows.iter().map(RowDocument::of).collect()
    }

    /// The names of what is left out, for `--json`.
    pub fn left_out(&self) -> Vec<&str> {
        self.left_out.iter().map(|left| left.array.as_str()).collect()
    }
}

/// `[8, 3, 3, 3]`, and the type if it is not the usual one.
fn shape(row: &Row) -> String {
    match &row.array {
        Some((_, shape, "float32")) => format!("{shape:?}"),
        Some((_, shape, element)) => format!("{shape:?} {element}"),
        None => String::new(),
    }
}

/// Names, and how many there are of those that differ in their layer or number only: `num_batches_tracked (53)`, `optimizer/vars (26)`.
fn counted<'a>(left_out: impl Iterator<Item = &'a LeftOut>) -> Vec<String> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for left in left_out {
        let (before, last) = left.array.rsplit_once(['.', '/']).unwrap_or(("", &left.array));
        let number = last.chars().all(|c| c.is_ascii_digit());
        let kind = if left.skipped {
            &left.array
        } else if number {
            before
        } else {
            last
        };
        match counts.iter_mut().find(|(own, _)| own == kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((kind.to_owned(), 1)),
        }
    }
    let shown = |(kind, count): (String, usize)| if count == 1 { kind } else { format!("{kind} ({count})") };
    counts.into_iter().map(shown).collect()
}

/// A row of `--json`.
#[derive(Debug, Serialize)]
pub struct RowDocument<'a> {
    /// The layer as the file calls it.
    layer: &'a str,
    /// `null` where the file has none.
    array: Option<&'a str>,
    array_shape: Option<&'a [usize]>,
    element: Option<&'a str>,
    parameter: &'a str,
    shape: &'a [usize],
    /// `map`, `name`, `shape` or `order`
    how: &'static str,
    change: &'a str,
}

impl<'a> RowDocument<'a> {
    fn of(row: &'a Row) -> Self {
        let array = row.array.as_ref();
        Self {
            layer: &row.layer,
            array: array.map(|(name, ..)| name.as_str()),
            array_shape: array.map(|(_, shape, _)| shape.as_slice()),
            element: array.map(|(.., element)| *element),
            parameter: &row.parameter,
            shape: &row.shape,
            how: row.how.name(),
            change: &row.change,
        }
    }
}
