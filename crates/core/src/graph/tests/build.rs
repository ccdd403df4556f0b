use insta::assert_snapshot;

use crate::graph::{Activation, Builder, Graph, Layer, LayerSpec, Padding, Role, Source};
use crate::recipe::graph_of;

fn conv(filters: usize) -> Layer {
    Layer::Conv2d {
        filters,
        kernel: [3, 3],
        stride: [1, 1],
        padding: Padding::Same,
        bias: true,
        groups: 1,
        dilation: [1, 1],
    }
}

fn rejected(input: [usize; 3], layers: Vec<LayerSpec>) -> String {
    let error = Builder::with_layers(input, layers).build().expect_err("these must be rejected");
    match error.hint() {
        Some(hint) => format!("error: {error}\nhint: {hint}"),
        None => format!("error: {error}"),
    }
}

fn names(graph: &Graph) -> Vec<&str> {
    graph.nodes.iter().map(|node| node.name.as_str()).collect()
}

#[test]
fn a_residual_block_has_its_names_sources_and_parameters() {
    let layers = [
        "conv 4 3x3 same no_bias",
        "batch_norm relu",
        "conv 4 3x3 same stride 2",
        "short: conv 4 1x1 stride 2 from batch_norm1",
        "add conv2 relu",
        "global_avg_pool",
        "dense 3",
    ];
    let graph = graph_of([9, 7, 2], &layers).unwrap();
    assert_eq!(
        names(&graph),
        ["conv1", "batch_norm1", "conv2", "short", "add1", "global_avg_pool1", "dense1"]
    );
    let shapes: Vec<_> = graph.nodes.iter().map(|node| node.output).collect();
    let (whole, half) = ([9, 7, 4], [5, 4, 4]);
    assert_eq!(shapes, [whole, whole, half, half, half, [1, 1, 4], [1, 1, 3]]);
    assert_eq!(graph.nodes[0].inputs, [Source::Input]);
    assert_eq!(graph.nodes[3].inputs, [Source::Node(1)]);
    assert_eq!(graph.nodes[4].inputs, [Source::Node(3), Source::Node(2)]);
    assert_eq!(graph.nodes[4].activation, Activation::Relu);
    assert_eq!(graph.nodes[1].parameters, [1, 2, 3, 4]);
    assert_eq!(graph.outputs(), 3);

    let parameters: Vec<_> =
        graph.parameters.iter().map(|p| (p.name.as_str(), p.shape.as_slice(), p.role)).collect();
    let expected: &[(&str, &[usize], Role)] = &[
        ("conv1.kernel", &[3, 3, 2, 4], Role::Kernel),
        ("batch_norm1.gamma", &[4], Role::Gamma),
        ("batch_norm1.beta", &[4], Role::Beta),
        ("batch_norm1.moving_mean", &[4], Role::MovingMean),
        ("batch_norm1.moving_variance", &[4], Role::MovingVariance),
        ("conv2.kernel", &[3, 3, 4, 4], Role::Kernel),
        ("conv2.bias", &[4], Role::Bias),
        ("short.kernel", &[1, 1, 4, 4], Role::Kernel),
        ("short.bias", &[4], Role::Bias),
        ("dense1.kernel", &[4, 3], Role::Kernel),
        ("dense1.bias", &[3], Role::Bias),
    ];
    assert_eq!(parameters, expected);
    let mut end = 0;
    for parameter in &graph.parameters {
        assert_eq!(parameter.offset, end, "{}", parameter.name);
        end = parameter.range().end;
    }
    assert_eq!(graph.parameter_count(), end);
}

#[test]
fn made_names_step_around_given_ones() {
    let graph = graph_of([4, 4, 1], &["conv2: conv 1 1x1", "conv 1 1x1", "relu", "relu", "gelu"]).unwrap();
    assert_eq!(names(&graph), ["conv2", "conv3", "relu1", "relu2", "gelu1"]);
    let kinds: Vec<_> = graph.nodes.iter().map(super::super::Node::kind).collect();
    assert_eq!(kinds, ["conv", "conv", "relu", "relu", "gelu"]);
}

#[test]
fn a_graph_is_its_list_of_layers() {
    let layers = ["a: conv 4 3x3 same", "relu from input", "conv 4 1x1", "add a", "add add1", "flatten"];
    let graph = graph_of([5, 5, 2], &layers).unwrap();
    let list = graph.layers();
    assert_eq!(Builder::with_layers(graph.input, list.clone()).build().as_ref(), Ok(&graph));
    let sources: Vec<_> =
        list.iter().map(|spec| (spec.from.as_deref(), spec.with.first().map(String::as_str))).collect();
    let none = (None, None);
    assert_eq!(sources, [none, (Some("input"), None), none, (None, Some("a")), (None, Some("add1")), none]);
}

#[test]
#[should_panic(expected = "must be rejected")]
fn rejected_fails_on_a_good_list() {
    rejected([4, 4, 1], vec![conv(1).into()]);
}

#[test]
fn everything_wrong_is_told_at_once() {
    let pool = |size, stride| Layer::MaxPool { size, stride, padding: Padding::Valid };
    let new = LayerSpec::new;
    let layers = vec![
        new(Layer::Conv2d {
            filters: 0,
            kernel: [0, 3],
            stride: [1, 0],
            padding: Padding::Valid,
            bias: true,
            groups: 0,
            dilation: [1, 1],
        }),
        new(conv(4)).reading("input"),
        new(pool([6, 2], [2, 2])),
        new(Layer::Dense { units: 4, bias: true }).reading("conv2"),
        new(Layer::Dense { units: 0, bias: true }),
        new(pool([0, 1], [1, 1])).named("a b"),
        new(Layer::Dropout { rate: 1.0 }).named(""),
        new(Layer::BatchNorm { epsilon: 0.0, momentum: f32::NAN }),
        new(Layer::Add),
        new(Layer::Flatten).reading("zzz"),
        new(Layer::Activation).activated(Activation::LeakyRelu(f32::INFINITY)),
        LayerSpec { with: vec!["conv2".into()], ..new(Layer::Flatten) },
        new(Layer::Add).reading("conv3"),
    ];
    assert_snapshot!(rejected([5, 5, 1], layers), @r#"
    error: layer conv1: expected filters of at least 1, found 0

    error: layer conv1: expected a kernel size of at least 1, found 0

    error: layer conv1: expected a stride of at least 1, found 0

    error: layer conv1: expected groups of at least 1, found 0

    error: layer max_pool1: a 6x2 window needs at least [6, 2], found [5, 5, 4] from conv2
    hint: use a smaller window, padding `same`, or fewer poolings before it

    error: layer dense1: dense needs a flat input [1, 1, c], found [5, 5, 4] from conv2
    hint: add "flatten" (or a global pooling, "global_avg_pool") before it

    error: layer dense2: expected units of at least 1, found 0

    error: layer a b: expected a name of letters, digits, `_`, `-`, `.` or `/`, found `a b`

    error: layer a b: expected a window size of at least 1, found 0

    error: layer 7: expected a name of letters, digits, `_`, `-`, `.` or `/`, found ``

    error: layer 7: expected a rate of at least 0 and below 1, found 1

    error: layer batch_norm1: expected an epsilon above 0, found 0

    error: layer batch_norm1: expected a momentum of at least 0 and below 1, found NaN

    error: layer add1: expected the name of a layer to add, found none
    hint: name an earlier layer, as in "add conv1 relu"

    error: layer flatten1: expected the name of an earlier layer to read, found `zzz`
    hint: the layers before it are conv1, conv2, max_pool1, dense1, dense2, a b, , batch_norm1, add1; the image is called `input`

    error: layer leaky_relu1: expected a finite slope, found inf

    error: layer flatten2: expected one source, found a second one, `conv2`
    hint: only add, concat and multiply read several layers

    error: layer add2: expected the name of an earlier layer to read, found `conv3`
    hint: did you mean `conv1`?

    error: layer add2: expected the name of a layer to add, found none
    hint: name an earlier layer, as in "add conv1 relu"
    "#);
    assert_snapshot!(rejected([0, 5, 1], vec![]), @r"
    error: model: expected an input of at least [1, 1, 1], found [0, 5, 1]

    error: model: expected at least one layer, found none
    ");
    assert_snapshot!(rejected([4, 4, 1], vec![new(Layer::Flatten).reading("zzz")]), @r"
    error: layer flatten1: expected the name of an earlier layer to read, found `zzz`
    hint: the image is called `input`
    ");
}

#[test]
fn sizes_beyond_memory_are_told_not_tried() {
    let huge = usize::MAX;
    assert_snapshot!(rejected([huge, huge, huge], vec![Layer::Flatten.into()]), @"error: model: expected at most 2,147,483,648 values an image, found [18446744073709551615, 18446744073709551615, 18446744073709551615]");
    let dense = |units| LayerSpec::new(Layer::Dense { units, bias: true });
    assert_snapshot!(rejected([1, 1, 1 << 30], vec![dense(1 << 30), dense(1 << 31), dense(huge)]), @r"
    error: layer dense1: expected at most 2,147,483,648 parameters in all, found more than 10^18 up to here

    error: layer dense3: expected at most 2,147,483,648 values an image, found [1, 1, 18446744073709551615]
    ");
    let wide = Layer::Conv2d {
        filters: huge,
        kernel: [huge, huge],
        stride: [huge, huge],
        padding: Padding::Same,
        bias: true,
        groups: 1,
        dilation: [1, 1],
    };
    assert_snapshot!(rejected([4, 4, 3], vec![wide.into()]), @"error: layer conv1: expected at most 2,147,483,648 values an image, found [1, 1, 18446744073709551615]");
    let tall = Layer::Conv2d {
        filters: 1,
        kernel: [huge, huge],
        stride: [1, 1],
        padding: Padding::Same,
        bias: true,
        groups: 1,
        dilation: [1, 1],
    };
    assert_snapshot!(rejected([4, 4, 3], vec![tall.into()]), @"error: layer conv1: expected at most 2,147,483,648 parameters in all, found more than 10^18 up to here");
}
