use proptest::prelude::*;

use super::*;
use crate::fail::calibration::tests::{drawn, table};

#[test]
fn the_curve_by_hand() {
    // confidences .9 right, .8 wrong, .8 right, .6 right; the tie counts half an error an image
    let labels = [0, 1, 0, 0];
    let predictions = table(2, &labels, &[0.9, 0.1, 0.8, 0.2, 0.8, 0.2, 0.6, 0.4]);
    let curve = RiskCoverage::of(&predictions);
    let points: Vec<_> =
        curve.points.iter().map(|point| (point.threshold, point.answered, point.errors)).collect();
    assert_eq!(points, [(0.9, 1, 0), (0.8, 3, 1), (0.6, 4, 1)]);
    let area = (0.0 + 0.5 / 2.0 + 1.0 / 3.0 + 1.0 / 4.0) / 4.0;
    assert!((curve.aurc().unwrap() - area).abs() < 1e-15);
    assert!((curve.excess_aurc().unwrap() - (area - 0.25 / 4.0)).abs() < 1e-15);
    assert_eq!(curve.at_accuracy(1.0).unwrap().answered, 1);
    assert_eq!(curve.at_accuracy(0.7).unwrap().answered, 4);
    assert_eq!(curve.at_accuracy(0.75).unwrap().threshold, 0.6);
}

#[test]
fn no_images_all_right_all_wrong() {
    let none = RiskCoverage::of(&table(2, &[], &[]));
    assert_eq!((none.n(), none.aurc(), none.excess_aurc(), none.at_accuracy(0.5)), (0, None, None, None));
    let right = RiskCoverage::of(&table(2, &[0, 0], &[1.0, 0.0, 0.9, 0.1]));
    assert_eq!((right.aurc(), right.excess_aurc()), (Some(0.0), Some(0.0)));
    let wrong = RiskCoverage::of(&table(2, &[1, 1], &[1.0, 0.0, 0.9, 0.1]));
    assert_eq!((wrong.aurc(), wrong.excess_aurc(), wrong.at_accuracy(0.5)), (Some(1.0), Some(0.0), None));
}

#[test]
fn thresholds_hold_on_images_they_have_not_seen() {
    // the true precision above a threshold is that of many other images
    let (wanted, truth) = (0.85, drawn(40_000, 4, 1.0, 1_000));
    let (mut missed, mut found) = (0, 0);
    for name in 0..100 {
        let validation = drawn(800, 4, 1.0, name);
        for class in class_thresholds(&validation, &truth, wanted) {
            found += u32::from(class.threshold.is_some());
            missed += u32::from(class.threshold.is_some() && class.test.precision.unwrap() < wanted);
        }
    }
    assert!(found > 200, "{found} of 400");
    assert!(f64::from(missed) < 0.08 * f64::from(found), "{missed} of {found} miss the precision");
}

#[test]
fn a_class_that_is_never_called_or_never_right_has_no_threshold() {
    let predictions = table(3, &[1; 200], &[1.0, 0.0, 0.0].repeat(200));
    let thresholds = class_thresholds(&predictions, &predictions, 0.5);
    assert!(thresholds.iter().all(|class| class.threshold.is_none() && class.verdict == Verdict::Untested));
    assert_eq!((thresholds[0].validation.accepted, thresholds[1].validation.of), (200, 0));
}

#[test]
fn verdicts_are_read_from_the_test_images() {
    let always = |label: u32, n: usize| table(2, &vec![label; n], &[0.9, 0.1].repeat(n));
    let verdict = |test: Predictions| class_thresholds(&always(0, 100), &test, 0.9)[0].verdict;
    assert_eq!(verdict(always(0, 100)), Verdict::Confirmed);
    assert_eq!(verdict(always(0, 5)), Verdict::Open);
    assert_eq!(verdict(always(1, 100)), Verdict::Refuted);
    assert_eq!(verdict(always(0, 0)), Verdict::Untested);
    assert_eq!(class_thresholds(&always(0, 30), &always(0, 30), 0.9)[0].threshold, None); // 30 of 30 show 88.6 %
}

proptest! {
    #[test]
    fn the_area_does_not_depend_on_the_order_of_rows(rows in prop::collection::vec((5..=10_u32, any::<bool>()), 1..60)) {
        let make = |rows: &[(u32, bool)]| {
            let labels: Vec<u32> = rows.iter().map(|row| u32::from(!row.1)).collect();
            let probs: Vec<f64> = rows.iter().flat_map(|row| [f64::from(row.0) / 10.0, 1.0 - f64::from(row.0) / 10.0]).collect();
            RiskCoverage::of(&table(2, &labels, &probs))
        };
        let curve = make(&rows);
        let mut reversed = rows.clone();
        reversed.reverse();
        prop_assert_eq!(&curve, &make(&reversed));
        let (area, excess) = (curve.aurc().unwrap(), curve.excess_aurc().unwrap());
        prop_assert!((0.0..=1.0).contains(&area) && excess <= area);
    }
}
