//! A data set in IDX files: discs, rings and crosses of 12 x 12, of other sizes and at other places, with noise.

use std::fs;
use std::path::Path;

use super::{Purpose, Stream};

const SIDE: u32 = 12;

/// Writes the four IDX files and the names of the classes.
pub fn write(folder: &Path, train: usize, test: usize) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("classes.txt"), "disc\nring\ncross\n").unwrap();
    for (part, n) in [("train", train), ("t10k", test)] {
        write_part(folder, part, n);
    }
}

/// Writes one part; every class is there equally often.
pub fn write_part(folder: &Path, part: &str, n: usize) {
    let mut stream = Stream::new(part.len() as u64, Purpose::Test, 3, n as u64);
    let labels: Vec<u8> = (0..n).map(|index| (index % 3) as u8).collect();
    let pixels: Vec<u8> = labels.iter().flat_map(|&label| draw(label, &mut stream)).collect();
    let count = n as u32;
    fs::write(folder.join(format!("{part}-images-idx3-ubyte")), idx(&[count, SIDE, SIDE], &pixels)).unwrap();
    fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), idx(&[count], &labels)).unwrap();
}

fn idx(shape: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|n| n.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn draw(label: u8, stream: &mut Stream) -> Vec<u8> {
    let [x, y] = [(); 2].map(|()| stream.uniform(4.5, 6.5));
    let radius = stream.uniform(3.0, 4.5);
    let places = (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| [f64::from(column), f64::from(row)]));
    places
        .map(|[column, row]| {
            let [dx, dy] = [(column - x).abs(), (row - y).abs()];
            let inside = match label {
                0 => dx.hypot(dy) < radius,
                1 => dx.hypot(dy) < radius && dx.hypot(dy) > radius - 1.6,
                _ => dx.max(dy) < radius && dx.min(dy) < 1.0,
            };
            let value = if inside { 200.0 } else { 30.0 } + 20.0 * stream.normal();
            value.clamp(0.0, 255.0) as u8
        })
        .collect()
}
