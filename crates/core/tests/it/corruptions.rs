//! The corruptions that draw nothing, against `imagecorruptions` and the published formulas.
//!
//! `tests/golden/corruptions/generate.py` made the arrays and says from what.

use seamripper_core::corrupt::{Change, Corruption, Kind, Prepared, Scratch, Suite};

use crate::npz::{Array, golden};

/// How far a level may be off, and on average.
struct Tolerance {
    most: f64,
    mean: f64,
}

/// A level rounded to the nearest byte, and what `f32` loses.
const ROUNDING: Tolerance = Tolerance { most: 0.501, mean: 0.5 };

/// Bytes that are the same.
const SAME: Tolerance = Tolerance { most: 0.0, mean: 0.0 };

/// libjpeg multiplies in integers of 13 bits, which may move a frequency over a step.
const JPEG: Tolerance = Tolerance { most: 24.0, mean: 0.25 };

/// What may differ for a corruption.
fn tolerance(kind: Kind) -> Tolerance {
    match kind {
        Kind::JpegCompression => JPEG,
        Kind::Pixelate => SAME,
        _ => ROUNDING,
    }
}

fn bytes(array: &Array) -> Vec<u8> {
    array.values.iter().map(|&value| value as u8).collect()
}

/// Every array `<image>.<corruption>.<severity>` against ours; calls `check(name, ours, theirs)`.
fn compare(mut check: impl FnMut(&str, Kind, &[f64], &[f64])) {
    let arrays = golden("corruptions/images.npz");
    let mut names: Vec<&String> = arrays.keys().filter(|name| name.contains('.')).collect();
    names.sort();
    assert_eq!(names.len(), 5 * 15 + 3 * 7 + 1, "arrays of results");
    for name in names {
        let parts: Vec<&str> = name.split('.').collect();
        let [image, corruption, severity] = parts[..] else { panic!("{name}") };
        let suite = if corruption == "canny_edges" { Suite::Mnist } else { Suite::Common };
        let corruption = Corruption::parse(&format!("{}/{corruption}", suite.name())).expect("a corruption");
        let source = &arrays[image];
        let size = [source.shape[0], source.shape[1], *source.shape.get(2).unwrap_or(&1)];
        let change = Change::Corrupt(corruption, severity.parse().expect("a severity"));
        let mut out = vec![0; source.values.len()];
        Prepared::new(&change, size).image(&bytes(source), 0, 0, &mut Scratch::default(), &mut out);
        let step = if image == "large" { 8 } else { 1 };
        let [h, w, c] = size;
        let kept = (0..h).step_by(step).flat_map(|y| (0..w).step_by(step).map(move |x| (y * w + x) * c));
        let ours: Vec<f64> =
            kept.flat_map(|at| out[at..at + c].iter().map(|&value| f64::from(value))).collect();
        check(name, corruption.kind, &ours, &arrays[name].values);
    }
}

#[test]
fn they_are_those_of_imagecorruptions() {
    let mut problems = Vec::new();
    compare(|name, kind, ours, theirs| {
        assert_eq!(ours.len(), theirs.len(), "{name}");
        let gaps = || ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
        let (most, mean) = (gaps().fold(0.0, f64::max), gaps().sum::<f64>() / ours.len() as f64);
        if kind == Kind::CannyEdges {
            let other = gaps().filter(|&gap| gap > 0.0).count();
            if other as f64 > 0.02 * ours.len() as f64 {
                problems.push(format!("{name}: {other} of {} pixels", ours.len()));
            }
            return;
        }
        let allowed = tolerance(kind);
        if most > allowed.most || mean > allowed.mean {
            problems.push(format!("{name}: at most {most}, mean {mean:.4}"));
        }
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The comparison finds a corruption that is another one.
#[test]
fn a_wrong_corruption_is_found() {
    let mut found = 0;
    compare(|_, kind, ours, theirs| {
        let gaps = ours.iter().zip(theirs).map(|(a, b)| (a + 1.0 - b).abs());
        found +=
            usize::from(gaps.fold(0.0, f64::max) > tolerance(kind).most || kind == Kind::JpegCompression);
    });
    assert!(found >= 5 * 15, "{found}");
}
