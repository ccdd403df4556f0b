//! The 45,770-parameter network against Keras: activations, gradients, ten steps of Adam.
//!
//! Golden files and how they were made: `tests/golden/keras/`.

use std::collections::HashMap;

use seamripper_core::engine::{Engine, Executor, Wants};
use seamripper_core::graph::{Graph, Weights};
use seamripper_core::recipe::Recipe;
use seamripper_core::sample::{Ids, ImageSet};
use seamripper_core::train::Trainer;
use seamripper_kernels::Instructions;

use crate::npz::{Array, golden};

/// Largest difference from Keras' activations, relative to the largest value of the layer.
const ACTIVATION_BOUND: f64 = 1e-5;
/// Largest difference of a gradient, relative to the largest of its parameter.
const GRADIENT_BOUND: f64 = 1e-4;
/// Largest relative difference of a loss over ten steps of Adam.
const TRAJECTORY_BOUND: f64 = 1e-4;

pub(crate) fn seed() -> (Recipe, Graph) {
    let recipe = Recipe::from_toml(include_str!("../../../../recipes/seed.toml"), "seed.toml").unwrap();
    let graph = recipe.graph().unwrap();
    (recipe, graph)
}

/// Parameter values from arrays called `<prefix>conv1_kernel`, ….
pub(crate) fn weights(graph: &Graph, arrays: &HashMap<String, Array>, prefix: &str) -> Weights {
    let mut values = vec![0.0; graph.parameter_count()];
    for parameter in &graph.parameters {
        let array = &arrays[&format!("{prefix}{}", parameter.name.replace('.', "_"))];
        assert_eq!(array.shape, parameter.shape, "{}", parameter.name);
        for (value, &stored) in values[parameter.range()].iter_mut().zip(&array.values) {
            *value = stored as f32;
        }
    }
    Weights { values }
}

/// What is wrong with `found`, compared relative to the largest expected value.
pub(crate) fn difference(found: &[f32], expected: &[f64], bound: f64) -> Option<String> {
    if found.len() != expected.len() {
        return Some(format!("{} values instead of {}", found.len(), expected.len()));
    }
    let scale = expected.iter().fold(0.0_f64, |scale, value| scale.max(value.abs()));
    let worst = found.iter().zip(expected).map(|(&a, b)| (f64::from(a) - b).abs()).fold(0.0, f64::max);
    let nan = found.iter().any(|value| value.is_nan());
    (nan || worst > bound * scale).then(|| format!("off by {:e} of the largest value", worst / scale))
}

#[test]
fn difference_finds_differences() {
    assert!(difference(&[1.0, 2.0], &[1.0, 2.0], 1e-9).is_none());
    assert!(difference(&[1.0, 2.001], &[1.0, 2.0], 1e-4).is_some());
    assert!(difference(&[f32::NAN, 2.0], &[1.0, 2.0], 1e-4).is_some());
    assert!(difference(&[1.0], &[1.0, 2.0], 1e-4).is_some());
}

fn pixels(array: &Array) -> Vec<f32> {
    array.values.iter().map(|&value| value as f32 / 255.0).collect()
}

#[test]
fn logits_and_every_activation_agree() {
    let (_, graph) = seed();
    let weights = weights(&graph, &golden("keras/weights.npz"), "");
    let outputs = golden("keras/outputs.npz");
    let images = pixels(&outputs["images_u8"]);
    for isa in Instructions::available() {
        for wants in [Wants::INFERENCE, Wants { taps: true, ..Wants::INFERENCE }] {
            let mut engine = Engine::new(&graph, isa, 64, wants);
            let logits = engine.forward(&weights, &images);
            let wrong = difference(logits.data(), &outputs["logits"].values, ACTIVATION_BOUND);
            assert!(wrong.is_none(), "logits on {}: {}", isa.name(), wrong.unwrap());
            if !wants.taps {
                continue;
            }
            for (name, array) in [
                ("conv1", "conv1_relu"),
                ("max_pool1", "pool1"),
                ("conv2", "conv2_relu"),
                ("max_pool2", "pool2"),
                ("conv3", "conv3_relu"),
                ("max_pool3", "pool3"),
                ("flatten1", "flatten"),
                ("dense1", "dense1_relu"),
            ] {
                let node = graph.nodes.iter().position(|node| node.name == name).expect(name);
                let tap = engine.tap(node).expect("taps were asked for");
                let expected = &outputs[array];
                let found = &tap.data()[..expected.values.len()];
                let wrong = difference(found, &expected.values, ACTIVATION_BOUND);
                assert!(wrong.is_none(), "{name} on {}: {}", isa.name(), wrong.unwrap());
            }
        }
    }
}

#[test]
fn all_gradients_of_a_batch_agree() {
    let (_, graph) = seed();
    let weights = weights(&graph, &golden("keras/weights.npz"), "");
    let (outputs, expected) = (golden("keras/outputs.npz"), golden("keras/gradients.npz"));
    let images = pixels(&outputs["images_u8"]);
    let mut targets = vec![0.0; 640];
    for (row, &label) in targets.chunks_exact_mut(10).zip(&outputs["labels"].values) {
        row[label as usize] = 1.0;
    }
    for isa in Instructions::available() {
        let mut engine = Engine::new(&graph, isa, 64, Wants::TRAINING);
        let mut gradient = vec![0.0; graph.parameter_count()];
        let loss = engine.loss_gradient(&weights, &images, &targets, &mut gradient) / 64.0;
        let exact = expected["loss"].values[0];
        assert!((loss / exact - 1.0).abs() < ACTIVATION_BOUND, "loss {loss}, expected {exact}");
        for parameter in &graph.parameters {
            let array = &expected[&format!("grad_{}", parameter.name.replace('.', "_"))];
            let wrong = difference(&gradient[parameter.range()], &array.values, GRADIENT_BOUND);
            assert!(wrong.is_none(), "{} on {}: {}", parameter.name, isa.name(), wrong.unwrap());
        }
    }
}

#[test]
fn ten_steps_of_adam_follow() {
    let (mut recipe, graph) = seed();
    let expected = golden("keras/trajectory.npz");
    recipe.augment.expand.clear();
    recipe.augment.online.clear();
    recipe.train.batch = 128;
    let images = &expected["images_u8"];
    let set = |rows: std::ops::Range<usize>| {
        ImageSet::new(
            [28, 28, 1],
            images.values[rows.start * 784..rows.end * 784].iter().map(|&value| value as u8).collect(),
            expected["labels"].values[rows.clone()].iter().map(|&label| label as u32).collect(),
            (0..10).map(|class| class.to_string()).collect(),
            Ids::Rows { prefix: "train".into(), rows: rows.map(|row| row as u32).collect() },
        )
    };
    // One epoch is one batch, so its order within the batch does not matter, and the state is carried from set to set.
    let sets: Vec<ImageSet> = (0..10).map(|step| set(step * 128..(step + 1) * 128)).collect();
    let mut state = None;
    for (step, set) in sets.iter().enumerate() {
        recipe.train.epochs = step + 1;
        let mut trainer = Trainer::new(Instructions::available()[0], &recipe, &graph, set, None).unwrap();
        let mut present = state.unwrap_or_else(|| trainer.state().clone());
        if step == 0 {
            present.weights = weights(&graph, &expected, "init_");
        }
        trainer.resume(present).unwrap();
        let report = trainer.step().expect("one step is an epoch");
        let exact = expected["loss"].values[step];
        let error = (report.train_loss / exact - 1.0).abs();
        assert!(error < TRAJECTORY_BOUND, "step {step}: loss {}, expected {exact}", report.train_loss);
        state = Some(trainer.state().clone());
    }
}
