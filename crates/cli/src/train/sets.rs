//! The images of a run, split and expanded.

use seamripper_core::augment::expand;
use seamripper_core::digits::thousands;
use seamripper_core::recipe::Recipe;
use seamripper_core::sample::ImageSet;
use seamripper_data::split::hold_out;

use crate::diag::Stop;

/// The images of a run.
pub struct Sets {
    /// What weights are fitted on, copies included.
    pub train: ImageSet,
    /// What is held out of training.
    pub validation: ImageSet,
    /// Training images before copies were made.
    pub originals: usize,
}

impl Sets {
    /// Takes the images, so that those which are all trained on are not in memory twice. Copies are made of what is trained on,
    /// after all else was held out: an image and its copies are never on two sides.
    pub fn of(recipe: &Recipe, all: ImageSet) -> Result<Self, Stop> {
        let (train, validation) = split(recipe, &all);
        let (kept, validation) = if validation.is_empty() {
            let none = all.select(&[]);
            (all, none)
        } else {
            (all.select(&train), all.select(&validation))
        };
        let originals = kept.len();
        let train = expand(kept, &recipe.augment.expand, recipe.train.seed)
            .map_err(|error| Stop::problem(&error, error.hint()))?;
        Ok(Self { train, validation, originals })
    }

    /// How many images of each kind.
    pub fn said(&self, test: Option<&ImageSet>) -> String {
        let count = |n: usize| thousands(n as u64);
        let expanded = match self.train.len() > self.originals {
            true => format!(" (expanded from {})", count(self.originals)),
            false => String::new(),
        };
        format!(
            "{} training images{expanded}, {} validation, {} test",
            count(self.train.len()),
            count(self.validation.len()),
            count(test.map_or(0, ImageSet::len)),
        )
    }

    /// The images that a film shows: not those of the test split.
    pub fn shown(&self) -> &ImageSet {
        if self.validation.is_empty() { &self.train } else { &self.validation }
    }
}

/// Indices of the images a recipe trains on, and of those it holds out.
pub fn split(recipe: &Recipe, all: &ImageSet) -> (Vec<usize>, Vec<usize>) {
    hold_out(all, recipe.data.validation, recipe.train.seed)
}
