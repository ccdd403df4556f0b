use super::*;
use crate::fail::evaluation::tests::table_with_confusion;
use crate::random::{Purpose, Stream};

/// 4,000 old images, and what new images of other shares are called by the same model.
#[test]
fn changed_shares_are_recovered() {
    let recall = [[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.05, 0.05, 0.9]];
    let mut stream = Stream::new(0, Purpose::Test, 90, 0);
    let mut call = |class: usize| {
        let at = stream.unit();
        (0..3).find(|&called| at < recall[class][..=called].iter().sum::<f64>()).unwrap_or(2)
    };
    let mut cells = [[0_u64; 3]; 3];
    (0..4_000).for_each(|row| cells[row % 3][call(row % 3)] += 1);
    let rows: Vec<&[u64]> = cells.iter().map(|row| row.as_slice()).collect();
    let old = table_with_confusion(&["a", "b", "c"], &rows);
    // shares 0.6, 0.3, 0.1
    let new: Vec<usize> = (0..5_000).map(|row| call([0, 0, 0, 0, 0, 0, 1, 1, 1, 2][row % 10])).collect();
    let shift = label_shift(&old, &new);
    for (found, expected) in shift.new.unwrap().into_iter().zip([0.6, 0.3, 0.1]) {
        assert!((found - expected).abs() < 0.03, "{found} for {expected}");
    }
    assert!(shift.p < 1e-9);
    let same: Vec<usize> = (0..3_000).map(|row| call(row % 3)).collect();
    let shift = label_shift(&old, &same);
    assert!(shift.p > 0.001 && (shift.new.unwrap()[0] - 1.0 / 3.0).abs() < 0.03);
}

#[test]
fn classes_that_cannot_be_told_apart_have_no_estimate() {
    let old = table_with_confusion(&["a", "b"], &[&[50, 50], &[50, 50]]);
    assert_eq!(label_shift(&old, &[0, 1, 1]).new, None);
    assert_eq!(label_shift(&old, &[]), LabelShift { old: vec![0.5, 0.5], new: None, p: 1.0 });
}

#[test]
fn chi_square_by_hand() {
    // [[30, 70], [50, 50]]: 2 · 10² / 40 + 2 · 10² / 60 = 8.333, one degree: p = 0.003892
    assert!((homogeneity(&[30, 70], &[50, 50]) - 0.003_892).abs() < 1e-6);
    assert_eq!(homogeneity(&[100, 0], &[100, 0]), 1.0);
}

#[test]
fn kolmogorov_by_hand_and_by_table() {
    let test = kolmogorov_smirnov(&[1.0, 2.0, 3.0, f64::NAN], &[2.5, 3.5, 4.5]);
    assert!((test.distance - 2.0 / 3.0).abs() < 1e-12 && test.second_is_larger);
    assert_eq!(kolmogorov_smirnov(&[], &[1.0]).p, 1.0);
    // Smirnov (1948), table 1: Q(1.36) = 0.049, Q(1.63) = 0.010
    let many = |shift: usize| -> Vec<f64> { (0..2_000).map(|value| (value + shift) as f64).collect() };
    let p = |x: f64| kolmogorov_smirnov(&many(0), &many((x * 2_000.0 / 1_000_f64.sqrt()) as usize)).p;
    assert!((p(1.36) - 0.049).abs() < 0.002 && (p(1.63) - 0.010).abs() < 0.001, "{} {}", p(1.36), p(1.63));
}

/// Of 400 pairs of samples without a difference, the test at 5 % rejects about 20.
#[test]
fn the_test_holds_its_level() {
    let mut stream = Stream::new(0, Purpose::Test, 91, 0);
    let mut draw = |n: usize| -> Vec<f64> { (0..n).map(|_| stream.normal()).collect() };
    let rejected = (0..400).filter(|_| kolmogorov_smirnov(&draw(80), &draw(150)).p <= 0.05).count();
    assert!((6..=37).contains(&rejected), "{rejected}");
}

#[test]
fn darker_images_are_found_among_properties() {
    let mut stream = Stream::new(0, Purpose::Test, 92, 0);
    let mut column =
        |name: &str, mean: f64| Property::numbers(name, (0..500).map(|_| mean + stream.normal()).collect());
    let (old, new) =
        ([column("light", 0.0), column("size", 0.0)], [column("light", -0.6), column("size", 0.0)]);
    let shifts = property_shifts(&old, &new);
    let found: Vec<String> = findings(&shifts, 500).into_iter().map(|finding| finding.title).collect();
    insta::assert_snapshot!(found.join("\n"), @"New images are more often low light: the distribution of their light moved by 27 % of the images.");
}

/// Of intervals of 95 %, 95 of 100 hold the true share; simulated, with few and with many new images.
#[test]
fn intervals_of_shares_hold_what_they_promise() {
    let recall = [[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.05, 0.05, 0.9]];
    let shares = [0.6, 0.3, 0.1];
    for (name, n_new) in [(91, 300), (92, 3_000)] {
        let mut stream = Stream::new(0, Purpose::Test, name, 0);
        let mut call = |class: usize| {
            let at = stream.unit();
            (0..3).find(|&called| at < recall[class][..=called].iter().sum::<f64>()).unwrap_or(2)
        };
        let mut draws = Stream::new(1, Purpose::Test, name, 0);
        let (tables, mut held) = (300, 0);
        for _ in 0..tables {
            let mut cells = [[0_u64; 3]; 3];
            (0..900).for_each(|row| cells[row % 3][call(row % 3)] += 1);
            let rows: Vec<&[u64]> = cells.iter().map(|row| row.as_slice()).collect();
            let old = table_with_confusion(&["a", "b", "c"], &rows);
            let class =
                |at: f64| (0..3).find(|&class| at < shares[..=class].iter().sum::<f64>()).unwrap_or(2);
            let new: Vec<usize> = (0..n_new).map(|_| call(class(draws.unit()))).collect();
            let intervals = share_intervals(&old, &new).unwrap();
            held += intervals
                .iter()
                .zip(shares)
                .filter(|([low, high], share)| (low..=high).contains(&share))
                .count();
        }
        // four standard errors of 900 trials are 0.029
        let coverage = held as f64 / (3 * tables) as f64;
        assert!((0.92..=0.98).contains(&coverage), "{coverage} with {n_new} new images");
    }
}

#[test]
fn intervals_of_shares_that_cannot_be_told() {
    let old = table_with_confusion(&["a", "b"], &[&[50, 50], &[50, 50]]);
    assert_eq!(share_intervals(&old, &[0, 1, 1]), None);
    assert_eq!(share_intervals(&table_with_confusion(&["a", "b"], &[&[9, 0], &[0, 0]]), &[0]), None);
}

#[test]
fn the_interval_of_a_distance_is_wide_enough() {
    let mut stream = Stream::new(0, Purpose::Test, 93, 0);
    // uniform on [0, 1) against [0.2, 1.2): their distribution functions are 0.2 apart
    let held = (0..200)
        .filter(|_| {
            let a: Vec<f64> = (0..200).map(|_| stream.unit()).collect();
            let b: Vec<f64> = (0..300).map(|_| 0.2 + stream.unit()).collect();
            let [low, high] = kolmogorov::distance_interval(kolmogorov_smirnov(&a, &b).distance, 200, 300);
            (low..=high).contains(&0.2)
        })
        .count();
    assert!(held >= 190, "{held} of 200");
    assert_eq!(kolmogorov::distance_interval(0.5, 0, 10), [0.0, 1.0]);
}
