//! Predictions of a model for `eval`: where a run or a model file meets the images.

use std::path::Path;

use seamripper_core::graph::ModelFile;
use seamripper_core::nearest::nearest;
use seamripper_core::predictions::Predictions;
use seamripper_core::sample::{ImageSet, Split};
use seamripper_core::train::Predictor;
use seamripper_data::source::Dataset;

use crate::args::Global;
use crate::data_source::Chosen;
use crate::diag::Stop;
use crate::model_source::{ModelSource, read_recipe};
use crate::train::{instructions, split as split_of, threads};

/// What a model says.
pub struct Predicted {
    /// As it was asked to be run.
    pub table: Predictions,
    /// In `f32`, if it was asked to be run in `bf16`.
    pub exact: Option<Predictions>,
}

/// Predicts the images of `split` (default: test) of `data` (default: the run's own) with `model`.
pub fn predict_model(
    model: &str,
    data: Option<&str>,
    split: Option<Split>,
    bf16: bool,
    global: &Global,
) -> Result<Predicted, Stop> {
    let path = Path::new(model);
    let ModelSource::Trained(trained) = ModelSource::read(path)? else {
        return Err(Stop::problem(
            format!("model {model}: expected a trained model, found a recipe"),
            Some(format!(
                "train it first: `seamripper train {model}`, then `seamripper eval` its run folder"
            )),
        ));
    };
    let recipe = path.join("recipe.toml");
    let recipe = recipe.is_file().then(|| read_recipe(&recipe)).transpose()?;
    let Some(source) = recipe.as_ref().map(|recipe| recipe.data.source.as_str()).or(data) else {
        return Err(Stop::problem(
            format!("model {model}: expected a run folder with its recipe.toml, found a model alone"),
            Some("say which images with --data SOURCE, for instance --data fashion-mnist".to_owned()),
        ));
    };
    let chosen = Chosen::of(source, data);
    let dataset = crate::data::load(&chosen.source, chosen.folder, global)?;
    let split = split.unwrap_or(Split::Test);
    let seed_split = recipe.as_ref().map(|recipe| split_of(recipe, &dataset.train));
    let set = images(&dataset, split, seed_split, model)?;
    let set = matched(set, &trained, model)?;
    let isa = instructions()?;
    let ModelFile { graph, weights, preprocessing, .. } = &*trained;
    let run = |bf16| Predictor { isa, graph, weights, preprocessing, bf16 }.predict(&set, split, |_| {});
    Ok(threads(global)?.run(|| Predicted { table: run(bf16), exact: bf16.then(|| run(false)) }))
}

/// The images of one split; train and validation as the run held them apart.
fn images(
    dataset: &Dataset,
    split: Split,
    held_out: Option<(Vec<usize>, Vec<usize>)>,
    model: &str,
) -> Result<ImageSet, Stop> {
    let (train, validation) = held_out.unwrap_or_else(|| ((0..dataset.train.len()).collect(), Vec::new()));
    let set = match split {
        Split::Train => Some(dataset.train.select(&train)),
        Split::Validation => Some(dataset.train.select(&validation)),
        Split::Test => dataset.test.clone(),
    };
    set.filter(|set| !set.is_empty()).ok_or_else(|| {
        let hint = if split == Split::Test { "choose --split train" } else { "choose --split test" };
        let found = match split {
            Split::Validation => "none was held out",
            _ => "there is none",
        };
        Stop::problem(
            format!("model {model}, split {}: expected at least one image, found that {found}", split.name()),
            Some(hint.to_owned()),
        )
    })
}

/// The images with labels that are the model's: classes are matched by name, never by position.
fn matched(set: ImageSet, model: &ModelFile, name: &str) -> Result<ImageSet, Stop> {
    if set.size() != model.graph.input {
        return Err(Stop::problem(
            format!("model {name}: expected images {:?}, found {:?}", model.graph.input, set.size()),
            None,
        ));
    }
    if set.classes()[..] == model.classes[..] {
        return Ok(set);
    }
    let mut places = Vec::new();
    let mut unknown = Vec::new();
    for class in set.classes().iter() {
        match model.classes.iter().position(|known| known == class) {
            Some(place) => places.push(place as u32),
            None => unknown.push(class.as_str()),
        }
    }
    if !unknown.is_empty() {
        let near = nearest(unknown[0], model.classes.iter().map(String::as_str));
        return Err(Stop::problem(
            format!(
                "model {name}: expected classes of the model ({}), found {}",
                model.classes.join(", "),
                unknown.join(", ")
            ),
            near.map(|near| format!("the nearest to \"{}\" is \"{near}\"", unknown[0])),
        ));
    }
    Ok(ImageSet::new(
        set.size(),
        set.pixels().to_vec(),
        set.labels().iter().map(|&label| places[label as usize]).collect(),
        model.classes.clone().into(),
        set.ids().clone(),
    ))
}
