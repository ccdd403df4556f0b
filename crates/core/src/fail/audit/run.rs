//! One audit under way: what was found so far, and a step a kind of finding.

use super::document::{Document, Excluded, NotRun};
use super::{
    Audit, Audited, FEW_IMAGES, LabelErrors, Predict, Stage, Subject, Wants, abstention, bias, calibration,
    drift, duplicates, label_errors, losses, preprocessing, robustness, slices,
};
use crate::fail::evaluation::{Evaluation, evaluate};
use crate::fail::finding::{Finding, Kind};
use crate::fail::properties::{Property, measure};
use crate::fail::slices::SliceOptions;
use crate::fail::spurious::{self, SpuriousOptions};

/// Images that ways to give them are tried on, at most.
const TRIED_MOST: usize = 2_000;

pub(super) struct Run<'a> {
    subject: Subject<'a>,
    predict: Option<Box<Predict<'a>>>,
    wants: &'a Wants,
    progress: &'a mut dyn FnMut(Stage),
    evaluation: Evaluation,
    /// `[n]`, what each image is called.
    called: Vec<u32>,
    /// Of the audited images, if a step needs them.
    measured: Vec<Property>,
    findings: Vec<Finding>,
    document: Document,
    judged: Option<LabelErrors>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        mut subject: Subject<'a>,
        wants: &'a Wants,
        progress: &'a mut dyn FnMut(Stage),
    ) -> Self {
        subject.check();
        progress(Stage { name: "classes", done: 0, of: 1 });
        let predict = subject.predict.take();
        let predictions = subject.predictions;
        let evaluation = evaluate(predictions);
        let called: Vec<u32> = (0..predictions.len()).map(|row| predictions.top1(row) as u32).collect();
        let errors = called.iter().zip(&predictions.labels).filter(|(called, label)| called != label).count();
        let document = Document {
            audit: Audit::ranked(evaluation.n, errors as u64, Vec::new()),
            subject: String::new(),
            classes: predictions.classes.clone(),
            accuracy: evaluation.accuracy,
            accuracy_ci: evaluation.accuracy_ci,
            excluded: Vec::new(),
            not_run: Vec::new(),
            bias: None,
            losses: None,
            slices: None,
            robustness: None,
            calibration: None,
            abstention: None,
            label_errors: None,
            duplicates: None,
            spurious: None,
            drift: None,
            preprocessing: None,
        };
        let (measured, findings) = (Vec::new(), Vec::new());
        Self {
            subject,
            predict,
            wants,
            progress,
            evaluation,
            called,
            measured,
            findings,
            document,
            judged: None,
        }
    }

    fn stage(&mut self, name: &'static str) {
        (self.progress)(Stage { name, done: 0, of: 1 });
    }

    fn not_run(&mut self, kind: Kind, why: &str, hint: &str) {
        self.document.not_run.push(NotRun { kind, why: why.to_owned(), hint: hint.to_owned() });
    }

    pub(super) fn few_images(&mut self) {
        let few = self.evaluation.classes.iter().filter(|class| class.actual < FEW_IMAGES);
        let few: Vec<&str> = few.map(|class| class.name.as_str()).collect();
        if !few.is_empty() {
            self.document.excluded.push(Excluded {
                what: format!("classes with fewer than {FEW_IMAGES} images"),
                count: few.len() as u64,
                from: "slices and thresholds of their own; their intervals are wide".to_owned(),
                names: few.into_iter().take(20).map(str::to_owned).collect(),
            });
        }
    }

    pub(super) fn bias(&mut self) {
        if !self.wants.has(Kind::Bias) {
            return;
        }
        let (section, found) = bias::section(&self.subject, self.wants, &self.evaluation, &self.called);
        self.findings.extend(found);
        self.document.bias = Some(section);
        self.stage("top losses");
        self.document.losses = Some(losses::section(&self.subject, self.wants.listed));
    }

    /// Measures the images, if a later step needs it.
    pub(super) fn measure(&mut self) {
        let needed =
            self.wants.has(Kind::Slice) || self.wants.has(Kind::Drift) && self.subject.against.is_some();
        if let Some(images) = self.subject.images.filter(|_| needed) {
            self.stage("properties of images");
            self.measured = measure(images);
        }
    }

    pub(super) fn slices(&mut self) {
        if !self.wants.has(Kind::Slice) {
            return;
        }
        if self.measured.is_empty() && self.subject.columns.is_empty() && self.subject.embeddings.is_none() {
            let why = "nothing is known about the images but their classes";
            return self.not_run(Kind::Slice, why, "give the images, or columns about them");
        }
        self.stage("slices");
        let options = SliceOptions { seed: self.wants.seed, ..self.wants.slices.clone() };
        let (section, found) = slices::section(&self.subject, &self.measured, &options);
        self.findings.extend(found);
        self.document.slices = Some(section);
    }

    pub(super) fn calibration(&mut self) {
        if !self.wants.has(Kind::Calibration) {
            return;
        }
        self.stage("calibration");
        let (section, found) = calibration::section(&self.subject, self.wants);
        self.findings.extend(found);
        self.document.calibration = Some(section);
        self.stage("abstention");
        self.document.abstention = Some(abstention::section(&self.subject, self.wants));
        if self.subject.validation.is_none() {
            let why = "there are no validation images to fit a scaling or a class's threshold on";
            self.not_run(Kind::Calibration, why, "give predictions of validation images");
        }
    }

    pub(super) fn label_errors(&mut self) {
        if !self.wants.has(Kind::LabelError) {
            return;
        }
        let held_out = (!self.subject.fitted).then_some(self.subject.predictions);
        let Some(table) = self.subject.out_of_fold.or(held_out) else {
            let why = "the model was fitted on these labels, so it cannot judge them";
            return self.not_run(Kind::LabelError, why, "give out-of-fold probabilities");
        };
        self.stage("label errors");
        let (section, judged, found) = label_errors::section(table, self.subject.out_of_fold.is_some());
        self.findings.extend(found);
        self.document.label_errors = Some(section);
        self.judged = Some(judged);
    }

    /// Duplicates and leaks come from one search.
    pub(super) fn duplicates(&mut self) {
        let wanted: Vec<Kind> =
            [Kind::Duplicate, Kind::Leak].into_iter().filter(|&kind| self.wants.has(kind)).collect();
        let Some(images) = self.subject.images.filter(|_| !wanted.is_empty()) else {
            return wanted
                .into_iter()
                .for_each(|kind| self.not_run(kind, "there are no images", "give the images"));
        };
        if self.wants.has(Kind::Leak) && self.subject.training.is_none() {
            let why = "there are no images the model was fitted on";
            self.not_run(Kind::Leak, why, "give the training images");
        }
        self.stage("duplicates");
        let (section, found) = duplicates::section(&self.subject, images);
        self.findings.extend(found.into_iter().filter(|finding| self.wants.has(finding.kind)));
        self.document.duplicates = Some(section);
    }

    pub(super) fn drift(&mut self) {
        if !self.wants.has(Kind::Drift) {
            return;
        }
        if self.subject.against.is_none() {
            let why = "there are no other images to compare with";
            return self.not_run(Kind::Drift, why, "give other images of the same classes");
        }
        self.stage("drift");
        let against = self.subject.against.as_ref().expect("asked above");
        let (section, found) = drift::section(&self.subject, against, &self.measured);
        self.findings.extend(found);
        self.document.drift = Some(section);
    }

    pub(super) fn preprocessing(&mut self) {
        if !self.wants.has(Kind::Preprocessing) {
            return;
        }
        self.stage("preprocessing");
        let sample = self.subject.images.map(|images| {
            let step = images.len().div_ceil(TRIED_MOST).max(1);
            images.select(&(0..images.len()).step_by(step).collect::<Vec<_>>())
        });
        let model = sample.as_ref().zip(self.predict.as_deref_mut());
        let tried_images = model.is_some();
        let (section, found) = preprocessing::section(self.subject.predictions, &self.called, model);
        self.findings.extend(found);
        self.document.preprocessing = Some(section);
        if !tried_images {
            let why =
                "only the order of the classes was checked: how images are given takes images and a model";
            self.not_run(Kind::Preprocessing, why, "give a model and its images");
        }
    }

    pub(super) fn robustness(&mut self) {
        if !self.wants.has(Kind::Robustness) {
            return;
        }
        let Some((images, predict)) = self.subject.images.zip(self.predict.as_deref_mut()) else {
            let why = "changed images have to be predicted, which takes images and a model";
            return self.not_run(Kind::Robustness, why, "give a model and its images");
        };
        let excluded = &mut self.document.excluded;
        let (section, found) = robustness::section(self.wants, images, predict, excluded, self.progress);
        self.findings.extend(found);
        self.document.robustness = Some(section);
    }

    pub(super) fn spurious(&mut self) {
        if !self.wants.has(Kind::Spurious) {
            return;
        }
        let Some((images, predict)) = self.subject.images.zip(self.predict.as_deref_mut()) else {
            let why = "images have to be predicted with something put in, which takes images and a model";
            return self.not_run(Kind::Spurious, why, "give a model and its images");
        };
        let options = SpuriousOptions { seed: self.wants.seed, ..SpuriousOptions::default() };
        let training = self.subject.training.map(|training| training.images);
        let told = |done, of| (self.progress)(Stage { name: "spurious features", done, of });
        let section = spurious::find(images, training, &options, predict, told);
        self.findings.extend(section.findings(images, self.subject.predictions));
        self.document.spurious = Some(section);
    }

    pub(super) fn finish(mut self) -> Audited {
        let Audit { n, errors, .. } = self.document.audit;
        self.document.audit = Audit::ranked(n, errors, self.findings);
        Audited { document: self.document, label_errors: self.judged }
    }
}
