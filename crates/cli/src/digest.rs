//! What a document is about, as a digest: so that what one verb found is told from what another found of something else.

use seamripper_core::graph::to_safetensors;
use seamripper_core::predictions::Predictions;
use seamripper_core::sample::ImageSet;
use seamripper_data::checksum::sha256;

use crate::runnable::Runnable;

/// Images hashed at a time.
const HASHED: usize = 256;

/// Of a model, and of images with their ids and labels.
pub fn of_model(model: &Runnable, images: &ImageSet) -> String {
    let mut bytes = match model {
        Runnable::Readable(model) => to_safetensors(model).expect("a model that was read can be written"),
        Runnable::Blackbox(file) => file.digest.clone().into_bytes(),
    };
    for pixels in images.chunks(HASHED) {
        bytes.extend_from_slice(sha256(&pixels).as_bytes());
    }
    (0..images.len()).for_each(|index| text(&mut bytes, &images.ids().id(index)));
    bytes.extend(images.labels().iter().flat_map(|label| label.to_le_bytes()));
    sha256(&bytes)
}

/// Of a table: its classes, and the id, label and probabilities of every row.
pub fn of_table(table: &Predictions) -> String {
    let mut bytes = Vec::new();
    table.classes.iter().chain(&table.ids).for_each(|name| text(&mut bytes, name));
    bytes.extend(table.labels.iter().flat_map(|label| label.to_le_bytes()));
    bytes.extend(table.probs.iter().flat_map(|prob| prob.to_le_bytes()));
    sha256(&bytes)
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
}
