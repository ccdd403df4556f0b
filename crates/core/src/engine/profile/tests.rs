//! What is accounted, against counts by hand, and that measuring changes nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use seamripper_kernels::Instructions;
use seamripper_kernels::parallel::Threads;

use super::super::{Engine, EngineProfile, Wants};
use crate::graph::{Activation, Builder, Graph, Initializer, Layer, LayerSpec, Padding, Weights};
use crate::recipe::Recipe;

/// A clock that is read once a nanosecond.
fn clock() -> u64 {
    static READINGS: AtomicU64 = AtomicU64::new(0);
    READINGS.fetch_add(1, Ordering::Relaxed)
}

fn seed() -> Graph {
    let text = include_str!("../../../../../recipes/seed.toml");
    Recipe::from_toml(text, "seed.toml").unwrap().graph().unwrap()
}

fn conv(filters: usize, kernel: [usize; 2], stride: [usize; 2], padding: Padding) -> LayerSpec {
    LayerSpec::new(Layer::Conv2d {
        filters,
        kernel,
        stride,
        padding,
        bias: true,
        groups: 1,
        dilation: [1, 1],
    })
}

/// Every kind of op, and meetings.
fn mixed() -> Graph {
    let mut builder = Builder::new([9, 9, 2]);
    builder.push(LayerSpec { activation: Activation::Tanh, ..conv(4, [3, 3], [1, 1], Padding::Same) });
    builder.push(LayerSpec { activation: Activation::Relu, ..conv(4, [3, 3], [2, 2], Padding::Same) });
    builder.push(LayerSpec {
        name: Some("mid".into()),
        activation: Activation::Relu,
        ..LayerSpec::new(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 })
    });
    builder.push(conv(4, [1, 1], [1, 1], Padding::Valid));
    builder.push(LayerSpec { with: vec!["mid".into()], ..LayerSpec::new(Layer::Add) });
    builder.push(Layer::AvgPool { size: [2, 2], stride: [1, 1], padding: Padding::Valid });
    builder.push(Layer::MaxPool { size: [2, 2], stride: [1, 1], padding: Padding::Valid });
    builder.push(Layer::Dropout { rate: 0.25 });
    builder.push(LayerSpec { activation: Activation::Gelu, ..LayerSpec::new(Layer::Activation) });
    let (stride, padding) = ([1, 1], Padding::Same);
    builder.push(Layer::Depthwise { multiplier: 1, kernel: [2, 2], stride, padding, bias: true });
    builder.push(Layer::Conv2d {
        filters: 6,
        kernel: [1, 1],
        stride,
        padding,
        bias: true,
        groups: 2,
        dilation: [1, 1],
    });
    builder.push(Layer::Flatten);
    builder.push(Layer::Dense { units: 3, bias: true });
    builder.build().unwrap()
}

/// One step's gradient and loss for 37 images, watched or not.
fn step(graph: &Graph, watch: bool) -> (Vec<f32>, f64, Option<EngineProfile>) {
    let images = 37;
    let isa = Instructions::available()[0];
    let weights = Weights::initial(graph, Initializer::GlorotUniform, 3);
    let mut engine = Engine::new(graph, isa, 40, Wants::TRAINING);
    if watch {
        engine.watch(graph, clock);
    }
    let pixels: Vec<f32> =
        (0..images * graph.input.iter().product::<usize>()).map(|i| (i % 17) as f32 / 17.0).collect();
    let k = graph.outputs();
    let targets: Vec<f32> = (0..images * k).map(|i| f32::from(i % k == i / k % k)).collect();
    let mut gradient = vec![0.0; graph.parameter_count()];
    let loss = engine.loss_gradient(&weights, &pixels, &targets, &mut gradient);
    (gradient, loss, engine.profile())
}

#[test]
fn the_operations_of_seed_are_those_counted_by_hand() {
    let profile = step(&seed(), true).2.unwrap();
    assert_eq!(profile.images, 37);
    let names: Vec<_> = profile.ops.iter().map(|op| (&*op.name, op.kernel)).collect();
    let fused = "conv + max_pool";
    assert_eq!(
        names,
        [
            ("conv1 + relu + max_pool1", fused),
            ("conv2 + relu + max_pool2", fused),
            ("conv3 + relu + max_pool3", fused),
            ("dense1 + relu", "dense"),
            ("dense2", "dense")
        ]
    );
    // 5 x 5 taps at 21 x 21 of the 24 x 24 places: the pools behind read no more
    let forward = [21 * 21 * 25 * 128, 6 * 6 * 4 * 128 * 64, 2 * 2 * 4 * 64 * 32, 32 * 32, 32 * 10];
    assert_eq!(2 * forward.iter().sum::<u64>(), 5_249_920);
    let found: Vec<u64> = profile.ops.iter().map(|op| op.forward.flop).collect();
    assert_eq!(found, forward.map(|products| 37 * 2 * products));
    // one place a pool window, for weights and input; no gradient of the image
    let backward = [7 * 7 * 25 * 128, 2 * 3 * 3 * 4 * 128 * 64, 2 * 4 * 64 * 32, 2 * 32 * 32, 2 * 32 * 10];
    let found: Vec<u64> = profile.ops.iter().map(|op| op.backward.flop).collect();
    assert_eq!(found, backward.map(|products| 37 * 2 * products));
    let limits: Vec<bool> = profile.ops.iter().map(|op| op.backward.at_most).collect();
    assert_eq!(limits, [true, true, true, false, false]);
    assert!(profile.ops.iter().all(|op| !op.forward.at_most));
    assert!(profile.ops.iter().all(|op| op.forward.nanoseconds > 0 && op.backward.nanoseconds > 0));
    assert!([profile.input, profile.packing, profile.loss, profile.summing].iter().all(|&time| time > 0));
}

#[test]
fn the_bytes_of_a_layer_are_those_counted_by_hand() {
    let profile = step(&seed(), true).2.unwrap();
    let dense = profile.ops.last().unwrap();
    // 37 images in shards of 16 go in this many blocks: each reads the weights once
    let weights = 4 * (32 * 10 + 10);
    let blocks = (dense.forward.bytes - 37 * 4 * (32 + 10)) / weights;
    assert_eq!(dense.forward.bytes, 37 * 4 * (32 + 10) + blocks * weights);
    assert!((3..=37).contains(&blocks), "{blocks}");
    // x, dy and dx; the sums of dw and db are read and written, w is read
    assert_eq!(dense.backward.bytes, 37 * 4 * (32 + 10 + 32) + blocks * (2 * weights + 4 * 320));
    let fused = &profile.ops[0];
    // image 25 x 25 of 28 x 28, 7 x 7 x 128 values and as many winners of a byte
    let weights = 4 * (25 * 128 + 128);
    assert_eq!(fused.forward.bytes, 37 * (4 * (25 * 25 + 49 * 128) + 49 * 128) + blocks * weights);
    // the same again with dy, and y for the ReLU
    let values = 4 * (25 * 25 + 2 * 49 * 128) + 49 * 128;
    assert_eq!(fused.backward.bytes, 37 * values + 2 * blocks * weights);
}

#[test]
fn every_kind_of_op_has_its_cost() {
    let profile = step(&mixed(), true).2.unwrap();
    let each = |count: u64| format!("{}{}", count / 37, if count.is_multiple_of(37) { "" } else { "!" });
    let lines: Vec<String> = profile
        .ops
        .iter()
        .map(|op| {
            format!("{} | {} | {} {}", op.name, op.kernel, each(op.forward.flop), each(op.backward.flop))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    conv1 | conv | 11664 11664
    tanh of conv1 | activation | 324 324
    conv2 + relu | conv | 7200 12608
    mid: batch_norm + relu | batch_norm | 700 1000
    conv3 | conv | 800 1600
    add1 | add | 100 0
    avg_pool1 | avg_pool | 256 256
    max_pool1 | max_pool | 144 36
    dropout1 | dropout | 36 36
    gelu1 | activation | 36 36
    depthwise1 | depthwise | 288 576
    conv4 | grouped conv | 216 432
    dense1 | dense | 324 648
    ");
    // conv2: 7200 for weights, and for its input 13 pairs of place and tap an axis, 4 x 4 channels
    assert_eq!(12608, 7200 + 2 * 13 * 13 * 4 * 4);
}

#[test]
fn profiling_changes_no_bit() {
    for graph in [seed(), mixed()] {
        let plain = step(&graph, false);
        assert_eq!(plain.2, None);
        for threads in [1, 3] {
            let watched = Threads::new(Some(threads)).unwrap().run(|| step(&graph, true));
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&watched.0), bits(&plain.0));
            assert_eq!(watched.1.to_bits(), plain.1.to_bits());
            assert!(watched.2.is_some());
        }
    }
}
