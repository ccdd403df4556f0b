//! Files to begin with: those of `corpus/NAME`, the golden files of other crates, and some that are made here.

use std::fs;
use std::path::{Path, PathBuf};

use seamripper_core::graph::{ModelFile, Preprocessing, Weights, to_safetensors};
use seamripper_core::predictions::Predictions;
use seamripper_core::recipe::{Initializer, graph_of};
use seamripper_core::sample::Split;
use seamripper_data::predictions_file::write_parquet;

/// Larger files are no seeds: a change would rarely touch what a reader decides by.
const MOST: u64 = 128 << 10;

/// Folders of golden files, from the root of the project, and their endings.
const GOLDEN: [(&str, &str, &[&str]); 7] = [
    ("recipe", "recipes", &["toml"]),
    ("onnx", "crates/onnx/tests/golden/models", &["onnx"]),
    ("npz", "crates/onnx/tests/golden/models", &["npz"]),
    ("keras", "crates/weights/tests/golden/files", &["keras", "h5"]),
    ("torch", "crates/weights/tests/golden/files", &["pt", "pth"]),
    ("safetensors", "crates/weights/tests/golden/files", &["safetensors"]),
    ("photo", "crates/data/tests/golden/pillow", &["png", "jpg", "webp"]),
];

/// The seeds of a target, in the order of their names.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = files(&root.join("corpus").join(target), &|_| true);
    for (_, folder, endings) in GOLDEN.iter().filter(|(name, ..)| *name == target) {
        let wanted =
            |path: &Path| path.extension().is_some_and(|end| endings.iter().any(|known| end == *known));
        files.extend(self::files(&root.join("../..").join(folder), &wanted));
    }
    let mut seeds: Vec<Vec<u8>> = files.iter().filter_map(|file| fs::read(file).ok()).collect();
    seeds.extend(made(target));
    seeds
}

fn files(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let small = |path: &PathBuf| fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() <= MOST);
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| small(path) && wanted(path)).collect();
    files.sort();
    files
}

/// What no folder holds.
fn made(target: &str) -> Option<Vec<u8>> {
    match target {
        "idx" => {
            let mut bytes = vec![0, 0, 8, 3];
            [4_u32, 2, 3].iter().for_each(|length| bytes.extend(length.to_be_bytes()));
            bytes.extend(0..24);
            Some(bytes)
        }
        "csv" => Some(
            b"id,label,split,prob_a,prob_b\nx-1,a,test,0.75,0.25\n\"x,2\",b,test,1e-3,0.999\nx-3,a,validation,1,0\n".to_vec(),
        ),
        "parquet" => {
            let predictions = Predictions {
                classes: vec!["a".to_owned(), "b".to_owned()],
                ids: vec!["x-1".to_owned(), "x-2".to_owned()],
                splits: vec![Split::Test, Split::Validation],
                labels: vec![0, 1],
                probs: vec![0.75, 0.25, 0.5, 0.5],
            };
            let folder = tempfile::tempdir().ok()?;
            let file = folder.path().join("table.parquet");
            write_parquet(&file, &predictions).ok()?;
            fs::read(file).ok()
        }
        "safetensors" => {
            let graph = graph_of([6, 6, 1], &["conv 2 3x3 relu", "batch_norm", "flatten", "dense 2"]).ok()?;
            let weights = Weights::initial(&graph, Initializer::HeNormal, 0);
            let classes = vec!["a".to_owned(), "b".to_owned()];
            to_safetensors(&ModelFile { graph, weights, classes, preprocessing: Preprocessing::new(1) }).ok()
        }
        _ => None,
    }
}
