use super::*;
use crate::random::{Purpose, Stream};
use crate::sample::Split;

fn table(labels: &[u32], called: &[usize]) -> Predictions {
    let probs = called.iter().flat_map(|&c| (0..3).map(move |k| if k == c { 0.8 } else { 0.1 })).collect();
    Predictions {
        classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
        ids: (0..labels.len()).map(|i| i.to_string()).collect(),
        splits: vec![Split::Test; labels.len()],
        labels: labels.to_vec(),
        probs,
    }
}

#[test]
fn counts_what_changed() {
    let labels = [0, 0, 1, 1, 2, 2];
    let first = table(&labels, &[0, 1, 1, 1, 0, 2]);
    let second = table(&labels, &[0, 0, 0, 1, 1, 2]);
    let paired = Paired::of(&first, &second);
    assert_eq!((paired.n, paired.changed, paired.gained, paired.lost), (6, 3, 1, 1));
    assert_eq!((paired.difference, paired.p), (0.0, 1.0));
    let nothing = Paired::of(&table(&[], &[]), &table(&[], &[]));
    assert_eq!((nothing.n, nothing.difference), (0, 0.0));
}

/// Agresti & Min (2005): the prime minister's approval, 1,600 people, 86 turned to him and 150 away; the ordinary interval is
/// [-0.059, -0.021].
#[test]
fn interval_of_the_paper() {
    let [low, high] = difference_interval(86, 150, 1600);
    assert!((low + 0.0587).abs() < 5e-4 && (high + 0.0212).abs() < 5e-4, "[{low}, {high}]");
}

/// Of 4,000 tables of 200 images, 2 and 5 % of which change for the better and the worse, the interval holds the true
/// difference in about 95 %.
#[test]
fn interval_covers() {
    let mut stream = Stream::new(0, Purpose::Test, 40, 0);
    let mut held = 0;
    for _ in 0..4000 {
        let (mut gained, mut lost) = (0, 0);
        for _ in 0..200 {
            let draw = stream.unit();
            gained += u64::from(draw < 0.02);
            lost += u64::from((0.02..0.07).contains(&draw));
        }
        let [low, high] = difference_interval(gained, lost, 200);
        held += u32::from((low..=high).contains(&-0.03));
    }
    assert!((3700..=3920).contains(&held), "{held} of 4000");
}
