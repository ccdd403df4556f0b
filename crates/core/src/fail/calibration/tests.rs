use proptest::prelude::*;

use super::bins::*;
use super::bootstrap::{EQUAL_WIDTH, Resampling, ece_interval};
use super::classes::Direction;
use super::*;
use crate::fail::statistics::poisson_binomial;
use crate::random::{Purpose, Stream};
use crate::sample::Split;

pub(in crate::fail) fn table(k: usize, labels: &[u32], probs: &[f64]) -> Predictions {
    Predictions {
        classes: (0..k).map(|class| format!("class {class}")).collect(),
        ids: (0..labels.len()).map(|row| row.to_string()).collect(),
        splits: vec![Split::Test; labels.len()],
        labels: labels.to_vec(),
        probs: probs.to_vec(),
    }
}

/// `n` images whose labels are drawn from `softmax(z)`, and a table that claims `softmax(sharpness z)`; calibrated at 1.
pub(in crate::fail) fn drawn(n: usize, k: usize, sharpness: f64, name: u64) -> Predictions {
    drawn_with(n, k, 2.0, sharpness, name)
}

/// As [`drawn`], with logits of this standard deviation: the larger, the surer.
pub(in crate::fail) fn drawn_with(n: usize, k: usize, spread: f64, sharpness: f64, name: u64) -> Predictions {
    let mut stream = Stream::new(11, Purpose::Test, name, n as u64);
    let (mut labels, mut probs) = (Vec::new(), Vec::new());
    let softmax = |z: &[f64], by: f64| {
        let sum: f64 = z.iter().map(|z| (by * z).exp()).sum();
        z.iter().map(|z| (by * z).exp() / sum).collect::<Vec<f64>>()
    };
    for _ in 0..n {
        let z: Vec<f64> = (0..k).map(|_| spread * stream.normal()).collect();
        let mut left = stream.unit();
        let label = softmax(&z, 1.0).iter().position(|p| {
            left -= p;
            left < 0.0
        });
        labels.push(label.unwrap_or(k - 1) as u32);
        probs.extend(softmax(&z, sharpness));
    }
    table(k, &labels, &probs)
}

#[test]
fn a_confidence_on_an_edge_belongs_to_the_bin_below_it() {
    let edges = equal_width(BINS);
    for b in 1..=BINS {
        let edge = b as f64 / BINS as f64;
        assert_eq!(bin_of(&edges, edge), b - 1, "{b}");
        assert_eq!(bin_of(&edges, edge.next_up()), b.min(BINS - 1), "above {b}");
    }
    assert_eq!(bin_of(&edges, 0.0), 0);
    // the literals a table would hold, not only the quotients
    assert_eq!([0.2, 0.4, 0.6, 0.8, 1.0].map(|p| bin_of(&edges, p)), [2, 5, 8, 11, 14]);
}

#[test]
fn nothing_is_said_of_no_images() {
    let none = table(3, &[], &[]);
    assert_eq!(calibration(&none, Resampling::default()), None);
    let empty = Reliability::of(&[], &equal_mass(&[], BINS));
    assert_eq!((empty.bins.len(), empty.n(), empty.ece(), empty.mce()), (1, 0, 0.0, 0.0));
    assert_eq!((empty.ece_debiased(), empty.squared_debiased()), (0.0, 0.0));
    assert_eq!(BrierParts::of(&none), BrierParts::default());
    assert_eq!(poisson_binomial::fits(&[], 0), 1.0);
}

#[test]
fn certainty_that_is_right_is_calibrated_and_certainty_that_is_wrong_is_flagged() {
    let right = calibration(
        &table(3, &[0, 1, 1], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]),
        Resampling::default(),
    );
    let right = right.unwrap();
    assert_eq!((right.ece, right.ece_ci, right.mce, right.p), (0.0, [0.0, 0.0], 0.0, 1.0));
    assert_eq!(right.classes[2].confidence, None); // never called
    assert_eq!((right.classes[2].p, right.classes[2].flagged), (1.0, None));
    let wrong = calibration(&table(2, &[1], &[1.0, 0.0]), Resampling::default()).unwrap();
    assert_eq!((wrong.ece, wrong.mce, wrong.p), (1.0, 1.0, 0.0));
    assert_eq!(wrong.classes[0].flagged, Some(Direction::Overconfident));
}

#[test]
fn equal_bins_hold_equally_many_unless_tied() {
    let statements: Vec<Statement> =
        (0..150).map(|i| Statement { p: f64::from(i) / 150.0, hit: true }).collect();
    let reliability = Reliability::of(&statements, &equal_mass(&statements, BINS));
    assert!(reliability.bins.len() == BINS && reliability.bins.iter().all(|bin| bin.n == 10));
    let tied = vec![Statement { p: 0.5, hit: true }; 30];
    let reliability = Reliability::of(&tied, &equal_mass(&tied, BINS));
    assert_eq!((reliability.bins.len(), reliability.bins[0].n, reliability.bins[0].high), (1, 30, 1.0));
}

/// What a true error of bins, a coverage and a size come to: `p` is drawn, hits come true with `p` to the power `power`.
struct World {
    power: f64,
    n: usize,
}

impl World {
    fn statements(&self, name: u64, n: usize) -> Vec<Statement> {
        let mut stream = Stream::new(12, Purpose::Test, name, n as u64);
        let draw = |stream: &mut Stream| 0.1 + 0.9 * stream.unit().powf(0.25);
        (0..n)
            .map(|_| {
                let p = draw(&mut stream);
                Statement { p, hit: stream.unit() < p.powf(self.power) }
            })
            .collect()
    }

    fn true_ece(&self) -> f64 {
        let (n, mut gaps) = (400_000, [0.0; BINS]);
        let edges = equal_width(BINS);
        for statement in self.statements(u64::MAX, n) {
            gaps[bin_of(&edges, statement.p)] += statement.p.powf(self.power) - statement.p;
        }
        gaps.iter().map(|gap| gap.abs()).sum::<f64>() / n as f64
    }

    fn coverage(&self, tables: u64) -> f64 {
        let truth = self.true_ece();
        let truth = if truth < 1e-9 { 0.0 } else { truth };
        let covered = (0..tables).filter(|&name| {
            let resampling = Resampling { seed: name, resamples: 300 };
            let [low, high] =
                ece_interval(&self.statements(name, self.n), &equal_width(BINS), EQUAL_WIDTH, resampling);
            low <= truth && truth <= high
        });
        covered.count() as f64 / tables as f64
    }
}

#[test]
fn the_interval_of_the_error_covers_the_truth() {
    for (power, n) in [(1.0, 200), (1.0, 2_000), (1.1, 500), (1.5, 1_000), (3.0, 200)] {
        let coverage = World { power, n }.coverage(200);
        assert!(coverage >= 0.88, "power {power}, {n} images: {coverage}");
    }
}

#[test]
fn the_debiased_error_is_nearer_to_the_truth() {
    for power in [1.0, 1.1, 1.5] {
        let world = World { power, n: 500 };
        let (truth, edges) = (world.true_ece(), equal_width(BINS));
        let (mut plain, mut debiased, mut squared) = (0.0, 0.0, 0.0);
        for name in 0..200 {
            let reliability = Reliability::of(&world.statements(name, world.n), &edges);
            plain += (reliability.ece() - truth) / 200.0;
            debiased += (reliability.ece_debiased() - truth) / 200.0;
            squared += reliability.squared_debiased() / 200.0;
        }
        assert!(plain > 0.0 && debiased.abs() < plain, "{power}: {plain} became {debiased}");
        assert!(power > 1.0 || squared.abs() < 3e-4, "{squared}");
    }
}

#[test]
fn calibrated_classes_are_not_flagged_and_sharpened_ones_are() {
    let flags = |sharpness: f64, tables: u64| {
        (0..tables)
            .map(|name| {
                let classes = classes::classes(&drawn(1_000, 5, sharpness, name));
                classes.iter().filter(|class| class.flagged.is_some()).count()
            })
            .filter(|&flagged| flagged > 0)
            .count()
    };
    let false_alarms = flags(1.0, 200);
    assert!(false_alarms <= 16, "{false_alarms} of 200 tables, expected at most 5 % and 2 sd");
    assert_eq!(flags(1.5, 20), 20);
    let classes = classes::classes(&drawn(1_000, 5, 0.6, 0));
    assert!(classes.iter().all(|class| class.flagged == Some(Direction::Underconfident)));
}

#[test]
fn the_test_of_fit_is_a_binomial_test_if_all_probabilities_are_equal() {
    // scipy.stats.binom: 2 cdf(3, 20, 0.4), 2 sf(12, 20, 0.4); the normal test for many
    assert!((poisson_binomial::fits(&[0.4; 20], 3) - 2.0 * 0.015_961_162_790_008_254).abs() < 1e-12);
    assert!((poisson_binomial::fits(&[0.4; 20], 13) - 2.0 * 0.021_028_927_477_771_152).abs() < 1e-12);
    assert_eq!(poisson_binomial::fits(&[1.0, 1.0], 1), 0.0);
    assert_eq!(poisson_binomial::fits(&[1.0, 0.0], 1), 1.0);
    let many = vec![0.5; 20_000];
    assert!(poisson_binomial::fits(&many, 10_000) > 0.99);
    assert!((poisson_binomial::fits(&many, 10_141) - 0.046_925_7).abs() < 1e-6);
}

#[test]
fn the_intervals_depend_on_nothing_but_seed_and_table() {
    let predictions = drawn(300, 4, 1.4, 0);
    let of = |seed| calibration(&predictions, Resampling { seed, resamples: 200 }).unwrap().ece_ci;
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

proptest! {
    #[test]
    fn the_parts_add_up_to_the_score(rows in prop::collection::vec((0..3_u32, 0..=8_u32, 0..=8_u32), 1..60)) {
        let labels: Vec<u32> = rows.iter().map(|row| row.0).collect();
        let probs: Vec<f64> = rows.iter().flat_map(|&(_, a, b)| {
            let (a, b) = (f64::from(a.min(b)) / 8.0, f64::from(a.max(b)) / 8.0);
            [a, b - a, 1.0 - b]
        }).collect();
        let parts = BrierParts::of(&table(3, &labels, &probs));
        let sum = parts.reliability - parts.resolution + parts.uncertainty + parts.within;
        prop_assert!((sum - parts.score).abs() < 1e-12, "{parts:?}");
    }

    #[test]
    fn no_error_depends_on_the_order_of_rows(hits in prop::collection::vec((0..=20_u32, any::<bool>()), 1..80)) {
        let statements: Vec<Statement> = hits.iter().map(|&(p, hit)| Statement { p: f64::from(p) / 20.0, hit }).collect();
        let mut reversed = statements.clone();
        reversed.reverse();
        prop_assert_eq!(equal_mass(&statements, BINS), equal_mass(&reversed, BINS));
        let edges = equal_mass(&statements, BINS);
        let (a, b) = (Reliability::of(&statements, &edges), Reliability::of(&reversed, &edges));
        prop_assert!((a.ece() - b.ece()).abs() < 1e-12 && a.n() == b.n());
        prop_assert!(a.ece() <= a.mce() + 1e-12 && a.ece_debiased() <= a.ece() + 1e-12);
    }
}
