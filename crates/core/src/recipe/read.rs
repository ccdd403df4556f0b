//! From TOML text to a checked [`Recipe`].

mod augment;
mod model;
mod train;
mod value;

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use super::error::{Origin, RecipeError};
use super::{AugmentOptions, DataOptions, Filter, Fit, ModelOptions, Recipe, TrainOptions, Transfer};
use crate::graph::Builder;
use crate::nearest::nearest;
use crate::problems::Problem;
use value::{Bound, Fields, Reader};

/// The tables of a recipe and their keys.
const TABLES: [(&str, &[&str]); 4] =
    [("data", &DATA), ("augment", &augment::KEYS), ("model", &model::KEYS), ("train", &train::KEYS)];

const DATA: [&str; 8] = ["source", "validation", "test", "fit", "resize", "folds", "relabel", "drop"];

/// Every key and word of a choice, which the reference must name.
#[cfg(test)]
pub(super) fn keys() -> Vec<&'static str> {
    let keys = TABLES.iter().flat_map(|(_, keys)| keys.iter());
    let words = Fit::NAMES
        .iter()
        .chain(&Filter::NAMES)
        .chain(&augment::TRANSFORMS)
        .chain(&train::OPTIMIZERS)
        .chain(&train::LOSSES)
        .chain(&train::SCHEDULES);
    keys.chain(words).copied().collect()
}

/// Reads `text`, which comes from `origin`.
pub(super) fn recipe(text: &str, origin: &Origin<'_>) -> Result<Recipe, RecipeError> {
    let mut reader = Reader::new(text, origin);
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // what follows a syntax error is guesswork, so these are told alone
        for error in errors {
            let hint = error.span().and_then(|span| unquoted(text, span));
            reader.problem("", "TOML", error.span(), &format!("found {}", lower(error.message())), hint);
        }
        return Err(reader.into_error());
    }
    let document = document.get_ref();
    unknown_tables(&mut reader, document);
    let mut read = Read::default();
    read.tables(&mut reader, document);
    match read.finish(&mut reader) {
        Some(recipe) if reader.problems.is_empty() => Ok(recipe),
        _ => Err(reader.into_error()),
    }
}

fn lower(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// The hint for a text without quotes.
fn unquoted(text: &str, span: Range<usize>) -> Option<String> {
    let word = text.get(span.clone())?;
    let before = text.get(..span.start)?.trim_end();
    let is_text = word.starts_with(char::is_alphabetic) && before.ends_with(['=', ',', '[']);
    is_text.then(|| format!("a text stands in quotes: {word:?}"))
}

fn unknown_tables(reader: &mut Reader<'_>, document: &DeTable<'_>) {
    for key in document.keys() {
        let name = key.get_ref().as_ref();
        if TABLES.iter().any(|(table, _)| *table == name) {
            continue;
        }
        let near = nearest(name, TABLES.map(|(table, _)| table));
        let inside = TABLES.iter().find(|(_, keys)| keys.contains(&name));
        let hint = match (near, inside) {
            (_, Some((table, _))) => format!("`{name}` belongs to [{table}]: {table}.{name}"),
            (Some(near), _) => format!("did you mean [{near}]?"),
            (None, None) => format!("the tables are {}", TABLES.map(|(table, _)| table).join(", ")),
        };
        let message = format!("expected a table of the recipe, found `{name}`");
        reader.problem(name, "unknown key", Some(key.span()), &message, Some(hint));
    }
}

/// What has been read so far.
#[derive(Default)]
struct Read {
    source: Option<String>,
    validation: Option<f64>,
    test: Option<f64>,
    fit: Fit,
    resize: Filter,
    folds: usize,
    relabel: Option<String>,
    drop: Option<String>,
    augment: AugmentOptions,
    model: model::Read,
    train: TrainOptions,
    /// Where `train.early_stopping` stands.
    early_stopping: Option<Range<usize>>,
}

impl Read {
    fn tables(&mut self, reader: &mut Reader<'_>, document: &DeTable<'_>) {
        match document.get("data") {
            None => reader.missing("data", "[data] with a `source`", "source = \"fashion-mnist\""),
            Some(data) => {
                if let Some(fields) = Fields::of(reader, data, "data", &DATA) {
                    self.data(reader, &fields);
                }
            }
        }
        if let Some(augment) = document.get("augment") {
            augment::read(reader, augment, &mut self.augment);
        }
        match document.get("model") {
            None => reader.missing(
                "model",
                "[model] with `input` and `layers`, or with `from`",
                "input = [28, 28, 1] and layers = [\"flatten\", \"dense 10\"]",
            ),
            Some(model) => self.model = model::read(reader, model),
        }
        if let Some(train) = document.get("train") {
            train::read(reader, train, &mut self.train);
            self.early_stopping = train.get_ref().get("early_stopping").map(Spanned::span);
        }
    }

    fn data(&mut self, reader: &mut Reader<'_>, fields: &Fields<'_, '_>) {
        fields.number(reader, "validation", Bound::SHARE, |share| self.validation = Some(share));
        fields.number(reader, "test", Bound::SHARE, |share| self.test = Some(share));
        fields.word(reader, "fit", &Fit::NAMES, |word| self.fit = Fit::named(word));
        fields.word(reader, "resize", &Filter::NAMES, |word| self.resize = Filter::named(word));
        fields.size(reader, "folds", 0, |folds| self.folds = folds);
        if let Some(value) = fields.get("folds").filter(|_| self.folds == 1) {
            let key = fields.key("folds");
            let hint = Some("a common number is 5".to_owned());
            let rest = "expected 0 for none, or at least 2, found 1";
            reader.problem(&key, &key, Some(value.span()), rest, hint);
        }
        for (name, file) in [("relabel", &mut self.relabel), ("drop", &mut self.drop)] {
            *file = fields.get(name).and_then(|value| match value.get_ref().as_bool() {
                Some(false) => None,
                _ => reader.text(value, &fields.key(name)).map(str::to_owned),
            });
        }
        match fields.get("source") {
            None => fields.missing(reader, "source", "source = \"fashion-mnist\""),
            Some(value) => self.source = reader.text(value, "data.source").map(str::to_owned),
        }
    }

    /// The checks that need more than one table, and the graph.
    fn finish(self, reader: &mut Reader<'_>) -> Option<Recipe> {
        let validation = self.validation.unwrap_or(DataOptions::DEFAULT_VALIDATION);
        if self.train.early_stopping.is_some() && validation == 0.0 {
            reader.problem(
                "train.early_stopping",
                "train.early_stopping",
                self.early_stopping,
                "expected a validation part to watch, found data.validation = 0",
                Some("set data.validation = 0.1, or train.early_stopping = false".to_owned()),
            );
        }
        let model = self.model.resolved(reader)?;
        Some(Recipe {
            data: DataOptions {
                source: self.source?,
                validation,
                test: self.test.unwrap_or(DataOptions::DEFAULT_TEST),
                fit: self.fit,
                resize: self.resize,
                folds: self.folds,
                relabel: self.relabel,
                drop: self.drop,
            },
            augment: self.augment,
            model,
            train: self.train,
        })
    }
}

impl model::Read {
    /// The layers with their names, if they fit together; as they stand if those before the head are still to come.
    fn resolved(self, reader: &mut Reader<'_>) -> Option<ModelOptions> {
        let layers: Vec<_> = self.layers.into_iter().collect::<Option<Vec<_>>>()?;
        let head: Vec<_> = self.head.into_iter().collect::<Option<Vec<_>>>()?;
        let open = layers.is_empty() && self.input.is_none() && self.from.is_some();
        let transfer = |head| self.from.map(|from| Transfer { from, head, freeze: self.freeze });
        if open {
            let head = head.into_iter().map(|(spec, _)| spec).collect();
            return Some(ModelOptions { input: [0; 3], layers: Vec::new(), transfer: transfer(head) });
        }
        let (input, count) = (self.input?, layers.len());
        let (specs, spans): (Vec<_>, Vec<_>) = layers.into_iter().chain(head).unzip();
        match Builder::with_layers(input, specs).build() {
            Ok(graph) => {
                let [h, w, _] = graph.nodes.last().map_or(input, |node| node.output);
                if [h, w] != [1, 1] {
                    let last = graph.nodes.last();
                    let name = last.map_or("model", |node| node.name.as_str());
                    let shape = last.map_or(input, |node| node.output);
                    reader.problem(
                        "model.layers",
                        &format!("layer {name}"),
                        spans.last().cloned(),
                        &format!(
                            "expected the last layer to give one value a class, [1, 1, k], found {shape:?}"
                        ),
                        Some("end with \"flatten\" and \"dense 10\", or with a global pooling".to_owned()),
                    );
                }
                let mut layers = graph.layers();
                let head = layers.split_off(count);
                Some(ModelOptions { input, layers, transfer: transfer(head) })
            }
            Err(error) => {
                for problem in &error.problems {
                    let (what, fault) = (problem.what(), &problem.fault);
                    let span = match problem.layer {
                        Some((index, _)) => spans.get(index).cloned(),
                        None => self.span.clone(),
                    };
                    reader.problem("model", &what, span, &fault.to_string(), fault.hint());
                }
                None
            }
        }
    }
}

impl Reader<'_> {
    fn into_error(self) -> RecipeError {
        let mut problems = self.problems;
        problems.sort_by_key(|(place, _)| *place);
        let problems: Vec<Problem> = problems.into_iter().map(|(_, problem)| problem).collect();
        RecipeError { problems }
    }
}
