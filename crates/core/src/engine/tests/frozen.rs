//! A graph whose first nodes are frozen is the rest of it, trained on what the first nodes say at inference.

use super::*;

/// A residual stem with batch normalization and dropout, and a head with a batch normalization; and how many nodes are the stem.
fn graph() -> (Graph, usize) {
    let layers = [
        "conv 6 3x3 same no_bias",
        "batch_norm relu",
        "max_pool 2",
        "conv 6 3x3 same no_bias",
        "batch_norm",
        "add max_pool1 relu",
        "dropout 0.5",
        "conv 5 3x3",
        "batch_norm relu",
        "flatten",
        "dense 3",
    ];
    let graph = crate::recipe::graph_of([8, 8, 2], &layers).unwrap();
    let stem = graph.nodes.iter().position(|node| node.name == "conv3").unwrap();
    (graph, stem)
}

#[test]
fn a_frozen_stem_runs_as_at_inference_and_has_no_gradient() {
    let (graph, stem) = graph();
    let images = 40; // three shards, one of them smaller
    let (weights, pixels) = (weights(&graph, 1), noise(2, images * 8 * 8 * 2));
    let r = noise(3, images * 3);
    for isa in Instructions::available() {
        let mut engine = Engine::new(&graph, isa, images, Wants { frozen: stem, ..Wants::TRAINING });
        let logits = engine.forward(&weights, &pixels);
        let gradients = engine.backward(&r);

        let front = graph.head(stem - 1);
        let features = Engine::new(&front.graph, isa, images, Wants::INFERENCE)
            .forward(&front.weights(&graph, &weights), &pixels);
        let tail = graph.tail(stem - 1).unwrap();
        let mut rest = Engine::new(&tail.graph, isa, images, Wants::TRAINING);
        let own = tail.weights(&graph, &weights);
        near(logits.data(), rest.forward(&own, features.data()).data());
        let expected = rest.backward(&r);
        for (parameter, &whole) in tail.graph.parameters.iter().zip(&tail.parameters) {
            let whole = &graph.parameters[whole.unwrap()];
            near(&gradients.weights[whole.range()], &expected.weights[parameter.range()]);
        }
        let first = tail.parameters[0].unwrap();
        for parameter in &graph.parameters[..first] {
            assert!(gradients.weights[parameter.range()].iter().all(|&g| g == 0.0), "{}", parameter.name);
        }

        let mut moved = weights.clone();
        engine.update_moving(&mut moved);
        for parameter in &graph.parameters {
            let frozen = graph.parameters[..first].contains(parameter);
            let same = moved.of(parameter) == weights.of(parameter);
            assert_eq!(same, frozen || parameter.role.trained(), "{}", parameter.name);
        }
    }
}

/// Sums are taken in another order, since other blocks fit in the cache.
fn near(found: &[f32], expected: &[f32]) {
    let largest = expected.iter().fold(1e-3_f32, |largest, value| largest.max(value.abs()));
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 2e-5 * largest, "{found} is not {expected} of {largest}");
    }
}

#[test]
fn freezing_takes_operations_away() {
    let (graph, stem) = graph();
    let plan = |frozen| {
        super::super::plan::Plan::new(
            &graph,
            Instructions::available()[0],
            16,
            Wants { frozen, ..Wants::TRAINING },
        )
    };
    let (all, frozen) = (plan(0), plan(stem));
    // Two batch normalizations and a pool are part of convolutions, and the dropout is gone.
    assert_eq!(frozen.ops.len() + 4, all.ops.len());
    assert_eq!(all.backward.iter().filter(|&&backward| backward).count(), all.ops.len());
    assert_eq!(frozen.backward.iter().filter(|&&backward| backward).count(), 3, "conv, batch_norm, dense");
}
