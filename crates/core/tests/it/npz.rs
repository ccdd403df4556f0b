//! Arrays of a golden `.npz` file.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// One array, widened to `f64` (which holds every `u8`, `i64` of a label and `f32` exactly).
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
}

/// All arrays of `tests/golden/<name>`.
pub(crate) fn golden(name: &str) -> HashMap<String, Array> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut archive = zip::ZipArchive::new(file).expect("an npz file");
    (0..archive.len())
        .map(|index| {
            let mut entry = archive.by_index(index).unwrap();
            let name = entry.name().unwrap().trim_end_matches(".npy").to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            let npy = npyz::NpyFile::new(&bytes[..]).unwrap();
            let shape = npy.shape().iter().map(|&length| length as usize).collect();
            let values = match npy.dtype().descr().trim_matches('\'') {
                "|u1" => npy.into_vec::<u8>().unwrap().into_iter().map(f64::from).collect(),
                "<u4" => npy.into_vec::<u32>().unwrap().into_iter().map(f64::from).collect(),
                "<i8" => npy.into_vec::<i64>().unwrap().into_iter().map(|value| value as f64).collect(),
                "<f4" => npy.into_vec::<f32>().unwrap().into_iter().map(f64::from).collect(),
                "<f8" => npy.into_vec::<f64>().unwrap(),
                other => panic!("{name} holds {other}"),
            };
            (name, Array { shape, values })
        })
        .collect()
}
