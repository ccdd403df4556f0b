//! PyTorch's `.pt` and `.pth` (1.6 and later): a zip archive with a pickle, and an entry for each storage.
//!
//! *Idea*: `data.pkl` describes the dictionary that was saved ([`crate::pickle`]); `data/KEY` has the values of a storage, stored as they
//! are, so that a tensor is a view of the file. A dictionary with tensors is the state dict. In a checkpoint
//! (`{"state_dict": …, "epoch": …}`) it is one of the values.

use std::collections::HashMap;

use crate::array::Array;
use crate::error::{Mismatch, WeightsError};
use crate::layer::{Origin, Stored};
use crate::pickle::{Id, Object, Pickle, PickleFault};
use crate::read::Archive;

/// Keys and values of a dictionary.
type Pairs = [(Id, Id)];

/// What trainers call the state dict in their checkpoints.
const USUAL_KEYS: [&str; 6] = ["state_dict", "model_state_dict", "model_state", "model", "net", "weights"];

/// Reads the archive whose pickle is in `folder`.
pub(crate) fn read<'a>(
    archive: &Archive<'a>,
    folder: &str,
    key: Option<&str>,
) -> Result<Stored<'a>, WeightsError> {
    let entries: HashMap<&str, _> =
        archive.entries.iter().map(|entry| (entry.name.as_str(), entry)).collect();
    let entry = |name: &str| entries.get(format!("{folder}{name}").as_str()).copied();
    if let Some(order) = entry("byteorder") {
        let order = archive.stored(order)?;
        if order != b"little" {
            return Err(WeightsError::Broken {
                what: "byte order".to_owned(),
                expected: "little".to_owned(),
                found: String::from_utf8_lossy(&order[..order.len().min(20)]).into_owned(),
            });
        }
    }
    let bytes = archive.stored(entry("data.pkl").expect("the folder is that of data.pkl"))?;
    let pickle = Pickle::read(bytes).map_err(|fault| match fault {
        PickleFault::Foreign(names) => WeightsError::Foreign { names },
        PickleFault::Broken { place, expected, found } => WeightsError::Broken {
            what: format!("data.pkl at byte {place}"),
            expected: expected.to_owned(),
            found,
        },
    })?;
    let (prefix, dict) = state_dict(&pickle, key)?;
    let mut arrays = Vec::new();
    let mut problems = Vec::new();
    for &(name, value) in dict {
        let Object::Tensor { storage, first, shape, strides } = pickle.get(value) else { continue };
        let (Some(name), Object::Storage { element, key, length }) =
            (pickle.text(name), pickle.get(*storage))
        else {
            continue;
        };
        let name = name.to_owned();
        let mut broken = |expected: String, found: String| {
            problems.push(Mismatch::Array { name: name.clone(), expected, found });
        };
        let Some(entry) = entry(&format!("data/{key}")) else {
            broken(format!("its values in {folder}data/{key}"), "no such entry".to_owned());
            continue;
        };
        let bytes = archive.stored(entry)?;
        let there = element.size().map_or(*length, |size| bytes.len() / size);
        if there < *length {
            broken(format!("{length} values in {}", entry.name), there.to_string());
            continue;
        }
        match Array::strided(name.clone(), shape.clone(), *element, bytes, *first, strides.clone()) {
            Ok(array) => arrays.push(array),
            Err((expected, found)) => broken(expected, found),
        }
    }
    if !problems.is_empty() {
        return Err(WeightsError::Mismatches(problems));
    }
    let mut stored = Stored::of_torch(arrays, Origin::Torch { ordered: true });
    if !prefix.is_empty() {
        stored.notes.push(format!("the state dict is the checkpoint's \"{prefix}\""));
    }
    Ok(stored)
}

/// The pairs of the state dict, and under which key of a checkpoint they were.
fn state_dict<'p>(pickle: &'p Pickle<'_>, key: Option<&str>) -> Result<(String, &'p Pairs), WeightsError> {
    let Object::Dict(top) = pickle.get(pickle.root) else {
        let found = match pickle.get(pickle.root) {
            Object::Tensor { .. } => "a single tensor",
            Object::Sequence(_) => "a list",
            _ => "another value",
        };
        return Err(WeightsError::NoStateDict { found: found.to_owned() });
    };
    let has_tensor =
        |pairs: &Pairs| pairs.iter().any(|&(_, value)| matches!(pickle.get(value), Object::Tensor { .. }));
    let mut inner: Vec<(&str, &Pairs)> = Vec::new();
    for &(name, value) in top {
        if let (Some(name), Object::Dict(pairs)) = (pickle.text(name), pickle.get(value))
            && has_tensor(pairs)
        {
            inner.push((name, pairs));
        }
    }
    let keys = || inner.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
    if let Some(key) = key {
        let found = inner.iter().find(|(name, _)| *name == key);
        return found
            .map(|&(name, pairs)| (name.to_owned(), pairs))
            .ok_or_else(|| WeightsError::NoKey { key: key.to_owned(), keys: keys() });
    }
    if has_tensor(top) {
        return Ok((String::new(), top));
    }
    let usual: Vec<_> = inner.iter().filter(|(name, _)| USUAL_KEYS.contains(name)).collect();
    match (&inner[..], &usual[..]) {
        ([(name, pairs)], _) | (_, [(name, pairs)]) => Ok(((*name).to_owned(), pairs)),
        ([], _) => {
            let names: Vec<_> = top.iter().take(8).filter_map(|&(name, _)| pickle.text(name)).collect();
            let found = match names[..] {
                [] => "no tensors".to_owned(),
                _ => format!("no tensors in {}", names.join(", ")),
            };
            Err(WeightsError::NoStateDict { found })
        }
        _ => Err(WeightsError::ManyStateDicts { keys: keys() }),
    }
}
