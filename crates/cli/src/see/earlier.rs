//! What an earlier look wrote into the same folder, and whether it was of the same model and images.

use std::fs;
use std::path::Path;

use seamripper_core::graph::to_safetensors;
use seamripper_core::see::document::Document;
use seamripper_core::see::saliency::Options;
use seamripper_core::see::trust::Judged;
use seamripper_data::checksum::sha256;
use seamripper_kernels::Instructions;

use crate::runnable::Runnable;
use crate::subject::Subject;

/// Images hashed at a time.
const HASHED: usize = 256;

/// A digest of all that what is found depends on, but for options: model, images, instruction set, version of the program.
pub fn subject(isa: Instructions, subject: &Subject) -> String {
    let mut bytes = match &subject.model {
        Runnable::Readable(model) => to_safetensors(model).expect("a model that was read can be written"),
        Runnable::Blackbox(file) => file.digest.clone().into_bytes(),
    };
    let images = &subject.images;
    for pixels in images.chunks(HASHED) {
        bytes.extend_from_slice(sha256(&pixels).as_bytes());
    }
    bytes.extend(images.labels().iter().flat_map(|label| label.to_le_bytes()));
    bytes.extend_from_slice(isa.name().as_bytes());
    bytes.extend_from_slice(env!("CARGO_PKG_VERSION").as_bytes());
    sha256(&bytes)
}

/// The options that verdicts depend on.
pub fn trust_options(options: &Options) -> String {
    let layer = options.layer.as_ref().map_or("the default", |layer| layer.name.as_str());
    let Options { samples, deviation, masks, seed, .. } = options;
    format!("seed {seed}, {samples} noisy copies of {deviation}, {masks} masks, layer: {layer}")
}

/// The document in `folder`, if it is about `subject`. One that cannot be read is made anew.
pub fn document(folder: &Path, subject: &str) -> Option<Document> {
    let bytes = fs::read(folder.join("see.json")).ok()?;
    let document: Document = serde_json::from_slice(&bytes).ok()?;
    Some(document).filter(|document| document.subject == subject)
}

/// What methods were found to be worth, and with which options.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The verdicts.
    pub judged: Judged,
    /// [`trust_options`].
    pub options: String,
}

impl Judgement {
    /// That of a document.
    pub fn of(document: &Document) -> Option<Self> {
        let (judged, options) = (document.trust.clone()?, document.trust_options.clone()?);
        Some(Self { judged, options })
    }
}
