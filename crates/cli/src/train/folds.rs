//! `train --folds K`: a prediction of every training image by a model that has not seen it.
//!
//! *Idea*: the training images are dealt into K folds, class by class; for each fold the recipe is trained on the others, with
//! validation images held out of those as the recipe says and copies made of the rest, and predicts the fold. The tables of all
//! folds together are `out_of_fold.parquet`, a row an image, in the order of the images. The run itself is then trained on all
//! images, as without folds: its bytes are the same.
//!
//! `folds/1` to `folds/K` hold each fold's checkpoints, metrics, model and predictions; a fold that has its predictions is done.

use std::collections::HashMap;

use seamripper_core::digits::thousands;
use seamripper_core::fail::{Evaluation, evaluate};
use seamripper_core::predictions::Predictions;
use seamripper_core::recipe::Recipe;
use seamripper_core::sample::{ImageSet, Split};
use seamripper_data::predictions_file::{self, OUT_OF_FOLD};
use seamripper_data::split::deal;

use super::fit::fit;
use super::folder::RunFolder;
use super::progress::Whole;
use super::run::{Run, model_file, predict};
use super::sets::Sets;
use super::side_by_side::side_by_side;
use crate::diag::{Outcome, Stop};

#[cfg(test)]
mod tests;

/// A fold's table, written last.
const PREDICTIONS: &str = "predictions.parquet";

/// Refuses images that cannot be dealt into `count` folds.
pub fn check(count: usize, images: &ImageSet) -> Outcome {
    if count > images.len() {
        return Err(Stop::problem(
            format!(
                "folds: expected at most {}, an image each, found {count}",
                thousands(images.len() as u64)
            ),
            Some("a common number is 5".to_owned()),
        ));
    }
    let classes = images.classes();
    let of = |class: usize| images.labels().iter().filter(|&&label| label as usize == class).count();
    let single: Vec<_> =
        (0..classes.len()).filter(|&class| of(class) == 1).map(|class| classes[class].as_str()).collect();
    if single.is_empty() {
        return Ok(());
    }
    Err(Stop::problem(
        format!(
            "folds: expected at least two images of every class, one to train on while the other is held out, found one of {}",
            single.join(", ")
        ),
        Some("add images of it, or train without folds".to_owned()),
    ))
}

/// Steps of each fold, near enough to tell the time left.
pub fn steps(recipe: &Recipe, images: &ImageSet) -> Vec<u64> {
    let fold_of = dealt(recipe, images);
    let copies = 1 + recipe.augment.expand.len();
    let of = |fold: usize| {
        let others: Vec<_> = (0..images.len()).filter(|&index| fold_of[index] != fold).collect();
        let trained = ((1.0 - recipe.data.validation) * others.len() as f64) as usize * copies;
        (trained.div_ceil(recipe.train.batch) * recipe.train.epochs) as u64
    };
    (0..recipe.data.folds).map(of).collect()
}

fn dealt(recipe: &Recipe, images: &ImageSet) -> Vec<usize> {
    deal(images, recipe.data.folds, recipe.train.seed)
}

/// Trains the folds that are not done, and writes `out_of_fold.parquet`.
pub fn out_of_fold(run: &Run<'_>, images: &ImageSet, whole: &Whole) -> Result<Evaluation, Stop> {
    let (count, folder) = (run.recipe.data.folds, run.folder);
    let fold_of = dealt(run.recipe, images);
    let steps = steps(run.recipe, images);
    let outcome = side_by_side(run.session, count, run.session.threads.count(), |fold| {
        let part = folder.fold(fold + 1);
        let table = match read(&part)? {
            Some(table) => {
                whole.skip(steps[fold]);
                table
            }
            None => train(run, &part, images, &fold_of, fold, whole)?,
        };
        Ok(table)
    });
    let tables = match outcome {
        Ok(tables) => tables,
        Err(Stop::Interrupted) => {
            run.session.progress.say(format_args!(
                "interrupted in the folds; `{}` goes on from these very steps",
                folder.go_on()
            ));
            return Err(Stop::Interrupted);
        }
        Err(problem) => return Err(problem),
    };
    let table = in_order(images, &tables).ok_or_else(|| {
        Stop::problem(
            format!(
                "folds of {}: expected a prediction of every training image, found other images",
                folder.path().display()
            ),
            Some("the images of the run were changed: undo that, or begin a new run".to_owned()),
        )
    })?;
    folder.table(OUT_OF_FOLD, &table)?;
    let evaluation = evaluate(&table);
    run.session.progress.say(format_args!(
        "{count} folds: accuracy {:.2} % on {} training images, each predicted by a model that has not seen it",
        100.0 * evaluation.accuracy,
        thousands(evaluation.n)
    ));
    Ok(evaluation)
}

/// The table of a fold that is done.
fn read(part: &RunFolder) -> Result<Option<Predictions>, Stop> {
    let path = part.path().join(PREDICTIONS);
    if !path.is_file() {
        return Ok(None);
    }
    predictions_file::read(&path).map(Some).map_err(|error| Stop::problem(&error, error.hint()))
}

/// Trains without `fold`, and predicts it.
fn train(
    run: &Run<'_>,
    part: &RunFolder,
    images: &ImageSet,
    fold_of: &[usize],
    fold: usize,
    whole: &Whole,
) -> Result<Predictions, Stop> {
    let Run { session, recipe, graph, .. } = *run;
    let (sets, held) = session.threads.run(|| part_of(recipe, images, fold_of, fold))?;
    let mut trainer = session.threads.run(|| run.trainer(&sets))?;
    let mut metrics = part.restore(&mut trainer)?;
    part.begin()?;
    whole.skip(trainer.state().step);
    let title = format!("fold {}/{}", fold + 1, recipe.data.folds);
    let meter = session.progress.begin(&trainer, images.classes(), &title, whole);
    fit(session, &mut trainer, part, &mut metrics, meter, None, None)?.done()?;

    let model = model_file(graph, &recipe.data, &trainer, images.classes());
    part.model(&model)?;
    let table = session.threads.run(|| predict(session, &model, &held, Split::Train));
    part.table(PREDICTIONS, &table)?;
    Ok(table)
}

/// What to train on without `fold`, and the fold.
fn part_of(
    recipe: &Recipe,
    images: &ImageSet,
    fold_of: &[usize],
    fold: usize,
) -> Result<(Sets, ImageSet), Stop> {
    let (held, others): (Vec<usize>, Vec<usize>) =
        (0..images.len()).partition(|&index| fold_of[index] == fold);
    Ok((Sets::of(recipe, images.select(&others))?, images.select(&held)))
}

/// The rows of all tables in the order of `images`; `None` if they are not the same images.
fn in_order(images: &ImageSet, tables: &[Predictions]) -> Option<Predictions> {
    let rows: HashMap<&str, (usize, usize)> = (tables.iter().enumerate())
        .flat_map(|(table, rows)| {
            rows.ids.iter().enumerate().map(move |(row, id)| (id.as_str(), (table, row)))
        })
        .collect();
    let classes = images.classes().to_vec();
    let mut probs = Vec::with_capacity(images.len() * classes.len());
    let ids: Vec<String> = (0..images.len()).map(|index| images.ids().id(index)).collect();
    for (id, &label) in ids.iter().zip(images.labels()) {
        let &(table, row) = rows.get(id.as_str())?;
        if tables[table].labels[row] != label || tables[table].classes != classes {
            return None;
        }
        probs.extend_from_slice(tables[table].row(row));
    }
    let whole = rows.len() == images.len();
    whole.then(|| Predictions {
        classes,
        ids,
        splits: vec![Split::Train; images.len()],
        labels: images.labels().to_vec(),
        probs,
    })
}
