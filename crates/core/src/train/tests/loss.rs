//! Losses against PyTorch's, by central differences, and in runs.

use seamripper_kernels::softmax::{cross_entropy, focal};

use super::super::class_weights::weigh;
use super::*;

/// Of the largest value: what `f32` leaves of PyTorch's `f64`.
const TOLERANCE: f64 = 1e-5;

#[derive(serde::Deserialize)]
struct Golden {
    logits: Vec<f32>,
    labels: Vec<usize>,
    weights: Vec<f32>,
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    weighted: bool,
    smoothing: f32,
    gamma: f64,
    loss: f64,
    gradient: Vec<f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../tests/golden/torch-loss/loss.json")).unwrap()
}

/// Targets `[n, k]` as batches make them.
fn targets(labels: &[usize], smoothing: f32, weights: Option<&[f32]>, k: usize) -> Vec<f32> {
    let mut targets = vec![smoothing / k as f32; labels.len() * k];
    for (row, &label) in targets.chunks_exact_mut(k).zip(labels) {
        row[label] += 1.0 - smoothing;
    }
    if let Some(weights) = weights {
        weigh(weights, smoothing, &mut targets);
    }
    targets
}

#[test]
fn losses_and_gradients_are_those_of_pytorch() {
    let Golden { logits, labels, weights, cases } = golden();
    assert_eq!(cases.len(), 8);
    let (n, k) = (labels.len(), weights.len());
    for Case { weighted, smoothing, gamma, loss, gradient } in cases {
        let targets = targets(&labels, smoothing, weighted.then_some(&weights), k);
        let mut found = vec![0.0; n * k];
        let scale = 1.0 / n as f32;
        let sum = match gamma {
            0.0 => cross_entropy(&logits, &targets, k, scale, &mut found),
            gamma => focal(&logits, &targets, k, gamma, scale, &mut found),
        };
        let what = format!("weighted {weighted}, smoothing {smoothing}, gamma {gamma}");
        assert!((sum / n as f64 - loss).abs() < TOLERANCE * loss, "{what}: {} is not {loss}", sum / n as f64);
        let largest = gradient.iter().fold(0.0_f64, |largest, g| largest.max(g.abs()));
        for (found, expected) in found.iter().zip(&gradient) {
            assert!(
                (f64::from(*found) - expected).abs() < TOLERANCE * largest,
                "{what}: {found}, {expected}"
            );
        }
    }
}

#[test]
fn the_focal_gradient_is_the_slope_of_the_loss_for_soft_targets_too() {
    let logits = [1.5_f32, -0.5, 0.25, 2.0, -1.0, 0.5];
    let targets = [0.2_f32, 0.5, 0.3, 1.4, 0.0, 0.3];
    for gamma in [0.5, 1.0, 2.0, 5.0] {
        let (mut gradient, mut unused) = ([0.0; 6], [0.0; 6]);
        focal(&logits, &targets, 3, gamma, 1.0, &mut gradient);
        for place in 0..6 {
            let at = |shift: f32, unused: &mut [f32]| {
                let mut moved = logits;
                moved[place] += shift;
                focal(&moved, &targets, 3, gamma, 1.0, unused)
            };
            let slope = (at(0.03125, &mut unused) - at(-0.03125, &mut unused)) / 0.0625;
            // The third derivatives are of the order of 1, a sixth of the step's square is 1.6e-4.
            assert!(
                (slope - f64::from(gradient[place])).abs() < 2e-3,
                "{gamma}: {slope}, {}",
                gradient[place]
            );
        }
    }
}

#[test]
fn focal_loss_is_cross_entropy_at_gamma_0_and_finite_at_certainty() {
    let Golden { logits, labels, weights, .. } = golden();
    let targets = targets(&labels, 0.1, Some(&weights), 4);
    let (mut plain, mut found) = (vec![0.0; 24], vec![0.0; 24]);
    let sums = [
        cross_entropy(&logits, &targets, 4, 0.5, &mut plain),
        focal(&logits, &targets, 4, 0.0, 0.5, &mut found),
    ];
    assert!((sums[0] - sums[1]).abs() < TOLERANCE * sums[0], "{sums:?}");
    for (found, plain) in found.iter().zip(&plain) {
        assert!((found - plain).abs() < 1e-5, "{found} is not {plain}");
    }
    let mut gradient = [1.0; 2];
    for gamma in [0.5, 2.0] {
        assert_eq!(focal(&[300.0, -300.0], &[1.0, 0.0], 2, gamma, 1.0, &mut gradient), 0.0);
        assert_eq!(gradient, [0.0, 0.0]);
        let wrong = focal(&[300.0, -300.0], &[0.0, 1.0], 2, gamma, 1.0, &mut gradient);
        assert!(
            (wrong - 600.0).abs() < 1e-3 && gradient.iter().all(|g| g.is_finite()),
            "{wrong} {gradient:?}"
        );
    }
}

#[test]
fn equal_weights_change_nothing_and_a_weight_is_a_repeated_image() {
    let mut even = targets(&[0, 2, 1], 0.1, None, 3);
    let plain = even.clone();
    weigh(&[2.0; 3], 0.1, &mut even);
    for (even, plain) in even.iter().zip(&plain) {
        assert!((even - plain).abs() < 1e-6, "{even} {plain}");
    }
    // Mixed images: the weight of the mixture is the mixture of the weights.
    let mut mixed = [0.25_f32, 0.75, 0.0, 1.0];
    weigh(&[1.0, 3.0], 0.0, &mut mixed);
    let factor = 2.0 / (0.25 + 2.25 + 3.0);
    assert_eq!(mixed, [0.25 * factor, 2.25 * factor, 0.0, 3.0 * factor]);
}

/// Recall of the rarest class after training on images of which few are of it.
fn recall_of_the_rare(options: &str) -> f64 {
    let all = images(600, 1);
    let rare = |index: &usize| all.labels()[*index] != 2 || index.is_multiple_of(12);
    let train = all.select(&(0..600).filter(rare).collect::<Vec<_>>());
    let held = images(300, 2);
    let recipe = recipe("", options);
    let reports = run(&recipe, &train, Some(&held), None).reports;
    reports.last().unwrap().classes[2].recall().unwrap()
}

#[test]
fn a_class_that_counts_more_is_found_more_often() {
    let plain = recall_of_the_rare("");
    for options in ["class_weights = \"balanced\"", "class_weights = { \"class 2\" = 12.0 }"] {
        let weighted = recall_of_the_rare(options);
        assert!(weighted > plain + 0.1, "{options}: {weighted}, without {plain}");
    }
}

#[test]
fn focal_loss_trains_and_reports_itself() {
    let (train, held) = (images(300, 1), images(90, 2));
    let reports = |options: &str| run(&recipe("", options), &train, Some(&held), None).reports;
    let (plain, focal) = (reports(""), reports("loss = \"focal\""));
    // (1 - p)^2 is below 1: the loss is smaller from the first epoch on.
    assert!(focal[0].train_loss < plain[0].train_loss);
    let accuracy = focal.last().unwrap().validation.as_ref().unwrap().accuracy;
    // A third is chance; with 90 images 0.55 is four standard errors above it.
    assert!(accuracy > 0.55, "{accuracy}");
}

#[test]
fn weights_of_unknown_classes_are_refused() {
    let wrong = recipe("", "class_weights = { \"class 9\" = 2.0, other = 1.5 }");
    insta::assert_snapshot!(refused(&wrong, &images(9, 0), None), @r"
    [train] class_weights: expected names of classes of the data set, found class 9, other
    hint: did you mean `class 0`?
    ");
}
