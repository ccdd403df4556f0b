//! Models of PyTorch, torchvision and Keras: logits as ONNX Runtime computes them, gradients and Grad-CAM as PyTorch does in float64.
//!
//! `tests/golden/models/generate.py` makes the files: small ones that lie beside it, and with `--full` those of 224 x 224.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use seamripper_core::engine::{Engine, Executor, Wants};
use seamripper_kernels::Instructions;
use seamripper_onnx::{Imported, OnnxError, Options, from_onnx, to_onnx};

use crate::npz::{self, Array};

/// Largest difference of a logit from ONNX Runtime's, relative to the largest.
const LOGIT_BOUND: f32 = 1e-4;
/// Largest difference of an image's gradient, or a Grad-CAM, from PyTorch's, relative to the largest.
const GRADIENT_BOUND: f32 = 1e-3;

/// Share of an image's gradient that may lie further away in a network of 224 x 224: where a ReLU's or pool's input is equal but for rounding,
/// float32 may take the other side. PyTorch in float32 is off in 1.3 % of the values from itself in float64 (VGG-11-BN).
const KINK_SHARE: f32 = 0.02;

/// Models with operators that are no layers, which the crate `blackbox` runs.
const BLACK_BOXES: [&str; 3] = ["attention", "deconvolution", "group-norm"];

/// Share of the values that are off by more than [`GRADIENT_BOUND`].
fn beyond(found: &[f32], expected: &[f32]) -> f32 {
    let scale = expected.iter().fold(f32::MIN_POSITIVE, |scale, value| scale.max(value.abs()));
    let near = |(found, expected): (&f32, &f32)| (found - expected).abs() <= GRADIENT_BOUND * scale;
    1.0 - found.iter().zip(expected).filter(|&(found, expected)| near((found, expected))).count() as f32
        / found.len() as f32
}

/// Largest difference, relative to the largest expected value.
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

#[test]
fn distances_are_found() {
    assert_eq!(distance(&[1.0, 2.0], &[1.0, 2.0]), 0.0);
    assert_eq!(distance(&[1.0, 3.0], &[1.0, 2.0]), 0.5);
    assert!(distance(&[f32::NAN, 1.0], &[1.0, 2.0]).is_nan());
}

pub fn options() -> Options<'static> {
    Options { size: None, classes: None, preprocessing: None, external: &|_| Err("no other file".to_owned()) }
}

/// Moves `[n, c, h, w]` to `[n, h, w, c]`.
fn channels_last(array: &Array, [h, w, c]: [usize; 3]) -> Vec<f32> {
    let at = |index: usize| {
        let (image, place, channel) = (index / (h * w * c), index / c % (h * w), index % c);
        array.values[(image * c + channel) * h * w + place]
    };
    (0..array.values.len()).map(at).collect()
}

/// Whether images are `[n, c, h, w]` in the file.
fn channels_first(images: &Array, [h, w, c]: [usize; 3]) -> bool {
    images.shape[1..] == [c, h, w]
}

/// The image in our order.
fn pixels(images: &Array, shape: [usize; 3]) -> Vec<f32> {
    if channels_first(images, shape) { channels_last(images, shape) } else { images.values.clone() }
}

/// Reads `name`.onnx and compares; what was found, to be printed.
fn compare(path: &Path, isa: Instructions) -> String {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let bytes = std::fs::read(path).unwrap();
    let arrays: HashMap<String, Array> = npz::read(&path.with_extension("npz"));
    let beside = |name: &str| std::fs::read(path.with_file_name(name)).map_err(|error| error.to_string());
    let options_of_file = Options { external: &beside, ..options() };
    let Imported { model, .. } =
        from_onnx(&bytes, &options_of_file).unwrap_or_else(|error| panic!("{name}: {error}"));
    let images = &arrays["images"];
    let shape = model.graph.input;
    let count = images.shape[0];
    let pixels = pixels(images, shape);
    let wants = Wants { input_gradient: true, taps: true, ..Wants::INFERENCE };
    let mut plain = Engine::new(&model.graph, isa, count, Wants::INFERENCE);
    let mut tapped = Engine::new(&model.graph, isa, count, wants);
    let fused = plain.forward(&model.weights, &pixels);
    let logits = tapped.forward(&model.weights, &pixels);
    let mut expected = arrays["logits"].values.clone();
    let softmax =
        expected.chunks_exact(model.graph.outputs()).all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-4);
    let scores =
        |logits: &[f32]| if softmax { probabilities(logits, model.graph.outputs()) } else { logits.to_vec() };
    let mut worst = 0.0;
    for found in [&fused, &logits] {
        let far = distance(&scores(found.data()), &expected);
        assert!(far <= LOGIT_BOUND, "{name}: logits are off by {far:e} of the largest on {}", isa.name());
        worst = far.max(worst);
    }
    let mut said = format!("{name}: logits {worst:.0e}");
    if let Some(gradient) = arrays.get("logit_gradient") {
        let found = tapped.backward(&gradient.values).input.expect("asked for");
        let expected = channels_last(&arrays["image_gradient"], shape);
        let far = distance(found.data(), &expected);
        let kinks = shape[0] >= 200 && beyond(found.data(), &expected) <= KINK_SHARE;
        assert!(
            far <= GRADIENT_BOUND || kinks,
            "{name}: the image's gradient is off by {far:e} on {}",
            isa.name()
        );
        said += &format!(", gradient {far:.0e}");
        if let Some(cam) = arrays.get("cam") {
            let last = model.graph.nodes.iter().rposition(|node| node.output[..2] != [1, 1]).unwrap();
            let [h, w, c] = model.graph.nodes[last].output;
            let (a, g) = (tapped.tap(last).unwrap(), tapped.tap_gradient(last).unwrap());
            let mut map = vec![0.0_f32; count * h * w];
            for (at, value) in map.iter_mut().enumerate() {
                let image = at / (h * w);
                let weight = |channel: usize| -> f32 {
                    (0..h * w).map(|place| g.data()[(image * h * w + place) * c + channel]).sum::<f32>()
                        / (h * w) as f32
                };
                // Weights are computed anew for each place: slow, and plain.
                *value =
                    (0..c).map(|channel| weight(channel) * a.data()[at * c + channel]).sum::<f32>().max(0.0);
            }
            let far = distance(&map, &cam.values);
            assert!(far <= GRADIENT_BOUND, "{name}: Grad-CAM is off by {far:e} on {}", isa.name());
            said += &format!(", Grad-CAM {far:.0e}");
        }
    }
    // What is exported again is the same model.
    let again = from_onnx(&to_onnx(&model), &options())
        .unwrap_or_else(|error| panic!("{name}, exported: {error}"))
        .model;
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert!(bits(&again.weights.values) == bits(&model.weights.values), "{name}: exported weights differ");
    let mut engine = Engine::new(&again.graph, isa, count, Wants::INFERENCE);
    expected = scores(engine.forward(&again.weights, &pixels).data());
    let far = distance(&expected, &scores(fused.data()));
    assert!(far <= 1e-6, "{name}: logits of the exported model are off by {far:e}");
    said
}

fn probabilities(logits: &[f32], classes: usize) -> Vec<f32> {
    let row = |row: &[f32]| {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f32> = row.iter().map(|logit| (logit - largest).exp()).collect();
        let sum: f32 = powers.iter().sum();
        powers.into_iter().map(move |power| power / sum).collect::<Vec<_>>()
    };
    logits.chunks_exact(classes).flat_map(row).collect()
}

fn onnx_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    files.sort();
    files
}

#[test]
fn small_models_of_every_family() {
    let files = onnx_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models"));
    assert!(files.len() >= 12, "{files:?}");
    let (black_boxes, files): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|file| BLACK_BOXES.iter().any(|name| file.file_stem().is_some_and(|stem| stem == *name)));
    assert_eq!(black_boxes.len(), BLACK_BOXES.len());
    for file in black_boxes {
        let read = from_onnx(&std::fs::read(&file).unwrap(), &options());
        assert!(matches!(read, Err(OnnxError::Unsupported(_))), "{}: {read:?}", file.display());
    }
    for file in files {
        for isa in Instructions::available() {
            println!("{}", compare(&file, isa));
        }
    }
}

#[test]
#[ignore = "needs the models of generate.py --full, in the folder SEAMRIPPER_TEST_MODELS; scripts/test --full makes them"]
fn full_models() {
    let folder = std::env::var("SEAMRIPPER_TEST_MODELS").expect("the folder of generate.py --full");
    let files = onnx_files(Path::new(&folder));
    assert!(files.len() >= 20, "{files:?}");
    let isa = Instructions::available()[0];
    let mut wrong = Vec::new();
    for file in &files {
        match std::panic::catch_unwind(|| compare(file, isa)) {
            Ok(said) => println!("{said}"),
            Err(_) => wrong.push(file),
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
