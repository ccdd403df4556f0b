//! A model that a recipe names, and the copy of it that a run keeps: an interrupted run goes on with it, whatever becomes of the file
//! it came from.

use std::path::Path;

use seamripper_core::graph::{ModelFile, to_safetensors};
use seamripper_core::recipe::message_at;
use seamripper_data::checksum::HashingReader;
use seamripper_data::whole_file;
use serde_json::{Value, json};

use crate::args::Global;
use crate::diag::{Outcome, Stop};
use crate::model_source::{ModelSource, read_trained};
use crate::runnable::Runnable;

/// A recipe on the command line, for messages.
#[derive(Clone, Copy, Debug)]
pub struct Typed<'a> {
    /// Its file.
    pub path: &'a Path,
    /// What was changed of it.
    pub changes: &'a [String],
}

impl Typed<'_> {
    /// A problem with `key`, for instance `model.from`.
    pub fn problem(self, key: &str, rest: &str, hint: Option<String>) -> Stop {
        let text = std::fs::read_to_string(self.path).unwrap_or_default();
        let file = self.path.display().to_string();
        Stop::problem(message_at(&text, &file, self.changes, key, rest), hint)
    }
}

/// A model, exactly as it was read.
#[derive(Debug)]
pub struct KeptModel {
    /// The model.
    pub model: ModelFile,
    /// The name of the copy in a run folder.
    copy: &'static str,
}

impl KeptModel {
    /// The model `name`, which `key` of a recipe names, to be kept as `copy`; `purpose` is what it is for, as in "training from it".
    pub fn read(
        name: &str,
        (key, copy, purpose): (&str, &'static str, &str),
        typed: Typed<'_>,
        global: &Global,
    ) -> Result<Self, Stop> {
        let kinds = "name a run folder, a .safetensors or an .onnx file";
        if !Path::new(name).exists() {
            let rest = format!("expected a trained model, found nothing of the name {name}");
            return Err(typed.problem(
                key,
                &rest,
                Some(format!("{kinds}; paths begin in the present folder")),
            ));
        }
        match ModelSource::read(Path::new(name), global) {
            Ok(ModelSource::Trained(Runnable::Readable(model))) => Ok(Self { model: *model, copy }),
            Ok(ModelSource::Trained(Runnable::Blackbox(file))) => Err(file.refused(purpose)),
            Ok(ModelSource::Recipe(_)) => Err(typed.problem(
                key,
                &format!("expected a trained model, found the recipe {name}"),
                Some(kinds.to_owned()),
            )),
            Err(Stop::Problem { message, hint }) => Err(typed.problem(key, &message, hint)),
            Err(other) => Err(other),
        }
    }

    /// The copy that a run has.
    pub fn of_run(run: &Path, copy: &'static str) -> Result<Self, Stop> {
        Ok(Self { model: read_trained(&run.join(copy))?, copy })
    }

    /// Puts the copies of those that there are into a run folder.
    pub fn keep_all(models: [Option<&Self>; 2], run: &Path) -> Outcome {
        models.into_iter().flatten().try_for_each(|model| model.keep(run))
    }

    /// Puts the copy into a run folder, unless it is there already.
    fn keep(&self, run: &Path) -> Outcome {
        let copy = run.join(self.copy);
        if copy.is_file() {
            return Ok(());
        }
        whole_file::write_bytes(&copy, &self.bytes()?).map_err(|error| Stop::problem(&error, error.hint()))
    }

    /// The entry of `environment.json`: the digest of the copy.
    pub fn record(&self) -> Result<Value, Stop> {
        let bytes = self.bytes()?;
        let mut reader = HashingReader::new(&bytes[..]);
        reader.append(bytes.len() as u64, &mut Vec::new()).expect("memory can be read");
        Ok(json!({"sha256": reader.finish()}))
    }

    fn bytes(&self) -> Result<Vec<u8>, Stop> {
        to_safetensors(&self.model).map_err(|error| Stop::problem(&error, error.hint()))
    }
}
