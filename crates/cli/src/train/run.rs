//! One run: from images to a run folder with a model, its predictions and their report.

use seamripper_core::fail::{Evaluation, evaluate};
use seamripper_core::graph::{Filter, Fit, Graph, ModelFile, Preprocessing};
use seamripper_core::predictions::Predictions;
use seamripper_core::recipe::{DataOptions, Recipe};
use seamripper_core::sample::{ImageSet, Split};
use seamripper_core::train::{Predictor, Trainer};

use super::film::Film;
use super::fit::{Ended, fit};
use super::folder::RunFolder;
use super::folds;
use super::profile::{self, Measured};
use super::progress::{Whole, steps_left};
use super::session::Session;
use super::sets::Sets;
use crate::corrections::Corrections;
use crate::diag::{Outcome, Stop};
use crate::foundation::Foundation;
use crate::kept_model::KeptModel;

/// A run that is to be made, or gone on with.
pub struct Run<'a> {
    /// What it shares with others.
    pub session: &'a Session<'a>,
    /// Its recipe, with the source that is used.
    pub recipe: &'a Recipe,
    /// The recipe's network.
    pub graph: &'a Graph,
    /// The model that it goes on from.
    pub foundation: Option<&'a Foundation>,
    /// The model that it learns from besides.
    pub teacher: Option<&'a KeptModel>,
    /// Where it goes.
    pub folder: &'a RunFolder,
    /// Tables that were applied to the images.
    pub corrections: &'a Corrections,
    /// `environment.json`.
    pub environment: &'a str,
    /// What it is called among several; empty for one alone.
    pub title: &'a str,
    /// Whether to keep the frames of a film.
    pub film: bool,
    /// Whether to measure where the time goes.
    pub profile: bool,
}

/// What a run comes to.
pub struct Trained {
    /// Of the test images, or else of the validation images.
    pub evaluation: Option<Evaluation>,
    /// Of the training images, each by a model that has not seen it; with folds.
    pub out_of_fold: Option<Evaluation>,
    /// Whole epochs.
    pub epochs: u64,
    /// If it was asked for: where the time went, or nothing if no step was taken.
    pub profile: Option<Option<Measured>>,
    /// How it ended.
    pub ended: Ended,
}

impl Run<'_> {
    /// Trains on `images` to the end, which the folder goes on with if it has a checkpoint. `whole` counts the steps of several
    /// runs; a run alone counts its own.
    ///
    /// # Errors
    /// What keeps it from beginning or going on; that it has diverged.
    pub fn train(
        &self,
        images: ImageSet,
        test: Option<&ImageSet>,
        whole: Option<&Whole>,
    ) -> Result<Trained, Stop> {
        let trained = self.advance(images, test, whole, None)?;
        match trained.ended {
            Ended::Diverged(_) => Err(trained.ended.done().expect_err("it has diverged")),
            _ => Ok(trained),
        }
    }

    /// As [`Run::train`], until `until` epochs are behind it; that it has diverged is a result.
    pub fn advance(
        &self,
        images: ImageSet,
        test: Option<&ImageSet>,
        whole: Option<&Whole>,
        until: Option<u64>,
    ) -> Result<Trained, Stop> {
        let Self { session, recipe, graph, folder, .. } = *self;
        let Session { isa, threads, progress, .. } = *session;
        let folded = (recipe.data.folds > 0).then(|| images.clone());
        let classes = images.classes().clone();
        let sets = threads.run(|| Sets::of(recipe, images))?;
        if self.title.is_empty() {
            progress.say(format_args!("{}", sets.said(test)));
        }
        let mut trainer = threads.run(|| self.trainer(&sets))?;
        if let Some(images) = &folded {
            folds::check(recipe.data.folds, images)?;
        }
        let mut metrics = folder.restore(&mut trainer)?;
        self.begin()?;

        let in_folds = folded.as_ref().map_or(0, |all| folds::steps(recipe, all).iter().sum());
        let own = Whole::begin(steps_left(&trainer) + in_folds);
        let whole = whole.unwrap_or(&own);
        let out_of_fold = match &folded {
            Some(images) => Some(folds::out_of_fold(self, images, whole)?),
            None => None,
        };
        drop(folded);
        if self.profile {
            trainer.watch(profile::clock);
        }
        let film = match self.film {
            true => Some(Film::begin(isa, graph, sets.shown(), folder, &trainer)?),
            false => None,
        };
        let meter = progress.begin(&trainer, &classes, self.title, whole);
        let ended = fit(session, &mut trainer, folder, &mut metrics, meter, film.as_ref(), until)?;
        if matches!(ended, Ended::Interrupted) {
            self.say_interrupted(&trainer);
        }
        let evaluation = if matches!(ended, Ended::Done) {
            film.as_ref().map_or(Ok(()), |film| film.develop(progress))?;
            threads.run(|| self.finish(&trainer, &sets.validation, test))?
        } else {
            None
        };
        Ok(Trained {
            evaluation,
            out_of_fold,
            epochs: trainer.state().epoch,
            profile: self.profile.then(|| Measured::of(&trainer, isa, threads.count())),
            ended,
        })
    }

    /// A training of `sets` that has not begun.
    pub fn trainer<'s>(&'s self, sets: &'s Sets) -> Result<Trainer<'s>, Stop> {
        let Self { recipe, graph, .. } = *self;
        let mut trainer = Trainer::new(self.session.isa, recipe, graph, &sets.train, Some(&sets.validation))
            .map_err(|error| Stop::problem(&error, error.hint()))?;
        if let Some(foundation) = self.foundation {
            trainer.begin_with(foundation.model());
        }
        if let Some(teacher) = self.teacher {
            trainer.learn_from(&teacher.model).map_err(|error| Stop::problem(&error, error.hint()))?;
        }
        Ok(trainer)
    }

    /// Makes the folder and writes what decides the run. Only when it can begin, so that a run that cannot leaves nothing behind.
    fn begin(&self) -> Outcome {
        let Self { folder, .. } = self;
        folder.begin()?;
        if self.title.is_empty() {
            self.session.progress.say(format_args!("run folder {}", folder.path().display()));
        }
        // Before the recipe, by which a run is known: a run that has one has its tables.
        self.corrections.keep(folder.path())?;
        // Several runs share the copies in the folder of their folders.
        if self.title.is_empty() {
            let kept = [self.foundation.map(|foundation| &foundation.kept), self.teacher];
            KeptModel::keep_all(kept, folder.path())?;
        }
        folder.write("recipe.toml", self.recipe.to_toml().as_bytes())?;
        folder.write("environment.json", self.environment.as_bytes())
    }

    fn say_interrupted(&self, trainer: &Trainer<'_>) {
        if !self.title.is_empty() {
            return;
        }
        let state = trainer.state();
        let (place, whole) = if state.step_in_epoch == 0 { ("after", 0) } else { ("in", 1) };
        self.session.progress.say(format_args!(
            "interrupted {place} epoch {} of {}; `{}` goes on from this very step",
            state.epoch + whole,
            trainer.epochs(),
            self.folder.go_on()
        ));
    }

    /// Writes the predictions, their evaluation and, last because a finished run is known by it, the model.
    fn finish(
        &self,
        trainer: &Trainer<'_>,
        validation: &ImageSet,
        test: Option<&ImageSet>,
    ) -> Result<Option<Evaluation>, Stop> {
        let Self { session, graph, folder, .. } = *self;
        let model = model_file(graph, &self.recipe.data, trainer, validation.classes());
        let mut parts = Vec::new();
        for (set, split) in [(Some(validation), Split::Validation), (test, Split::Test)] {
            if let Some(set) = set.filter(|set| !set.is_empty()) {
                parts.push(predict(session, &model, set, split));
            }
        }
        let evaluation = report(folder, parts)?;
        folder.model(&model)?;
        if evaluation.is_none() {
            session.progress.say(format_args!(
                "there are no validation and no test images, so there is nothing to report"
            ));
        }
        Ok(evaluation)
    }
}

/// Writes predictions, the parts in one table, and the evaluation of the last part; of no part, nothing.
pub fn report(folder: &RunFolder, parts: Vec<Predictions>) -> Result<Option<Evaluation>, Stop> {
    let Some(last) = parts.last() else { return Ok(None) };
    let evaluation = evaluate(last);
    folder.write("eval.json", (crate::eval::document(&evaluation) + "\n").as_bytes())?;
    folder.table("predictions.parquet", &joined(parts))?;
    Ok(Some(evaluation))
}

/// The model a training has come to. It says how its pictures were resized where that is not the usual way, so that it is given
/// others in the same way without its recipe too.
pub fn model_file(graph: &Graph, data: &DataOptions, trainer: &Trainer<'_>, classes: &[String]) -> ModelFile {
    let own = trainer.preprocessing().clone();
    let fit = Some(data.fit).filter(|&fit| fit != Fit::default()).or(own.fit);
    let resize = Some(data.resize).filter(|&filter| filter != Filter::default()).or(own.resize);
    ModelFile {
        graph: graph.clone(),
        weights: trainer.result().clone(),
        classes: classes.to_vec(),
        preprocessing: Preprocessing { fit, resize, ..own },
    }
}

/// What a model says of images.
pub fn predict(session: &Session<'_>, model: &ModelFile, set: &ImageSet, split: Split) -> Predictions {
    let ModelFile { graph, weights, preprocessing, .. } = model;
    Predictor { isa: session.isa, graph, weights, preprocessing, bf16: false }.predict(set, split, |_| {})
}

/// One table of several.
pub fn joined(parts: Vec<Predictions>) -> Predictions {
    let mut parts = parts.into_iter();
    let mut all = parts.next().expect("at least one part");
    for part in parts {
        all.ids.extend(part.ids);
        all.splits.extend(part.splits);
        all.labels.extend(part.labels);
        all.probs.extend(part.probs);
    }
    all
}
