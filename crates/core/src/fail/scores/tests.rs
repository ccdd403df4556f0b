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
fn a_confidence_on_an_edge_belongs_to_the_bin_below_it() {
    for b in 1..=ECE_BINS {
        let edge = b as f64 / ECE_BINS as f64;
        assert_eq!(ece_bin(edge), b - 1, "{b}");
        assert_eq!(ece_bin(edge.next_up()), b.min(ECE_BINS - 1), "above {b}");
    }
    assert_eq!(ece_bin(0.0), 0);
    // the literals a table would hold, not only the quotients
    assert_eq!([ece_bin(0.2), ece_bin(0.4), ece_bin(0.6), ece_bin(0.8), ece_bin(1.0)], [2, 5, 8, 11, 14]);
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
