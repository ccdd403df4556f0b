//! `metrics.jsonl`: a line an epoch.

use std::time::Duration;

use seamripper_core::train::EpochReport;
use serde_json::json;

/// The lines so far.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    lines: Vec<String>,
    images_per_second: f64,
}

impl Metrics {
    /// The first `epochs` lines of a file.
    pub fn read(text: &str, epochs: usize) -> Self {
        Self { lines: text.lines().take(epochs).map(str::to_owned).collect(), images_per_second: 0.0 }
    }

    /// Adds an epoch that took `time` for `images` images, validation included.
    pub fn add(&mut self, report: &EpochReport, time: Duration, images: u64, classes: &[String]) {
        let seconds = time.as_secs_f64();
        self.images_per_second = images as f64 / seconds.max(1e-9);
        let classes: Vec<_> = classes
            .iter()
            .zip(&report.classes)
            .map(|(name, count)| json!({"name": name, "recall": count.recall(), "bias": count.bias()}))
            .collect();
        let line = json!({
            "epoch": report.epoch,
            "seconds": seconds,
            "images_per_second": self.images_per_second,
            "rate": report.rate,
            "train_loss": report.train_loss,
            "validation_loss": report.validation.as_ref().map(|held| held.loss),
            "validation_accuracy": report.validation.as_ref().map(|held| held.accuracy),
            "classes": classes,
        });
        self.lines.push(line.to_string());
    }

    /// Images a second in the last epoch.
    pub fn last_rate(&self) -> f64 {
        self.images_per_second
    }

    /// The file.
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}
