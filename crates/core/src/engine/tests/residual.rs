//! Residual networks: arrays that layers share.

use seamripper_kernels::Instructions;

use super::super::Wants;
use super::{check_graph, conv};
use crate::graph::{Activation, Builder, Graph, Layer, LayerSpec, Padding};

/// Two residual blocks, the second with a shortcut that changes the shape.
fn residual_blocks(stride: usize) -> Graph {
    let norm = || LayerSpec::new(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 });
    let plain = |filters| conv(filters, [3, 3], [1, 1], Padding::Same);
    let layers = vec![
        plain(2),
        norm().activated(Activation::Relu).named("out0"),
        plain(2),
        norm().activated(Activation::Relu),
        plain(2),
        norm(),
        LayerSpec::add("out0").activated(Activation::Relu).named("out1"),
        plain(2),
        norm().activated(Activation::Relu),
        plain(2),
        norm(),
        LayerSpec::add("out1").activated(Activation::Relu).named("out2"),
        conv(3, [3, 3], [stride, stride], Padding::Same),
        norm().activated(Activation::Relu),
        plain(3),
        norm().named("main"),
        conv(3, [1, 1], [stride, stride], Padding::Same).reading("out2"),
        norm(),
        LayerSpec::add("main").activated(Activation::Relu),
        LayerSpec::new(Layer::GlobalAvgPool),
        LayerSpec::new(Layer::Dense { units: 3, bias: true }),
    ];
    Builder::with_layers([4, 6, 1], layers).build().expect("layers that fit")
}

#[test]
fn residual_blocks_share_gradient_arrays() {
    for stride in [1, 2] {
        check_graph(&residual_blocks(stride), 17);
    }
    let graph = residual_blocks(2);
    let plan = |wants| super::super::plan::Plan::new(&graph, Instructions::available()[0], 32, wants);
    let [values, gradients] = plan(Wants::TRAINING).arrays;
    // One array for the sums and their terms and one for what is inside of a block; the last block's is used up before its
    // sum's begins. Then average and logits.
    let (large, small) = (4 * 6 * 2, 2 * 3 * 3);
    assert_eq!(gradients.values(), 2 * large + small + 3 + 3);
    // All values stay but those of the three normalizations whose sum follows.
    assert_eq!(values.values(), 4 * 6 + 10 * large + 6 * small + 3 + 3);
    let [_, gradients] = plan(Wants { taps: true, ..Wants::TRAINING }).arrays;
    assert!(gradients.values() > 12 * large);
}

#[test]
fn a_sum_hands_its_gradient_on_only_if_no_term_changes_under_another() {
    let norm = || LayerSpec::new(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 });
    let plain = || conv(2, [3, 3], [1, 1], Padding::Same);
    let head = [LayerSpec::new(Layer::GlobalAvgPool), LayerSpec::new(Layer::Dense { units: 3, bias: true })];
    let cases = [
        // Both terms are masked by ReLUs of their own.
        vec![
            plain().activated(Activation::Relu).named("a"),
            plain().activated(Activation::Relu),
            LayerSpec::add("a"),
        ],
        vec![
            plain(),
            norm().activated(Activation::Relu).named("a"),
            plain(),
            norm().activated(Activation::Relu),
            LayerSpec::add("a"),
        ],
        // The term that is used up last is not the one that others add to.
        vec![plain().named("a"), norm().named("b"), plain().reading("a"), plain(), LayerSpec::add("b")],
        vec![
            plain(),
            norm().named("a"),
            plain(),
            norm().named("b"),
            plain().reading("a").named("c"),
            LayerSpec::add("b").reading("a"),
            LayerSpec::add("c"),
        ],
        vec![
            plain(),
            norm().named("a"),
            plain(),
            norm().named("b"),
            plain().reading("a"),
            LayerSpec::add("b"),
        ],
        // A term is read between, and after, and twice.
        vec![
            plain().named("a"),
            plain(),
            norm().named("b"),
            LayerSpec::add("a"),
            plain(),
            LayerSpec::add("b"),
        ],
        vec![plain().named("a"), LayerSpec::add("a")],
        // A part of a term is never computed.
        vec![
            plain().named("a"),
            norm(),
            LayerSpec::add("a"),
            LayerSpec::new(Layer::MaxPool { size: [2, 2], stride: [3, 3], padding: Padding::Valid }),
        ],
    ];
    for mut layers in cases {
        layers.extend(head.clone());
        check_graph(&Builder::with_layers([4, 4, 1], layers).build().expect("layers that fit"), 17);
    }
}
