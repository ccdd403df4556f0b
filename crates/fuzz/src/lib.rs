//! Every reader of files, as a function of bytes that must return, whatever the bytes are.
//!
//! *Idea*: a reader that panics, loops or allocates what a header claims is a bug. libFuzzer looks for such bytes (`fuzz/`, for as long
//! as one likes); the test here tries for a few seconds, in every run of the tests, with the same seeds ([`seeds`]) and with changes of
//! [`mutate`], which need no special compiler.

mod mutate;
mod seeds;

use std::fs;
use std::path::Path;

use seamripper_core::graph::from_safetensors;
use seamripper_core::recipe::Recipe;
use seamripper_data::options::{ImageOptions, OpenOptions};
use seamripper_data::source::{Source, open};
use seamripper_data::{photo, predictions_file, relabel::Relabel};
use seamripper_onnx::{Options, from_onnx};

pub use mutate::Mutator;
pub use seeds::seeds;

/// A reader under its name.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What is fuzzed; also the name of the folder of its seeds and of its program in `fuzz/`.
    pub name: &'static str,
    /// Reads bytes; what comes of it does not matter.
    pub read: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 10] = [
    Target { name: "idx", read: idx },
    Target { name: "recipe", read: recipe },
    Target { name: "onnx", read: onnx },
    Target { name: "safetensors", read: safetensors },
    Target { name: "npz", read: npz },
    Target { name: "csv", read: csv },
    Target { name: "parquet", read: parquet },
    Target { name: "keras", read: weights },
    Target { name: "torch", read: weights },
    Target { name: "photo", read: picture },
];

/// The target of that name.
///
/// # Panics
/// If there is none.
pub fn target(name: &str) -> Target {
    TARGETS.into_iter().find(|target| target.name == name).unwrap_or_else(|| panic!("no target {name}"))
}

/// Images of an IDX file, whose labels are all there.
fn idx(bytes: &[u8]) {
    let folder = folder();
    let count = bytes.get(4..8).map_or(0, |n| u32::from_be_bytes([n[0], n[1], n[2], n[3]])).min(1 << 16);
    let mut labels = vec![0, 0, 8, 1];
    labels.extend(count.to_be_bytes());
    labels.extend((0..count).map(|n| (n % 2) as u8));
    for part in ["train", "t10k"] {
        put(&folder.path().join(format!("{part}-images-idx3-ubyte")), bytes);
        put(&folder.path().join(format!("{part}-labels-idx1-ubyte")), &labels);
    }
    source("idx", folder.path());
    put(&folder.path().join("train-labels-idx1-ubyte"), bytes);
    source("idx", folder.path());
}

fn recipe(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(recipe) = Recipe::from_toml(text, "recipe.toml") {
        let again = Recipe::from_toml(&recipe.to_toml(), "recipe.toml");
        assert!(again.as_ref().is_ok_and(|again| *again == recipe), "{again:?} from {}", recipe.to_toml());
    }
}

fn onnx(bytes: &[u8]) {
    let external = |_: &str| Err("files beside it are not fuzzed".to_owned());
    let options = Options { size: None, classes: None, preprocessing: None, external: &external };
    let _ = from_onnx(bytes, &options);
}

fn safetensors(bytes: &[u8]) {
    let _ = from_safetensors(bytes);
    weights(bytes);
}

/// Images and predictions of arrays of numpy.
fn npz(bytes: &[u8]) {
    let folder = folder();
    let file = folder.path().join("set.npz");
    put(&file, bytes);
    source("npz", &file);
    let _ = predictions_file::read(&file);
}

/// Predictions, corrections and a table of pictures.
fn csv(bytes: &[u8]) {
    let folder = folder();
    let file = folder.path().join("table.csv");
    put(&file, bytes);
    let _ = predictions_file::read(&file);
    let _ = Relabel::read(&file, &["a".to_owned(), "b".to_owned()]);
    source("csv", &file);
}

/// Predictions, and the bytes of pictures.
fn parquet(bytes: &[u8]) {
    let folder = folder();
    let file = folder.path().join("train.parquet");
    put(&file, bytes);
    let _ = predictions_file::read(&file);
    source("parquet", &file);
}

/// Layers of a PyTorch or Keras file.
fn weights(bytes: &[u8]) {
    let _ = seamripper_weights::read(bytes, None);
}

/// A picture, decoded only if it is small: decoders of others are slow for the fuzzer and no less correct.
fn picture(bytes: &[u8]) {
    if photo::size(bytes).is_ok_and(|[h, w, _]| h * w <= 1 << 16) {
        let _ = photo::decode(bytes, 1);
        let _ = photo::decode(bytes, 3);
    }
}

fn source(kind: &str, path: &Path) {
    let images = ImageOptions { size: Some([8, 8, 1]), ..ImageOptions::default() };
    if let Ok(source) = Source::parse(&format!("{kind}:{}", path.display())) {
        let _ = open(&source, &OpenOptions { images, ..OpenOptions::offline() });
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for the file")
}

fn put(file: &Path, bytes: &[u8]) {
    fs::write(file, bytes).expect("a folder that can be written");
}
