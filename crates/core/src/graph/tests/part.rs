use seamripper_kernels::Instructions;

use crate::engine::{Engine, Executor, Wants};
use crate::graph::{
    Activation, Builder, Graph, Initializer, Layer, LayerSpec, NodeId, Padding, Source, Weights,
};
use crate::random::{Purpose, Stream};

fn conv(filters: usize) -> LayerSpec {
    let (kernel, stride, padding) = ([3, 3], [1, 1], Padding::Same);
    LayerSpec::new(Layer::Conv2d {
        filters,
        kernel,
        stride,
        padding,
        bias: true,
        groups: 1,
        dilation: [1, 1],
    })
    .activated(Activation::Relu)
}

/// A stem, a residual block, a side branch that goes around it, a head.
fn residual() -> Graph {
    let mut builder = Builder::new([8, 8, 2]);
    builder.push(conv(4).named("stem"));
    builder.push(conv(4).named("inside"));
    builder.push(conv(4).named("side").reading("stem"));
    builder.push(LayerSpec::add("stem").named("sum").reading("inside"));
    builder.push(LayerSpec::add("side").named("all"));
    builder.push(Layer::MaxPool { size: [2, 2], stride: [2, 2], padding: Padding::Valid });
    builder.push(Layer::Flatten);
    builder.push(LayerSpec::new(Layer::Dense { units: 3, bias: true }).named("logits"));
    builder.build().unwrap()
}

fn node(graph: &Graph, name: &str) -> NodeId {
    graph.nodes.iter().position(|node| node.name == name).unwrap()
}

fn images(seed: u64, length: usize) -> Vec<f32> {
    let mut stream = Stream::new(seed, Purpose::Test, 7, 0);
    (0..length).map(|_| stream.uniform(-1.0, 1.0) as f32).collect()
}

fn run(graph: &Graph, weights: &Weights, images: &[f32]) -> Vec<f32> {
    let length: usize = graph.nodes.last().unwrap().output.iter().product();
    let mut engine = Engine::new(graph, Instructions::detect().unwrap(), 3, TAPS);
    engine.forward(weights, images);
    let output = engine.tap(graph.nodes.len() - 1).unwrap().into_data();
    assert_eq!(output.len(), 3 * length);
    output
}

const TAPS: Wants = Wants { taps: true, ..Wants::INFERENCE };

#[test]
fn head_then_tail_is_the_whole() {
    let graph = residual();
    let weights = Weights::initial(&graph, Initializer::HeNormal, 1);
    let images = images(0, 3 * 8 * 8 * 2);
    let whole = run(&graph, &weights, &images);
    for name in ["stem", "all", "max_pool1", "flatten1"] {
        let at = node(&graph, name);
        let (head, tail) = (graph.head(at), graph.tail(at).unwrap());
        assert_eq!(head.graph.nodes.last().unwrap().name, name);
        let inside = run(&head.graph, &head.weights(&graph, &weights), &images);
        assert_eq!(run(&tail.graph, &tail.weights(&graph, &weights), &inside), whole, "{name}");
    }
}

#[test]
fn a_head_has_what_it_needs_and_no_more() {
    let graph = residual();
    let names = |at| graph.head(node(&graph, at)).graph.nodes.into_iter().map(|n| n.name).collect::<Vec<_>>();
    assert_eq!(names("stem"), ["stem"]);
    assert_eq!(names("sum"), ["stem", "inside", "sum"]);
    assert_eq!(names("side"), ["stem", "side"]);
}

#[test]
fn no_tail_where_something_goes_around() {
    let graph = residual();
    for name in ["inside", "side", "sum", "logits"] {
        assert_eq!(graph.tail(node(&graph, name)), None, "{name}");
    }
}

#[test]
fn an_open_gate_changes_no_bit_and_a_closed_one_its_channel() {
    let graph = residual();
    let weights = Weights::initial(&graph, Initializer::HeNormal, 2);
    let images = images(1, 3 * 8 * 8 * 2);
    let whole = run(&graph, &weights, &images);
    for name in ["inside", "stem", "sum", "all"] {
        let at = node(&graph, name);
        let part = graph.gated(Source::Node(at));
        let mut gated = part.weights(&graph, &weights);
        assert_eq!(run(&part.graph, &gated, &images), whole, "{name}, open");
        part.set_gate(&mut gated, 2, Some(0.25));
        let closed = run(&part.graph, &gated, &images);
        assert_ne!(closed, whole, "{name}, closed");
        if let Some(tail) = graph.tail(at) {
            let head = graph.head(at);
            let mut inside = run(&head.graph, &head.weights(&graph, &weights), &images);
            inside.iter_mut().skip(2).step_by(4).for_each(|value| *value = 0.25);
            assert_eq!(run(&tail.graph, &tail.weights(&graph, &weights), &inside), closed, "{name}");
        }
        part.set_gate(&mut gated, 2, None);
        assert_eq!(run(&part.graph, &gated, &images), whole, "{name}, open again");
    }
}

#[test]
fn the_image_can_be_gated() {
    let graph = residual();
    let weights = Weights::initial(&graph, Initializer::HeNormal, 3);
    let mut images = images(2, 3 * 8 * 8 * 2);
    let part = graph.gated(Source::Input);
    let mut gated = part.weights(&graph, &weights);
    part.set_gate(&mut gated, 1, Some(0.0));
    let closed = run(&part.graph, &gated, &images);
    images.iter_mut().skip(1).step_by(2).for_each(|value| *value = 0.0);
    assert_eq!(run(&graph, &weights, &images), closed);
}

#[test]
fn before_its_activation_a_node_is_flat() {
    let mut builder = Builder::new([8, 8, 2]);
    builder.push(conv(4).named("own"));
    builder.push(LayerSpec::new(Layer::Conv2d {
        filters: 3,
        kernel: [3, 3],
        stride: [1, 1],
        padding: Padding::Valid,
        bias: true,
        groups: 1,
        dilation: [1, 1],
    }));
    builder.push(LayerSpec::new(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 }).named("plain"));
    builder.push(LayerSpec::new(Layer::Activation).activated(Activation::Tanh).named("apart"));
    builder.push(LayerSpec::new(Layer::Dropout { rate: 0.5 }).named("dropped"));
    builder.push(LayerSpec::new(Layer::Activation).activated(Activation::Relu).named("twice"));
    let graph = builder.build().unwrap();
    let weights = Weights::initial(&graph, Initializer::HeNormal, 5);
    let images = images(3, 3 * 8 * 8 * 2);
    let cases = [
        ("own", Activation::Relu, "flatten1"),
        ("plain", Activation::Identity, "plain"),
        ("apart", Activation::Tanh, "plain"),
        ("dropped", Activation::Tanh, "plain"),
        ("twice", Activation::Relu, "apart"),
    ];
    for (name, activation, end) in cases {
        let (part, found) = graph.before_activation(node(&graph, name));
        assert_eq!(found, activation, "{name}");
        assert!(end == "flatten1" || part.graph.nodes[part.graph.nodes.len() - 2].name == end, "{name}");
        let mut flat = run(&part.graph, &part.weights(&graph, &weights), &images);
        assert_eq!(part.graph.outputs(), flat.len() / 3, "{name}");
        let function = crate::engine::function(activation);
        flat.iter_mut().for_each(|value| *value = function.value(*value));
        let head = graph.head(node(&graph, name));
        assert_eq!(run(&head.graph, &head.weights(&graph, &weights), &images), flat, "{name}");
    }
}
