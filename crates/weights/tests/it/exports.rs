//! What is written for PyTorch and Keras: read back here, and by them when asked.

use std::path::PathBuf;

use npyz::WriterBuilder;
use seamripper_core::engine::{Engine, Executor, Wants};
use seamripper_core::graph::{Graph, ModelFile, Preprocessing, Weights};
use seamripper_core::random::{Purpose, Stream};
use seamripper_kernels::Instructions;
use seamripper_weights::{Choices, assign, read, to_keras, to_torch};

use crate::models::{KERAS_NAMED, KERAS_NESTED, NAMED, NUMBERED, graph};

/// `graph` with random weights; variances are above 0.
pub fn model(graph: Graph) -> ModelFile {
    let mut stream = Stream::new(7, Purpose::Test, 0, 0);
    let mut weights = Weights { values: Vec::with_capacity(graph.parameter_count()) };
    for parameter in &graph.parameters {
        let low = if parameter.name.ends_with("moving_variance") { 0.5 } else { -0.4 }; // a little above 0, so that ReLUs are not all off
        weights.values.extend((0..parameter.len()).map(|_| stream.uniform(low, low + 1.0) as f32));
    }
    let classes = (0..graph.outputs()).map(|class| class.to_string()).collect();
    let preprocessing = Preprocessing::new(graph.input[2]);
    ModelFile { graph, weights, classes, preprocessing }
}

#[test]
fn weights_come_back_bit_for_bit() {
    for layers in [NAMED, NUMBERED, KERAS_NAMED, KERAS_NESTED] {
        let model = model(graph(layers));
        for bytes in [to_torch(&model).unwrap(), to_keras(&model).unwrap()] {
            let stored = read(&bytes, None).unwrap_or_else(|error| panic!("{error}"));
            let back =
                assign(&model.graph, &stored, &Choices::default()).unwrap_or_else(|error| panic!("{error}"));
            assert!(back.weights == model.weights);
        }
    }
}

#[test]
fn equal_models_give_equal_bytes() {
    let model = model(graph(NAMED));
    assert!(to_torch(&model).unwrap() == to_torch(&model).unwrap());
    assert!(to_keras(&model).unwrap() == to_keras(&model).unwrap());
}

/// For `tests/golden/files/generate.py --load DIR`.
#[test]
#[ignore = "writes to SEAMRIPPER_TEST_EXPORTS, for generate.py --load; scripts/test --full does both"]
fn exports_are_written() {
    let folder = PathBuf::from(std::env::var("SEAMRIPPER_TEST_EXPORTS").expect("a folder"));
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    for (name, layers) in [("named", NAMED), ("keras-named", KERAS_NAMED), ("keras-nested", KERAS_NESTED)] {
        let model = model(graph(layers));
        match name {
            "named" => write("named.safetensors", &to_torch(&model).unwrap()),
            _ => write(&format!("{name}.weights.h5"), &to_keras(&model).unwrap()),
        }
        let mut stream = Stream::new(4, Purpose::Test, 0, 0);
        let images: Vec<f32> = (0..3 * 9 * 8 * 2).map(|_| stream.uniform(0.0, 1.0) as f32).collect();
        let mut engine = Engine::new(&model.graph, Instructions::available()[0], 3, Wants::INFERENCE);
        let logits = engine.forward(&model.weights, &images).data().to_vec();
        for (array, shape, values) in [("images", &[3, 9, 8, 2][..], &images), ("logits", &[3, 5], &logits)] {
            let file = std::fs::File::create(folder.join(format!("{name}.{array}.npy"))).unwrap();
            let options = npyz::WriteOptions::new().default_dtype().shape(shape).writer(file);
            let mut array = options.begin_nd().unwrap();
            array.extend(values.iter().copied()).unwrap();
            array.finish().unwrap();
        }
    }
}
