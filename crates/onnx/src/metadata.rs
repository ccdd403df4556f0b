//! What the metadata of a file says: names of the classes, how pixels are prepared, rows and columns. `export` writes them, and `import` to a
//! file of the same format.

use prost::Message;
use seamripper_core::graph::Preprocessing;

use crate::error::OnnxError;
use crate::proto::{ModelProto, StringStringEntryProto};

/// A JSON list of names.
const CLASSES: &str = "classes";
/// A JSON object of `scale`, `mean` and `std`.
const PREPROCESSING: &str = "preprocessing";
/// A JSON list of rows and columns, where the input leaves them open.
const SIZE: &str = "size";

/// A value of the model's metadata. Of several under one name the last counts, which was put in last.
fn property<'m>(model: &'m ModelProto, key: &str) -> Option<&'m str> {
    model.metadata_props.iter().rfind(|entry| entry.key == key).map(|entry| &*entry.value)
}

/// Names of the classes.
pub(crate) fn classes(model: &ModelProto) -> Option<Vec<String>> {
    serde_json::from_str(property(model, CLASSES)?).ok()
}

/// Rows and columns.
pub(crate) fn size(model: &ModelProto) -> Option<[usize; 2]> {
    serde_json::from_str(property(model, SIZE)?).ok()
}

/// How pixels of so many channels are prepared, as it is given, or as the file says, and what is to be said of that.
pub(crate) fn preprocessing(
    model: &ModelProto,
    given: Option<Preprocessing>,
    channels: usize,
) -> (Preprocessing, Option<String>) {
    let fits = |p: &Preprocessing| p.fault(channels).is_none();
    let read = || serde_json::from_str(property(model, PREPROCESSING)?).ok();
    match given.or_else(|| read().filter(fits)) {
        Some(preprocessing) => (preprocessing, None),
        None => {
            let note = "the file does not say how pixels are prepared: they are divided by 255".to_owned();
            (Preprocessing::new(channels), Some(note))
        }
    }
}

/// Names of `outputs` classes, if `names` are as many, and what is to be said of them.
pub(crate) fn named(
    names: Option<Vec<String>>,
    outputs: usize,
) -> Result<(Vec<String>, Option<String>), OnnxError> {
    match names {
        Some(classes) if classes.len() == outputs => Ok((classes, None)),
        Some(classes) => Err(OnnxError::Classes { outputs, found: classes.len() }),
        None => {
            let note = format!(
                "the file does not name its classes: they are called 0 to {}",
                outputs.saturating_sub(1)
            );
            Ok(((0..outputs).map(|class| class.to_string()).collect(), Some(note)))
        }
    }
}

/// The file with names of classes, preprocessing and size put into its metadata, where every reader finds them. Nothing else of it
/// changes: in protobuf what is appended to a message is added to its lists.
pub fn with_metadata(
    bytes: &[u8],
    classes: Option<&[String]>,
    preprocessing: Option<&Preprocessing>,
    size: Option<[usize; 2]>,
) -> Vec<u8> {
    let json = |value: serde_json::Result<String>| value.expect("plain data has a JSON form");
    let entries = [
        (CLASSES, classes.map(|classes| json(serde_json::to_string(classes)))),
        (PREPROCESSING, preprocessing.map(|how| json(serde_json::to_string(how)))),
        (SIZE, size.map(|size| json(serde_json::to_string(&size)))),
    ];
    let metadata_props = (entries.into_iter())
        .filter_map(|(key, value)| Some(StringStringEntryProto { key: key.to_owned(), value: value? }))
        .collect();
    let added = ModelProto { metadata_props, ..ModelProto::default() };
    [bytes, &added.encode_to_vec()].concat()
}
