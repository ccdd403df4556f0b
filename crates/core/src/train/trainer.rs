//! The loop: step after step, epoch after epoch.

use seamripper_kernels::{Instructions, parallel};
use thiserror::Error;

use super::average;
use super::batches::{Batch, Batches};
use super::checkpoint::CheckpointError;
use super::class_weights;
use super::optimizer::{Moments, Update, clip};
use super::predict::Predictor;
use super::profile::{Meters, Profile};
use super::schedule::factor;
use super::sizes;
use super::teacher::Teacher;
use crate::augment::{AugmentError, Online, Shrink};
use crate::engine::{Clock, Engine, Loss, Meter, Wants};
use crate::graph::{Graph, ModelFile, Preprocessing, Weights};
use crate::predictions::Predictions;
use crate::recipe::{self, Recipe, TrainOptions};
use crate::sample::{ImageSet, Split};
use crate::tensor::argmax;

/// Why training cannot begin.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum TrainError {
    /// Image size.
    #[error("[model] input: expected {found:?}, the size of the images of the data set, found {expected:?}")]
    Size {
        /// The graph's.
        expected: [usize; 3],
        /// The data's.
        found: [usize; 3],
    },
    /// Number of classes.
    #[error(
        "the last layer: expected {classes} outputs, one for each class of the data set, found {outputs}"
    )]
    Classes {
        /// The graph's.
        outputs: usize,
        /// The data's.
        classes: usize,
    },
    /// No image to train on.
    #[error("training images: expected at least one, found none")]
    Empty,
    /// Early stopping without validation images.
    #[error(
        "[train] early_stopping: expected validation images to judge by, found none ([data] validation is 0)"
    )]
    NothingToJudgeBy,
    /// Small images for a network that cannot read them.
    #[error(
        "[train] progressive: expected a network with the same weights for images of every size, \
         found one that cannot read {h} x {w}"
    )]
    NotForSize {
        /// Rows.
        h: usize,
        /// Columns.
        w: usize,
    },
    /// A teacher of images of another size.
    #[error(
        "[train] teacher: expected a model for images {expected:?}, as they are trained on, found one for {found:?}"
    )]
    TeacherSize {
        /// The graph's.
        expected: [usize; 3],
        /// The teacher's.
        found: [usize; 3],
    },
    /// A teacher of other classes.
    #[error("[train] teacher: expected a model for the classes of the data set, found one for {}", .found.join(", "))]
    TeacherClasses {
        /// Classes that it does not know.
        missing: Vec<String>,
        /// Its classes.
        found: Vec<String>,
    },
    /// A teacher that reads other values.
    #[error(
        "[train] teacher: expected a model that reads images as the network does ({expected}), found one that reads them {found}"
    )]
    TeacherPreprocessing {
        /// The network's.
        expected: String,
        /// The teacher's.
        found: String,
    },
    /// Weights of classes that there are not.
    #[error("[train] class_weights: expected names of classes of the data set, found {found}")]
    UnknownClasses {
        /// All of them.
        found: String,
        /// The class nearest to the first.
        nearest: Option<String>,
        /// All there are.
        classes: String,
    },
    /// Wrong transforms.
    #[error(transparent)]
    Augment(#[from] AugmentError),
}

impl TrainError {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Size { found: [h, w, c], .. } => Some(format!("set `input = [{h}, {w}, {c}]`")),
            Self::Classes { classes, .. } => Some(format!("end the layers with \"dense {classes}\"")),
            Self::Empty => Some("check the data set with `seamripper data SOURCE`".to_owned()),
            Self::NothingToJudgeBy => Some("set `validation = 0.1`, or remove `early_stopping`".to_owned()),
            Self::NotForSize { .. } => Some(
                "end the layers with `global_avg_pool` and `dense`, or begin larger: train.progressive.from"
                    .to_owned(),
            ),
            Self::TeacherSize { .. } => Some("train the teacher on the same images".to_owned()),
            Self::TeacherClasses { missing, .. } if missing.is_empty() => {
                Some("train the teacher on the same images".to_owned())
            }
            Self::TeacherClasses { missing, .. } => Some(format!("it does not know {}", missing.join(", "))),
            Self::TeacherPreprocessing { .. } => {
                Some("train the teacher here, or begin from it: model.from".to_owned())
            }
            Self::UnknownClasses { nearest: Some(nearest), .. } => Some(format!("did you mean `{nearest}`?")),
            Self::UnknownClasses { classes, .. } => Some(format!("the classes are {classes}")),
            Self::Augment(error) => error.hint(),
        }
    }
}

/// How often a class was there, was predicted, and was predicted rightly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ClassCount {
    /// Images of the class.
    pub actual: u64,
    /// Images called so.
    pub predicted: u64,
    /// Both.
    pub right: u64,
}

impl ClassCount {
    /// `right / actual`, `None` without images.
    pub fn recall(&self) -> Option<f64> {
        (self.actual > 0).then(|| self.right as f64 / self.actual as f64)
    }

    /// `predicted / actual`, `None` without images.
    pub fn bias(&self) -> Option<f64> {
        (self.actual > 0).then(|| self.predicted as f64 / self.actual as f64)
    }
}

/// Everything a run is at one moment; what a checkpoint holds.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The weights.
    pub weights: Weights,
    /// Their moving average, if the recipe asks for one.
    pub average: Option<Weights>,
    /// The optimizer's memory.
    pub moments: Moments,
    /// Steps taken in all.
    pub step: u64,
    /// Whole epochs behind it.
    pub epoch: u64,
    /// Steps taken in the present epoch.
    pub step_in_epoch: u64,
    /// Summed loss of the present epoch's images.
    pub loss: f64,
    /// Images of the present epoch so far.
    pub seen: u64,
    /// The present epoch's predictions of training images, as they were before each step.
    pub counts: Vec<ClassCount>,
    /// The best epoch, kept for early stopping.
    pub best: Option<Best>,
    /// Whether early stopping has ended the run.
    pub stopped: bool,
}

impl State {
    /// The weights that are looked at and kept: the average, if there is one.
    pub fn judged(&self) -> &Weights {
        self.average.as_ref().unwrap_or(&self.weights)
    }
}

/// The epoch with the lowest validation loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// Which, counted from 1.
    pub epoch: u64,
    /// Its validation loss.
    pub loss: f64,
    /// Its weights.
    pub weights: Weights,
}

/// What an epoch held back from training shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Mean cross-entropy, nats.
    pub loss: f64,
    /// Share of right predictions.
    pub accuracy: f64,
}

/// One epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochReport {
    /// Counted from 1.
    pub epoch: u64,
    /// The last step's learning rate.
    pub rate: f64,
    /// Mean of the loss that is trained on, of the training images as they were seen, nats.
    pub train_loss: f64,
    /// On the validation images, if there are any.
    pub validation: Option<Held>,
    /// Per class, on the validation images; without any, on the training images as they were seen.
    pub classes: Vec<ClassCount>,
}

/// Batches that statistics of batch normalization are found from.
const STATISTICS: u64 = 64;

/// A run in progress.
#[derive(Debug)]
pub struct Trainer<'a> {
    isa: Instructions,
    graph: &'a Graph,
    recipe: &'a Recipe,
    options: &'a TrainOptions,
    update: Update<'a>,
    preprocessing: Preprocessing,
    validation: Option<&'a ImageSet>,
    batches: Batches<'a>,
    engine: Engine,
    /// `[h, w]` of the images that the engine is for.
    size: [usize; 2],
    clock: Option<Clock>,
    teacher: Option<Teacher>,
    gradient: Vec<f32>,
    logits: Vec<f32>,
    batch: Batch,
    next: Batch,
    prepared: Option<(u64, u64)>,
    state: State,
    meters: Meters,
}

impl<'a> Trainer<'a> {
    /// A run from the beginning. `train` is already expanded; `graph` is the recipe's.
    ///
    /// # Errors
    /// If recipe and images do not fit together.
    pub fn new(
        isa: Instructions,
        recipe: &'a Recipe,
        graph: &'a Graph,
        train: &'a ImageSet,
        validation: Option<&'a ImageSet>,
    ) -> Result<Self, TrainError> {
        let options = &recipe.train;
        let validation = validation.filter(|set| !set.is_empty());
        if train.is_empty() {
            return Err(TrainError::Empty);
        }
        if train.size() != graph.input {
            return Err(TrainError::Size { expected: graph.input, found: train.size() });
        }
        let classes = train.classes().len();
        if graph.outputs() != classes {
            return Err(TrainError::Classes { outputs: graph.outputs(), classes });
        }
        if options.early_stopping.is_some() && validation.is_none() {
            return Err(TrainError::NothingToJudgeBy);
        }
        let online = Online::new(&recipe.augment.online, train.size())?;
        let weights = Weights::initial(graph, options.initializer, options.seed);
        let parameters = weights.values.len();
        let frozen = recipe.model.frozen();
        let [h, w, _] = graph.input;
        if let Some(progressive) = options.progressive {
            let epochs = options.epochs as u64;
            let sizes = (0..epochs).map(|epoch| sizes::of_epoch(progressive, epoch, epochs, [h, w]));
            for [h, w] in sizes {
                sizes::resized(graph, [h, w]).ok_or(TrainError::NotForSize { h, w })?;
            }
        }
        let until = (recipe.augment.until * options.epochs as f64).ceil() as u64;
        let mut batches = Batches::new(train, (online, until), options);
        batches.class_weights = class_weights::of(train, &options.class_weights)?;
        let mut trainer = Self {
            isa,
            graph,
            recipe,
            options,
            update: Update { isa, graph, options, frozen },
            preprocessing: Preprocessing::new(graph.input[2]),
            validation,
            batches,
            engine: training_engine(graph, isa, options, train.len(), frozen),
            size: [h, w],
            clock: None,
            teacher: None,
            gradient: vec![0.0; parameters],
            logits: vec![0.0; options.batch * classes],
            batch: Batch::default(),
            next: Batch::default(),
            prepared: None,
            state: State {
                moments: Moments::new(options, parameters),
                average: (options.ema > 0.0 || options.swa > 0.0).then(|| weights.clone()),
                weights,
                step: 0,
                epoch: 0,
                step_in_epoch: 0,
                loss: 0.0,
                seen: 0,
                counts: vec![ClassCount::default(); classes],
                best: None,
                stopped: false,
            },
            meters: Meters::default(),
        };
        trainer.resize();
        Ok(trainer)
    }

    /// Begins with the weights of `model`, from which the recipe was [filled in](Recipe::fill_in), and prepares images as it does.
    /// Before the first step, and before [`Trainer::resume`].
    ///
    /// # Panics
    /// If a step was taken.
    pub fn begin_with(&mut self, model: &ModelFile) {
        assert_eq!(self.state.step, 0, "a run that has begun");
        for [own, theirs] in self.recipe.taken(self.graph, &model.graph) {
            self.state.weights.of_mut(own).copy_from_slice(model.weights.of(theirs));
        }
        if let Some(average) = &mut self.state.average {
            average.clone_from(&self.state.weights);
        }
        self.batches.prepare(&model.preprocessing);
        self.preprocessing = model.preprocessing.clone();
    }

    /// Learns from `model` besides, as the recipe's `teacher` says. After [`Trainer::begin_with`].
    ///
    /// # Errors
    /// If the model is not for these images.
    ///
    /// # Panics
    /// If the recipe has no teacher.
    pub fn learn_from(&mut self, model: &ModelFile) -> Result<(), TrainError> {
        let options = self.options.teacher.as_ref().expect("a recipe with a teacher");
        let classes = self.batches.classes();
        let images = (self.graph.input, classes, &self.preprocessing);
        let batch = self.options.batch.min(self.batches.images() as usize);
        self.teacher = Some(Teacher::new(self.isa, options, model, images, batch)?);
        Ok(())
    }

    /// From pixels to what the first layer reads.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// Goes on from a saved state instead.
    ///
    /// # Errors
    /// If the state's place is not one of this run, as when the images are others; the trainer is then as it was.
    pub fn resume(&mut self, state: State) -> Result<(), CheckpointError> {
        let steps = self.steps_in_epoch();
        let State { step, epoch, step_in_epoch, .. } = state;
        let total = epoch.checked_mul(steps).and_then(|whole| whole.checked_add(step_in_epoch));
        if step_in_epoch >= steps || total != Some(step) {
            return Err(CheckpointError::Place { steps, epoch, step_in_epoch, step });
        }
        self.state = state;
        self.prepared = None;
        self.resize();
        Ok(())
    }

    /// Where the run is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Steps in an epoch.
    pub fn steps_in_epoch(&self) -> u64 {
        self.batches.steps()
    }

    /// Images in an epoch.
    pub fn images_in_epoch(&self) -> u64 {
        self.batches.images()
    }

    /// Epochs the recipe asks for.
    pub fn epochs(&self) -> u64 {
        self.options.epochs as u64
    }

    /// Whether there is nothing left to do.
    pub fn done(&self) -> bool {
        self.state.stopped || self.state.epoch >= self.epochs()
    }

    /// The weights the run ends with: the best epoch's under early stopping, else the last; averaged, if the recipe says so.
    pub fn result(&self) -> &Weights {
        self.state.best.as_ref().map_or_else(|| self.state.judged(), |best| &best.weights)
    }

    /// From now on measures where the time of the steps goes; no result depends on it. Where images grow it begins anew.
    pub fn watch(&mut self, clock: Clock) {
        self.clock = Some(clock);
        let graph = sizes::resized(self.graph, self.size);
        self.engine.watch(graph.as_ref().unwrap_or(self.graph), clock);
        self.batches.meter = Meter::new(clock);
        self.meters = Meters::new(clock, self.state.step);
    }

    /// Where the time of the steps went since [`Trainer::watch`]; `None` without a step since then.
    pub fn profile(&self) -> Option<Profile> {
        let engine = self.engine.profile().filter(|engine| engine.images > 0)?;
        Some(self.meters.profile(engine, &self.batches.meter, self.state.step))
    }

    /// Takes one step. After the last of an epoch, looks at the validation images and reports the epoch.
    ///
    /// # Panics
    /// If the run is [`done`](Self::done).
    pub fn step(&mut self) -> Option<EpochReport> {
        let began = self.meters.steps.begin();
        let (_, report) = self.take_step(None);
        self.meters.steps.end(began);
        report
    }

    /// Takes one step at `rate` in place of the schedule's, and gives the mean loss of its images before it, nats.
    ///
    /// # Panics
    /// If the run is [`done`](Self::done).
    pub fn step_at(&mut self, rate: f64) -> f64 {
        self.take_step(Some(rate)).0
    }

    fn take_step(&mut self, rate: Option<f64>) -> (f64, Option<EpochReport>) {
        assert!(!self.done(), "a step of a run that is done");
        let steps = self.steps_in_epoch();
        self.batches.begin(self.state.epoch);
        let at = (self.state.epoch, self.state.step_in_epoch);
        if self.prepared == Some(at) {
            std::mem::swap(&mut self.batch, &mut self.next);
        } else {
            self.batches.fill(at.1, &mut self.batch);
        }

        self.engine.set_step(self.options.seed, self.state.step);
        let another = at.1 + 1 < steps;
        let (engine, batches, next, batch) = (&mut self.engine, &self.batches, &mut self.next, &self.batch);
        let (weights, gradient) = (&self.state.weights, &mut self.gradient);
        let lesson = self.teacher.as_mut().map(|teacher| teacher.lesson(batch.whole()));
        let (loss, ()) = parallel::join(
            || engine.taught_gradient(weights, &batch.images, &batch.targets, lesson, gradient),
            || {
                if another {
                    batches.fill(at.1 + 1, next);
                }
            },
        );
        self.prepared = another.then_some((at.0, at.1 + 1));
        let began = self.meters.counting.begin();
        self.count(loss);
        self.meters.counting.end(began);

        let began = self.meters.optimizer.begin();
        let rate = rate.unwrap_or_else(|| self.rate(self.state.step));
        if self.options.clip_norm > 0.0 {
            clip(self.isa, self.options.clip_norm, &mut self.gradient);
        }
        self.state.step += 1;
        self.state.step_in_epoch += 1;
        let at = (rate, self.state.step);
        let weights = &mut self.state.weights.values;
        self.update.step(at, &self.gradient, weights, &mut self.state.moments);
        self.engine.update_moving(&mut self.state.weights);
        let State { weights, average, step, .. } = &mut self.state;
        if let Some(average) = average.as_mut().filter(|_| self.options.ema > 0.0) {
            average::follow(&mut average.values, &weights.values, self.options.ema, *step);
        }
        self.meters.optimizer.end(began);
        let mean = loss / self.batch.labels.len() as f64;
        (mean, (self.state.step_in_epoch == steps).then(|| self.end_epoch(rate)))
    }

    /// The learning rate of the step after `step` steps.
    fn rate(&self, step: u64) -> f64 {
        let epoch = self.steps_in_epoch();
        self.options.rate * factor(&self.options.schedule, step, epoch * self.options.epochs as u64, epoch)
    }

    /// Adds the batch just run to the epoch's loss and counts.
    fn count(&mut self, loss: f64) {
        let labels = &self.batch.labels;
        self.state.loss += loss;
        self.state.seen += labels.len() as u64;
        if self.batches.mixes() {
            return;
        }
        let k = self.state.counts.len();
        self.engine.copy_logits(&mut self.logits[..labels.len() * k]);
        for (row, &label) in self.logits.chunks_exact(k).zip(labels) {
            let top1 = argmax(row);
            self.state.counts[label as usize].actual += 1;
            self.state.counts[top1].predicted += 1;
            self.state.counts[top1].right += u64::from(top1 == label as usize);
        }
    }

    /// Takes an engine for the size of the present epoch's images, if that is another one.
    fn resize(&mut self) {
        let Some(progressive) = self.options.progressive else { return };
        let [h, w, _] = self.graph.input;
        let size = sizes::of_epoch(progressive, self.state.epoch, self.epochs(), [h, w]);
        if size == self.size {
            return;
        }
        let graph = sizes::resized(self.graph, size).expect("the sizes of all epochs were tried");
        let images = self.batches.images() as usize;
        self.engine = training_engine(&graph, self.isa, self.options, images, self.update.frozen);
        self.batches.shrink = (size != [h, w]).then(|| Shrink::new(self.graph.input, size));
        (self.size, self.prepared) = (size, None);
        if let Some(clock) = self.clock {
            self.watch(clock);
        }
    }

    /// Finds the running statistics of batch normalization for the average of the weights, from images as they are trained on: the mean
    /// over the first batches of the epoch that was trained last.
    fn find_statistics(&mut self) {
        let Some(average) = &mut self.state.average else { return };
        self.engine.load(average);
        for step in 0..self.batches.steps().min(STATISTICS) {
            self.batches.fill(step, &mut self.batch);
            self.engine.run_forward(&self.batch.images);
            self.engine.average_moving(average, 1.0 / (step + 1) as f32);
        }
        self.prepared = None;
    }

    fn end_epoch(&mut self, rate: f64) -> EpochReport {
        let train_loss = self.state.loss / self.state.seen as f64;
        let mut classes = std::mem::take(&mut self.state.counts);
        self.state.counts = vec![ClassCount::default(); classes.len()];
        (self.state.loss, self.state.seen, self.state.step_in_epoch) = (0.0, 0, 0);
        self.state.epoch += 1;
        if let (true, Some(average)) = (self.options.swa > 0.0, &mut self.state.average) {
            let (weights, epochs) = (&self.state.weights.values, self.options.epochs as u64);
            if average::take(&mut average.values, weights, self.options.swa, self.state.epoch, epochs) {
                self.find_statistics();
            }
        }
        if !self.done() {
            self.resize();
        }
        let validation = self.validation.map(|set| {
            let began = self.meters.evaluation.begin();
            let table = Predictor {
                isa: self.isa,
                graph: self.graph,
                weights: self.state.judged(),
                preprocessing: &self.preprocessing,
                bf16: false,
            }
            .predict(set, Split::Validation, |_| {});
            let (held, counts) = judge(&table);
            self.meters.evaluation.end(began);
            classes = counts;
            held
        });
        if let (Some(early), Some(held)) = (self.options.early_stopping, &validation) {
            let better = self.state.best.as_ref().is_none_or(|best| held.loss < best.loss - early.min_delta);
            if better {
                let weights = self.state.judged().clone();
                self.state.best = Some(Best { epoch: self.state.epoch, loss: held.loss, weights });
            }
            let since = self.state.epoch - self.state.best.as_ref().map_or(0, |best| best.epoch);
            self.state.stopped = since >= early.patience as u64;
        }
        EpochReport { epoch: self.state.epoch, rate, train_loss, validation, classes }
    }
}

/// An engine for the steps of a run with so many images.
fn training_engine(
    graph: &Graph,
    isa: Instructions,
    options: &TrainOptions,
    images: usize,
    frozen: usize,
) -> Engine {
    let wants = Wants { frozen, ..Wants::TRAINING };
    let mut engine = Engine::new(graph, isa, options.batch.min(images), wants);
    engine.set_loss(match options.loss {
        recipe::Loss::CrossEntropy => Loss::CrossEntropy,
        recipe::Loss::Focal { gamma } => Loss::Focal(gamma),
    });
    engine
}

/// Loss, accuracy and counts per class of a table.
fn judge(table: &Predictions) -> (Held, Vec<ClassCount>) {
    let mut counts = vec![ClassCount::default(); table.classes.len()];
    let mut loss = 0.0;
    for row in 0..table.len() {
        let (label, top1) = (table.labels[row] as usize, table.top1(row));
        loss -= table.row(row)[label].max(f64::from(f32::MIN_POSITIVE)).ln();
        counts[label].actual += 1;
        counts[top1].predicted += 1;
        counts[top1].right += u64::from(label == top1);
    }
    let n = table.len() as f64;
    let right: u64 = counts.iter().map(|count| count.right).sum();
    (Held { loss: loss / n, accuracy: right as f64 / n }, counts)
}
