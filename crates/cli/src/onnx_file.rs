//! Reading an ONNX file, and the files beside it that hold its weights: as a model of ours, or else as one that can only be run.

use std::fs;
use std::path::{Component, Path};

use seamripper_core::graph::{ModelFile, Preprocessing};
use seamripper_onnx::{Imported, OnnxError, Options, from_onnx};

use crate::blackbox_file::BlackboxFile;
use crate::diag::{Stop, tell};
use crate::model_source::read_file;

/// Part of the note on a file that does not say how its images are prepared.
pub const UNPREPARED: &str = "how pixels are prepared";

/// What the file does not say and the command line can.
#[derive(Clone, Debug, Default)]
pub struct Unsaid {
    /// Rows and columns.
    pub size: Option<[usize; 2]>,
    /// Names of the classes.
    pub classes: Option<Vec<String>>,
    /// From pixels to input values.
    pub preprocessing: Option<Said>,
}

/// A preprocessing as it was typed: one number a channel, or one for all.
#[derive(Clone, Debug)]
pub struct Said {
    /// Factor of pixels.
    pub scale: f32,
    /// Subtracted.
    pub mean: Vec<f32>,
    /// Divided by.
    pub std: Vec<f32>,
}

impl Said {
    /// The preprocessing of `model` for images of `channels` channels.
    pub fn of(&self, model: &str, channels: usize) -> Result<Preprocessing, Stop> {
        let spread = |name: &str, values: &Vec<f32>| match values[..] {
            [one] => Ok(vec![one; channels]),
            _ if values.len() == channels => Ok(values.clone()),
            _ => Err(Stop::problem(
                format!(
                    "{model}: expected {channels} values of --{name}, one a channel, found {}",
                    values.len()
                ),
                None,
            )),
        };
        Ok(Preprocessing::of(self.scale, spread("mean", &self.mean)?, spread("std", &self.std)?))
    }
}

/// A model and what should be said about it.
pub struct Read {
    /// The model.
    pub model: ModelFile,
    /// Sentences on what was left out or assumed.
    pub notes: Vec<String>,
}

/// What was in the file.
pub enum Found {
    /// A model that became one of ours.
    Readable(Read),
    /// One with operators that are no layers.
    Blackbox(Box<BlackboxFile>),
}

impl Found {
    /// `[h, w, c]` of its images.
    pub fn input(&self) -> [usize; 3] {
        match self {
            Self::Readable(read) => read.model.graph.input,
            Self::Blackbox(file) => file.model.described().input,
        }
    }

    /// From pixels to input values.
    pub fn preprocessing(&self) -> &Preprocessing {
        match self {
            Self::Readable(read) => &read.model.preprocessing,
            Self::Blackbox(file) => file.model.preprocessing(),
        }
    }

    /// The same, to be changed.
    pub fn preprocessing_mut(&mut self) -> &mut Preprocessing {
        match self {
            Self::Readable(read) => &mut read.model.preprocessing,
            Self::Blackbox(file) => file.model.preprocessing_mut(),
        }
    }

    /// Says the notes on stderr.
    pub fn tell_notes(&self) {
        let notes = match self {
            Self::Readable(read) => &read.notes,
            Self::Blackbox(file) => {
                tell(format_args!("note: {}", file.note()));
                file.model.notes()
            }
        };
        notes.iter().for_each(|note| tell(format_args!("note: {note}")));
    }
}

/// Reads the model in `path`; one that can only be run is run on `threads` threads.
pub fn read(path: &Path, unsaid: &Unsaid, threads: usize) -> Result<Found, Stop> {
    let bytes = read_file(path)?;
    let external = |name: &str| beside(path, name);
    let mut options = Options {
        size: unsaid.size,
        classes: unsaid.classes.clone(),
        preprocessing: None,
        external: &external,
    };
    match from_onnx(&bytes, &options) {
        Ok(Imported { mut model, mut notes }) => {
            if let Some(preprocessing) = said(path, unsaid, model.graph.input[2])? {
                model.preprocessing = preprocessing;
                notes.retain(|note| !note.contains(UNPREPARED));
            }
            Ok(Found::Readable(Read { model, notes }))
        }
        Err(why @ (OnnxError::Unsupported(_) | OnnxError::Opset { .. })) => {
            if let Ok(described) = seamripper_onnx::describe(&bytes, &options) {
                options.preprocessing = said(path, unsaid, described.input[2])?;
            }
            BlackboxFile::load(path, bytes, &options, why, threads).map(Box::new).map(Found::Blackbox)
        }
        Err(error) => Err(Stop::problem(format!("model {}: {error}", path.display()), error.hint())),
    }
}

/// How pixels of so many channels are prepared, if that was said.
fn said(path: &Path, unsaid: &Unsaid, channels: usize) -> Result<Option<Preprocessing>, Stop> {
    let Some(said) = &unsaid.preprocessing else { return Ok(None) };
    said.of(&format!("model {}", path.display()), channels).map(Some)
}

/// The bytes of the file `name` in the folder of `model`; nothing outside that folder is read.
fn beside(model: &Path, name: &str) -> Result<Vec<u8>, String> {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !plain {
        return Err(format!("\"{name}\", which is not in the folder of the model"));
    }
    fs::read(model.with_file_name(name)).map_err(|error| format!("\"{name}\", which cannot be read: {error}"))
}
