//! A trained model that can be run, whether its layers could be read or not.

use seamripper_core::graph::{ModelFile, Preprocessing};
use seamripper_core::predictions::Predictions;
use seamripper_core::sample::{ImageSet, Split};
use seamripper_core::see::Classifier;
use seamripper_core::train::{PREDICT_BATCH, Predictor};
use seamripper_kernels::Instructions;

use crate::blackbox_file::BlackboxFile;
use crate::diag::{Outcome, Stop};

/// A model.
#[derive(Debug)]
pub enum Runnable {
    /// With layers and weights.
    Readable(Box<ModelFile>),
    /// That only predicts.
    Blackbox(Box<BlackboxFile>),
}

impl Runnable {
    /// `[h, w, c]` of its images.
    pub fn input(&self) -> [usize; 3] {
        match self {
            Self::Readable(model) => model.graph.input,
            Self::Blackbox(file) => file.model.described().input,
        }
    }

    /// Names of its classes.
    pub fn classes(&self) -> &[String] {
        match self {
            Self::Readable(model) => &model.classes,
            Self::Blackbox(file) => file.model.classes(),
        }
    }

    /// From pixels to what it reads.
    pub fn preprocessing(&self) -> &Preprocessing {
        match self {
            Self::Readable(model) => &model.preprocessing,
            Self::Blackbox(file) => file.model.preprocessing(),
        }
    }

    /// Its layers and weights, if they could be read.
    pub fn readable(&self) -> Option<&ModelFile> {
        match self {
            Self::Readable(model) => Some(model),
            Self::Blackbox(_) => None,
        }
    }

    /// Its layers and weights, which `what` needs.
    pub fn read_for(&self, what: &str) -> Result<&ModelFile, Stop> {
        match self {
            Self::Readable(model) => Ok(model),
            Self::Blackbox(file) => Err(file.refused(what)),
        }
    }

    /// Probabilities of images in its layout. What goes wrong in a black box meanwhile is told by [`Self::check`] afterwards.
    pub fn predict(&self, isa: Instructions, images: &ImageSet, split: Split) -> Predictions {
        self.predict_as(self.preprocessing(), isa, images, split)
    }

    /// The same, with images that are prepared in another way than it says.
    pub fn predict_as(
        &self,
        preprocessing: &Preprocessing,
        isa: Instructions,
        images: &ImageSet,
        split: Split,
    ) -> Predictions {
        match self {
            Self::Readable(model) => {
                let ModelFile { graph, weights, .. } = &**model;
                Predictor { isa, graph, weights, preprocessing, bf16: false }.predict(images, split, |_| {})
            }
            Self::Blackbox(file) => {
                let mut model = &file.model;
                let mut values = Vec::new();
                Predictions::of(images, split, PREDICT_BATCH, |pixels| {
                    values.resize(pixels.len(), 0.0);
                    preprocessing.apply(pixels, &mut values);
                    model.probs(&values)
                })
            }
        }
    }

    /// That nothing went wrong while it was run.
    pub fn check(&self) -> Outcome {
        match self {
            Self::Readable(_) => Ok(()),
            Self::Blackbox(file) => file.check(),
        }
    }
}
