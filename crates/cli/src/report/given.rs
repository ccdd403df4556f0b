//! The table, the model and the images of a report.

use std::path::{Path, PathBuf};

use seamripper_core::predictions::Predictions;
use seamripper_core::sample::{ImageSet, Split};
use seamripper_data::options::ImageOptions;
use seamripper_kernels::Instructions;
use seamripper_report::Pictures;

use super::Report;
use super::parts::Parts;
use crate::args::Global;
use crate::diag::{Stop, tell};
use crate::predictions_source::{self, of_split};
use crate::runnable::Runnable;
use crate::subject::Subject;

/// What a report is about; every part may be missing.
#[derive(Default)]
pub struct Given {
    /// The predictions.
    pub table: Option<Predictions>,
    /// What made them.
    pub model: Option<Runnable>,
    /// Images of the table, found by their ids.
    pub images: Option<ImageSet>,
    /// What the model was fitted on.
    pub training: Option<ImageSet>,
}

impl Given {
    /// Reads what the arguments name; of a run, its table is taken out of `parts`.
    pub fn read(verb: &Report, parts: &mut Parts, isa: Instructions, global: &Global) -> Result<Self, Stop> {
        let asked = verb.split.map(Split::from);
        let own = parts.table.take();
        let table = match &verb.predictions {
            Some(file) => Some((predictions_source::read(file, verb.logits)?, file.clone())),
            None => own,
        };
        let of_split = |(table, file): (Predictions, PathBuf)| of_split(table, asked, &file, global.quiet);
        let table = table.map(of_split).transpose()?;
        let split = asked.or(table.as_ref().and_then(|table| table.splits.first().copied()));
        match &verb.model {
            Some(run) if verb.run().is_some() => {
                let read = parts.model.is_some().then(|| of_run(run, verb.data.as_deref(), split, global));
                let subject = match read.transpose() {
                    Ok(subject) => subject,
                    Err(problem) => {
                        parts.missing.push(problem);
                        None
                    }
                };
                Ok(Self { table, ..subject.map_or_else(Self::default, Self::of) })
            }
            Some(model) => {
                let shown = model.to_string_lossy();
                let subject = Subject::read(&shown, verb.data.as_deref(), split, true, global)?;
                match table {
                    Some(table) => Ok(Self { table: Some(table), ..Self::of(subject) }),
                    None => Self::predicted(subject, isa),
                }
            }
            None => {
                let images = table.as_ref().zip(verb.data.as_deref());
                let images = images.map(|(table, source)| of_table(table, source, global)).transpose()?;
                Ok(Self { table, images, ..Self::default() })
            }
        }
    }

    /// A model with images, and what it says of them.
    pub fn predicted(subject: Subject, isa: Instructions) -> Result<Self, Stop> {
        let table = subject.model.predict(isa, &subject.images, subject.split);
        subject.model.check()?;
        Ok(Self { table: Some(table), ..Self::of(subject) })
    }

    /// A model with images, and no table yet.
    fn of(subject: Subject) -> Self {
        let Subject { model, images, training, split, .. } = subject;
        // An image is the most like itself.
        let training = training.filter(|_| split != Split::Train);
        Self { table: None, model: Some(model), images: Some(images), training }
    }
}

/// The model and the images of a run. That they cannot be read is no reason to have no report.
fn of_run(
    run: &Path,
    data: Option<&str>,
    split: Option<Split>,
    global: &Global,
) -> Result<Subject, [String; 2]> {
    Subject::read(&run.to_string_lossy(), data, split, true, global).map_err(|stop| {
        let (message, hint) = match stop {
            Stop::Problem { message, hint } => (message, hint),
            Stop::Failed(message) => (message, None),
            Stop::Interrupted => ("interrupted".to_owned(), None),
        };
        tell(format_args!("note: the report is made without images: {message}"));
        [format!("the images: {message}"), hint.unwrap_or_default()]
    })
}

/// The part of `source` that has the most images of a table.
fn of_table(table: &Predictions, source: &str, global: &Global) -> Result<ImageSet, Stop> {
    let dataset = crate::data::load(source, None, ImageOptions::default(), global)?;
    let first = dataset.train.ids().id(0);
    let sets = dataset.test.into_iter().chain([dataset.train]);
    let counted = sets.map(|set| (Pictures::of(table, &set).count(), set));
    // Of equals the first: the test images.
    let most = counted.reduce(|most, other| if other.0 > most.0 { other } else { most });
    most.filter(|&(count, _)| count > 0).map(|(_, set)| set).ok_or_else(|| {
        let asked = table.ids.first().map_or("none", String::as_str);
        Stop::problem(
            format!("images of the table: expected an image of {source} for its ids, as {asked}, found none for any"),
            Some(format!("the ids of {source} are as {first}")),
        )
    })
}
