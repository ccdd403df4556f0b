//! Layers that imported models need: explicit padding, dilation, concatenation, products, layer normalization, channels.

use super::{check, conv};
use crate::graph::{Activation, Interpolation, Layer, LayerSpec, Padding};

fn norm() -> LayerSpec {
    LayerSpec::new(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 })
}

fn explicit(before: [usize; 2], after: [usize; 2]) -> Padding {
    Padding::Explicit { before, after }
}

#[test]
fn convolutions_with_zeros_on_every_side_of_their_own() {
    for (kernel, stride, padding) in [
        ([3, 3], [2, 2], explicit([1, 1], [1, 1])),
        ([3, 3], [1, 1], explicit([0, 2], [1, 0])),
        ([1, 1], [1, 1], explicit([1, 0], [0, 2])),
        ([2, 3], [2, 1], explicit([3, 3], [3, 4])),
        ([7, 7], [2, 2], explicit([3, 3], [3, 3])),
    ] {
        check([9, 8, 2], vec![conv(4, kernel, stride, padding).activated(Activation::Tanh)], 3);
        let depthwise = Layer::Depthwise { multiplier: 1, kernel, stride, padding, bias: true };
        check([9, 8, 3], vec![conv(4, [1, 1], [1, 1], Padding::Valid), depthwise.into(), norm()], 2);
    }
    let layers = vec![
        conv(4, [3, 3], [1, 1], explicit([1, 1], [1, 1])).activated(Activation::Relu),
        LayerSpec::new(Layer::MaxPool { size: [2, 2], stride: [2, 2], padding: explicit([0, 0], [0, 0]) }),
    ];
    check([8, 8, 2], layers, 2);
}

#[test]
fn dilated_convolutions() {
    for (kernel, stride, padding, groups, dilation) in [
        ([3, 3], [1, 1], explicit([2, 2], [2, 2]), 1, [2, 2]),
        ([3, 2], [2, 1], Padding::Same, 1, [2, 3]),
        ([2, 2], [1, 1], Padding::Valid, 2, [3, 1]),
        ([3, 3], [1, 1], Padding::Same, 4, [1, 2]),
    ] {
        let (filters, bias) = (4, true);
        let layer = Layer::Conv2d { filters, kernel, stride, padding, bias, groups, dilation };
        let layers = vec![
            conv(4, [1, 1], [1, 1], Padding::Valid).activated(Activation::Relu),
            LayerSpec::new(layer).activated(Activation::Relu),
            norm(),
            conv(3, [2, 2], [1, 1], Padding::Valid),
        ];
        check([9, 8, 2], layers, 3);
    }
}

#[test]
fn pools_with_zeros_on_every_side_of_their_own() {
    let size = [3, 3];
    for (stride, padding) in [
        ([2, 2], explicit([1, 1], [1, 1])),
        ([2, 2], explicit([0, 0], [1, 2])),
        ([1, 3], explicit([2, 0], [0, 1])),
    ] {
        let first = || conv(3, [2, 2], [1, 1], Padding::Valid);
        check([8, 8, 1], vec![first(), LayerSpec::new(Layer::AvgPool { size, stride, padding })], 3);
        check([8, 8, 1], vec![first(), LayerSpec::new(Layer::MaxPool { size, stride, padding })], 3);
    }
}

#[test]
fn a_pad_is_zeros() {
    let pad = |before, after| LayerSpec::new(Layer::Pad { before, after });
    check([5, 4, 2], vec![pad([1, 0], [2, 3]), conv(3, [3, 3], [1, 1], Padding::Valid)], 2);
    let pool = Layer::MaxPool { size: [3, 3], stride: [2, 2], padding: Padding::Valid };
    check([5, 4, 2], vec![conv(3, [1, 1], [1, 1], Padding::Valid), pad([1, 1], [1, 1]), pool.into()], 17);
}

#[test]
fn concatenations() {
    let layers = vec![
        conv(4, [3, 3], [1, 1], Padding::Same).activated(Activation::Relu).named("a"),
        conv(3, [1, 1], [1, 1], Padding::Valid).named("b"),
        LayerSpec { with: vec!["b".into(), "input".into()], ..LayerSpec::new(Layer::Concat) }
            .reading("a")
            .activated(Activation::Relu)
            .named("ab"),
        norm().activated(Activation::Relu),
        conv(2, [3, 3], [1, 1], Padding::Same).named("c"),
        // An input twice, and one that an earlier concatenation holds.
        LayerSpec { with: vec!["c".into(), "a".into(), "c".into()], ..LayerSpec::new(Layer::Concat) }
            .reading("ab"),
        conv(3, [2, 2], [2, 2], Padding::Valid),
    ];
    check([6, 5, 2], layers, 18);
}

#[test]
fn products() {
    let multiply = |with: &str| LayerSpec { with: vec![with.into()], ..LayerSpec::new(Layer::Multiply) };
    let gate = vec![
        conv(5, [3, 3], [1, 1], Padding::Same).activated(Activation::Silu).named("x"),
        Layer::GlobalAvgPool.into(),
        conv(2, [1, 1], [1, 1], Padding::Valid).activated(Activation::Relu),
        conv(5, [1, 1], [1, 1], Padding::Valid).activated(Activation::Sigmoid).named("gate"),
        multiply("gate").reading("x").activated(Activation::Relu),
        conv(3, [2, 2], [1, 1], Padding::Valid),
    ];
    check([6, 5, 2], gate, 18);
    let equal = vec![
        conv(4, [3, 3], [1, 1], Padding::Same).named("a"),
        conv(4, [1, 1], [1, 1], Padding::Valid).activated(Activation::Tanh).named("b"),
        multiply("b").reading("a").named("ab"),
        multiply("ab"),
        norm(),
    ];
    check([4, 5, 2], equal, 3);
}

#[test]
fn scales_and_layer_norms() {
    for bias in [true, false] {
        check(
            [4, 5, 2],
            vec![LayerSpec::new(Layer::Scale { bias }), conv(3, [2, 2], [1, 1], Padding::Valid)],
            3,
        );
    }
    for channels in [1, 2, 3, 16, 37] {
        let layers = vec![
            conv(channels, [2, 2], [1, 1], Padding::Valid),
            LayerSpec::new(Layer::LayerNorm { epsilon: 1e-2 }).activated(Activation::Gelu),
            LayerSpec::new(Layer::Scale { bias: true }),
        ];
        check([4, 5, 2], layers, 3);
    }
}

#[test]
fn slices_and_shuffles() {
    let layers = vec![
        conv(6, [3, 3], [1, 1], Padding::Same).named("x"),
        LayerSpec::new(Layer::Slice { first: 0, channels: 2 }).named("low"),
        LayerSpec::new(Layer::Slice { first: 2, channels: 4 }).reading("x").activated(Activation::Relu),
        conv(4, [3, 3], [1, 1], Padding::Same).activated(Activation::Relu),
        LayerSpec { with: vec!["low".into()], ..LayerSpec::new(Layer::Concat) },
        LayerSpec::new(Layer::Shuffle { groups: 2 }),
        conv(3, [2, 2], [1, 1], Padding::Valid),
    ];
    check([5, 5, 2], layers, 3);
}

#[test]
fn resized_images() {
    for method in [Interpolation::Nearest, Interpolation::Bilinear] {
        for size in [[8, 10], [3, 2], [7, 5], [1, 1]] {
            let layers = vec![
                conv(3, [2, 2], [1, 1], Padding::Valid),
                LayerSpec::new(Layer::Resize { size, method }),
                conv(2, [1, 1], [1, 1], Padding::Valid),
            ];
            check([5, 6, 2], layers, 2);
        }
    }
}

#[test]
fn one_image_is_shared_out_over_threads_and_many_are_passed_through_alike() {
    use seamripper_kernels::Instructions;
    use seamripper_kernels::parallel::Threads;

    use super::{noise, weights};
    use crate::engine::{Engine, Executor, Wants};
    use crate::graph::Builder;
    let layers = vec![
        conv(24, [3, 3], [1, 1], Padding::Same).activated(Activation::Relu),
        conv(40, [3, 3], [2, 2], Padding::Same),
        LayerSpec::new(Layer::MaxPool { size: [3, 3], stride: [3, 3], padding: Padding::Valid }),
        Layer::GlobalAvgPool.into(),
        LayerSpec::new(Layer::Dense { units: 5, bias: true }),
    ];
    let graph = Builder::with_layers([41, 37, 3], layers).build().unwrap();
    let (weights, images, count) = (weights(&graph, 1), noise(2, 19 * 41 * 37 * 3), 19);
    let run = |threads: usize, batch: usize| {
        Threads::new(Some(threads)).unwrap().run(|| {
            let mut engine = Engine::new(&graph, Instructions::available()[0], batch, Wants::INFERENCE);
            let batches = images.chunks(batch * 41 * 37 * 3);
            let logits = batches.flat_map(|images| engine.forward(&weights, images).data().to_vec());
            logits.map(f32::to_bits).collect::<Vec<_>>()
        })
    };
    let expected = run(1, count);
    assert_eq!(expected.len(), count * 5);
    for (threads, batch) in [(1, 1), (2, 1), (3, 1), (2, 2), (3, 7), (2, 19), (4, 16)] {
        assert!(run(threads, batch) == expected, "{threads} threads, batches of {batch}");
    }
}
