//! The range test: its steps are those of a run, and its suggestion is where it must be on curves made by hand.

use super::{graph, images, isa, recipe};
use crate::train::Trainer;
use crate::train::rate_range::{RateRange, STEPS, Search, Trial, WHOLE, search};

const RANGE: RateRange = RateRange { lowest: 1e-6, highest: 10.0, steps: 701 };

/// Trials of `range` whose loss is `loss(rate)`, up to the first that is no number.
fn curve(range: RateRange, loss: impl Fn(f64) -> f64) -> Vec<Trial> {
    let trials = (0..range.steps).map(|step| range.rate(step)).map(|rate| Trial { rate, loss: loss(rate) });
    trials.take_while(|trial| trial.loss.is_finite()).collect()
}

/// A search whose test `number` has these losses.
fn found(tests: usize, loss: impl Fn(usize, f64) -> f64) -> Search {
    let Ok(search) = search(tests, |number, range| {
        Ok::<_, std::convert::Infallible>(curve(range, |rate| loss(number, rate)))
    });
    search
}

/// 2.3 down by 0.45 a decade from a rate of 1e-6 on, to no less than 0.5.
fn learnt(rate: f64) -> f64 {
    (2.3 - 0.45 * (rate / 1e-6).log10()).max(0.5)
}

/// The factor between two rates, at least 1.
fn apart(one: f64, other: f64) -> f64 {
    (one / other).max(other / one)
}

#[test]
fn rates_grow_by_the_same_factor() {
    assert!((RANGE.rate(0) - 1e-6).abs() < 1e-18 && (RANGE.rate(700) - 10.0).abs() < 1e-12);
    assert!((RANGE.rate(100) / RANGE.rate(0) - 10.0).abs() < 1e-9);
}

#[test]
fn a_step_at_a_rate_is_a_step_of_a_run_with_that_rate() {
    let (mut plain, other, set) = (recipe("", ""), recipe("", ""), images(100, 3));
    plain.train.rate = 0.25;
    let network = graph(&plain);
    let trainer = |recipe| Trainer::new(isa(), recipe, &network, &set, None).expect("they fit together");
    let (mut plain, mut forced) = (trainer(&plain), trainer(&other));
    for _ in 0..4 {
        plain.step();
        assert!(forced.step_at(0.25) > 0.0);
        assert_eq!(plain.state(), forced.state());
    }
    forced.step_at(1e-3);
    plain.step();
    assert_ne!(plain.state().weights, forced.state().weights);
}

#[test]
fn the_suggestion_is_a_tenth_of_where_the_loss_climbs() {
    for (lost, tests) in [(2.3, 3), (2.3, 9), (f64::NAN, 4)] {
        let search = found(tests, |_, rate| if rate < 0.1 { learnt(rate) } else { lost });
        let suggestion = search.suggestion.unwrap();
        assert!(apart(suggestion.edge, 0.1) < 1.2, "{suggestion:?}");
        assert_eq!(suggestion.rate, 0.1 * suggestion.edge);
        assert_eq!((search.first.range, search.tests.len()), (WHOLE, tests));
    }
}

#[test]
fn every_test_that_counts_is_of_the_same_steps_and_factor_about_where_the_others_lost() {
    // the first test sees an edge ten times too low, and the others theirs about 0.1
    let edge = |number: usize| if number == 0 { 0.01 } else { [0.07, 0.14][number % 2] };
    let search = found(8, |number, rate| if rate < edge(number) { learnt(rate) } else { 2.3 });
    assert!(apart(search.first.edge.unwrap(), 0.01) < 1.2, "{:?}", search.first.edge);
    for test in &search.tests {
        assert_eq!(test.range.steps, STEPS);
        assert!((test.range.highest / test.range.lowest - 150.0).abs() < 1e-9);
    }
    // the first of the eight ends at a rate of 0.05, so the next one looks higher
    assert_eq!(search.tests[0].edge, None);
    assert!(search.tests[1..].iter().all(|test| test.edge.is_some()), "{:?}", search.suggestion);
}

#[test]
fn edges_that_differ_are_averaged() {
    let edge = |number: usize| [0.05, 0.2][number % 2];
    let search = found(8, |number, rate| if rate < edge(number) { learnt(rate) } else { 2.3 });
    let edges: Vec<f64> = search.tests.iter().map(|test| test.edge.unwrap()).collect();
    assert!(edges.iter().enumerate().all(|(at, &found)| apart(found, edge(at + 1)) < 1.2), "{edges:?}");
    assert!(apart(search.suggestion.unwrap().edge, 0.1) < 1.2, "{:?}", search.suggestion);
}

#[test]
fn where_nothing_is_learnt_or_lost_nothing_is_suggested() {
    assert_eq!(found(3, |_, _| 2.3).suggestion, None);
    assert!(found(3, |_, _| 2.3).tests.is_empty());
    assert_eq!(found(3, |_, rate| 2.3 - 0.2 * (rate / 1e-6).log10()).suggestion, None);
    assert_eq!(found(3, |_, _| f64::NAN).suggestion, None);
    // two of five tests are too few
    let some = |number: usize, rate: f64| if number % 2 == 1 || rate >= 0.1 { 2.3 } else { learnt(rate) };
    assert_eq!(found(5, some).suggestion, None);
    assert!(found(4, |number, rate| if number == 1 { 2.3 } else { some(0, rate) }).suggestion.is_some());
}

#[test]
fn losses_are_means_of_their_neighbourhood() {
    let range = RateRange { steps: 5, ..RANGE };
    let trials: Vec<Trial> = (0..5).map(|at| Trial { rate: 1.0, loss: f64::from(at * at) }).collect();
    assert_eq!(range.smoothed(&trials), [0.5, 5.0 / 3.0, 14.0 / 3.0, 29.0 / 3.0, 12.5]);
}
