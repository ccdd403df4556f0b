//! Reading an ONNX file, and the files beside it that hold its weights.

use std::fs;
use std::path::{Component, Path};

use seamripper_core::graph::{ModelFile, Preprocessing};
use seamripper_onnx::{Imported, OnnxError, Options, from_onnx};

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

impl Read {
    /// Says the notes on stderr.
    pub fn tell_notes(&self) {
        for note in &self.notes {
            tell(format_args!("note: {note}"));
        }
    }
}

/// Reads the model in `path`.
pub fn read(path: &Path, unsaid: &Unsaid) -> Result<Read, Stop> {
    let bytes = read_file(path)?;
    let shown = path.display();
    let external = |name: &str| beside(path, name);
    let options = Options {
        size: unsaid.size,
        classes: unsaid.classes.clone(),
        preprocessing: None,
        external: &external,
    };
    let Imported { mut model, mut notes } =
        from_onnx(&bytes, &options).map_err(|error| problem(path, &error))?;
    if let Some(said) = &unsaid.preprocessing {
        model.preprocessing = said.of(&format!("model {shown}"), model.graph.input[2])?;
        notes.retain(|note| !note.contains(UNPREPARED));
    }
    Ok(Read { model, notes })
}

fn problem(path: &Path, error: &OnnxError) -> Stop {
    Stop::problem(format!("model {}: {error}", path.display()), error.hint())
}

/// The bytes of the file `name` in the folder of `model`; nothing outside that folder is read.
fn beside(model: &Path, name: &str) -> Result<Vec<u8>, String> {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !plain {
        return Err(format!("\"{name}\", which is not in the folder of the model"));
    }
    fs::read(model.with_file_name(name)).map_err(|error| format!("\"{name}\", which cannot be read: {error}"))
}
