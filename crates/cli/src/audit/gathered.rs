//! Everything an audit is given, read: tables, images, the model.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use seamripper_core::digits::thousands;
use seamripper_core::fail::Kind;
use seamripper_core::fail::audit::{Against, Subject as Audited, Training, Wants};
use seamripper_core::fail::properties::Property;
use seamripper_core::graph::ModelFile;
use seamripper_core::predictions::Predictions;
use seamripper_core::sample::{ImageSet, Split};
use seamripper_core::see::{Model, penultimate};
use seamripper_core::tensor::Tensor;
use seamripper_data::image_columns;
use seamripper_data::options::ImageOptions;
use seamripper_data::source::Source;
use seamripper_kernels::Instructions;

use super::Audit;
use crate::args::Global;
use crate::diag::{Outcome, Stop, tell};
use crate::digest;
use crate::predictions_source::{self, of_split, rows_of};
use crate::report::Given;
use crate::runnable::Runnable;
use crate::subject::{Subject, matched};
use crate::train::instructions;

/// Where `train --folds` writes out-of-fold predictions in a run folder.
const OUT_OF_FOLD: &str = "out_of_fold.parquet";

/// What an audit is given.
pub struct Gathered {
    /// The audited table.
    pub predictions: Predictions,
    /// The run folder, if there is one.
    pub run: Option<PathBuf>,
    /// Out-of-fold probabilities.
    pub out_of_fold: Option<Predictions>,
    fitted: bool,
    validation: Option<Predictions>,
    model: Option<Trained>,
    images: Option<ImageSet>,
    embeddings: Option<Tensor>,
    training: Option<(ImageSet, Option<Tensor>)>,
    columns: Vec<Property>,
    runs: Vec<(String, Predictions)>,
    against: Option<Other>,
}

/// Other images.
struct Other {
    name: String,
    predictions: Predictions,
    images: Option<ImageSet>,
    embeddings: Option<Tensor>,
}

/// A model that can be run.
struct Trained {
    isa: Instructions,
    file: Runnable,
}

impl Trained {
    fn predict(&self, images: &ImageSet, split: Split) -> Predictions {
        self.file.predict(self.isa, images, split)
    }

    /// What the last layer but one makes of images, `[n, d]`; nothing is known of that of a black box.
    fn embeddings(&self, images: &ImageSet) -> Option<Tensor> {
        let ModelFile { graph, weights, preprocessing, .. } = self.file.readable()?;
        let features = penultimate(&Model { isa: self.isa, graph, weights, preprocessing }, images, |_| {});
        Some(Tensor::new([features.len(), features.width()], features.values().to_vec()))
    }
}

impl Gathered {
    /// Reads what the arguments name.
    pub fn read(verb: &Audit, wants: &Wants, global: &Global) -> Result<Self, Stop> {
        let mut gathered = match (&verb.predictions, verb.models.split_first()) {
            (Some(file), _) => Self::of_table(verb, file, global)?,
            (None, Some((model, others))) => Self::of_model(verb, wants, model, others, global)?,
            (None, None) => {
                return Err(Stop::problem(
                    "audit: expected a MODEL or --predictions FILE, found neither",
                    Some("seamripper audit runs/NAME, or seamripper audit --predictions FILE".to_owned()),
                ));
            }
        };
        gathered.read_tables(verb)?;
        gathered.read_columns(verb, global)?;
        gathered.read_against(verb, global)?;
        Ok(gathered)
    }

    /// What `core` audits.
    pub fn subject(&self) -> Audited<'_> {
        let predict = self.model.as_ref().map(|model| {
            Box::new(|images: &ImageSet| model.predict(images, Split::Test))
                as Box<dyn FnMut(&ImageSet) -> Predictions + '_>
        });
        Audited {
            fitted: self.fitted,
            validation: self.validation.as_ref(),
            out_of_fold: self.out_of_fold.as_ref(),
            images: self.images.as_ref(),
            embeddings: self.embeddings.as_ref(),
            columns: self.columns.clone(),
            training: self
                .training
                .as_ref()
                .map(|(images, embeddings)| Training { images, embeddings: embeddings.as_ref() }),
            predict,
            runs: self.runs.iter().map(|(name, table)| (name.clone(), table)).collect(),
            against: self.against.as_ref().map(|other| Against {
                name: other.name.clone(),
                predictions: &other.predictions,
                images: other.images.as_ref(),
                embeddings: other.embeddings.as_ref(),
            }),
            ..Audited::new(&self.predictions)
        }
    }

    /// The audited model.
    pub fn model_file(&self) -> Option<&ModelFile> {
        self.model.as_ref()?.file.readable()
    }

    /// That nothing went wrong while the model was run.
    pub fn check(&self) -> Outcome {
        self.model.as_ref().map_or(Ok(()), |model| model.file.check())
    }

    /// A digest of what is audited: model and images, or the table.
    pub fn digest(&self) -> String {
        match (&self.model, &self.images) {
            (Some(model), Some(images)) => digest::of_model(&model.file, images),
            _ => digest::of_table(&self.predictions),
        }
    }

    /// What a report is made of.
    pub fn into_given(self) -> Given {
        let training = self.training.map(|(images, _)| images);
        let table = Some(self.predictions);
        match self.model {
            Some(model) => Given { table, model: Some(model.file), images: self.images, training },
            None => Given { table, images: self.images, ..Given::default() },
        }
    }

    fn alone(predictions: Predictions, fitted: bool) -> Self {
        Self {
            predictions,
            run: None,
            out_of_fold: None,
            fitted,
            validation: None,
            model: None,
            images: None,
            embeddings: None,
            training: None,
            columns: Vec::new(),
            runs: Vec::new(),
            against: None,
        }
    }

    fn of_model(
        verb: &Audit,
        wants: &Wants,
        model: &str,
        others: &[String],
        global: &Global,
    ) -> Result<Self, Stop> {
        let split = verb.split.map(Split::from);
        let read = |model: &str| Subject::read(model, verb.data.as_deref(), split, true, global);
        let subject = read(model)?;
        let trained = Trained { isa: instructions()?, file: subject.model };
        if verb.calibrate.is_some() {
            trained.file.read_for("--calibrate")?;
        }
        let embedded = [Kind::Bias, Kind::Slice, Kind::Drift].iter().any(|kind| wants.kinds.contains(kind));
        let embeddings = |images: &ImageSet| embedded.then(|| trained.embeddings(images)).flatten();
        let predictions = trained.predict(&subject.images, subject.split);
        let mut gathered = Self {
            run: subject.run.clone(),
            validation: subject.validation.map(|images| trained.predict(&images, Split::Validation)),
            embeddings: embeddings(&subject.images),
            training: subject.training.filter(|_| subject.split != Split::Train).map(|images| {
                let of_training = embeddings(&images);
                (images, of_training)
            }),
            ..Self::alone(predictions, subject.split == Split::Train)
        };
        for other in others {
            let another = read(other)?;
            if another.images.classes() != subject.images.classes()
                || another.images.ids() != subject.images.ids()
            {
                return Err(Stop::problem(
                    format!("model {other}: expected one for the same images as {model}, found other images or classes"),
                    Some("several models are compared image by image; say which images with --data and --split".to_owned()),
                ));
            }
            let another_model = Trained { isa: trained.isa, file: another.model };
            gathered.runs.push((other.clone(), another_model.predict(&another.images, another.split)));
            another_model.file.check()?;
        }
        gathered.images = Some(subject.images);
        gathered.model = Some(trained);
        if let Some(file) =
            gathered.run.as_ref().map(|run| run.join(OUT_OF_FOLD)).filter(|file| file.is_file())
        {
            gathered.out_of_fold = Some(gathered.table(&file, false)?);
        }
        Ok(gathered)
    }

    fn of_table(verb: &Audit, file: &Path, global: &Global) -> Result<Self, Stop> {
        let table = predictions_source::read(file, verb.logits)?;
        let wanted = verb.split.map(Split::from);
        let has_validation = wanted != Some(Split::Validation)
            && table.splits.contains(&Split::Validation)
            && table.splits.contains(&Split::Test);
        let validation = has_validation.then(|| rows_of(table.clone(), Split::Validation));
        let predictions = of_split(table, wanted, file, global.quiet)?;
        let fitted = predictions.splits.first() == Some(&Split::Train);
        let mut gathered = Self { validation, ..Self::alone(predictions, fitted) };
        if let Some(source) = &verb.data {
            gathered.find_images(source, file, global)?;
        }
        Ok(gathered)
    }

    /// The images of a table, by their ids; of the others, those that are not in the table's validation rows are what the model was
    /// fitted on.
    fn find_images(&mut self, source: &str, file: &Path, global: &Global) -> Result<(), Stop> {
        let dataset = crate::data::load(source, None, ImageOptions::default(), global)?;
        let sets: Vec<&ImageSet> = dataset.test.iter().chain([&dataset.train]).collect();
        let find = |set: &ImageSet| -> Option<Vec<usize>> {
            let place: HashMap<String, usize> =
                (0..set.len()).map(|index| (set.ids().id(index), index)).collect();
            self.predictions.ids.iter().map(|id| place.get(id).copied()).collect()
        };
        let Some((set, rows)) = sets.iter().find_map(|set| Some((set, find(set)?))) else {
            let first = &self.predictions.ids[0];
            return Err(Stop::problem(
                format!(
                    "images of {}: expected an image of {source} for each of its ids, as {first}, found none for some",
                    file.display()
                ),
                Some(format!("the ids of {source} are as {}", sets[0].ids().id(0))),
            ));
        };
        let images = set.select(&rows);
        let names = |labels: &[u32], classes: &[String], row: usize| classes[labels[row] as usize].clone();
        let differ = (0..images.len())
            .filter(|&row| {
                names(images.labels(), images.classes(), row)
                    != names(&self.predictions.labels, &self.predictions.classes, row)
            })
            .count();
        if differ > 0 && !global.quiet {
            tell(format_args!(
                "note: {} of {} labels of {} are not those of {source}; those of the table are used",
                thousands(differ as u64),
                thousands(images.len() as u64),
                file.display()
            ));
        }
        let relabelled = |set: &ImageSet, labels: Vec<u32>| {
            let classes = self.predictions.classes.clone().into();
            set.clone().labelled(labels, classes)
        };
        let from_test = dataset.test.as_ref().is_some_and(|test| std::ptr::eq(test, *set));
        if from_test && dataset.train.classes()[..] == self.predictions.classes[..] {
            let held: std::collections::HashSet<&str> =
                self.validation.iter().flat_map(|table| table.ids.iter().map(String::as_str)).collect();
            let rows: Vec<usize> = (0..dataset.train.len())
                .filter(|&index| held.is_empty() || !held.contains(dataset.train.ids().id(index).as_str()))
                .collect();
            self.training = Some((dataset.train.select(&rows), None));
        }
        self.images = Some(relabelled(&images, self.predictions.labels.clone()));
        Ok(())
    }

    /// A table whose columns are put into the order of the audited one's classes.
    fn table(&self, file: &Path, logits: bool) -> Result<Predictions, Stop> {
        let table = predictions_source::read(file, logits)?;
        let classes = &self.predictions.classes;
        if table.classes == *classes {
            return Ok(table);
        }
        let places: Option<Vec<usize>> =
            classes.iter().map(|name| table.classes.iter().position(|other| other == name)).collect();
        let Some(places) = places.filter(|_| table.classes.len() == classes.len()) else {
            return Err(Stop::problem(
                format!(
                    "classes of {}: expected those of the audited table ({}), found {}",
                    file.display(),
                    shown(classes),
                    shown(&table.classes)
                ),
                Some("the columns prob_<class> name the classes; their order does not matter".to_owned()),
            ));
        };
        let mut new_of = vec![0; places.len()];
        places.iter().enumerate().for_each(|(new, &old)| new_of[old] = new as u32);
        let k = classes.len();
        let probs = table.probs.chunks_exact(k).flat_map(|row| places.iter().map(|&old| row[old])).collect();
        let labels = table.labels.iter().map(|&label| new_of[label as usize]).collect();
        Ok(Predictions { classes: classes.clone(), labels, probs, ..table })
    }

    fn read_tables(&mut self, verb: &Audit) -> Result<(), Stop> {
        if let Some(file) = &verb.validation {
            self.validation = Some(self.table(file, verb.logits)?);
        }
        if let Some(file) = &verb.out_of_fold {
            self.out_of_fold = Some(self.table(file, verb.logits)?);
        }
        Ok(())
    }

    fn read_columns(&mut self, verb: &Audit, global: &Global) -> Result<(), Stop> {
        let Some(file) = &verb.metadata else { return Ok(()) };
        let found = image_columns::read(file, &self.predictions.ids)
            .map_err(|error| Stop::problem(&error, error.hint()))?;
        for (name, names) in found.left_out.iter().filter(|_| !global.quiet) {
            tell(format_args!(
                "note: column {name} of {} is left out: it has {} different names, more than {}",
                file.display(),
                thousands(*names as u64),
                image_columns::NAMES_MOST
            ));
        }
        self.columns = found.columns;
        Ok(())
    }

    fn read_against(&mut self, verb: &Audit, global: &Global) -> Result<(), Stop> {
        let Some(name) = &verb.against else { return Ok(()) };
        let file = Path::new(name);
        self.against = Some(match &self.model {
            _ if file.is_file() => {
                let predictions = self.table(file, verb.logits)?;
                Other { name: name.clone(), predictions, images: None, embeddings: None }
            }
            Some(model) if Source::parse(name).is_ok() => {
                let size = Some(model.file.input());
                let images =
                    ImageOptions { size, ..ImageOptions::default() }.wished(model.file.preprocessing());
                let dataset = crate::data::load(name, None, images, global)?;
                let set = dataset.test.unwrap_or(dataset.train);
                let images = matched(set, &model.file, &verb.models[0])?;
                Other {
                    name: name.clone(),
                    predictions: model.predict(&images, Split::Test),
                    embeddings: model.embeddings(&images),
                    images: Some(images),
                }
            }
            Some(_) => {
                let problem =
                    format!("--against {name}: expected images or a table of predictions, found neither");
                let hint =
                    "images are a source as fashion-mnist or idx:PATH; a table is a CSV, Parquet or NPZ file";
                return Err(Stop::problem(problem, Some(hint.to_owned())));
            }
            None => {
                return Err(Stop::problem(
                    format!("--against {name}: expected a table of predictions, found no such file"),
                    Some(
                        "without a model, other images need predictions: a CSV, Parquet or NPZ file"
                            .to_owned(),
                    ),
                ));
            }
        });
        Ok(())
    }
}

fn shown(classes: &[String]) -> String {
    match classes.len() {
        0..=12 => classes.join(", "),
        n => format!("{}, … {n} in all", classes[..12].join(", ")),
    }
}
