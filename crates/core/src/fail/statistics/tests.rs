use proptest::prelude::*;

use statrs::function::factorial::ln_binomial;

use super::exact_test::{binomial_at_least, mcnemar_exact};
use super::interval::{ClassCounts, wilson};
use super::multiple::{benjamini_hochberg, rejected};
use crate::random::{Purpose, Stream};

fn counts(true_positives: u64, false_positives: u64, false_negatives: u64) -> ClassCounts {
    ClassCounts { true_positives, false_positives, false_negatives }
}

fn assert_interval(found: Option<[f64; 2]>, expected: [f64; 2], bound: f64) {
    let found = found.expect("an interval");
    let off = (found[0] - expected[0]).abs().max((found[1] - expected[1]).abs());
    assert!(off <= bound, "found {found:?}, expected {expected:?}");
}

#[test]
#[should_panic(expected = "found [0.0, 1.0]")]
fn the_interval_comparison_can_fail() {
    assert_interval(Some([0.0, 1.0]), [0.0, 0.99], 1e-3);
}

#[test]
fn wilson_agrees_with_published_values() {
    // Newcombe (1998), "Two-sided confidence intervals for the single proportion", Stat. Med. 17, table I, method 3
    for (count, n, expected) in [
        (81, 263, [0.2553, 0.3662]),
        (15, 148, [0.0624, 0.1605]),
        (0, 20, [0.0, 0.1611]),
        (1, 29, [0.0061, 0.1718]),
    ] {
        assert_interval(wilson(count, n), expected, 5e-5);
    }
    assert_eq!(wilson(7, 7).unwrap()[1], 1.0);
    assert_eq!(wilson(0, 0), None);
}

#[test]
fn the_ratio_interval_agrees_with_published_values() {
    // Complete response before and after consolidation therapy (Cavo et al. 2012): 59, 6, 16, 80 in Fagerland, Lydersen
    // & Laake (2017), "Statistical Analysis of Contingency Tables", chapter 8, and its R package contingencytables
    let cavo = counts(59, 6, 16);
    assert!((cavo.bias().unwrap() - 0.8667).abs() < 5e-5);
    assert_interval(cavo.bias_interval(), [0.7579, 0.9910], 5e-5);
}

#[test]
fn the_ratio_at_its_borders() {
    assert_eq!(counts(0, 5, 0).bias(), None);
    assert_eq!(counts(0, 5, 0).bias_interval(), None);
    assert_eq!(counts(0, 0, 0).bias_interval(), None);
    let never_predicted = counts(0, 0, 9);
    assert_eq!(never_predicted.bias(), Some(0.0));
    let [low, high] = never_predicted.bias_interval().unwrap();
    assert!(low == 0.0 && high > 0.0 && high < 1.0, "[{low}, {high}]");
    let [low, high] = counts(1_000, 0, 0).bias_interval().unwrap();
    assert!(low > 0.99 && low < 1.0 && high < 1.01 && high > 1.0, "[{low}, {high}]");
}

/// Share of simulated tables whose interval holds the true ratio. Each of `n` images is drawn independently: of the
/// class with probability `share`, then called so with `recall`, or else called so with `false_alarm`.
fn coverage(setting: u64, n: usize, share: f64, recall: f64, false_alarm: f64) -> f64 {
    const TABLES: u32 = 4_000;
    let true_bias = (share * recall + (1.0 - share) * false_alarm) / share;
    let [tp, fn_, fp] = [share * recall, share, share + (1.0 - share) * false_alarm];
    let mut stream = Stream::new(0, Purpose::Test, 31, setting);
    let mut held = 0;
    for _ in 0..TABLES {
        let mut drawn = counts(0, 0, 0);
        for _ in 0..n {
            let u = stream.unit();
            if u < tp {
                drawn.true_positives += 1;
            } else if u < fn_ {
                drawn.false_negatives += 1;
            } else if u < fp {
                drawn.false_positives += 1;
            }
        }
        // a table without the class has no ratio, and so no interval that could miss it
        held +=
            u32::from(drawn.bias_interval().is_none_or(|[low, high]| low <= true_bias && true_bias <= high));
    }
    f64::from(held) / f64::from(TABLES)
}

#[test]
fn the_ratio_interval_covers_95_percent() {
    // Four standard errors of 4,000 tables at 95 % are 1.4 %. Upwards small counts may be conservative, never below.
    let settings = [
        // n, share, recall, false alarms, most that may be covered
        (2_000, 0.10, 0.80, 0.020, 0.964),
        (1_000, 0.10, 0.70, 0.100, 0.964),
        (500, 0.50, 0.90, 0.050, 0.964),
        (300, 0.10, 0.95, 0.010, 0.990),
        (100, 0.10, 0.60, 0.080, 0.990),
        (40, 0.25, 0.80, 0.100, 0.990),
        (30, 0.20, 0.50, 0.050, 0.998),
    ];
    for (setting, (n, share, recall, false_alarm, most)) in settings.into_iter().enumerate() {
        let covered = coverage(setting as u64, n, share, recall, false_alarm);
        assert!((0.936..=most).contains(&covered), "setting {setting}: {covered}");
    }
}

#[test]
fn the_exact_test_by_hand() {
    assert_eq!(mcnemar_exact(0, 0), 1.0);
    assert_eq!(mcnemar_exact(7, 7), 1.0);
    assert_eq!(mcnemar_exact(7, 8), 1.0);
    assert_eq!(mcnemar_exact(0, 1), 1.0);
    assert!((mcnemar_exact(0, 6) - 2.0 / 64.0).abs() < 1e-14);
    assert!((mcnemar_exact(5, 1) - 14.0 / 64.0).abs() < 1e-14);
    assert_eq!(mcnemar_exact(0, 10_000), 0.0);
}

#[test]
fn corrected_values_by_hand() {
    // Benjamini & Hochberg (1995), section 4.1: of these 15 tests four are rejected at 5 %
    let p = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
        0.6528, 0.7590, 1.0000,
    ];
    assert_eq!(rejected(&p, 0.05).iter().filter(|&&yes| yes).count(), 4);
    assert_eq!(benjamini_hochberg(&[]), Vec::<f64>::new());
    let corrected = benjamini_hochberg(&[0.04, 0.01, 0.03]);
    for (found, expected) in corrected.iter().zip([0.04, 0.03, 0.04]) {
        assert!((found - expected).abs() < 1e-15, "{corrected:?}");
    }
}

/// The step-up rule as it stands in the paper: the largest rank whose p-value is at most rank / m · q.
fn rejected_by_the_rule(p: &[f64], q: f64) -> usize {
    let mut sorted = p.to_vec();
    sorted.sort_by(f64::total_cmp);
    (1..=p.len()).rev().find(|&rank| sorted[rank - 1] <= rank as f64 / p.len() as f64 * q).unwrap_or(0)
}

proptest! {
    #[test]
    fn the_interval_of_a_ratio_holds_the_ratio(tp in 0_u64..5_000, fp in 0_u64..5_000, fn_ in 0_u64..5_000) {
        prop_assume!(tp + fn_ > 0);
        let drawn = counts(tp, fp, fn_);
        let ([low, high], bias) = (drawn.bias_interval().unwrap(), drawn.bias().unwrap());
        prop_assert!(low <= bias && bias <= high && high.is_finite(), "{low} {bias} {high}");
        // named the other way round, the ratio is the inverse, and so is its interval
        if tp + fp > 0 {
            let [inverse_low, inverse_high] = counts(tp, fn_, fp).bias_interval().unwrap();
            prop_assert!((inverse_low * high - 1.0).abs() < 1e-9 && (low * inverse_high - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn wilson_holds_the_share(n in 1_u64..10_000, share in 0.0..=1.0) {
        let count = (n as f64 * share) as u64;
        let [low, high] = wilson(count, n).unwrap();
        let observed = count as f64 / n as f64;
        prop_assert!(0.0 <= low && low <= observed && observed <= high && high <= 1.0);
    }

    #[test]
    fn the_exact_test_is_symmetric_and_grows_with_balance(a in 0_u64..300, b in 1_u64..300) {
        prop_assert_eq!(mcnemar_exact(a, b), mcnemar_exact(b, a));
        if a + 1 < b {
            prop_assert!(mcnemar_exact(a, b) <= mcnemar_exact(a + 1, b - 1));
        }
    }

    #[test]
    fn the_binomial_tail_is_the_sum_of_its_terms(n in 1_u64..400, share in 0.01..0.99_f64, count in 0.0..1.0_f64) {
        let count = (n as f64 * count).round() as u64;
        let term = |x: u64| (ln_binomial(n, x) + x as f64 * share.ln() + (n - x) as f64 * (1.0 - share).ln()).exp();
        let expected: f64 = (count..=n).map(term).sum();
        prop_assert!((binomial_at_least(count, n, share) - expected).abs() < 1e-11 + 1e-9 * expected);
    }

    #[test]
    fn corrected_values_reject_what_the_rule_rejects(p in prop::collection::vec(0.0..0.2_f64, 0..40)) {
        let expected = rejected_by_the_rule(&p, 0.05);
        prop_assert_eq!(rejected(&p, 0.05).iter().filter(|&&yes| yes).count(), expected);
        for (corrected, p) in benjamini_hochberg(&p).into_iter().zip(&p) {
            prop_assert!(corrected >= *p && corrected <= 1.0);
        }
    }
}
