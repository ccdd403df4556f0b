use proptest::prelude::*;

use super::*;
use crate::fail::calibration::tests::{drawn, table};

/// A planted temperature is recovered within this share of it.
const RECOVERED: f64 = 0.02;

#[test]
fn a_planted_temperature_is_recovered() {
    for planted in [0.5, 1.0, 1.7, 4.0] {
        let found = temperature::fit(&drawn(20_000, 10, planted, 0));
        assert!((found / planted - 1.0).abs() < RECOVERED, "planted {planted}, found {found}");
    }
}

#[test]
fn a_planted_scale_and_bias_are_recovered() {
    let mut predictions = drawn(20_000, 3, 1.0, 1);
    let planted = Scaling::Vector { scale: vec![2.0, 1.0, 1.5], bias: vec![0.4, 0.0, -0.4] };
    predictions = planted.apply(&predictions);
    let Some(Scaling::Vector { scale, bias }) = Scaling::fit(Method::Vector, &predictions) else {
        panic!("a vector")
    };
    // logits are known up to a constant a row, so it is the loss that is compared, with the planted one's on the same rows
    let inverse = Scaling::Vector { scale, bias };
    let quality = Quality::of(&inverse.apply(&predictions)).unwrap();
    assert!(quality.log_loss < Quality::of(&predictions).unwrap().log_loss);
    assert!(quality.ece < 0.012, "{quality:?}");
}

#[test]
fn scalings_help_images_they_have_not_seen() {
    let (validation, test) = (drawn(4_000, 5, 2.0, 2), drawn(4_000, 5, 2.0, 3));
    for method in [Method::Temperature, Method::Vector, Method::Isotonic] {
        let scaled = judge(method, &validation, &test).unwrap();
        assert!(scaled.after.ece < 0.4 * scaled.before.ece, "{scaled:?}");
        assert!(scaled.after.brier < scaled.before.brier, "{scaled:?}");
        assert!((scaled.after.accuracy - scaled.before.accuracy).abs() < 0.01);
    }
}

#[test]
fn what_is_calibrated_is_left_alone() {
    let found = temperature::fit(&drawn(20_000, 5, 1.0, 4));
    assert!((found - 1.0).abs() < RECOVERED, "{found}");
}

#[test]
fn no_images_no_scaling() {
    let none = table(2, &[], &[]);
    assert_eq!(Scaling::fit(Method::Isotonic, &none), None);
    assert_eq!(judge(Method::Temperature, &none, &table(2, &[0], &[1.0, 0.0])), None);
    assert_eq!(judge(Method::Temperature, &table(2, &[0], &[1.0, 0.0]), &none), None);
}

#[test]
fn temperatures_without_an_optimum_stop_at_their_bounds() {
    assert_eq!(temperature::fit(&table(2, &[0, 1], &[0.9, 0.1, 0.2, 0.8])), temperature::MIN);
    assert_eq!(temperature::fit(&table(2, &[1, 0], &[0.9, 0.1, 0.2, 0.8])), temperature::MAX);
    assert_eq!(temperature::fit(&table(2, &[1, 0], &[0.5; 4])), 1.0);
    assert_eq!(temperature::fit(&table(2, &[0], &[1.0, 0.0])), temperature::MIN);
}

#[test]
fn certainty_and_absent_classes_keep_every_scaling_finite() {
    // class 2 has no image, some rows are certain, one of them wrong
    let labels = [0, 1, 1, 0];
    let probs = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.4, 0.3, 0.3];
    let predictions = table(3, &labels, &probs);
    for method in [Method::Temperature, Method::Vector, Method::Isotonic] {
        let scaling = Scaling::fit(method, &predictions).unwrap();
        let scaled = scaling.apply(&predictions);
        for row in 0..4 {
            let sum: f64 = scaled.row(row).iter().sum();
            assert!((sum - 1.0).abs() < 1e-12 && scaled.row(row).iter().all(|p| *p >= 0.0), "{scaling:?}");
        }
    }
    // curves that all say 0 leave nothing to divide by
    let zero = Curve { from: vec![0.0, 1.0], to: vec![0.0, 0.0] };
    let mut row = [0.7, 0.3];
    Scaling::Isotonic { curves: vec![zero.clone(), zero] }.apply_to_row(&mut row);
    assert_eq!(row, [0.5, 0.5]);
}

#[test]
fn pooling_by_hand() {
    // outcomes by rising p: 0, 1, 0, 1 with a tie of 1 and 0 at 0.5
    let p = [0.1, 0.3, 0.5, 0.5, 0.9];
    let labels = [1, 0, 1, 0, 0];
    let probs: Vec<f64> = p.iter().flat_map(|p| [*p, 1.0 - p]).collect();
    let curves = isotonic::fit(&table(2, &labels, &probs));
    assert_eq!(curves[0].from, [0.1, 0.3, 0.5, 0.9]);
    assert_eq!(curves[0].to, [0.0, 2.0 / 3.0, 2.0 / 3.0, 1.0]);
    assert!((curves[0].at(0.2) - 1.0 / 3.0).abs() < 1e-12);
    assert_eq!([curves[0].at(0.0), curves[0].at(1.0)], [0.0, 1.0]);
}

#[test]
fn a_scaling_is_the_same_after_it_was_written() {
    let predictions = drawn(50, 3, 2.0, 5);
    for method in [Method::Temperature, Method::Vector, Method::Isotonic] {
        let scaling = Scaling::fit(method, &predictions).unwrap();
        let text = serde_json::to_string(&scaling).unwrap();
        assert_eq!(serde_json::from_str::<Scaling>(&text).unwrap(), scaling);
    }
    let text = serde_json::to_string(&Scaling::Temperature { temperature: 1.5 }).unwrap();
    assert_eq!(text, r#"{"kind":"temperature","temperature":1.5}"#);
}

proptest! {
    #[test]
    fn a_temperature_never_changes_the_class(rows in prop::collection::vec(0.0..1.0_f64, 3..30), t in 0.1..10.0_f64) {
        let row = &rows[..3];
        let sum: f64 = row.iter().sum();
        prop_assume!(sum > 0.1);
        let probs: Vec<f64> = row.iter().map(|p| p / sum).collect();
        let predictions = table(3, &[0], &probs);
        let scaled = Scaling::Temperature { temperature: t }.apply(&predictions);
        prop_assert!(scaled.row(0)[predictions.top1(0)] >= scaled.row(0).iter().copied().fold(0.0, f64::max) - 1e-12);
    }
}
