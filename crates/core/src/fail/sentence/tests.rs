use insta::assert_snapshot;

use super::*;
use crate::fail::evaluate;
use crate::fail::evaluation::tests::table_with_confusion;

fn sentences_of(names: &[&str], confusion: &[&[u64]]) -> String {
    evaluate(&table_with_confusion(names, confusion)).sentences.join("\n")
}

#[test]
fn one_class_takes_from_another() {
    let names = ["Shirt", "Coat", "Bag"];
    let said = sentences_of(&names, &[&[900, 90, 10], &[240, 750, 10], &[63, 2, 935]]);
    assert_snapshot!(said, @r#"
Shirt is predicted 20 % too often: 1,203 times for 1,000 images; of the 303 images wrongly called Shirt, most are Coat (240).
Coat is predicted 16 % too seldom: 842 times for 1,000 images; of the 250 images it misses, most are called Shirt (240).
The confusion of Coat and Shirt goes mostly one way: 240 Coat images are called Shirt, 90 Shirt images are called Coat.
"#);
}

#[test]
fn a_class_is_never_predicted_and_another_has_no_image() {
    let names = ["Shirt", "Coat", "Hat"];
    assert_snapshot!(sentences_of(&names, &[&[50, 0, 8], &[1, 0, 11], &[0, 0, 0]]), @r#"
Hat is predicted 19 times, but no image belongs to it; most are Coat (11).
Coat is never predicted, though 12 images belong to it; most are called Hat (11).
Shirt is predicted 12 % too seldom: 51 times for 58 images; of the 8 images it misses, all are called Hat.
The confusion of Coat and Hat goes mostly one way: 11 Coat images are called Hat, no Hat image is called Coat.
"#);
}

#[test]
fn one_image_is_not_images() {
    let names = ["Shirt", "Coat", "Hat"];
    assert_snapshot!(sentences_of(&names, &[&[1, 0, 0], &[40, 0, 0], &[1, 0, 40]]), @r#"
Shirt is predicted 42 times as often as it occurs: 42 times for 1 image; of the 41 images wrongly called Shirt, most are Coat (40).
Coat is never predicted, though 40 images belong to it; all are called Shirt.
The confusion of Coat and Shirt goes mostly one way: 40 Coat images are called Shirt, no Shirt image is called Coat.
"#);
}

#[test]
fn errors_from_everywhere_are_not_called_most() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut rows = vec![vec![0; 8]; 8];
    rows[0][0] = 60;
    for other in 1..8 {
        rows[other][other] = 50;
        rows[other][0] = 10;
    }
    let rows: Vec<&[u64]> = rows.iter().map(Vec::as_slice).collect();
    let evaluation = evaluate(&table_with_confusion(&names, &rows));
    assert_snapshot!(class_sentence(&evaluation, 0), @"a is predicted 2.2 times as often as it occurs: 130 times for 60 images; of the 70 images wrongly called a, the largest groups are b (10), c (10) and d (10).");
}

#[test]
fn nothing_stands_out_in_an_even_table() {
    let names = ["Shirt", "Coat", "Bag"];
    assert_eq!(sentences_of(&names, &[&[90, 5, 5], &[6, 88, 6], &[4, 7, 89]]), "");
}

#[test]
fn a_significant_bias_below_five_percent_is_not_flagged() {
    let confusion: [&[u64]; 2] = [&[99_000, 1_000], &[5_000, 95_000]];
    let evaluation = evaluate(&table_with_confusion(&["Shirt", "Coat"], &confusion));
    assert!(evaluation.classes.iter().all(|class| class.bias_p_corrected < 1e-9 && !class.flagged));
    assert!(evaluation.sentences.is_empty());
}

#[test]
fn percentages() {
    let said = |actual, predicted| how_often("Shirt", actual, predicted);
    assert_snapshot!(said(1_000, 1_600), @"Shirt is predicted 60 % too often: 1,600 times for 1,000 images");
    assert_snapshot!(said(1_000, 2_000), @"Shirt is predicted 2.0 times as often as it occurs: 2,000 times for 1,000 images");
    assert_snapshot!(said(1_000, 880), @"Shirt is predicted 12 % too seldom: 880 times for 1,000 images");
    assert_snapshot!(said(1_000, 1), @"Shirt is predicted 99 % too seldom: 1 time for 1,000 images");
    assert_snapshot!(said(1, 0), @"Shirt is never predicted, though 1 image belongs to it");
}

#[test]
fn groups_of_three_digits() {
    let grouped = [0, 999, 1_000, 12_345, 123_456, 1_234_567].map(thousands);
    assert_eq!(grouped, ["0", "999", "1,000", "12,345", "123,456", "1,234,567"]);
}
