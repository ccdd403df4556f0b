use super::*;
use crate::sample::Split;

fn table(k: usize, labels: &[u32], probs: &[f64]) -> Predictions {
    Predictions {
        classes: (0..k).map(|class| format!("class {class}")).collect(),
        ids: (0..labels.len()).map(|row| row.to_string()).collect(),
        splits: vec![Split::Test; labels.len()],
        labels: labels.to_vec(),
        probs: probs.to_vec(),
    }
}

#[test]
fn ece_by_hand() {
    // one bin holds two rows at 0.9, one right and one wrong: |0.5 - 0.9|; another holds one right row at 1: 0
    let predictions = table(2, &[0, 1, 0], &[0.9, 0.1, 0.9, 0.1, 1.0, 0.0]);
    assert!((ece(&predictions) - 2.0 / 3.0 * 0.4).abs() < 1e-15);
}

#[test]
fn certain_and_right_costs_nothing_certain_and_wrong_is_finite() {
    let right = table(3, &[2], &[0.0, 0.0, 1.0]);
    assert!(log_loss(&right) < 3e-16);
    assert_eq!((brier(&right), ece(&right)), (0.0, 0.0));
    let wrong = table(3, &[0], &[0.0, 0.0, 1.0]);
    assert!((log_loss(&wrong) - 36.043_653_389_117_15).abs() < 1e-12);
    assert_eq!((brier(&wrong), ece(&wrong)), (2.0, 1.0));
    let wrong_of_two = table(2, &[0], &[0.0, 1.0]);
    assert_eq!(brier(&wrong_of_two), 1.0);
}
