//! Early stopping, against the rule written as a plain loop over the validation losses.

use super::{images, recipe, run, set};
use crate::sample::ImageSet;

/// The images of [`images`] with every `every`th label wrong.
fn mislabelled(n: usize, seed: u64, every: usize) -> ImageSet {
    let right = images(n, seed);
    let turn = |(index, &label): (usize, &u32)| if index % every == 0 { (label + 1) % 3 } else { label };
    let labels = right.labels().iter().enumerate().map(turn).collect();
    set(right.size(), right.pixels().to_vec(), labels, 3)
}

/// The best epoch and the last, both counted from 1, by the rule of the recipe's reference.
fn rule(losses: &[f64], patience: usize, min_delta: f64) -> (usize, usize) {
    let (mut best, mut lowest) = (0, f64::INFINITY);
    for (epoch, &loss) in (1..).zip(losses) {
        if loss < lowest - min_delta {
            (best, lowest) = (epoch, loss);
        }
        if epoch - best >= patience {
            return (best, epoch);
        }
    }
    (best, losses.len())
}

#[test]
fn the_best_epochs_weights_are_kept_and_patience_ends_the_run() {
    let mut bests = Vec::new();
    for (every, patience, min_delta) in
        [(2, 2, 0.0), (4, 3, 0.0), (3, 2, 0.002), (1000, 2, 0.0), (1000, 2, 10.0)]
    {
        let train = images(60, 1);
        let validation = mislabelled(40, 2, every);
        let with = |early: &str| {
            let mut recipe = recipe("", early);
            recipe.train.epochs = 25;
            run(&recipe, &train, Some(&validation), None)
        };
        let full = with("");
        let losses: Vec<f64> = full
            .reports
            .iter()
            .map(|report| report.validation.as_ref().expect("validation images").loss)
            .collect();
        let (best, last) = rule(&losses, patience, min_delta);

        let stopped =
            with(&format!("early_stopping = {{ patience = {patience}, min_delta = {min_delta:?} }}"));
        assert_eq!(stopped.reports, full.reports[..last], "the epochs up to the last");
        let kept = stopped.last().best.as_ref().expect("a best epoch");
        assert_eq!((kept.epoch as usize, kept.loss), (best, losses[best - 1]));
        assert_eq!(stopped.last().stopped, last - best >= patience);
        let steps = 2;
        assert_eq!(stopped.result, full.states[best * steps].weights.values, "the best epoch's weights");
        bests.push((best, last));
    }
    // the sets are chosen so that all three ends of a run are seen
    assert!(bests.contains(&(1, 3)), "no run is stopped after its first epoch: {bests:?}");
    assert!(bests.iter().any(|&(best, last)| 1 < best && last < 25), "none in the middle: {bests:?}");
    assert!(bests.iter().any(|&(_, last)| last == 25), "none comes to its end: {bests:?}");
}

#[test]
fn a_stopped_run_stays_stopped_when_it_is_read_back() {
    let recipe = recipe("", "early_stopping = { patience = 1, min_delta = 10.0 }");
    let (train, validation) = (images(60, 1), images(20, 2));
    let whole = run(&recipe, &train, Some(&validation), None);
    assert_eq!(whole.reports.len(), 2);
    let state = super::State::from_bytes(&whole.last().to_bytes(), &whole.states[0]).unwrap();
    let again = run(&recipe, &train, Some(&validation), Some(state));
    assert_eq!((again.reports.len(), &again.result), (0, &whole.result));
}

#[test]
fn without_it_the_last_weights_are_the_result() {
    let whole = run(&recipe("", ""), &images(60, 1), Some(&images(20, 2)), None);
    assert_eq!(whole.result, whole.last().weights.values);
}
