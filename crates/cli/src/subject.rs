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
        let opened = Opened::read(model, data, global)?;
        let split = split.unwrap_or(Split::Test);
        let part = |split: Split| matched(opened.images(split)?, &opened.model, model);
        let images = part(split)?;
        let training = training.then(|| part(Split::Train)).transpose()?;
        let wanted = training.is_some() && opened.holds_out() && split != Split::Validation;
        let validation = wanted.then(|| part(Split::Validation)).transpose()?;
        Ok(Self { run: opened.run, images, split, training, validation, model: opened.model })
    }
}

/// A model, and the data set of a verb before the two are matched.
pub struct Opened {
    /// As typed.
    pub name: String,
    /// The model.
    pub model: Runnable,
    /// The run folder, if the model is in one.
    pub run: Option<PathBuf>,
    /// Where the images come from.
    pub source: Chosen,
    /// How pictures became images.
    pub how: ImageOptions,
    /// The images.
    pub dataset: Dataset,
    /// Rows of the training images that the run trained on and held out.
    held_out: Option<(Vec<usize>, Vec<usize>)>,
}

impl Opened {
    /// Reads `model` and the data set `data` (default: the run's own).
    pub fn read(model: &str, data: Option<&str>, global: &Global) -> Result<Self, Stop> {
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
        let how = how.wished(trained.preprocessing());
        let dataset = crate::data::load(&chosen.source, chosen.folder.clone(), how, global)?;
        // Which images were held out depends on the labels the run was trained with. They are of its own images only.
        let dataset = match &recipe {
            Some(recipe) if recipe.data.source == chosen.source => {
                Corrections::of_run(path, &recipe.data)?.apply(dataset, global.quiet)?.0
            }
            _ => dataset,
        };
        let held_out = recipe.as_ref().map(|recipe| split_of(recipe, &dataset.train));
        let run = path.is_dir().then(|| path.to_owned());
        Ok(Self { name: model.to_owned(), model: trained, run, source: chosen, how, dataset, held_out })
    }

    /// Whether the run held out images to make choices on.
    pub fn holds_out(&self) -> bool {
        self.held_out.as_ref().is_some_and(|(_, validation)| !validation.is_empty())
    }

    /// The images of one split, with the classes of the data set; train and validation as the run held them apart.
    pub fn images(&self, split: Split) -> Result<ImageSet, Stop> {
        images(&self.dataset, split, self.held_out.as_ref(), &self.name)
    }
}

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

/// The images as the model takes them: in its layout, and with labels that are its classes, which are matched by name, never by
/// position.
pub fn matched(set: ImageSet, model: &Runnable, name: &str) -> Result<ImageSet, Stop> {
    if set.size() != model.input() {
        return Err(Stop::problem(
            format!("model {name}: expected images {:?}, found {:?}", model.input(), set.size()),
            None,
        ));
    }
    let (preprocessing, size) = (model.preprocessing(), model.input());
    let set = match preprocessing.layout.matters(size) {
        true => set.map_pixels(|pixels| preprocessing.arrange(size, pixels)),
        false => set, // which may be larger than the memory
    };
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
            Some(near.map_or_else(
                || format!("`seamripper doctor --model {name}` with the same images finds which output is which class"),
                |near| format!("the nearest to \"{}\" is \"{near}\"", unknown[0]),
            )),
        ));
    }
    let labels = set.labels().iter().map(|&label| places[label as usize]).collect();
    Ok(set.labelled(labels, model.classes().into()))
}
