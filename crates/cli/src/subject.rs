//! A trained model and the images a verb looks at it with.

use std::path::{Path, PathBuf};

use seamripper_core::nearest::nearest;
use seamripper_core::sample::{ImageSet, Split};
use seamripper_data::options::ImageOptions;
use seamripper_data::source::Dataset;

use crate::args::Global;
use crate::corrections::Corrections;
use crate::data_source::Chosen;
use crate::diag::Stop;
use crate::model_source::{ModelSource, read_recipe};
use crate::runnable::Runnable;
use crate::train::split as split_of;

/// A model with images.
pub struct Subject {
    /// The model.
    pub model: Runnable,
    /// The run folder, if the model is in one.
    pub run: Option<PathBuf>,
    /// The images of the split that was asked for; their labels are the model's classes.
    pub images: ImageSet,
    /// The split.
    pub split: Split,
    /// What the model was fitted on, if it can be told.
    pub training: Option<ImageSet>,
    /// What the run held out to make choices on; read with the training images, and `None` if it is what was asked for.
    pub validation: Option<ImageSet>,
}

impl Subject {
    /// Reads `model` and the images of `split` (default: test) of `data` (default: the run's own). With `training`, the training
    /// images too.
    pub fn read(
        model: &str,
        data: Option<&str>,
        split: Option<Split>,
        training: bool,
        global: &Global,
    ) -> Result<Self, Stop> {
        let path = Path::new(model);
        let ModelSource::Trained(trained) = ModelSource::read(path, global)? else {
            return Err(Stop::problem(
                format!("model {model}: expected a trained model, found a recipe"),
                Some(format!("train it first: `seamripper train {model}`, then give its run folder")),
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
        let size = trained.input();
        let how = match &recipe {
            Some(recipe) => ImageOptions::of(&recipe.data, size),
            None => ImageOptions { size: Some(size), ..ImageOptions::default() },
        };
        let dataset = crate::data::load(&chosen.source, chosen.folder, how, global)?;
        // Which images were held out depends on the labels the run was trained with. They are of its own images only.
        let dataset = match &recipe {
            Some(recipe) if recipe.data.source == chosen.source => {
                Corrections::of_run(path, &recipe.data)?.apply(dataset, global.quiet)?.0
            }
            _ => dataset,
        };
        let split = split.unwrap_or(Split::Test);
        let held_out = recipe.as_ref().map(|recipe| split_of(recipe, &dataset.train));
        let set = images(&dataset, split, held_out.as_ref(), model)?;
        let images = matched(set, &trained, model)?;
        let training = match training {
            true => Some(matched(
                self::images(&dataset, Split::Train, held_out.as_ref(), model)?,
                &trained,
                model,
            )?),
            false => None,
        };
        let is_held_out = held_out.as_ref().is_some_and(|(_, validation)| !validation.is_empty());
        let validation = match training.is_some() && is_held_out && split != Split::Validation {
            true => Some(matched(
                self::images(&dataset, Split::Validation, held_out.as_ref(), model)?,
                &trained,
                model,
            )?),
            false => None,
        };
        let run = path.is_dir().then(|| path.to_owned());
        Ok(Self { model: trained, run, images, split, training, validation })
    }
}

/// The images of one split; train and validation as the run held them apart.
fn images(
    dataset: &Dataset,
    split: Split,
    held_out: Option<&(Vec<usize>, Vec<usize>)>,
    model: &str,
) -> Result<ImageSet, Stop> {
    let all = || ((0..dataset.train.len()).collect(), Vec::new());
    let (train, validation) = held_out.cloned().unwrap_or_else(all);
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
pub fn matched(set: ImageSet, model: &Runnable, name: &str) -> Result<ImageSet, Stop> {
    if set.size() != model.input() {
        return Err(Stop::problem(
            format!("model {name}: expected images {:?}, found {:?}", model.input(), set.size()),
            None,
        ));
    }
    if set.classes()[..] == model.classes()[..] {
        return Ok(set);
    }
    let mut places = Vec::new();
    let mut unknown = Vec::new();
    for class in set.classes().iter() {
        match model.classes().iter().position(|known| known == class) {
            Some(place) => places.push(place as u32),
            None => unknown.push(class.as_str()),
        }
    }
    if !unknown.is_empty() {
        let near = nearest(unknown[0], model.classes().iter().map(String::as_str));
        return Err(Stop::problem(
            format!(
                "model {name}: expected classes of the model ({}), found {}",
                model.classes().join(", "),
                unknown.join(", ")
            ),
            near.map(|near| format!("the nearest to \"{}\" is \"{near}\"", unknown[0])),
        ));
    }
    let labels = set.labels().iter().map(|&label| places[label as usize]).collect();
    Ok(set.labelled(labels, model.classes().into()))
}
