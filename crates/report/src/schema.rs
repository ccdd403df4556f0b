//! The document in a page: plain data that outlives the program that wrote it.
//!
//! What has a version of its own (`eval.json`, `see.json`, `audit.json`, lines of `metrics.jsonl`) is in it as it was written. A
//! table of images is too long for JSON and lies beside the document in blobs, all little-endian:
//!
//! | blob | holds |
//! |---|---|
//! | `ids` | JSON list of `n` names |
//! | `rows` | `n` labels `u16`, `n` predicted classes `u16`, `n` losses `f32`, then `n x top` classes `u16` and probabilities `f32`, most probable first |
//! | `images` | pixels `[pictures, h, w, c]` |
//! | `neighbors` | for each row of `neighbors.rows`: `each` places among the training pictures `u32`, then as many distances `f32` |
//! | `training` | pixels `[training pictures, h, w, c]` |
//! | `model` | `model.safetensors` |
//! | `engine` | the viewer as WebAssembly |
//! | `film` | `film.png` |
//! | `dreams` | pixels `[h, w, c]` of the images that excite filters, each from its `place` in `see.dreams` on |
//! | `compared` | `n` predicted classes `u16` of the other run (65,535: it has no such image), then `n` losses `f32` |

use seamripper_core::fail::{Evaluation, Finding, Paired};
use serde::Serialize;
use serde_json::Value;

/// The version of [`Report`].
pub const SCHEMA: &str = "seamripper.report/1";

/// Everything that is said about a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// Version of the program.
    pub program: String,
    /// What the report is called: the run's folder, or the table's file.
    pub name: String,
    /// Where the images are from, if it is known: `fashion-mnist`.
    pub source: Option<String>,
    /// The part of the data.
    pub split: Option<String>,
    /// Class names; every class index is a place in this list.
    pub classes: Vec<String>,
    /// The table of images, if there is one.
    pub rows: Option<RowInfo>,
    /// Pictures of rows, if there are images.
    pub pictures: Option<PictureInfo>,
    /// Training images like those that are wrong.
    pub neighbors: Option<NeighborInfo>,
    /// `eval.json`, without its confusion matrix where `rows` say the same.
    pub evaluation: Option<Evaluation>,
    /// What is wrong, worst first: those of the audit, or else those of the evaluation.
    pub findings: Vec<Finding>,
    /// Whether the findings are an audit's.
    pub audited: bool,
    /// `audit.json`, without its findings.
    pub audit: Option<Value>,
    /// `see.json`.
    pub see: Option<Value>,
    /// Lines of `metrics.jsonl`.
    pub history: Vec<Value>,
    /// The model's layers, from first to last.
    pub layers: Vec<LayerInfo>,
    /// Weights of filters that lie on the image, by layer.
    pub kernels: Vec<KernelInfo>,
    /// Which pixels the places of layers with filters see.
    pub fields: Vec<FieldInfo>,
    /// Another run, image by image.
    pub compared: Option<Compared>,
    /// What is not in this report, and the command that adds it.
    pub missing: Vec<[String; 2]>,
}

/// The table of images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowInfo {
    /// Images.
    pub n: usize,
    /// Most probable classes kept of each.
    pub top: usize,
}

/// Pictures of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PictureInfo {
    /// `[h, w, c]`
    pub size: [usize; 3],
    /// The row of each picture, ascending; `None` if every row has one, in order.
    pub rows: Option<Vec<u32>>,
    /// Pictures of a tile, if they are not in the blob `images` but fetched as `tiles/0`, `tiles/1`, …
    pub tile: Option<usize>,
}

/// Training images like others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NeighborInfo {
    /// The rows that have neighbours.
    pub rows: Vec<u32>,
    /// Neighbours of a row.
    pub each: usize,
    /// Names of the training pictures.
    pub ids: Vec<String>,
    /// Their labels.
    pub labels: Vec<u32>,
}

/// A layer of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerInfo {
    /// Its name.
    pub name: String,
    /// The recipe's word for it.
    pub kind: String,
    /// `[h, w, c]`
    pub output: [usize; 3],
    /// Values of its parameters.
    pub parameters: usize,
}

/// Weights that can be seen as pictures: those of a convolution that reads the image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KernelInfo {
    /// The layer.
    pub layer: String,
    /// `[kh, kw, in_c, filters]`
    pub shape: [usize; 4],
    /// In that shape, row-major.
    pub values: Vec<f32>,
}

/// Another run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// What it is called.
    pub name: String,
    /// How it differs on the images that both have.
    pub paired: Paired,
    /// Its evaluation on those.
    pub evaluation: Evaluation,
}

/// Which pixels each place of a layer depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldInfo {
    /// The layer.
    pub layer: String,
    /// For each row of its output: first row of the image, and how many.
    pub rows: Vec<[usize; 2]>,
    /// The same for columns.
    pub columns: Vec<[usize; 2]>,
}
