//! The moving average of the weights, against the recurrence in `f64`.

use super::{images, recipe, run};
use crate::train::{Predictor, Trainer};
use crate::{graph::Preprocessing, sample::Split};

/// A dozen roundings to single precision of weights below 1.
const BOUND: f64 = 1e-5;

#[test]
fn the_average_is_the_recurrence_and_what_the_run_ends_with() {
    let train = images(100, 5);
    let [plain, averaged] = ["", "ema = 0.8"].map(|ema| run(&recipe("", ema), &train, None, None));
    let mut expected: Vec<f64> = averaged.states[0].weights.values.iter().map(|&w| f64::from(w)).collect();
    for (step, (state, other)) in (1..).zip(averaged.states[1..].iter().zip(&plain.states[1..])) {
        assert_eq!(state.weights, other.weights, "the steps are those without an average");
        let decay = f64::min(0.8, (1.0 + f64::from(step)) / (10.0 + f64::from(step)));
        for (average, &weight) in expected.iter_mut().zip(&state.weights.values) {
            *average = decay * *average + (1.0 - decay) * f64::from(weight);
        }
        let found = &state.average.as_ref().expect("an average").values;
        for (found, expected) in found.iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() < BOUND, "step {step}: {found} is not {expected}");
        }
    }
    assert_eq!(averaged.result, averaged.last().average.as_ref().expect("an average").values);
    assert_ne!(averaged.result, averaged.last().weights.values);
    assert_eq!(plain.result, plain.last().weights.values);
}

/// Validation images are shown the average: it is what the run ends with.
#[test]
fn the_average_is_judged() {
    let (train, validation) = (images(100, 5), images(60, 6));
    let recipe = recipe("", "ema = 0.8");
    let run = run(&recipe, &train, Some(&validation), None);
    let graph = super::graph(&recipe);
    let weights = run.last().average.as_ref().expect("an average");
    let preprocessing = &Preprocessing::new(1);
    let table = Predictor { isa: super::isa(), graph: &graph, weights, preprocessing, bf16: false }.predict(
        &validation,
        Split::Validation,
        |_| {},
    );
    let loss: f64 = (0..table.len()).map(|row| -table.row(row)[table.labels[row] as usize].ln()).sum();
    let held = run.reports.last().and_then(|report| report.validation.clone()).expect("validation images");
    assert!((held.loss - loss / table.len() as f64).abs() < 1e-12, "{held:?}");
}

#[test]
fn a_run_with_an_average_goes_on_to_the_same_bits() {
    let (train, recipe) = (images(100, 5), recipe("", "ema = 0.9"));
    let whole = run(&recipe, &train, None, None);
    for from in [1, 4, 7] {
        let again = run(&recipe, &train, None, Some(whole.states[from].clone()));
        assert_eq!(again.last(), whole.last());
    }
    // a checkpoint without an average is not one of this recipe
    let mut state = whole.states[4].clone();
    state.average = None;
    assert!(crate::train::State::from_bytes(&state.to_bytes(), &whole.states[0]).is_err());
    let graph = super::graph(&recipe);
    let trainer = Trainer::new(super::isa(), &recipe, &graph, &train, None).expect("they fit together");
    assert!(trainer.state().average.is_some());
}

/// The plain average of the last epochs, and statistics that are those of training images.
#[test]
fn the_last_epochs_are_averaged_alike_and_their_statistics_found_anew() {
    let train = images(200, 5);
    let recipe = recipe("", "swa = 0.3");
    let run = run(&recipe, &train, None, None);
    let graph = super::graph(&recipe);
    // Three epochs of five steps: 0.3 of them is 0.9, so that all three are in it.
    let ends: Vec<&[f32]> = [5, 10, 15].map(|step| &run.states[step].weights.values[..]).to_vec();
    let average = &run.last().average.as_ref().expect("an average").values;
    assert_eq!(&run.result, average);
    for parameter in &graph.parameters {
        for place in parameter.range() {
            let mean = ends.iter().map(|end| f64::from(end[place])).sum::<f64>() / 3.0;
            let same = (f64::from(average[place]) - mean).abs() < BOUND;
            assert!(
                same || !parameter.role.trained(),
                "{}: {} is not {mean}",
                parameter.name,
                average[place]
            );
        }
    }
    // The moving statistics lag behind with a momentum of 0.99; those found anew are the mean over the batches.
    let moving = |values: &[f32], name: &str| {
        let parameter =
            graph.parameters.iter().find(|parameter| parameter.name.ends_with(name)).expect("a name");
        values[parameter.range()].to_vec()
    };
    let (found, lagging) = (moving(average, "moving_variance"), moving(ends[2], "moving_variance"));
    assert_ne!(found, lagging);
    assert!(found.iter().all(|&variance| variance > 0.0 && variance < 0.9), "{found:?}");
    assert!(lagging.iter().all(|&variance| variance > 0.8), "still near where it began: {lagging:?}");

    for from in [3, 5, 11, 14] {
        let again = super::run(&recipe, &train, None, Some(run.states[from].clone()));
        assert_eq!(again.last(), run.last(), "stopped after step {from}");
    }
}
