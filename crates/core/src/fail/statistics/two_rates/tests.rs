use super::*;
use crate::random::{Purpose, Stream};

fn rates(wrong_in: u64, n_in: u64, wrong_out: u64, n_out: u64) -> TwoRates {
    TwoRates { wrong_in, n_in, wrong_out, n_out }
}

#[test]
fn the_lady_tasting_tea() {
    // Fisher (1935): three of four cups right by chance in 17 of 70 ways, four of four in 1 of 70
    assert!((excess_p(&[rates(3, 4, 1, 4)]) - 17.0 / 70.0).abs() < 1e-14);
    assert!((excess_p(&[rates(4, 4, 0, 4)]) - 1.0 / 70.0).abs() < 1e-14);
    assert!((excess_p(&[rates(0, 4, 4, 4)]) - 1.0).abs() < 1e-14);
    assert_eq!(
        (excess_p(&[]), excess_p(&[rates(0, 5, 0, 7)]), excess_p(&[rates(0, 0, 3, 7)])),
        (1.0, 1.0, 1.0)
    );
}

/// All ways to place the errors of each stratum, counted one by one.
fn by_counting(strata: &[TwoRates]) -> f64 {
    let observed: u64 = strata.iter().map(|s| s.wrong_in).sum();
    let mut sums = vec![(0_u64, 1_u64)];
    for s in strata {
        let (n, wrong) = (s.n_in + s.n_out, s.wrong_in + s.wrong_out);
        let ways = (0_u64..1 << n).filter(|placed| u64::from(placed.count_ones()) == wrong);
        let inside: Vec<u64> =
            ways.map(|placed| u64::from((placed & ((1 << s.n_in) - 1)).count_ones())).collect();
        let mut next = std::collections::BTreeMap::new();
        for &(sum, count) in &sums {
            for x in &inside {
                *next.entry(sum + x).or_insert(0) += count;
            }
        }
        sums = next.into_iter().collect();
    }
    let total: u64 = sums.iter().map(|(_, count)| count).sum();
    let tail: u64 = sums.iter().filter(|(sum, _)| *sum >= observed).map(|(_, count)| count).sum();
    tail as f64 / total as f64
}

#[test]
fn strata_agree_with_counting() {
    for strata in [
        vec![rates(3, 4, 1, 4), rates(2, 5, 2, 3)],
        vec![rates(1, 2, 1, 6), rates(4, 4, 1, 4), rates(0, 3, 2, 3)],
        vec![rates(5, 6, 4, 4), rates(1, 1, 0, 5)],
    ] {
        assert!((excess_p(&strata) - by_counting(&strata)).abs() < 1e-12, "{strata:?}");
    }
}

#[test]
fn many_images_are_no_trouble() {
    let p = excess_p(&[rates(3_000, 30_000, 3_000, 30_000)]);
    assert!((0.5..0.52).contains(&p), "{p}");
    assert!(excess_p(&[rates(9_000, 30_000, 3_000, 30_000)]) < 1e-300);
    assert_eq!(excess_p(&[rates(9_000, 30_000, 3_000, 30_000), rates(5, 10, 5, 10)]), SMALLEST);
}

#[test]
fn the_difference_agrees_with_published_values() {
    // Newcombe (1998), "Interval estimation for the difference", table II, method 10
    for (rates, low, high) in [
        (rates(56, 70, 48, 80), 0.0524, 0.3339),
        (rates(9, 10, 3, 10), 0.1705, 0.8090),
        (rates(6, 7, 2, 7), 0.0582, 0.8062),
        (rates(5, 56, 0, 29), -0.0381, 0.1926),
        (rates(0, 10, 0, 20), -0.1611, 0.2775),
        (rates(10, 10, 0, 20), 0.6791, 1.0),
    ] {
        let found = Difference::of(&[rates]).unwrap().interval;
        assert!((found[0] - low).abs() < 6e-5 && (found[1] - high).abs() < 6e-5, "{rates:?}: {found:?}");
    }
    assert_eq!(Difference::of(&[rates(0, 0, 1, 2)]), None);
}

#[test]
fn a_group_of_hard_images_is_not_worse_than_its_classes() {
    // half of the group is of a class that is wrong in half of all cases, of the others a tenth
    let strata = [rates(50, 100, 50, 100), rates(5, 100, 45, 900)];
    let difference = Difference::of(&strata).unwrap();
    assert!(difference.effect().abs() < 1e-12 && excess_p(&strata) > 0.4);
    let pooled = [rates(55, 200, 95, 1_000)];
    assert!(Difference::of(&pooled).unwrap().effect() > 0.15 && excess_p(&pooled) < 1e-6);
}

/// Of 2,000 tables of two classes, the interval holds the true difference in about 95 %, and a test at 5 % of tables without a
/// difference rejects no more than 5 %.
#[test]
fn the_interval_covers_and_the_test_holds_its_level() {
    let mut stream = Stream::new(0, Purpose::Test, 50, 0);
    let mut draw = |n: u64, rate: f64| (0..n).filter(|_| stream.unit() < rate).count() as u64;
    let (mut held, mut rejected) = (0, 0);
    for _ in 0..2_000 {
        let strata = [
            rates(draw(40, 0.35), 40, draw(300, 0.25), 300),
            rates(draw(60, 0.15), 60, draw(200, 0.05), 200),
        ];
        let [low, high] = Difference::of(&strata).unwrap().interval;
        held += u32::from((low..=high).contains(&0.1));
        let null = [
            rates(draw(40, 0.25), 40, draw(300, 0.25), 300),
            rates(draw(60, 0.05), 60, draw(200, 0.05), 200),
        ];
        rejected += u32::from(excess_p(&null) <= 0.05);
    }
    assert!((1_860..=1_960).contains(&held), "{held} of 2000");
    assert!((20..=100).contains(&rejected), "{rejected} of 2000");
}

#[test]
fn the_statistic_by_hand() {
    // 2 Σ observed ln(observed / expected) of [[10, 20], [5, 65]]
    let expected = [4.5, 25.5, 10.5, 59.5];
    let g: f64 =
        [10.0, 20.0, 5.0, 65.0].iter().zip(expected).map(|(o, e): (&f64, f64)| 2.0 * o * (o / e).ln()).sum();
    assert!((excess_g(10, 30, 4.5, 15, 100) - g).abs() < 1e-12);
    assert_eq!(excess_g(4, 30, 4.5, 15, 100), 0.0);
}
