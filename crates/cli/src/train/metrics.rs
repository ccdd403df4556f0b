//! `metrics.jsonl`: a line an epoch.

use std::time::Duration;

use seamripper_core::train::{ClassCount, EpochReport};
use serde::{Deserialize, Serialize};

/// A line. The fields stand in the order of the alphabet, as the file has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// On the validation images, or else on the training images as they were seen.
    pub classes: Vec<Class>,
    /// Counted from 1.
    pub epoch: u64,
    pub images_per_second: f64,
    /// The last step's learning rate.
    pub rate: f64,
    /// Validation included.
    pub seconds: f64,
    pub train_loss: f64,
    pub validation_accuracy: Option<f64>,
    pub validation_loss: Option<f64>,
}

/// A class in an epoch; without images it has neither recall nor bias.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Class {
    pub bias: Option<f64>,
    pub name: String,
    pub recall: Option<f64>,
}

/// The lines so far.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    epochs: Vec<Epoch>,
}

impl Metrics {
    /// The first `epochs` lines of a file.
    ///
    /// # Errors
    /// The first of these lines that is none of ours, and what is wrong with it.
    pub fn read(text: &str, epochs: usize) -> Result<Self, (usize, serde_json::Error)> {
        let lines = (1..).zip(text.lines()).take(epochs);
        let read = lines.map(|(number, line)| serde_json::from_str(line).map_err(|error| (number, error)));
        Ok(Self { epochs: read.collect::<Result<_, _>>()? })
    }

    /// Adds an epoch that took `time` for `images` images, validation included.
    pub fn add(&mut self, report: &EpochReport, time: Duration, images: u64, classes: &[String]) {
        let seconds = time.as_secs_f64();
        let class = |(name, count): (&String, &ClassCount)| Class {
            bias: count.bias(),
            name: name.clone(),
            recall: count.recall(),
        };
        self.epochs.push(Epoch {
            classes: classes.iter().zip(&report.classes).map(class).collect(),
            epoch: report.epoch,
            images_per_second: images as f64 / seconds.max(1e-9),
            rate: report.rate,
            seconds,
            train_loss: report.train_loss,
            validation_accuracy: report.validation.as_ref().map(|held| held.accuracy),
            validation_loss: report.validation.as_ref().map(|held| held.loss),
        });
    }

    /// The epochs so far.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// Images a second in the last epoch.
    pub fn last_rate(&self) -> f64 {
        self.epochs.last().map_or(0.0, |epoch| epoch.images_per_second)
    }

    /// The file.
    pub fn text(&self) -> String {
        let line = |epoch| serde_json::to_string(epoch).expect("plain data") + "\n";
        self.epochs.iter().map(line).collect()
    }
}
