use super::*;
use crate::fail::calibration::tests::{drawn_with, table};
use crate::random::{Purpose, Stream};

/// A calibrated model of labels of which a share `rate` is another one, `next` or any, and which of them are.
fn mislabelled(n: usize, k: usize, rate: f64, next: bool, name: u64) -> (Predictions, Vec<bool>) {
    let mut predictions = drawn_with(n, k, 5.0, 1.0, name);
    let mut stream = Stream::new(13, Purpose::Test, name, n as u64);
    let mut wrong = Vec::new();
    for label in &mut predictions.labels {
        let flip = stream.unit() < rate;
        let by = if next { 1 } else { 1 + stream.below(k as u64 - 1) as u32 };
        wrong.push(flip);
        if flip {
            *label = (*label + by) % k as u32;
        }
    }
    for row in predictions.probs.chunks_exact_mut(k) {
        let truth = row.to_vec();
        for given in 0..k {
            let others: f64 =
                if next { truth[(given + k - 1) % k] } else { (1.0 - truth[given]) / (k - 1) as f64 };
            row[given] = (1.0 - rate) * truth[given] + rate * others;
        }
    }
    (predictions, wrong)
}

fn f1(flagged: &[bool], wrong: &[bool]) -> f64 {
    let both = flagged.iter().zip(wrong).filter(|(a, b)| **a && **b).count() as f64;
    let either = flagged.iter().chain(wrong).filter(|flag| **flag).count() as f64;
    2.0 * both / either.max(1.0)
}

fn flags(errors: &LabelErrors) -> Vec<bool> {
    let mut flags = vec![false; errors.suspects.len()];
    errors.suspects.iter().for_each(|suspect| flags[suspect.row] = suspect.flagged);
    flags
}

#[test]
fn flags_beat_the_naive_rule_and_their_number_is_known() {
    for (rate, next) in [(0.05, false), (0.2, false), (0.05, true), (0.2, true)] {
        let (predictions, wrong) = mislabelled(8_000, 6, rate, next, 0);
        let errors = label_errors(&predictions, Assumption::Alike);
        let naive: Vec<bool> =
            (0..8_000).map(|row| predictions.top1(row) != predictions.labels[row] as usize).collect();
        let (ours, naive) = (f1(&flags(&errors), &wrong), f1(&naive, &wrong));
        assert!(ours > naive + 0.02, "rate {rate}, next {next}: {ours}, naive {naive}");
        let real = wrong.iter().filter(|wrong| **wrong).count() as f64;
        assert!((errors.expected / real - 1.0).abs() < 0.35, "{rate} {next}: {} of {real}", errors.expected);
    }
}

#[test]
fn right_labels_are_left_alone() {
    // an uncertain model, a sixth of whose most probable classes are others
    let predictions = drawn_with(8_000, 6, 5.0, 1.0, 1);
    let naive = (0..8_000).filter(|&row| predictions.top1(row) != predictions.labels[row] as usize).count();
    let errors = label_errors(&predictions, Assumption::Alike);
    assert!(naive > 800, "{naive}");
    assert!((errors.flagged as usize) < naive / 10, "{} flagged, the naive rule {naive}", errors.flagged);
    assert!(errors.joint.error_rate() > 0.05, "{}", errors.joint.error_rate());
}

#[test]
fn the_best_f1_by_hand() {
    // sums .9, 1.7, 1.8 of 1.8: F1 1.8 / 2.8, 3.4 / 3.8, 3.6 / 4.8
    assert_eq!(flag::best_f1(&[0.1, 0.9, 0.8]), [false, true, true]);
    assert_eq!(flag::best_f1(&[0.5, 0.5, 0.0]), [true, true, false]);
    assert_eq!(flag::best_f1(&[0.0, 0.0]), [false, false]);
    assert_eq!(flag::best_f1(&[]), [false; 0]);
}

#[test]
fn the_posterior_by_hand() {
    // 10 % of each class bear the other label; the row says: certainly class 0, labelled 0.9 / 0.1
    let noise = vec![vec![0.9, 0.1], vec![0.1, 0.9]];
    let judged = posterior::judge(&[0.9, 0.1], 1, &noise);
    assert!(judged.wrong > 0.95 && judged.suggested == 0, "{judged:?}");
    let judged = posterior::judge(&[0.9, 0.1], 0, &noise);
    assert!(judged.wrong < 0.01 && judged.suggested == 0, "{judged:?}");
    // without noise no label is wrong, however unlikely
    let none = vec![vec![1.0, 0.0], vec![0.0, 1.0]];
    assert_eq!(posterior::judge(&[0.9, 0.1], 1, &none).wrong, 0.0);
    // neither row nor noise lets it be right
    assert_eq!(posterior::judge(&[1.0, 0.0], 1, &none), posterior::Judged { wrong: 1.0, suggested: 0 });
}

#[test]
fn no_images_one_class_a_class_without_images() {
    let none = label_errors(&table(3, &[], &[]), Assumption::Alike);
    assert_eq!((none.n, none.flagged, none.expected, none.suspects.len()), (0, 0, 0.0, 0));
    let one = label_errors(&table(1, &[0, 0], &[1.0, 1.0]), Assumption::Alike);
    assert_eq!((one.flagged, one.expected), (0, 0.0));
    assert_eq!(scores::confidence_weighted_entropy(&table(1, &[0], &[1.0])).len(), 1);
    let absent = table(3, &[0, 1], &[0.8, 0.1, 0.1, 0.1, 0.8, 0.1]);
    let joint = ConfidentJoint::of(&absent);
    assert_eq!(joint.thresholds[2], None);
    for matrix in
        [joint.noise_matrix(), joint.inverse_noise_matrix(), label_errors(&absent, Assumption::Alike).noise]
    {
        assert!(matrix.iter().flatten().all(|p| p.is_finite()), "{matrix:?}");
    }
    assert_eq!(joint.inverse_noise_matrix()[2], [0.0, 0.0, 1.0]);
}

#[test]
fn suspects_are_all_rows_the_most_suspect_first() {
    let (predictions, _) = mislabelled(300, 4, 0.2, false, 2);
    let errors = label_errors(&predictions, Assumption::Alike);
    assert!(errors.suspects.is_sorted_by(|a, b| a.score <= b.score));
    assert!(errors.suspects.is_sorted_by(|a, b| a.flagged >= b.flagged));
    let mut rows: Vec<usize> = errors.suspects.iter().map(|suspect| suspect.row).collect();
    rows.sort_unstable();
    assert_eq!(rows, (0..300).collect::<Vec<_>>());
    assert_eq!(errors.suspects.iter().filter(|suspect| suspect.flagged).count() as u64, errors.flagged);
}

#[test]
fn the_joint_finds_planted_noise() {
    let (predictions, wrong) = mislabelled(20_000, 5, 0.2, true, 3);
    let noise = noise::anchored(&predictions);
    for class in 0..5 {
        assert!((noise[(class + 1) % 5][class] - 0.2).abs() < 0.05, "{noise:?}");
        assert!(((0..5).map(|given| noise[given][class]).sum::<f64>() - 1.0).abs() < 1e-12);
    }
    let joint = ConfidentJoint::of(&predictions);
    let total: f64 = joint.joint.iter().flatten().sum();
    assert!((total - 1.0).abs() < 1e-12);
    let rate = wrong.iter().filter(|wrong| **wrong).count() as f64 / 20_000.0;
    assert!((joint.error_rate() - rate).abs() < 0.1, "{} of {rate}", joint.error_rate());
}

#[test]
fn errors_among_the_unsure_need_the_other_assumption() {
    // all images have one class; the labels of the unsure ones were guessed as the model guesses, of the sure ones none
    let predictions = drawn_with(8_000, 6, 5.0, 1.0, 4);
    let wrong: Vec<bool> =
        (0..8_000).map(|row| predictions.top1(row) != predictions.labels[row] as usize).collect();
    let score = |assumption| f1(&flags(&label_errors(&predictions, assumption)), &wrong);
    assert!(score(Assumption::WhereUnsure) > 0.7, "{}", score(Assumption::WhereUnsure));
    assert!(score(Assumption::Alike) < 0.4, "{}", score(Assumption::Alike));
}

/// A row of a hundred likely classes is judged by the most likely and the given one; a row of few as it always was.
#[test]
fn of_many_classes_the_most_probable_are_looked_at() {
    let k = 100;
    let mut row = vec![0.3 / (k - 2) as f64; k];
    (row[7], row[42]) = (0.7, 0.0003);
    let noise: Vec<Vec<f64>> = (0..k)
        .map(|given| (0..k).map(|class| if given == class { 0.9 } else { 0.1 / (k - 1) as f64 }).collect())
        .collect();
    let judged = posterior::judge(&row, 42, &noise);
    assert_eq!(judged.suggested, 7);
    let of_the_surest = posterior::judge(&row, 7, &noise);
    assert!(judged.wrong > 0.5 && of_the_surest.wrong < 0.05, "{} {}", judged.wrong, of_the_surest.wrong);
    // the given class is looked at however improbable it is
    row[99] = 0.0;
    assert!(posterior::judge(&row, 99, &noise).wrong > 0.99);
}
