//! Files of PyTorch and Keras give the logits that PyTorch and Keras computed.

use std::path::{Path, PathBuf};

use seamripper_core::engine::{Engine, Executor, Wants};
use seamripper_core::graph::{Graph, Weights};
use seamripper_core::recipe::graph_of;
use seamripper_kernels::Instructions;
use seamripper_weights::{Assigned, Choices, How, assign, read};

use crate::npz;

/// Largest difference of a logit, relative to the largest logit.
pub const LOGIT_TOLERANCE: f32 = 1e-5;

/// The network of `named.*`, `strides.pt`, `float*` and `bfloat16.*`.
pub const NAMED: &[&str] = &[
    "stem: conv 4 3x3 no_bias",
    "norm: batch_norm epsilon 1e-5 relu",
    "each: depthwise 3x3 pad 1 multiplier 2",
    "groups: conv 6 1x1 groups 2 relu",
    "max_pool 2",
    "middle: layer_norm epsilon 1e-5",
    "flatten",
    "flat_norm: batch_norm epsilon 1e-5",
    "fc: dense 7 relu",
    "head: dense 5",
];

/// Of `numbered.*`.
pub const NUMBERED: &[&str] = &[
    "conv 4 3x3 relu",
    "conv 4 3x3 pad 1 relu",
    "conv 4 3x3 pad 1 relu",
    "max_pool 2",
    "conv 4 3x3 pad 1 relu",
    "flatten",
    "dropout 0.2",
    "dense 5",
];

/// Of `keras-named.*` and `keras-2.h5`.
pub const KERAS_NAMED: &[&str] = &[
    "stem: conv 4 3x3 no_bias",
    "norm: batch_norm relu",
    "depthwise 3x3 same multiplier 2 no_bias",
    "apart: conv 6 1x1",
    "each: depthwise 3x3 same multiplier 2",
    "groups: conv 6 1x1 groups 2 relu",
    "max_pool 2",
    "middle: layer_norm epsilon 0.001",
    "dropout 0.2",
    "flatten",
    "flat_norm: batch_norm",
    "fc: dense 7 relu",
    "head: dense 5",
];

/// Of `keras-nested.*`.
pub const KERAS_NESTED: &[&str] = &[
    "conv 4 3x3 relu",
    "conv 4 3x3 same relu",
    "conv 4 3x3 same relu",
    "batch_norm epsilon 1e-4",
    "max_pool 2",
    "conv 4 3x3 same relu",
    "global_avg_pool",
    "dense 5",
];

pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/files").join(name)
}

pub fn graph(layers: &[&str]) -> Graph {
    graph_of([9, 8, 2], layers).unwrap_or_else(|error| panic!("{error}"))
}

/// Weights of `graph` from a golden file.
pub fn assigned(file: &str, graph: &Graph, key: Option<&str>) -> Assigned {
    let bytes = std::fs::read(golden(file)).unwrap();
    let stored = read(&bytes, key).unwrap_or_else(|error| panic!("{file}: {error}"));
    assign(graph, &stored, &Choices::default()).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Largest difference between what the model gives for the images of `expected`.npz and the logits there, relative.
pub fn difference(graph: &Graph, weights: &Weights, expected: &str) -> f32 {
    let arrays = npz::read(&golden(&format!("{expected}.npz")));
    let (images, logits) = (&arrays["images"], &arrays["logits"]);
    let mut engine = Engine::new(graph, Instructions::available()[0], images.shape[0], Wants::INFERENCE);
    let found = engine.forward(weights, &images.values).data().to_vec();
    assert_eq!(found.len(), logits.values.len());
    let largest = logits.values.iter().fold(0.0, |most: f32, value| most.max(value.abs()));
    let apart = found.iter().zip(&logits.values).fold(0.0, |most: f32, (a, b)| most.max((a - b).abs()));
    apart / largest
}

fn agrees(file: &str, layers: &[&str], key: Option<&str>, expected: &str) {
    let graph = graph(layers);
    let weights = assigned(file, &graph, key).weights;
    let apart = difference(&graph, &weights, expected);
    assert!(apart <= LOGIT_TOLERANCE, "{file}: logits differ by {apart:e}");
}

#[test]
fn pytorch_state_dicts() {
    for file in ["named.pt", "named.safetensors", "strides.pt", "float64.pt", "checkpoint.pt"] {
        agrees(file, NAMED, None, "named");
    }
    for key in ["teacher", "student"] {
        agrees("two.pt", NAMED, Some(key), "named");
    }
    for file in ["float16.pt", "float16.safetensors"] {
        agrees(file, NAMED, None, "float16");
    }
    for file in ["bfloat16.pt", "bfloat16.safetensors"] {
        agrees(file, NAMED, None, "bfloat16");
    }
    for file in ["numbered.pt", "numbered.safetensors"] {
        agrees(file, NUMBERED, None, "numbered");
    }
}

#[test]
fn keras_files() {
    for file in ["keras-named.keras", "keras-named.h5"] {
        agrees(file, KERAS_NAMED, None, "keras-named");
    }
    for file in ["keras-nested.keras", "keras-nested.h5"] {
        agrees(file, KERAS_NESTED, None, "keras-nested");
    }
    let short = ["conv 4 3x3", "global_avg_pool", "dense 5"];
    agrees("keras-bfloat16.weights.h5", &short, None, "keras-bfloat16");
    // One layer of this file is of 16 bits, so it differs by more; it must not differ by much.
    let graph = graph(KERAS_NAMED);
    let apart = difference(&graph, &assigned("keras-2.h5", &graph, None).weights, "keras-named");
    assert!((1e-6..1e-2).contains(&apart), "{apart:e}");
}

#[test]
fn another_weight_gives_other_logits() {
    let graph = graph(NAMED);
    let mut weights = assigned("named.pt", &graph, None).weights;
    weights.values[0] += 1e-2;
    assert!(difference(&graph, &weights, "named") > LOGIT_TOLERANCE);
}

#[test]
fn layers_are_found_by_name_by_shape_and_by_order() {
    let ways = |file: &str, layers: &[&str]| -> Vec<How> {
        let mut rows = assigned(file, &graph(layers), None).rows;
        rows.retain(|row| row.parameter.ends_with("kernel"));
        rows.iter().map(|row| row.how).collect()
    };
    use How::{Name, Order, Shape};
    assert_eq!(ways("named.pt", NAMED), [Name; 5]);
    assert_eq!(ways("checkpoint.pt", NAMED), [Name; 5]);
    assert_eq!(ways("numbered.pt", NUMBERED), [Shape, Order, Order, Order, Shape]);
    let keras = ways("keras-named.keras", KERAS_NAMED);
    assert_eq!(keras, [Name, Shape, Shape, Name, Name, Name, Name]);
}

#[test]
fn order_is_that_of_the_file() {
    // The same three layers in another order are another network.
    let graph = graph(NUMBERED);
    let found = assigned("numbered.pt", &graph, None);
    let mut weights = found.weights.clone();
    let place =
        |name: &str| graph.parameters.iter().find(|parameter| parameter.name == name).unwrap().range();
    let (second, third) = (place("conv2.kernel"), place("conv3.kernel"));
    let kernel = weights.values[second.clone()].to_vec();
    weights.values.copy_within(third.clone(), second.start);
    weights.values[third].copy_from_slice(&kernel);
    assert!(difference(&graph, &weights, "numbered") > 100.0 * LOGIT_TOLERANCE);
}

#[test]
fn nothing_of_a_pickle_runs() {
    let before = Path::new("payload-has-run").exists();
    let bytes = std::fs::read(golden("refused-payload.pt")).unwrap();
    assert!(read(&bytes, None).is_err());
    assert_eq!((before, Path::new("payload-has-run").exists()), (false, false));
}
