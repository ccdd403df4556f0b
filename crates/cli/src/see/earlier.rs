//! What an earlier look wrote into the same folder, and whether it was of the same model and images.

use std::fs;
use std::path::Path;

use seamripper_core::see::document::Document;
use seamripper_core::see::saliency::Options;
use seamripper_core::see::trust::Judged;
use seamripper_kernels::Instructions;

/// All that what is found depends on, but for model, images and options.
pub fn made_by(isa: Instructions) -> String {
    format!("{} {}", env!("CARGO_PKG_VERSION"), isa.name())
}

/// The options that verdicts depend on.
pub fn trust_options(options: &Options) -> String {
    let layer = options.layer.as_ref().map_or("the default", |layer| layer.name.as_str());
    let Options { samples, deviation, masks, seed, .. } = options;
    format!("seed {seed}, {samples} noisy copies of {deviation}, {masks} masks, layer: {layer}")
}

/// The document in `folder`, if it is like `new`, of the same model and images by the same program. One that cannot be read is made
/// anew.
pub fn document(folder: &Path, new: &Document) -> Option<Document> {
    let bytes = fs::read(folder.join("see.json")).ok()?;
    let document: Document = serde_json::from_slice(&bytes).ok()?;
    Some(document).filter(|document| document.is_like(new))
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
