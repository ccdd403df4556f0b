use seamripper_kernels::sum_bound;

use super::planted::{noise, planted, planted_set, residual};
use crate::engine::{Engine, Executor, Wants};
use crate::graph::{Activation, Builder, Graph, Initializer, Layer, LayerSpec, NodeId, Padding, Weights};
use crate::random::{Purpose, Stream};
use crate::see::{Region, effective_field, field, filter_layers, window};

fn node(graph: &Graph, name: &str) -> NodeId {
    graph.nodes.iter().position(|node| node.name == name).unwrap()
}

fn region(rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> Region {
    Region { rows, columns }
}

#[test]
fn fields_of_the_seed_network_by_hand() {
    let mut builder = Builder::new([28, 28, 1]);
    let conv = |filters, side| {
        let (kernel, stride, padding) = ([side, side], [1, 1], Padding::Valid);
        LayerSpec::new(Layer::Conv2d {
            filters,
            kernel,
            stride,
            padding,
            bias: true,
            groups: 1,
            dilation: [1, 1],
        })
    };
    let pool = |side| Layer::MaxPool { size: [side, side], stride: [side, side], padding: Padding::Valid };
    builder
        .push(conv(2, 5))
        .push(pool(3))
        .push(conv(2, 2))
        .push(pool(2))
        .push(conv(2, 2))
        .push(Layer::Flatten);
    let graph = builder.build().unwrap();
    let at = |name, place| field(&graph, node(&graph, name), place);
    assert_eq!(at("conv1", [3, 20]), region(3..8, 20..25));
    assert_eq!(at("max_pool1", [1, 2]), region(3..10, 6..13));
    assert_eq!(at("conv2", [0, 6]), region(0..10, 18..28));
    assert_eq!(at("max_pool2", [1, 1]), region(6..19, 6..19));
    assert_eq!(at("conv3", [0, 1]), region(0..19, 6..25));
    // Flat, all of conv3 is read, which does not read the last three rows and columns.
    assert_eq!(at("flatten1", [0, 0]), region(0..25, 0..25));
}

#[test]
fn padding_is_clipped_and_branches_are_united() {
    let graph = residual().graph;
    let at = |name, place| field(&graph, node(&graph, name), place);
    assert_eq!(at("stem", [0, 7]), region(0..2, 6..8));
    // pool [5, 4] of [9, 8] by 2: row 4 holds row 8 alone, which the stem made from rows 7 and 8.
    assert_eq!(at("pool", [4, 0]), region(7..9, 0..3));
    // `grouped` sees two places further on each side than the pool that goes around it.
    assert_eq!(at("grouped", [0, 0]), at("sum", [0, 0]));
    assert_eq!(at("sum", [0, 0]), region(0..7, 0..7));
    assert_eq!(at("logits", [0, 0]), region(0..9, 0..8));
}

/// Nothing outside of the field changes a response, and its corners do: the strongest claim there is.
#[test]
fn fields_are_what_can_change_a_response() {
    let graph = residual().graph;
    let head = graph.head(node(&graph, "sum"));
    // Average pools and no activation pass every change on.
    let layers = head.graph.layers().into_iter().map(|mut layer| {
        layer.activation = Activation::Identity;
        if let Layer::MaxPool { size, stride, padding } = layer.layer {
            layer.layer = Layer::AvgPool { size, stride, padding };
        }
        layer
    });
    let graph = Builder::with_layers(graph.input, layers.collect()).build().unwrap();
    let mut stream = Stream::new(5, Purpose::Test, 0, 0);
    let mut weights = Weights::initial(&graph, Initializer::HeNormal, 1);
    let image: Vec<f32> = (0..9 * 8 * 3).map(|_| stream.uniform(0.0, 1.0) as f32).collect();
    weights.values.iter_mut().for_each(|value| *value = value.abs() + 0.1);
    let last = graph.nodes.len() - 1;
    let mut engine =
        Engine::new(&graph, seamripper_kernels::Instructions::detect().unwrap(), 1, Wants::INFERENCE);
    let [h, w, c] = graph.nodes[last].output;
    let before = engine.forward(&weights, &image).into_data();
    let fields: Vec<Region> = (0..h * w).map(|place| field(&graph, last, [place / w, place % w])).collect();
    for y in 0..9 {
        for x in 0..8 {
            let mut changed = image.clone();
            changed[(y * 8 + x) * 3..][..3].iter_mut().for_each(|value| *value += 1.0);
            let after = engine.forward(&weights, &changed).into_data();
            for (place, field) in fields.iter().enumerate() {
                let values = place * c..(place + 1) * c;
                let moved = before[values.clone()] != after[values];
                let inside = field.rows.contains(&y) && field.columns.contains(&x);
                assert_eq!(moved, inside, "pixel [{y}, {x}], place {place}");
            }
        }
    }
}

#[test]
fn windows_sum_to_what_the_engine_computes() {
    let (owned, set) = (residual(), noise([9, 8, 3], 3, 3));
    let model = owned.model();
    for name in ["stem", "depthwise", "grouped", "last"] {
        let id = node(model.graph, name);
        // The same layer without its activation.
        let mut layers = model.graph.head(id).graph.layers();
        layers.last_mut().unwrap().activation = Activation::Identity;
        let graph = Builder::with_layers(model.graph.input, layers).build().unwrap();
        let weights = model.graph.head(id).weights(model.graph, model.weights);
        let image = model.values(&set.image(1));
        let mut engine = Engine::new(&graph, model.isa, 1, Wants::INFERENCE);
        let values = engine.forward(&weights, &image).into_data();
        let [h, w, c] = graph.nodes.last().unwrap().output;
        for (place, values) in values.chunks(c).enumerate() {
            for (filter, &value) in values.iter().enumerate() {
                let found = window(&model, &image, id, [place / w, place % w], filter);
                let magnitude = found.products.iter().map(|x| x.abs()).sum::<f32>() + found.bias.abs();
                let bound = sum_bound(found.products.len() + 1, magnitude);
                assert!((found.sum - value).abs() <= bound, "{name} {place} {filter}: {} {value}", found.sum);
                assert_eq!(found.products.len(), found.shape.iter().product::<usize>());
            }
        }
        assert_eq!(values.len(), h * w * c);
    }
}

#[test]
fn a_window_holds_the_pixels_it_says() {
    let owned = planted();
    let set = planted_set(6);
    let image = owned.model().values(&set.image(4));
    let found = window(&owned.model(), &image, 0, [3, 5], 4);
    assert_eq!((found.corner, found.shape, found.channel), ([3, 5], [4, 4, 1], 0));
    for (at, &value) in found.input.iter().enumerate() {
        assert_eq!(value, image[(3 + at / 4) * 12 + 5 + at % 4]);
    }
    let padded = residual();
    let set = noise([9, 8, 3], 1, 1);
    let found = window(&padded.model(), &padded.model().values(&set.image(0)), 0, [0, 7], 2);
    assert_eq!(found.corner, [-1, 6]);
    assert!(found.input[..9].iter().all(|&x| x == 0.0), "the row above the image");
    assert!(found.input[9..15].iter().all(|&x| x > 0.0));
    assert_eq!(found.input[15..18], [0.0; 3], "the column behind the image");
}

#[test]
fn effective_fields_lie_inside_the_fields() {
    let (owned, set) = (residual(), noise([9, 8, 3], 80, 4));
    let model = owned.model();
    for layer in filter_layers(model.graph).iter().filter(|layer| layer.name != "hidden") {
        let [h, w, _] = layer.output;
        let inside = field(model.graph, layer.response, [h / 2, w / 2]);
        let found = effective_field(&model, &set, &(0..80).collect::<Vec<_>>(), layer, None);
        for (place, value) in found.iter().enumerate() {
            let (y, x) = (place / 8, place % 8);
            let within = inside.rows.contains(&y) && inside.columns.contains(&x);
            assert_eq!(*value > 0.0, within, "{} [{y}, {x}]", layer.name);
        }
    }
}

#[test]
fn the_effective_field_of_a_filter_is_its_weights() {
    let owned = planted();
    let model = owned.model();
    let set = planted_set(90);
    let layer = &filter_layers(model.graph)[0];
    // Places [4..8, 4..8] are the middle window. A filter that sums responds everywhere; its gradient is its weight.
    let found = effective_field(&model, &set, &[0, 5, 71], layer, Some(2));
    for (place, value) in found.iter().enumerate() {
        let inside = (4..8).contains(&(place / 12)) && (4..8).contains(&(place % 12));
        assert_eq!(*value, if inside { 0.0625 } else { 0.0 }, "{place}");
    }
    assert!(effective_field(&model, &set, &[0, 5], layer, Some(1)).iter().all(|&value| value == 0.0));
}
