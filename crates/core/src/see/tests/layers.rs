use insta::assert_snapshot;

use crate::graph::{Activation, Builder, Graph, Layer, LayerSpec, Padding};
use crate::see::{filter_layers, layer_named};

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
}

fn graph() -> Graph {
    let mut builder = Builder::new([6, 6, 1]);
    builder.push(conv(4));
    builder
        .push(LayerSpec::new(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 }).activated(Activation::Relu));
    builder.push(Layer::Depthwise {
        multiplier: 2,
        kernel: [3, 3],
        stride: [2, 2],
        padding: Padding::Valid,
        bias: false,
    });
    builder.push(conv(8).activated(Activation::Relu).named("wide"));
    builder.push(conv(8));
    builder.push(LayerSpec::add("wide"));
    builder.push(Layer::Flatten);
    builder.push(LayerSpec::new(Layer::Dense { units: 5, bias: true }));
    builder.push(LayerSpec::new(Layer::Dropout { rate: 0.5 }));
    builder.push(LayerSpec::new(Layer::Dense { units: 3, bias: true }));
    builder.build().unwrap()
}

#[test]
fn responses_are_what_the_next_layer_reads() {
    let graph = graph();
    let found: Vec<_> = filter_layers(&graph)
        .into_iter()
        .map(|layer| format!("{} → {} {:?}", layer.name, graph.nodes[layer.response].name, layer.output))
        .collect();
    assert_eq!(
        found,
        [
            "conv1 → batch_norm1 [6, 6, 4]",
            "depthwise1 → depthwise1 [2, 2, 8]",
            "wide → wide [2, 2, 8]",
            "conv3 → conv3 [2, 2, 8]",
            "dense1 → dropout1 [1, 1, 5]",
        ]
    );
    let layers = filter_layers(&graph);
    assert!(layers[1].is_convolution(&graph) && !layers[4].is_convolution(&graph));
}

#[test]
fn an_unknown_layer_lists_the_known() {
    let graph = graph();
    assert_eq!(layer_named(&graph, "wide").unwrap().filters(), 8);
    let error = layer_named(&graph, "cnov1").unwrap_err();
    assert_snapshot!(format!("{error}\n{}", error.hint().unwrap()), @"
    layer: expected one with filters (conv1, depthwise1, wide, conv3, dense1), found \"cnov1\"
    did you mean conv1?
    ");
}
