//! ONNX models that are run without being read: images in, logits out, nothing between.
//!
//! *Idea*
//! ```text
//! bytes -> describe (onnx): image, operators, names
//!       -> rten: a model that runs
//!       -> two images through it: how many classes, logits or probabilities, batches of any size or not
//! ```
//! For models with operators that are no layers of ours. What needs weights or gradients cannot be had of them.
//!
//! *Safety*: rten promises that no file makes it read or write what is not its own, but it may panic on an odd one. All of it runs on threads
//! of a pool of its own, and a panic there becomes an error ([`BlackboxError::Run`]). Neither memory nor time of a model are bounded.

mod error;
mod output;
mod runtime;

use std::sync::Mutex;

use seamripper_core::graph::Preprocessing;
use seamripper_core::see::Classifier;
use seamripper_onnx::{Described, OnnxError, Options, describe};

pub use error::BlackboxError;
use output::Kind;
use runtime::Runtime;

/// Most images at a time.
const MOST_IMAGES: usize = 64;
/// Most values of the images at a time, if an image has fewer: what lies between layers may be many times as much.
const MOST_VALUES: usize = 1 << 22;
/// Most values of the images of a batch whose size the file says: 256 MB.
const MOST_FIXED: usize = 1 << 26;
/// Largest difference of a logit, as a share of the largest, between an image alone and the same in a batch.
const ALIKE: f32 = 1e-3;

/// A model that runs.
#[derive(Debug)]
pub struct Blackbox {
    runtime: Runtime,
    described: Described,
    classes: Vec<String>,
    notes: Vec<String>,
    kind: Kind,
    batch: Batch,
    failure: Mutex<Option<BlackboxError>>,
}

/// How many images the model takes at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// So many, no fewer: the rest of the last batch is filled up.
    Exactly(usize),
    /// Up to so many.
    UpTo(usize),
}

impl Blackbox {
    /// The model in the bytes of an ONNX file, to run on `threads` threads.
    ///
    /// # Errors
    /// If the bytes are no ONNX model of one image, if rten cannot run it, or if it does not give one number a class.
    pub fn load(bytes: Vec<u8>, options: &Options<'_>, threads: usize) -> Result<Self, BlackboxError> {
        let described = describe(&bytes, options)?;
        let [h, w, c] = described.input;
        let fixed = described.batch.unwrap_or(1);
        let values = [h, w, c].iter().try_fold(fixed, |values, &length| values.checked_mul(length));
        if values.is_none_or(|values| values > MOST_FIXED) {
            let found = format!("{fixed} of {h} x {w} with {c} channels");
            return Err(BlackboxError::TooLarge { most: MOST_FIXED, found });
        }
        let mut files = Vec::new();
        let mut faults = Vec::new();
        for name in &described.files {
            match (options.external)(name) {
                Ok(bytes) => files.push((name.clone(), bytes)),
                Err(found) => faults.push(found),
            }
        }
        if !faults.is_empty() {
            return Err(BlackboxError::Files(faults));
        }
        let runtime = Runtime::load(bytes, files, &described, threads)?;
        let images = probes(&described.preprocessing, h * w * c);
        let most = (MOST_VALUES / (h * w * c)).clamp(1, MOST_IMAGES);
        let (kind, batch) = match described.batch {
            Some(count) => (output::probe(&runtime, &images, Batch::Exactly(count))?, Batch::Exactly(count)),
            None => {
                let alone = output::probe(&runtime, &images, Batch::Exactly(1))?;
                let together = output::probe(&runtime, &images, Batch::UpTo(most.max(2)));
                let alike = together.is_ok_and(|together| together.is_like(&alone, ALIKE));
                (alone, if alike { Batch::UpTo(most) } else { Batch::Exactly(1) })
            }
        };
        let (classes, note) = described.classes(kind.classes())?;
        let notes = described.notes.iter().cloned().chain(note).chain(kind.note()).collect();
        Ok(Self { runtime, described, classes, notes, kind: kind.kind(), batch, failure: Mutex::new(None) })
    }

    /// What its file says of itself.
    pub fn described(&self) -> &Described {
        &self.described
    }

    /// Names of its classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// From pixels to what it reads.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.described.preprocessing
    }

    /// The same, to be changed by whoever knows better than the file.
    pub fn preprocessing_mut(&mut self) -> &mut Preprocessing {
        &mut self.described.preprocessing
    }

    /// How many images it takes at a time.
    pub fn batch(&self) -> Batch {
        self.batch
    }

    /// Whether its output is probabilities, of which logits are made.
    pub fn gives_probabilities(&self) -> bool {
        self.kind == Kind::Probabilities
    }

    /// Sentences on what was assumed.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Logits `[n, k]` of images `[n, h, w, c]`, prepared as [`Self::preprocessing`] says. The same for any number of threads.
    ///
    /// # Errors
    /// If rten fails, or a number is not finite.
    ///
    /// # Panics
    /// If `values` are no whole images.
    pub fn run(&self, values: &[f32]) -> Result<Vec<f32>, BlackboxError> {
        let rows = self.runtime.run(values, self.batch)?.rows(&self.described.output, self.classes.len())?;
        match rows.iter().position(|number| !number.is_finite()) {
            None => Ok(self.kind.logits(rows)),
            Some(at) => {
                Err(BlackboxError::NotFinite { class: self.classes[at % self.classes.len()].clone() })
            }
        }
    }

    /// What went wrong first where an error could not be told: [`Classifier::logits`] gives zeros then. To be asked when all is done.
    pub fn failure(&self) -> Option<BlackboxError> {
        self.failure.lock().map_or(None, |failure| failure.clone())
    }
}

impl Classifier for &Blackbox {
    fn input(&self) -> [usize; 3] {
        self.described.input
    }

    fn outputs(&self) -> usize {
        self.classes.len()
    }

    /// Zeros once something went wrong; [`Blackbox::failure`] says what.
    fn logits(&mut self, values: &[f32]) -> Vec<f32> {
        let images = values.len() / self.described.input.iter().product::<usize>();
        let none = || vec![0.0; images * self.classes.len()];
        if self.failure().is_some() {
            return none();
        }
        self.run(values).unwrap_or_else(|error| {
            if let Ok(mut failure) = self.failure.lock() {
                failure.get_or_insert(error);
            }
            none()
        })
    }
}

/// Two prepared images of `length` pixels to see how a model answers: an even one and one of all shades.
fn probes(preprocessing: &Preprocessing, length: usize) -> Vec<f32> {
    let pixels: Vec<u8> =
        (0..length).map(|_| 128).chain((0..length).map(|at| (at * 37 % 256) as u8)).collect();
    let mut values = vec![0.0; pixels.len()];
    preprocessing.apply(&pixels, &mut values);
    values
}

impl From<OnnxError> for BlackboxError {
    fn from(error: OnnxError) -> Self {
        Self::Onnx(error)
    }
}
