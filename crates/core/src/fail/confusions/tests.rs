use insta::assert_snapshot;

use super::claim::{Claim, Reason, Verdict};
use super::order::by_confusion;
use super::*;
use crate::fail::evaluation::tests::table_with_confusion;
use crate::random::{Purpose, Stream};
use crate::sample::Split;

#[test]
fn a_pair_that_goes_one_way() {
    let names = ["T-shirt/top", "Shirt", "Bag"];
    let table = table_with_confusion(&names, &[&[870, 120, 10], &[30, 960, 10], &[9, 0, 991]]);
    let confusions = Confusions::of(&table);
    assert_eq!((confusions.n, confusions.errors, confusions.pairs.len()), (3_000, 179, 3));
    let first = &confusions.pairs[0];
    assert_eq!((first.from, first.to, first.count, first.reverse, first.share), (0, 1, 120, 30, 0.8));
    assert!(first.one_sided && first.p == mcnemar_exact(120, 30));
    let said: Vec<String> = confusions.findings(&table).into_iter().map(|finding| finding.title).collect();
    assert_snapshot!(said.join("\n"), @"
    T-shirt/top is called Shirt 4.0 times as often as the reverse (120 images against 30).
    Shirt is called Bag (10 images), the reverse does not happen.
    ");
    let finding = &confusions.findings(&table)[0];
    assert!((finding.harm - 90.0 / 179.0).abs() < 1e-12 && finding.examples.len() == 24);
    assert_eq!(finding.evidence["reverse"], 30);
}

/// Of 200 tables in which both directions are equally likely, about one in twenty at most has a pair that is called one-sided.
#[test]
fn even_confusions_are_rarely_called_one_sided() {
    let mut stream = Stream::new(0, Purpose::Test, 80, 0);
    let mut any = 0;
    for _ in 0..200 {
        let cells: Vec<Vec<u64>> = (0..5)
            .map(|i| (0..5).map(|j| if i == j { 100 } else { 5 + stream.below(11) }).collect())
            .collect();
        let rows: Vec<&[u64]> = cells.iter().map(Vec::as_slice).collect();
        let table = table_with_confusion(&["a", "b", "c", "d", "e"], &rows);
        any += u32::from(!Confusions::of(&table).one_sided().is_empty());
    }
    assert!(any <= 20, "{any}");
}

fn one_hot(k: usize, rows: &[(u32, usize)]) -> Predictions {
    let mut probs = vec![0.0; rows.len() * k];
    rows.iter().enumerate().for_each(|(row, &(_, called))| probs[row * k + called] = 1.0);
    Predictions {
        classes: (0..k).map(|class| class.to_string()).collect(),
        ids: (0..rows.len()).map(|row| row.to_string()).collect(),
        splits: vec![Split::Test; rows.len()],
        labels: rows.iter().map(|row| row.0).collect(),
        probs,
    }
}

/// Classes in blocks of five that are confused within the block only, under shuffled names.
#[test]
fn the_order_shows_blocks_of_a_thousand_classes() {
    for k in [20, 1_000] {
        let mut stream = Stream::new(0, Purpose::Test, 81, k as u64);
        let mut name: Vec<usize> = (0..k).collect();
        stream.shuffle(&mut name);
        let mut rows = Vec::new();
        for class in 0..k {
            for other in (class / 5 * 5..class / 5 * 5 + 5).filter(|&other| other != class) {
                (0..1 + stream.below(3)).for_each(|_| rows.push((name[class] as u32, name[other])));
            }
        }
        let confusions = Confusions::of(&one_hot(k, &rows));
        let order = by_confusion(&confusions, &vec![10; k]);
        let mut block = vec![0; k];
        (0..k).for_each(|class| block[name[class]] = class / 5);
        let breaks = order.windows(2).filter(|pair| block[pair[0]] != block[pair[1]]).count();
        // one break between two blocks, and few blocks that the path leaves and comes back to
        assert!(breaks <= k / 5 - 1 + k / 50, "{breaks} of {k}");
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..k).collect::<Vec<_>>());
    }
}

#[test]
fn a_chain_of_classes_is_found_again() {
    let rows: Vec<(u32, usize)> =
        [(0, 4), (4, 2), (2, 3), (3, 1)].into_iter().flat_map(|pair| [pair; 3]).collect();
    assert_eq!(by_confusion(&Confusions::of(&one_hot(6, &rows)), &[3; 6]), [0, 4, 2, 3, 1, 5]);
    assert_eq!(by_confusion(&Confusions::of(&one_hot(3, &[(0, 0)])), &[1; 3]), [0, 1, 2]);
}

#[test]
fn claims() {
    let claim = |bias, accuracy, class_share| Claim { bias, accuracy, class_share };
    // the post: sneakers 60 % too often at 91.1 %, ten classes
    let post = claim(1.6, 0.911, 0.1);
    let Verdict::Possible { least_share_of_errors } = post.verdict() else { panic!("possible") };
    assert!((least_share_of_errors - 0.06 / 0.089).abs() < 1e-12);
    assert_snapshot!(post.sentence(), @"At least 67 % of all errors are false positives of this class.");
    assert_snapshot!(claim(1.6, 0.97, 0.1).sentence(), @"This cannot be: it takes 2.0 times as many errors as an accuracy of 97.0 % leaves.");
    assert_snapshot!(claim(0.5, 0.9, 0.1).sentence(), @"At least 50 % of all errors are false negatives of this class.");
    assert_snapshot!(claim(3.0, 0.5, 0.5).sentence(), @"This cannot be: 3.00 times 50 % is more than all images.");
    assert_snapshot!(claim(-1.0, 0.5, 0.5).sentence(), @"This cannot be: a share must be between 0 and 1, and a bias not negative.");
    assert_eq!(claim(1.0, 1.0, 0.1).verdict(), Verdict::Possible { least_share_of_errors: 0.0 });
    assert!(matches!(claim(1.1, 1.0, 0.1).verdict(), Verdict::Impossible(Reason::MoreThanAllErrors { .. })));
}

/// Of a counted matrix the claim never says more than is there.
#[test]
fn a_claim_is_a_lower_bound() {
    let mut stream = Stream::new(0, Purpose::Test, 82, 0);
    for _ in 0..200 {
        let cells: Vec<Vec<u64>> = (0..4).map(|_| (0..4).map(|_| stream.below(20)).collect()).collect();
        let rows: Vec<&[u64]> = cells.iter().map(Vec::as_slice).collect();
        let evaluation = crate::fail::evaluate(&table_with_confusion(&["a", "b", "c", "d"], &rows));
        for class in 0..4 {
            let counts = evaluation.counts(class);
            let Some(bias) = counts.bias() else { continue };
            let class_share = counts.actual() as f64 / evaluation.n as f64;
            let Verdict::Possible { least_share_of_errors } =
                (Claim { bias, accuracy: evaluation.accuracy, class_share }).verdict()
            else {
                panic!("counted, so possible")
            };
            let errors = (evaluation.n as f64 * (1.0 - evaluation.accuracy)).round();
            let theirs = if bias >= 1.0 { counts.false_positives } else { counts.false_negatives };
            assert!(least_share_of_errors <= theirs as f64 / errors + 1e-9);
        }
    }
}
