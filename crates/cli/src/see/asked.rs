//! What was asked for, checked before anything long begins.

use clap::ValueEnum;
use seamripper_core::nearest::nearest;
use seamripper_core::see::saliency::{Method, Options};
use seamripper_core::see::{FilterLayer, Model, filter_layers, layer_named};

use super::named_filter::{NamedWindow, read_pair};
use super::{Part, See};
use crate::blackbox_file::BlackboxFile;
use crate::diag::Stop;

/// What was asked for.
pub struct Asked {
    /// Saliency methods that this model has.
    pub methods: Vec<Method>,
    /// Layers with sheets.
    pub layers: Vec<FilterLayer>,
    /// Options of saliency.
    pub options: Options,
    /// The class to explain, if one was named.
    pub target: Option<usize>,
    /// The class to explain against.
    pub against: Option<usize>,
    /// Responses to take apart.
    pub windows: Vec<NamedWindow>,
    /// Pairs of filters to make images for; without any, some are chosen.
    pub pairs: Vec<(FilterLayer, [usize; 2])>,
    /// Parts to do.
    pub parts: Vec<Part>,
}

impl Asked {
    /// Reads the names, all wrong ones at once.
    pub fn of(verb: &See, model: &Model<'_>, classes: &[String]) -> Result<Self, Stop> {
        let mut problems: Problems = Vec::new();
        let all = filter_layers(model.graph);
        let mut options = Options { seed: verb.seed, ..Options::new(model) };
        let layers = match &verb.layer {
            None => all.clone(),
            Some(name) => match layer_named(model.graph, name) {
                Ok(layer) => vec![layer],
                Err(error) => {
                    problems.push((error.to_string(), error.hint()));
                    Vec::new()
                }
            },
        };
        let convolutions = all.iter().any(|layer| layer.is_convolution(model.graph));
        if let Some(layer) =
            layers.first().filter(|layer| verb.layer.is_some() && layer.is_convolution(model.graph))
        {
            options.layer = Some(layer.clone());
        }
        let mut methods = Vec::new();
        for name in &verb.method {
            match Method::named(name) {
                Ok(method) if method.needs_convolution() && !convolutions => {
                    let problem = format!("method {name}: expected a model with a convolution, found none");
                    problems.push((problem, Some("integrated-gradients needs none".to_owned())));
                }
                Ok(method) => methods.push(method),
                Err(error) => problems.push((error.to_string(), error.hint())),
            }
        }
        if verb.method.is_empty() {
            methods = Method::ALL
                .into_iter()
                .filter(|method| convolutions || !method.needs_convolution())
                .collect();
        }
        let windows: Vec<_> = verb.window.iter().map(|name| NamedWindow::read(model, name)).collect();
        let windows = found(windows, &mut problems);
        let pairs: Vec<_> = verb.pair.iter().map(|name| read_pair(model, name)).collect();
        let pairs = found(pairs, &mut problems);
        let target = class_named("--target", verb.target.as_deref(), classes, &mut problems);
        let against = class_named("--against", verb.against.as_deref(), classes, &mut problems);
        if problems.is_empty() {
            let parts = match verb.only.is_empty() {
                true => Part::value_variants().to_vec(),
                false => verb.only.clone(),
            };
            return Ok(Self { methods, layers, options, target, against, windows, pairs, parts });
        }
        Err(as_one(&problems))
    }

    /// The same of a model that only predicts: it has no layers, and methods that need gradients are refused.
    pub fn of_blackbox(verb: &See, file: &BlackboxFile) -> Result<Self, Stop> {
        let mut problems: Problems = Vec::new();
        let mut refuse = |what: &str| {
            if let Stop::Problem { message, hint } = file.refused(what) {
                problems.push((message, hint));
            }
        };
        let asked_for = [
            ("--layer", verb.layer.is_some()),
            ("--window", !verb.window.is_empty()),
            ("--pair", !verb.pair.is_empty()),
        ];
        asked_for.iter().filter(|(_, is_asked)| *is_asked).for_each(|(option, _)| refuse(option));
        for part in verb.only.iter().filter(|&&part| part != Part::Trust) {
            let name = part.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
            refuse(&format!("--only {name}"));
        }
        let mut methods = Vec::new();
        for name in &verb.method {
            match Method::named(name) {
                Ok(method) if method.needs_gradients() => refuse(&format!("method {name}")),
                Ok(method) => methods.push(method),
                Err(_) => {}
            }
        }
        for error in verb.method.iter().filter_map(|name| Method::named(name).err()) {
            problems.push((error.to_string(), error.hint()));
        }
        if verb.method.is_empty() {
            methods = Method::ALL.into_iter().filter(|method| !method.needs_gradients()).collect();
        }
        let classes = file.model.classes();
        let target = class_named("--target", verb.target.as_deref(), classes, &mut problems);
        let against = class_named("--against", verb.against.as_deref(), classes, &mut problems);
        if !problems.is_empty() {
            return Err(as_one(&problems));
        }
        let mut black = vec![0.0; file.model.described().input.iter().product()];
        file.model.preprocessing().apply(&vec![0; black.len()], &mut black);
        let options = Options { seed: verb.seed, ..Options::on(black) };
        let (layers, windows, pairs) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { methods, layers, options, target, against, windows, pairs, parts: vec![Part::Trust] })
    }

    /// Whether a part is to be done.
    pub fn part(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }
}

/// What is wrong, each with its hint.
type Problems = Vec<(String, Option<String>)>;

/// All problems as one.
fn as_one(problems: &Problems) -> Stop {
    let messages: Vec<_> = problems.iter().map(|(message, _)| message.as_str()).collect();
    let mut hints: Vec<_> = problems.iter().filter_map(|(_, hint)| hint.clone()).collect();
    hints.dedup();
    Stop::problem(messages.join("\nerror: "), (!hints.is_empty()).then(|| hints.join("\nhint: ")))
}

/// The class called `name`, if one was named.
fn class_named(
    option: &str,
    name: Option<&str>,
    classes: &[String],
    problems: &mut Problems,
) -> Option<usize> {
    let name = name?;
    let place = classes.iter().position(|class| class == name);
    if place.is_none() {
        let near = nearest(name, classes.iter().map(String::as_str));
        let problem = format!("{option}: expected one of {}, found \"{name}\"", classes.join(", "));
        problems.push((problem, near.map(|near| format!("did you mean {near}?"))));
    }
    place
}

/// What could be read; the rest are problems.
fn found<T>(read: Vec<Result<T, (String, Option<String>)>>, problems: &mut Problems) -> Vec<T> {
    read.into_iter().filter_map(|one| one.map_err(|problem| problems.push(problem)).ok()).collect()
}
