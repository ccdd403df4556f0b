//! What the doctor says, as one JSON document: `seamripper.doctor/1`.

use seamripper_core::fail::Finding;
use seamripper_core::fail::doctor::{Comparison, Diagnosis, Measured, Verdict};
use seamripper_core::fail::statistics::interval::Interval;
use seamripper_core::graph::Preprocessing;
use seamripper_core::sample::Split;
use serde::Serialize;
use serde_json::json;

use super::images::Ways;
use super::outputs::By;

/// Everything that is told.
pub struct Told<'a> {
    /// As typed.
    pub model: &'a str,
    /// Where the images are from.
    pub source: &'a str,
    /// Which part.
    pub split: Split,
    /// Images of that part.
    pub of: u64,
    /// How classes were found among outputs.
    pub by: By,
    /// Classes of the data.
    pub data_classes: &'a [String],
    /// What the outputs were called.
    pub old: &'a [String],
    /// What they are to be called, if that is something else.
    pub classes: Option<&'a [String]>,
    /// What was tried.
    pub ways: &'a Ways,
    /// What came out.
    pub diagnosis: &'a Diagnosis,
    /// The file that was written.
    pub written: Option<String>,
    /// Whether the model is that of a run folder.
    pub run: bool,
}

/// A way on the images that confirmed.
#[derive(Debug, Serialize)]
struct WayDocument {
    preprocessing: Preprocessing,
    prepared: String,
    classes_moved: bool,
    n: u64,
    accuracy: f64,
    accuracy_ci: Interval,
    log_loss: f64,
    log_loss_choosing: f64,
}

#[derive(Debug, Serialize)]
struct RunnerUp {
    #[serde(flatten)]
    way: WayDocument,
    against_best: Comparison,
    told_apart: bool,
}

#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: &'static str,
    model: &'a str,
    data: &'a str,
    split: &'static str,
    images: u64,
    choosing: u64,
    confirming: u64,
    verdict: Verdict,
    current: WayDocument,
    best: WayDocument,
    gain: Comparison,
    runner_up: Option<RunnerUp>,
    ranked: Vec<WayDocument>,
    chance: f64,
    chance_p: f64,
    classes_by: By,
    classes: Option<&'a [String]>,
    finding: Option<Finding>,
    predicted: usize,
    written: Option<&'a str>,
}

impl Told<'_> {
    fn way(&self, measured: &Measured) -> WayDocument {
        WayDocument {
            preprocessing: self.ways.preprocessing(measured.way),
            prepared: self.prepared(measured),
            classes_moved: measured.order.is_some(),
            n: measured.n,
            accuracy: measured.accuracy,
            accuracy_ci: measured.accuracy_ci,
            log_loss: measured.loss,
            log_loss_choosing: measured.chosen_by,
        }
    }

    /// A way in words.
    pub fn prepared(&self, measured: &Measured) -> String {
        let way = self.ways.preprocessing(measured.way).to_string();
        if measured.order.is_some() { way + ", classes in another order" } else { way }
    }

    fn finding(&self) -> Option<Finding> {
        let Diagnosis { current, best, .. } = self.diagnosis;
        let evidence = json!({ "preprocessing": self.ways.preprocessing(best.way), "classes": self.classes });
        self.diagnosis.finding(&self.prepared(current), &self.prepared(best), evidence)
    }
}

/// The document, with a line's end.
pub fn json(told: &Told<'_>) -> String {
    let diagnosis = told.diagnosis;
    let document = Document {
        schema: "seamripper.doctor/1",
        model: told.model,
        data: told.source,
        split: told.split.name(),
        images: told.of,
        choosing: diagnosis.choosing,
        confirming: diagnosis.best.n,
        verdict: diagnosis.verdict,
        current: told.way(&diagnosis.current),
        best: told.way(&diagnosis.best),
        gain: diagnosis.gain,
        runner_up: diagnosis.runner_up.as_ref().map(|(measured, against_best)| RunnerUp {
            way: told.way(measured),
            against_best: *against_best,
            told_apart: against_best.tells_apart(),
        }),
        ranked: diagnosis.ranked.iter().map(|measured| told.way(measured)).collect(),
        chance: diagnosis.chance,
        chance_p: diagnosis.chance_p,
        classes_by: told.by,
        classes: told.classes,
        finding: told.finding(),
        predicted: diagnosis.predicted,
        written: told.written.as_deref(),
    };
    serde_json::to_string(&document).expect("plain data has a JSON form") + "\n"
}
