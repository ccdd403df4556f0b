use seamripper_kernels::parallel::Threads;

use super::planted::{
    DEAD, EDGE, EDGE_CLASS, PATCH, PATCH_CLASS, TWINS, noise, place, planted, planted_set, residual,
};
use crate::engine::{Executor, Wants};
use crate::see::{EXEMPLARS, Survey, filter_layers, survey};

fn planted_survey() -> Survey {
    survey(&planted().model(), &planted_set(90), |_| {})
}

#[test]
fn the_dead_filter_is_found_and_no_other() {
    let found = planted_survey();
    let dead: Vec<usize> = (0..5).filter(|&filter| found.layers[0].filters[filter].dead).collect();
    assert_eq!(dead, [DEAD]);
    let dead = &found.layers[0].filters[DEAD];
    assert_eq!((dead.rate, dead.mean, dead.sd, dead.max), (0.0, 0.0, 0.0, 0.0));
    assert!(dead.selectivity.iter().all(|&s| s == Some(0.0)));
}

#[test]
fn the_equal_filters_are_found_and_no_others() {
    let found = planted_survey();
    let pairs: Vec<_> = found.layers[0].duplicates.iter().map(|d| [d.first, d.second]).collect();
    assert_eq!(pairs, [TWINS]);
    let twins = &found.layers[0].duplicates[0];
    assert!(twins.cosine.unwrap() > 0.999_999 && twins.correlation.unwrap() > 0.999_999, "{twins:?}");
}

#[test]
fn twins_by_weights_alone_are_found_too() {
    // Both are silenced by their bias but not equally, so that no response is there to correlate.
    let mut owned = planted();
    owned.set("conv1.bias", &[-0.7, -1.0, -5.0, -5.001, -6.0]);
    let found = survey(&owned.model(), &planted_set(90), |_| {});
    let twins = &found.layers[0].duplicates;
    assert_eq!(twins.len(), 1);
    assert_eq!(([twins[0].first, twins[0].second], twins[0].correlation), (TWINS, None));
}

#[test]
fn exemplars_of_the_edge_filter_lie_on_edges() {
    let found = planted_survey();
    let edge = &found.layers[0].filters[EDGE];
    assert_eq!(edge.most.len(), EXEMPLARS);
    for exemplar in &edge.most {
        assert_eq!(exemplar.index as u32 % 3, EDGE_CLASS, "{exemplar:?}");
        let [_, column] = place(exemplar.index);
        assert_eq!(exemplar.column + 2, column, "{exemplar:?}");
        assert_eq!(exemplar.id, format!("test-{:05}", exemplar.index));
    }
    assert!(edge.most.is_sorted_by(|a, b| a.activation >= b.activation));
    assert_eq!(edge.most[0].activation, edge.max);
    // All other images leave it silent; the first in the set are kept.
    let least: Vec<_> = edge.least.iter().map(|exemplar| exemplar.index).collect();
    assert_eq!(least, [1, 2, 4, 5, 7, 8, 10, 11, 13]);
}

#[test]
fn the_patch_filter_is_selective_for_its_class() {
    let found = planted_survey();
    for (filter, class) in [(EDGE, EDGE_CLASS), (PATCH, PATCH_CLASS)] {
        let selectivity = &found.layers[0].filters[filter].selectivity;
        for (other, value) in selectivity.iter().enumerate() {
            let expected = if other == class as usize { 1.0 } else { -1.0 };
            assert_eq!(*value, Some(expected), "filter {filter}, class {other}");
        }
    }
    let both = found.layers[0].filters[TWINS[0]].selectivity[EDGE_CLASS as usize].unwrap();
    assert!(both > 0.1 && both < 1.0, "{both}");
}

/// Every number again, in the plainest way.
#[test]
fn numbers_are_those_of_the_taps() {
    let (owned, set) = (residual(), noise([9, 8, 3], 70, 4));
    let model = owned.model();
    let found = survey(&model, &set, |_| {});
    let mut engine = model.engine(set.len(), Wants { taps: true, ..Wants::INFERENCE });
    engine.run_forward(&model.values(&set.pixels()));
    for (layer, found) in filter_layers(model.graph).iter().zip(&found.layers) {
        let tap = engine.tap(layer.response).unwrap().into_data();
        let image_len = layer.output.iter().product::<usize>();
        assert_eq!(&found.layer, layer);
        for (filter, found) in found.filters.iter().enumerate() {
            let all: Vec<f64> =
                tap.iter().skip(filter).step_by(layer.filters()).map(|&x| f64::from(x)).collect();
            let n = all.len() as f64;
            let mean = all.iter().sum::<f64>() / n;
            let sd = (all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
            assert!(
                (found.mean - mean).abs() < 1e-9 && (found.sd - sd).abs() < 1e-9,
                "{} {filter}",
                layer.name
            );
            assert_eq!(found.rate, all.iter().filter(|&&x| x > 0.0).count() as f64 / n);
            assert_eq!(f64::from(found.max), all.iter().copied().fold(f64::MIN, f64::max));
            assert_eq!(f64::from(found.min), all.iter().copied().fold(f64::MAX, f64::min));
            let class: Vec<f64> =
                all.chunks(image_len / layer.filters()).skip(1).step_by(4).flatten().copied().collect();
            let mean = class.iter().sum::<f64>() / class.len() as f64;
            assert!((found.class_means[1].unwrap() - mean).abs() < 1e-9);
            for exemplar in found.most.iter().chain(&found.least) {
                let [_, w, c] = layer.output;
                let own = &tap[exemplar.index * image_len..][..image_len];
                assert_eq!(own[(exemplar.row * w + exemplar.column) * c + filter], exemplar.activation);
                assert!(own.iter().skip(filter).step_by(c).all(|&x| x <= exemplar.activation));
            }
        }
    }
}

#[test]
fn selectivity_of_negative_responses_is_measured_from_the_smallest() {
    let (owned, set) = (residual(), noise([9, 8, 3], 70, 4));
    let found = survey(&owned.model(), &set, |_| {});
    let depthwise = found.layers.iter().find(|layer| layer.layer.name == "depthwise").unwrap();
    let filter = &depthwise.filters[2];
    assert!(filter.min < 0.0);
    let above: Vec<f64> =
        filter.class_means.iter().map(|mean| mean.unwrap() - f64::from(filter.min)).collect();
    let rest = (above[0] + above[2] + above[3]) / 3.0;
    let expected = (above[1] - rest) / (above[1] + rest);
    assert!((filter.selectivity[1].unwrap() - expected).abs() < 1e-12);
}

#[test]
fn threads_change_nothing() {
    let (owned, set) = (residual(), noise([9, 8, 3], 150, 4));
    let look = |threads| {
        let run = || survey(&owned.model(), &set, |_| {});
        Threads::new(Some(threads)).unwrap().run(run)
    };
    assert_eq!(look(1), look(2));
}

#[test]
fn progress_counts_images_and_a_class_may_be_empty() {
    let set =
        planted_set(90).select(&(0..70).map(|i| i / 2 * 3 + i % 2).filter(|&i| i < 90).collect::<Vec<_>>());
    let mut done = Vec::new();
    let found = survey(&planted().model(), &set, |images| done.push(images));
    assert_eq!(done.last(), Some(&set.len()));
    assert_eq!(found.class_images[2], 0);
    let edge = &found.layers[0].filters[EDGE];
    assert_eq!((edge.class_means[2], edge.selectivity[2]), (None, None));
    let none = survey(&planted().model(), &set.select(&[]), |_| {});
    assert_eq!((none.images, none.layers[0].filters[0].most.len()), (0, 0));
}
