//! Every layer, random graphs, and the check itself.

mod frozen;
mod imported;
mod residual;
mod tiles;

use proptest::prelude::*;
use seamripper_kernels::Instructions;
use seamripper_kernels::parallel::Threads;

use super::{BF16_TOLERANCE, Engine, Executor, Gradients, Mode, Wants, check_gradients, forward_f64};
use crate::graph::{Activation, Builder, Graph, Layer, LayerSpec, NodeId, Padding, Role, Weights};
use crate::random::{Purpose, Stream};
use crate::tensor::Tensor;

fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut stream = Stream::new(seed, Purpose::Test, 0, 0);
    (0..count).map(|_| stream.uniform(-1.0, 1.0) as f32).collect()
}

/// Weights that no symmetry makes zero: gammas and variances positive, biases not 0.
fn weights(graph: &Graph, seed: u64) -> Weights {
    let mut values = noise(seed, graph.parameter_count());
    for parameter in &graph.parameters {
        let fan = parameter.shape[..parameter.shape.len() - 1].iter().product::<usize>() as f32;
        for value in &mut values[parameter.range()] {
            match parameter.role {
                Role::Kernel => *value *= (3.0 / fan).sqrt(),
                Role::Gamma | Role::MovingVariance => *value = 1.0 + 0.5 * *value,
                _ => *value *= 0.3,
            }
        }
    }
    Weights { values }
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

const ALL: [Activation; 13] = [
    Activation::Identity,
    Activation::Relu,
    Activation::Relu6,
    Activation::LeakyRelu(0.2),
    Activation::Elu,
    Activation::Gelu,
    Activation::Silu,
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Softplus,
    Activation::HardSwish,
    Activation::HardSigmoid,
    Activation::Clip(-0.4, 0.7),
];

/// Builds the layers with a dense head, and checks gradients and forward values on every instruction set, fused and not.
fn check(input: [usize; 3], layers: Vec<LayerSpec>, images: usize) {
    let mut builder = Builder::new(input);
    for layer in layers {
        builder.push(layer);
    }
    builder.push(Layer::Flatten);
    builder.push(Layer::Dense { units: 3, bias: true });
    check_graph(&builder.build().expect("layers that fit"), images);
}

/// One tap, with everything before and after it fused, against all of them.
fn tapped(graph: &Graph, isa: Instructions, images: usize, weights: &Weights, pixels: &[f32]) {
    let mut all =
        Engine::new(graph, isa, images, Wants { taps: true, input_gradient: true, ..Wants::INFERENCE });
    let logits = all.forward(weights, pixels);
    let asked = noise(3, logits.data().len());
    all.backward(&asked);
    let near = |found: &[f32], expected: &[f32], what: &str| {
        let scale = expected.iter().fold(1.0_f32, |scale, x| scale.max(x.abs()));
        let far = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(
            found.len() == expected.len() && far <= 1e-4 * scale,
            "{what}: off by {far} of {scale}\n{graph:#?}"
        );
    };
    for node in 0..graph.nodes.len() {
        let mut one = Engine::new(graph, isa, images, Wants { tap: Some(node), ..Wants::INFERENCE });
        near(one.forward(weights, pixels).data(), logits.data(), "logits");
        assert!(one.backward(&asked).input.is_none());
        let name = &graph.nodes[node].name;
        near(one.tap(node).unwrap().data(), all.tap(node).unwrap().data(), name);
        near(one.tap_gradient(node).unwrap().data(), all.tap_gradient(node).unwrap().data(), name);
        assert!((0..node).all(|other| one.tap(other).is_none()));
    }
}

fn check_graph(graph: &Graph, images: usize) {
    let weights = weights(graph, 1);
    let pixels = noise(2, images * graph.input.iter().product::<usize>());
    for isa in Instructions::available() {
        // The last is inference with what belongs together folded, as saliency runs it.
        for (training, taps, weight_gradients) in
            [(true, false, true), (false, false, true), (true, true, true), (false, false, false)]
        {
            let wants = Wants { training, weight_gradients, input_gradient: true, taps, ..Wants::INFERENCE };
            let mut engine = Engine::new(graph, isa, images, wants);
            engine.set_step(5, 6);
            let mode = if training { Mode::Training { seed: 5, step: 6 } } else { Mode::Inference };
            let logits = engine.forward(&weights, &pixels);
            let wide = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>();
            let exact = forward_f64(graph, &wide(&weights.values), &wide(&pixels), mode).pop().unwrap();
            for (found, exact) in logits.data().iter().zip(&exact) {
                assert!(
                    (f64::from(*found) - exact).abs() < 2e-5 * exact.abs().max(1.0),
                    "{found} is not {exact}"
                );
            }
            let compared =
                check_gradients(&mut engine, graph, &weights, &pixels, mode).unwrap_or_else(|error| {
                    panic!("{} training={training} taps={taps}: {error}\n{graph:#?}", isa.name())
                });
            let least = if weight_gradients { graph.parameters.len() / 2 } else { 0 };
            assert!(compared > least, "only {compared} entries away from a kink");
        }
        tapped(graph, isa, images, &weights, &pixels);
        let exact = forward_values(graph, &weights, &pixels);
        let largest = exact.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let mut engine = Engine::new(graph, isa, images, Wants { bf16: true, ..Wants::INFERENCE });
        for (found, exact) in engine.forward(&weights, &pixels).data().iter().zip(&exact) {
            let far = (f64::from(*found) - exact).abs();
            assert!(
                far <= BF16_TOLERANCE * largest.max(1.0),
                "bf16: {found} is not {exact} on {}",
                isa.name()
            );
        }
    }
}

/// Logits at inference, in `f64`.
fn forward_values(graph: &Graph, weights: &Weights, pixels: &[f32]) -> Vec<f64> {
    let wide = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>();
    forward_f64(graph, &wide(&weights.values), &wide(pixels), Mode::Inference).pop().unwrap()
}

#[test]
fn a_batch_normalization_is_folded_only_where_nobody_else_reads_the_convolution() {
    let norm = || LayerSpec::new(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 });
    let pool = LayerSpec::new(Layer::MaxPool { size: [2, 2], stride: [2, 2], padding: Padding::Valid });
    let relu = LayerSpec::new(Layer::Activation).activated(Activation::Relu);
    for (ops, layers) in [
        // One op each, and the dense layer.
        (2, vec![conv(4, [3, 3], [1, 1], Padding::Same), norm().activated(Activation::Relu), pool.clone()]),
        (2, vec![conv(4, [3, 3], [2, 2], Padding::Same), norm(), relu.clone()]),
        // A ReLU before the normalization is in the way, and so is another activation before a pool.
        (3, vec![conv(4, [3, 3], [1, 1], Padding::Same).activated(Activation::Relu), norm()]),
        (4, vec![conv(4, [3, 3], [1, 1], Padding::Same), norm().activated(Activation::Tanh), pool]),
    ] {
        let mut builder = Builder::with_layers([8, 8, 2], layers.clone());
        builder.push(Layer::Flatten);
        builder.push(Layer::Dense { units: 3, bias: true });
        let graph = builder.build().unwrap();
        let plan = super::plan::Plan::new(&graph, Instructions::available()[0], 4, Wants::INFERENCE);
        assert_eq!(plan.ops.len(), ops, "{layers:?}");
        check_graph(&graph, 3);
    }
}

#[test]
fn convolution() {
    for (kernel, stride, padding) in [
        ([3, 3], [1, 1], Padding::Same),
        ([3, 2], [1, 1], Padding::Valid),
        ([3, 3], [2, 2], Padding::Same),
        ([5, 3], [2, 3], Padding::Valid),
        ([1, 1], [1, 1], Padding::Valid),
        ([1, 1], [2, 2], Padding::Same),
        ([4, 4], [2, 1], Padding::Same),
    ] {
        check([9, 8, 2], vec![conv(5, kernel, stride, padding).activated(Activation::Tanh)], 3);
    }
}

/// Gradients, forward values and folding of a depthwise or grouped layer, alone and among others.
fn check_grouped(layer: Layer, channels: usize) {
    let norm = LayerSpec::new(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 });
    let first = || conv(channels, [2, 2], [1, 1], Padding::Valid);
    let layer = LayerSpec::new(layer);
    check([7, 8, channels], vec![layer.clone().activated(Activation::Tanh)], 3);
    check([8, 9, 2], vec![first(), layer.clone(), norm.activated(Activation::Relu)], 3);
    // Not all of the output is read, and a part of the input is read by two.
    let pool = LayerSpec::new(Layer::MaxPool { size: [2, 2], stride: [2, 2], padding: Padding::Valid });
    let others = vec![
        first().activated(Activation::Relu).named("first"),
        layer.activated(Activation::Relu),
        pool.clone(),
        conv(2, [1, 1], [1, 1], Padding::Valid),
        LayerSpec::new(Layer::GlobalAvgPool).named("one"),
        conv(2, [3, 3], [2, 2], Padding::Same).reading("first"),
        LayerSpec::new(Layer::GlobalAvgPool),
        LayerSpec::add("one"),
    ];
    check([10, 9, 2], others, 2);
}

#[test]
fn depthwise_convolution() {
    for (channels, kernel, stride, padding, multiplier) in [
        (5, [3, 3], [1, 1], Padding::Same, 1),
        (17, [3, 3], [2, 2], Padding::Same, 1),
        (1, [3, 3], [1, 1], Padding::Valid, 1),
        (4, [5, 4], [1, 2], Padding::Same, 1),
        (3, [2, 1], [3, 3], Padding::Valid, 1),
        (3, [3, 3], [2, 1], Padding::Same, 2),
    ] {
        check_grouped(Layer::Depthwise { multiplier, kernel, stride, padding, bias: true }, channels);
    }
    check([1, 1, 20], vec![depthwise([3, 3])], 4);
    check([1, 1, 3], vec![depthwise([5, 5])], 4);
}

fn depthwise(kernel: [usize; 2]) -> LayerSpec {
    let (stride, padding) = ([1, 1], Padding::Same);
    Layer::Depthwise { multiplier: 1, kernel, stride, padding, bias: false }.into()
}

#[test]
fn grouped_convolution() {
    for (channels, filters, groups, kernel, stride, padding) in [
        (4, 6, 2, [3, 3], [1, 1], Padding::Same),
        (6, 3, 3, [3, 2], [2, 2], Padding::Valid),
        (6, 12, 6, [1, 1], [1, 1], Padding::Valid),
        (4, 40, 2, [2, 2], [3, 1], Padding::Same),
    ] {
        check_grouped(
            Layer::Conv2d { filters, kernel, stride, padding, bias: true, groups, dilation: [1, 1] },
            channels,
        );
    }
}

#[test]
fn blocks_of_images_change_no_bit_of_grouped_convolutions() {
    let (kernel, stride, padding) = ([3, 3], [2, 2], Padding::Same);
    let layers = vec![
        conv(18, [1, 1], [1, 1], Padding::Valid),
        depthwise([3, 3]).activated(Activation::Relu),
        LayerSpec::new(Layer::Conv2d {
            filters: 12,
            kernel,
            stride,
            padding,
            bias: true,
            groups: 6,
            dilation: [1, 1],
        }),
        LayerSpec::new(Layer::GlobalAvgPool),
    ];
    let graph = Builder::with_layers([24, 24, 2], layers).build().unwrap();
    let weights = weights(&graph, 1);
    let (images, length) = (5, 24 * 24 * 2);
    let pixels = noise(2, images * length);
    let r = noise(3, images * 12);
    for isa in Instructions::available() {
        let wants = Wants { input_gradient: true, ..Wants::INFERENCE };
        let block = super::plan::Plan::new(&graph, isa, images, wants).block;
        assert!(1 < block && block < images, "{block} images a block test nothing");
        let mut together = Engine::new(&graph, isa, images, wants);
        let logits = together.forward(&weights, &pixels);
        let gradient = together.backward(&r).input.unwrap();
        let mut alone = Engine::new(&graph, isa, 1, wants);
        for image in 0..images {
            let found = alone.forward(&weights, &pixels[image * length..][..length]);
            assert_eq!(found.data(), &logits.data()[image * 12..][..12]);
            let found = alone.backward(&r[image * 12..][..12]).input.unwrap();
            assert_eq!(found.data(), &gradient.data()[image * length..][..length]);
        }
    }
}

#[test]
fn one_filter_a_channel_is_a_depthwise_convolution_however_it_is_written() {
    let ops = |layer: Layer| {
        let mut builder = Builder::new([6, 6, 4]);
        builder.push(LayerSpec::new(layer).activated(Activation::Relu));
        builder.push(Layer::GlobalAvgPool);
        let graph = builder.build().unwrap();
        let plan = super::plan::Plan::new(&graph, Instructions::available()[0], 4, Wants::TRAINING);
        format!("{:?}", plan.ops[0]).split(' ').next().map(str::to_owned).unwrap()
    };
    let (kernel, stride, padding, bias) = ([3, 3], [1, 1], Padding::Same, true);
    let grouped =
        |filters, groups| Layer::Conv2d { filters, kernel, stride, padding, bias, groups, dilation: [1, 1] };
    let depthwise = |multiplier| Layer::Depthwise { multiplier, kernel, stride, padding, bias };
    assert_eq!([ops(grouped(4, 4)), ops(depthwise(1))], ["Depthwise", "Depthwise"]);
    assert_eq!([ops(grouped(4, 2)), ops(depthwise(2))], ["Grouped", "Grouped"]);
    assert_eq!(ops(grouped(4, 1)), "Conv");
}

#[test]
fn fused_convolution_and_pool() {
    for (pool, kernel, padding) in [
        (2, [3, 3], Padding::Same),
        (3, [2, 3], Padding::Valid),
        (2, [1, 1], Padding::Valid),
        (3, [5, 5], Padding::Same),
    ] {
        let size = [pool; 2];
        let layers = vec![
            conv(4, kernel, [1, 1], padding).activated(Activation::Relu),
            LayerSpec::new(Layer::MaxPool { size, stride: size, padding: Padding::Valid }),
            conv(6, [2, 2], [1, 1], Padding::Valid),
        ];
        check([11, 14, 2], layers, 2);
    }
}

#[test]
fn the_experiments_network_in_small_computes_only_what_is_needed() {
    let pool = |size: usize| {
        LayerSpec::new(Layer::MaxPool { size: [size; 2], stride: [size; 2], padding: Padding::Valid })
    };
    let relu =
        |filters, kernel| conv(filters, [kernel; 2], [1, 1], Padding::Valid).activated(Activation::Relu);
    check([28, 28, 1], vec![relu(6, 5), pool(3), relu(5, 2), pool(2), relu(4, 2), pool(2)], 1);
}

#[test]
fn pools() {
    for (size, stride, padding) in [
        ([2, 2], [2, 2], Padding::Valid),
        ([3, 3], [2, 2], Padding::Same),
        ([3, 2], [1, 2], Padding::Valid),
        ([2, 3], [3, 3], Padding::Same),
    ] {
        let first = || conv(3, [2, 2], [1, 1], Padding::Valid);
        check([7, 8, 1], vec![first(), LayerSpec::new(Layer::AvgPool { size, stride, padding })], 3);
        check([7, 8, 1], vec![first(), LayerSpec::new(Layer::MaxPool { size, stride, padding })], 3);
    }
    check([5, 4, 3], vec![conv(3, [2, 2], [1, 1], Padding::Valid), Layer::GlobalAvgPool.into()], 2);
    check([5, 4, 3], vec![conv(3, [2, 2], [1, 1], Padding::Valid), Layer::GlobalMaxPool.into()], 2);
}

#[test]
fn batch_norm_dropout_and_dense() {
    let norm = || LayerSpec::new(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 });
    check([5, 5, 2], vec![conv(4, [3, 3], [1, 1], Padding::Same), norm().activated(Activation::Relu)], 20);
    check([4, 4, 1], vec![Layer::Flatten.into(), Layer::Dense { units: 9, bias: false }.into(), norm()], 33);
    let dropout = || LayerSpec::new(Layer::Dropout { rate: 0.4 });
    check([5, 5, 1], vec![conv(4, [3, 3], [1, 1], Padding::Valid), dropout().activated(Activation::Elu)], 17);
    let path = LayerSpec::new(Layer::DropPath { rate: 0.4 }).activated(Activation::Relu);
    check([5, 5, 1], vec![conv(4, [3, 3], [1, 1], Padding::Valid), path, Layer::Flatten.into()], 17);
}

#[test]
fn activations() {
    for activation in ALL {
        check([4, 4, 1], vec![conv(3, [2, 2], [1, 1], Padding::Valid).activated(activation)], 2);
    }
}

#[test]
fn residual_with_two_readers_of_one_output() {
    let graph = Builder::with_layers(
        [4, 4, 2],
        vec![
            conv(4, [3, 3], [1, 1], Padding::Same).activated(Activation::Relu).named("a"),
            conv(4, [3, 3], [1, 1], Padding::Same).named("b"),
            LayerSpec::add("a").activated(Activation::Relu).named("sum"),
            conv(5, [3, 3], [2, 2], Padding::Same).activated(Activation::Relu),
            LayerSpec::new(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 }).named("main"),
            conv(5, [1, 1], [2, 2], Padding::Same).reading("sum").named("shortcut"),
            LayerSpec::add("main"),
            LayerSpec::new(Layer::GlobalAvgPool),
            LayerSpec::new(Layer::Dense { units: 3, bias: true }),
        ],
    );
    check_graph(&graph.build().expect("layers that fit"), 17);
}

/// Passes everything on, but for one weight gradient.
struct Wrong<'a> {
    engine: &'a mut Engine,
    place: usize,
    by: f32,
}

impl Executor for Wrong<'_> {
    fn forward(&mut self, weights: &Weights, images: &[f32]) -> Tensor {
        self.engine.forward(weights, images)
    }
    fn backward(&mut self, logit_gradient: &[f32]) -> Gradients {
        let mut gradients = self.engine.backward(logit_gradient);
        gradients.weights[self.place] += self.by;
        gradients
    }
    fn tap(&self, node: NodeId) -> Option<Tensor> {
        self.engine.tap(node)
    }
    fn tap_gradient(&self, node: NodeId) -> Option<Tensor> {
        self.engine.tap_gradient(node)
    }
}

#[test]
fn the_check_fails_on_a_wrong_gradient() {
    let mut builder = Builder::new([1, 1, 2]);
    builder.push(Layer::Dense { units: 2, bias: true });
    let graph = builder.build().unwrap();
    let weights = weights(&graph, 1);
    let images = noise(2, 8);
    let wants = Wants { weight_gradients: true, input_gradient: true, ..Wants::INFERENCE };
    let mut engine = Engine::new(&graph, Instructions::available()[0], 4, wants);
    assert!(check_gradients(&mut engine, &graph, &weights, &images, Mode::Inference).is_ok());
    for place in 0..6 {
        let mut wrong = Wrong { engine: &mut engine, place, by: 1e-3 };
        let error = check_gradients(&mut wrong, &graph, &weights, &images, Mode::Inference).unwrap_err();
        assert_eq!(error.what, if place < 4 { "dense1.kernel" } else { "dense1.bias" });
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let norm = LayerSpec::new(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 });
    let graph = Builder::with_layers(
        [12, 12, 1],
        vec![
            conv(8, [3, 3], [1, 1], Padding::Same),
            norm.activated(Activation::Relu),
            LayerSpec::new(Layer::Dropout { rate: 0.3 }),
            conv(8, [3, 3], [1, 1], Padding::Valid).activated(Activation::Relu),
            LayerSpec::new(Layer::MaxPool { size: [2, 2], stride: [2, 2], padding: Padding::Valid }),
            Layer::Flatten.into(),
            Layer::Dense { units: 4, bias: true }.into(),
        ],
    )
    .build()
    .unwrap();
    let weights = weights(&graph, 1);
    let images = noise(2, 100 * 144);
    let targets: Vec<f32> = (0..400).map(|index| f32::from(u8::from(index % 4 == index / 4 % 4))).collect();
    let run = |threads: usize| {
        Threads::new(Some(threads)).unwrap().run(|| {
            let mut engine = Engine::new(&graph, Instructions::available()[0], 100, Wants::TRAINING);
            let mut gradient = vec![0.0; graph.parameter_count()];
            let loss = engine.loss_gradient(&weights, &images, &targets, &mut gradient);
            (loss.to_bits(), gradient.iter().map(|g| g.to_bits()).collect::<Vec<_>>())
        })
    };
    let one = run(1);
    assert!(one.1.iter().any(|&bits| bits != 0));
    for threads in [2, 3, 7] {
        assert!(run(threads) == one, "{threads} threads differ from one");
    }
}

/// Layers that fit whatever comes before them.
fn random_layer() -> impl Strategy<Value = LayerSpec> {
    let activation = prop::sample::select(ALL.to_vec());
    let kind = prop_oneof![
        (1_usize..9, 1_usize..4, 1_usize..4, 1_usize..3, any::<bool>(), any::<bool>()).prop_map(
            |(filters, kh, kw, stride, bias, pad)| Layer::Conv2d {
                filters,
                kernel: [kh, kw],
                stride: [stride, stride],
                padding: if pad { Padding::Same } else { Padding::Valid },
                bias,
                groups: 1,
                dilation: [1, 1]
            }
        ),
        (1_usize..3, 1_usize..4, 1_usize..4, 1_usize..4, any::<bool>(), any::<bool>()).prop_map(
            |(multiplier, kh, kw, stride, bias, pad)| Layer::Depthwise {
                multiplier,
                kernel: [kh, kw],
                stride: [stride, stride],
                padding: if pad { Padding::Same } else { Padding::Valid },
                bias,
            }
        ),
        // Fits where the channels before are a multiple of the groups.
        (1_usize..4, 1_usize..4, 1_usize..4, 1_usize..3).prop_map(|(groups, each, side, stride)| {
            let (kernel, stride, padding) = ([side; 2], [stride; 2], Padding::Same);
            Layer::Conv2d {
                filters: groups * each,
                kernel,
                stride,
                padding,
                bias: true,
                groups,
                dilation: [1, 1],
            }
        }),
        (2_usize..4, 1_usize..4, any::<bool>()).prop_map(|(size, stride, max)| {
            let (size, stride, padding) = ([size; 2], [stride; 2], Padding::Same);
            if max {
                Layer::MaxPool { size, stride, padding }
            } else {
                Layer::AvgPool { size, stride, padding }
            }
        }),
        (2_usize..4).prop_map(|size| Layer::MaxPool {
            size: [size; 2],
            stride: [size; 2],
            padding: Padding::Valid
        }),
        Just(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 }),
        Just(Layer::Dropout { rate: 0.25 }),
        Just(Layer::DropPath { rate: 0.25 }),
        Just(Layer::Activation),
    ];
    (kind, activation).prop_map(|(layer, activation)| LayerSpec::new(layer).activated(activation))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn random_graphs(
        input in (3_usize..12, 3_usize..12, 1_usize..4).prop_map(|(h, w, c)| [h, w, c]),
        layers in prop::collection::vec(random_layer(), 1..6),
        images in 1_usize..21,
    ) {
        // Layers whose windows no longer fit are left out.
        let mut list: Vec<LayerSpec> = Vec::new();
        for layer in layers {
            list.push(layer);
            if Builder::with_layers(input, list.clone()).build().is_err() {
                list.pop();
            }
        }
        check(input, list, images);
    }
}
