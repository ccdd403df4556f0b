//! What ONNX Runtime computes: the models of `crates/onnx/tests/golden/models`, those that can be read among them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use seamripper_blackbox::{Batch, Blackbox};
use seamripper_onnx::{Options, from_onnx, with_metadata};

use crate::npz::{self, Array};

/// Largest difference of a logit from ONNX Runtime's, relative to the largest.
const LOGIT_BOUND: f32 = 1e-4;

/// Every model there that says how large its images are.
const MODELS: [&str; 17] = [
    "group-norm",
    "attention",
    "deconvolution",
    "convnext-13",
    "convnext-18",
    "densenet",
    "efficientnet",
    "external",
    "float16",
    "keras",
    "mobilenet-v3-13",
    "mobilenet-v3-18",
    "plain",
    "residual",
    "shufflenet-11",
    "shufflenet-18",
    "windows",
];

pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../onnx/tests/golden/models").join(name)
}

pub fn options() -> Options<'static> {
    let external = &|name: &str| std::fs::read(path(name)).map_err(|error| error.to_string());
    Options { size: None, classes: None, preprocessing: None, external }
}

pub fn load(name: &str, threads: usize) -> Blackbox {
    let bytes = std::fs::read(path(name)).unwrap();
    Blackbox::load(bytes, &options(), threads).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn distance(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(f32::MIN_POSITIVE, |scale, value| scale.max(value.abs()));
    let far = |(found, expected): (&f32, &f32)| (found - expected).abs() / scale;
    found
        .iter()
        .zip(expected)
        .map(far)
        .fold(0.0, |worst, far| if worst.is_nan() || far <= worst { worst } else { far })
}

/// The images of a file as `[n, h, w, c]`.
fn images(model: &Blackbox, array: &Array) -> Vec<f32> {
    let [h, w, c] = model.described().input;
    if model.described().channels_last {
        return array.values.clone();
    }
    assert_eq!(array.shape[1..], [c, h, w]);
    let at = |index: usize| {
        let (image, place, channel) = (index / (h * w * c), index / c % (h * w), index % c);
        array.values[(image * c + channel) * h * w + place]
    };
    (0..array.values.len()).map(at).collect()
}

#[test]
fn distances_are_found() {
    assert_eq!(distance(&[1.0, 3.0], &[1.0, 2.0]), 0.5);
    assert!(distance(&[f32::NAN, 1.0], &[1.0, 2.0]).is_nan());
}

#[test]
fn logits_are_those_of_onnx_runtime() {
    for name in MODELS {
        let model = load(&format!("{name}.onnx"), 2);
        let arrays: HashMap<String, Array> = npz::read(&path(&format!("{name}.npz")));
        let values = images(&model, &arrays["images"]);
        let logits = model.run(&values).unwrap();
        let found = match model.gives_probabilities() {
            true => logits.iter().map(|logit| logit.exp()).collect(),
            false => logits.clone(),
        };
        let far = distance(&found, &arrays["logits"].values);
        assert!(far <= LOGIT_BOUND, "{name}: off by {far:e} of the largest");
        // An image alone is what it is among others, and threads change nothing.
        let [h, w, c] = model.described().input;
        let length = h * w * c;
        let last = model.run(&values[values.len() - length..]).unwrap();
        assert!(distance(&last, &logits[logits.len() - last.len()..]) <= 1e-5, "{name}: alone");
        assert_eq!(load(&format!("{name}.onnx"), 1).run(&values).unwrap(), logits, "{name}: threads");
    }
}

#[test]
fn what_a_file_leaves_to_be_found_out() {
    let groups = load("group-norm.onnx", 1);
    assert_eq!((groups.batch(), groups.gives_probabilities()), (Batch::UpTo(64), false));
    assert_eq!(groups.described().input, [12, 12, 1]);
    assert_eq!(groups.classes(), ["disc", "ring", "cross"]);
    assert_eq!(groups.described().operators[0], ("Constant".to_owned(), 3));
    assert_eq!(groups.described().parameters, 707);
    let attention = load("attention.onnx", 1);
    assert_eq!((attention.batch(), attention.gives_probabilities()), (Batch::Exactly(1), true));
    let up = load("deconvolution.onnx", 1);
    assert_eq!((up.batch(), up.gives_probabilities()), (Batch::Exactly(3), true));
    assert!(up.described().channels_last && up.described().input == [10, 8, 3]);
    assert_eq!(
        up.notes(),
        [
            "the file does not say how pixels are prepared: they are divided by 255",
            "the file does not name its classes: they are called 0 to 4",
            "the output is probabilities: their logarithms are taken for the logits",
        ]
    );
}

#[test]
fn names_and_preprocessing_can_be_put_into_a_file() {
    let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
    let groups = load("group-norm.onnx", 1);
    let mut how = groups.preprocessing().clone();
    how.std = vec![0.25];
    for name in ["group-norm.onnx", "plain.onnx"] {
        let bytes = std::fs::read(path(name)).unwrap();
        let classes = (name == "group-norm.onnx").then_some(&names[..]);
        let channels = if name == "plain.onnx" { 3 } else { 1 };
        how.mean = vec![0.5; channels];
        how.std = vec![0.25; channels];
        let named = with_metadata(&bytes, classes, Some(&how), Some([5, 5]));
        assert_eq!(named[..bytes.len()], bytes);
        let preprocessing = match from_onnx(&named, &options()) {
            Ok(imported) => imported.model.preprocessing,
            Err(_) => {
                let model = Blackbox::load(named, &options(), 1).unwrap();
                assert_eq!(model.classes(), names);
                assert!(model.notes().is_empty(), "{:?}", model.notes());
                model.preprocessing().clone()
            }
        };
        assert_eq!(preprocessing, how);
    }
}
