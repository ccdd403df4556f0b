use seamripper_kernels::parallel::Threads;

use super::planted::{
    DEAD, EDGE, EDGE_CLASS, Owned, PATCH, PATCH_CLASS, noise, planted, planted_set, residual,
};
use crate::engine::{Engine, Executor, Wants};
use crate::graph::{Source, Weights};
use crate::sample::{ImageSet, Split};
use crate::see::{Ablation, Change, Replacement, ablate, ablation_steps, survey};
use crate::train::Predictor;

fn ablated(owned: &Owned, set: &ImageSet, replacement: Replacement) -> Ablation {
    let found = survey(&owned.model(), set, |_| {});
    ablate(&owned.model(), set, &found, replacement, |_| {})
}

fn none(classes: usize) -> Change {
    Change { gained: vec![0; classes], lost: vec![0; classes] }
}

#[test]
fn without_the_patch_filter_its_class_is_lost_and_no_other() {
    let set = planted_set(90);
    let found = ablated(&planted(), &set, Replacement::Zero);
    assert_eq!((found.right, found.class_images), (vec![30; 3], vec![30; 3]));
    for layer in &found.layers {
        for (filter, class) in [(EDGE, EDGE_CLASS), (PATCH, PATCH_CLASS)] {
            let mut expected = none(3);
            expected.lost[class as usize] = 30;
            assert_eq!(layer.filters[filter], expected, "{} {filter}", layer.layer.name);
            assert_eq!(layer.filters[filter].net(), -30);
        }
        assert_eq!(layer.filters[DEAD], none(3));
        assert_eq!(layer.whole.lost, [30, 30, 0]);
    }
}

#[test]
fn the_mean_is_not_zero() {
    // A third of the edge filter's mean response is enough for the edge class where the patch filter is silent.
    let found = ablated(&planted(), &planted_set(90), Replacement::Mean);
    let hidden = &found.layers[1];
    assert_eq!(hidden.layer.name, "hidden");
    assert_eq!(hidden.filters[EDGE].lost, [0, 0, 30]);
    assert_eq!(hidden.filters[DEAD], none(3));
}

/// Every count again with a gate in the whole graph, which is run anew for each filter.
#[test]
fn counts_are_those_of_the_gated_whole() {
    let (owned, set) = (residual(), noise([9, 8, 3], 300, 4));
    let model = owned.model();
    let found = survey(&model, &set, |_| {});
    let top1 = |engine: &mut Engine, weights: &Weights| -> Vec<usize> {
        let logits = engine.forward(weights, &model.values(&set.pixels()));
        let best = |row: &[f32]| (0..4).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
        logits.data().chunks(4).map(best).collect()
    };
    let before = top1(&mut model.engine(300, Wants::INFERENCE), model.weights);
    for replacement in [Replacement::Zero, Replacement::Mean] {
        let ablation = ablate(&model, &set, &found, replacement, |_| {});
        let mut changes = 0;
        for (layer, looked) in ablation.layers.iter().zip(&found.layers) {
            let part = model.graph.gated(Source::Node(layer.layer.response));
            let mut engine = Engine::new(&part.graph, model.isa, 300, Wants::INFERENCE);
            let value = |filter: usize| match replacement {
                Replacement::Zero => 0.0,
                Replacement::Mean => looked.filters[filter].mean as f32,
            };
            let mut check = |filters: Vec<usize>, change: &Change| {
                let mut weights = part.weights(model.graph, model.weights);
                for &filter in &filters {
                    part.set_gate(&mut weights, filter, Some(value(filter)));
                }
                let mut expected = none(4);
                for (image, after) in top1(&mut engine, &weights).into_iter().enumerate() {
                    let (label, before) = (image % 4, before[image]);
                    expected.gained[label] += usize::from(before != label && after == label);
                    expected.lost[label] += usize::from(before == label && after != label);
                }
                assert_eq!(change, &expected, "{replacement:?} {} {filters:?}", layer.layer.name);
                changes += change.lost.iter().sum::<usize>();
            };
            for (filter, change) in layer.filters.iter().enumerate() {
                check(vec![filter], change);
            }
            check((0..layer.layer.filters()).collect(), &layer.whole);
        }
        assert!(changes > 100, "{changes} changes are no test");
    }
}

#[test]
fn the_baseline_is_the_predictors() {
    let (owned, set) = (residual(), noise([9, 8, 3], 300, 4));
    let model = owned.model();
    let found = ablated(&owned, &set, Replacement::Zero);
    let predictor = Predictor {
        isa: model.isa,
        graph: model.graph,
        weights: model.weights,
        preprocessing: model.preprocessing,
        bf16: false,
    };
    let table = predictor.predict(&set, Split::Test, |_| {});
    let right = |class: usize| (class..300).step_by(4).filter(|&index| table.top1(index) == class).count();
    assert_eq!(found.right, (0..4).map(right).collect::<Vec<_>>());
    assert!(found.right.iter().sum::<usize>() > 0);
}

#[test]
fn threads_change_nothing_and_progress_counts_every_run() {
    let (owned, set) = (residual(), noise([9, 8, 3], 90, 4));
    let look = |threads| {
        let run = || ablated(&owned, &set, Replacement::Mean);
        Threads::new(Some(threads)).unwrap().run(run)
    };
    assert_eq!(look(1), look(2));
    let found = survey(&owned.model(), &set, |_| {});
    let mut done = Vec::new();
    ablate(&owned.model(), &set, &found, Replacement::Zero, |runs| done.push(runs));
    assert_eq!(done.last(), Some(&ablation_steps(&found, &set)));
    assert!(done.is_sorted());
}
