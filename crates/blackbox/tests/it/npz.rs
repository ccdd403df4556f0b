//! Arrays of a golden NPZ file.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Shape and values.
#[derive(Debug)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// The arrays of an NPZ file of `f32`.
///
/// # Panics
/// If it cannot be read: a golden file is part of the project, or was made by the command that a test names.
pub fn read(path: &Path) -> HashMap<String, Array> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut arrays = HashMap::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let name = entry.name().unwrap().trim_end_matches(".npy").to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let array = npyz::NpyFile::new(&bytes[..]).unwrap();
        let shape = array.shape().iter().map(|&length| length as usize).collect();
        arrays.insert(name, Array { shape, values: array.into_vec::<f32>().unwrap() });
    }
    arrays
}
