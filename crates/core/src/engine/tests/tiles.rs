//! Convolutions that training computes in tiles.

use super::*;

fn wide(filters: usize, padding: Padding) -> LayerSpec {
    conv(filters, [3, 3], [1, 1], padding)
}

#[test]
fn gradients_are_right() {
    let norm = || LayerSpec::new(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 });
    let pool =
        |size| LayerSpec::new(Layer::MaxPool { size: [size; 2], stride: [size; 2], padding: Padding::Valid });
    for (input, layers) in [
        ([9, 8, 16], vec![wide(17, Padding::Same).activated(Activation::Tanh)]),
        ([9, 8, 17], vec![wide(16, Padding::Valid).activated(Activation::Relu)]),
        // Not all of the output is read.
        ([7, 7, 3], vec![wide(16, Padding::Same), norm(), wide(18, Padding::Same), pool(2), norm()]),
        ([8, 11, 16], vec![wide(16, Padding::Explicit { before: [2, 1], after: [2, 1] }), pool(3)]),
    ] {
        check(input, layers, 3);
    }
    // Two read one input, so that the second adds its gradient.
    let layers = vec![
        wide(16, Padding::Same).activated(Activation::Relu).named("one"),
        wide(16, Padding::Same).named("two"),
        wide(16, Padding::Same).reading("one"),
        LayerSpec::add("two"),
    ];
    check([6, 7, 16], layers, 2);
}

#[test]
fn only_training_is_computed_so() {
    let mut builder = Builder::with_layers([8, 8, 16], vec![wide(16, Padding::Same)]);
    builder.push(Layer::Flatten);
    builder.push(Layer::Dense { units: 3, bias: true });
    let graph = builder.build().unwrap();
    let in_tiles = |wants: Wants| wants.fast(&graph, 0);
    assert!(in_tiles(Wants::TRAINING));
    assert!(!in_tiles(Wants::INFERENCE));
    assert!(!in_tiles(Wants { weight_gradients: true, ..Wants::INFERENCE }), "no training");
    assert!(!in_tiles(Wants { frozen: 1, ..Wants::TRAINING }));
    assert!(!in_tiles(Wants { taps: true, ..Wants::TRAINING }));
}

#[test]
fn threads_change_no_bit() {
    let mut builder = Builder::with_layers(
        [10, 10, 1],
        vec![wide(16, Padding::Same), wide(24, Padding::Same).activated(Activation::Relu)],
    );
    builder.push(Layer::Flatten);
    builder.push(Layer::Dense { units: 3, bias: true });
    let graph = builder.build().unwrap();
    let (weights, images) = (weights(&graph, 1), 37);
    let pixels = noise(2, images * 100);
    let gradients = |threads: usize| {
        Threads::new(Some(threads)).unwrap().run(|| {
            let mut engine = Engine::new(&graph, Instructions::available()[0], 40, Wants::TRAINING);
            let logits = engine.forward(&weights, &pixels);
            engine.backward(&noise(3, logits.data().len())).weights
        })
    };
    let one = gradients(1);
    assert!(one.iter().any(|&value| value != 0.0));
    assert!(one.iter().zip(&gradients(3)).all(|(a, b)| a.to_bits() == b.to_bits()));
}
