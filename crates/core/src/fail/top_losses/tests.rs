use super::*;
use crate::sample::Split;

fn table() -> Predictions {
    let probs = [
        [0.9, 0.1, 0.0],
        [0.4, 0.35, 0.25],
        [0.0, 1.0, 0.0],
        [0.6, 0.3, 0.1],
        [0.1, 0.1, 0.8],
        [0.4, 0.35, 0.25],
    ];
    Predictions {
        classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
        ids: (0..6).map(|row| format!("test-{row}")).collect(),
        splits: vec![Split::Test; 6],
        labels: vec![0, 0, 0, 1, 2, 0],
        probs: probs.concat(),
    }
}

fn rows(list: &[Row]) -> Vec<usize> {
    list.iter().map(|row| row.row).collect()
}

#[test]
fn three_lists_by_hand() {
    let lists = TopLosses::of(&table(), 10);
    assert_eq!(rows(&lists.top_losses), [2, 3, 1, 5, 4, 0]);
    assert_eq!(rows(&lists.confident_and_wrong), [2, 3]);
    assert_eq!(rows(&lists.unsure_and_right), [1, 5, 4, 0]);
    let worst = &lists.top_losses[0];
    assert_eq!((worst.id.as_str(), worst.predicted, worst.confidence, worst.margin), ("test-2", 1, 1.0, 1.0));
    assert!((worst.loss - 36.04).abs() < 0.01);
    assert!((lists.unsure_and_right[0].margin - 0.05).abs() < 1e-12);
}

#[test]
fn lists_are_cut_and_may_be_empty() {
    assert_eq!(rows(&TopLosses::of(&table(), 2).top_losses), [2, 3]);
    let mut none = table();
    none.ids.clear();
    none.labels.clear();
    none.probs.clear();
    assert!(TopLosses::of(&none, 5).top_losses.is_empty());
}
