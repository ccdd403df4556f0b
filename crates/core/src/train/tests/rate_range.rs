//! The range test: its steps are those of a run, and its suggestion is where it must be on curves made by hand.

use super::{graph, images, isa, recipe};
use crate::train::Trainer;
use crate::train::rate_range::{RateRange, Suggestion, Trial, smoothed, suggest};

const RANGE: RateRange = RateRange { lowest: 1e-6, highest: 10.0, steps: 701 };

/// Trials whose loss is `loss(rate)`.
fn curve(loss: impl Fn(f64) -> f64) -> Vec<Trial> {
    let trial = |step| (RANGE.rate(step), loss(RANGE.rate(step)));
    (0..RANGE.steps).map(trial).map(|(rate, loss)| Trial { rate, loss }).collect()
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
    // 2.3 down to 0.5 at a rate of 0.01, and up at once at 0.1
    let learnt = |rate: f64| (2.3 - 0.45 * (rate / 1e-6).log10()).max(0.5);
    let found = suggest(&curve(|rate| if rate < 0.1 { learnt(rate) } else { 2.3 }), RANGE.steps).unwrap();
    assert!((found.edge / 0.1).ln().abs() < 0.3, "{found:?}");
    assert_eq!(found.rate, 0.1 * found.edge);
    // the loss is no number from 0.1 on
    let mut ended = curve(learnt);
    ended.truncate(501);
    let Suggestion { edge, .. } = suggest(&ended, RANGE.steps).unwrap();
    assert!((edge / 0.1).ln().abs() < 0.1, "{edge}");
}

#[test]
fn where_nothing_is_learnt_or_lost_nothing_is_suggested() {
    assert_eq!(suggest(&curve(|_| 2.3), RANGE.steps), None);
    assert_eq!(suggest(&curve(|rate| 2.3 - 0.2 * (rate / 1e-6).log10()), RANGE.steps), None);
    assert_eq!(suggest(&[], RANGE.steps), None);
}

#[test]
fn losses_are_means_of_their_neighbourhood() {
    let trials: Vec<Trial> = (0..5).map(|at| Trial { rate: 1.0, loss: f64::from(at * at) }).collect();
    assert_eq!(smoothed(&trials, 5), [0.5, 5.0 / 3.0, 14.0 / 3.0, 29.0 / 3.0, 12.5]);
}
