use super::{Robustness, Sweep, sweep};
use crate::augment::Transform;
use crate::corrupt::{Change, Suite};
use crate::predictions::Predictions;
use crate::random::{Purpose, Stream};
use crate::sample::{Ids, ImageSet, Split};

const CLASSES: [&str; 4] = ["up", "left", "down", "right"];

/// Images of 16x16 whose upper, left, lower or right half is light, `n` of each, with noise.
fn halves(n: usize) -> ImageSet {
    let mut stream = Stream::new(0, Purpose::Test, 0, 0);
    let mut pixels = Vec::new();
    for class in (0..4).flat_map(|class| std::iter::repeat_n(class, n)) {
        for (y, x) in (0..16).flat_map(|y| (0..16).map(move |x| (y, x))) {
            let light = [y < 8, x < 8, y >= 8, x >= 8][class];
            pixels.push(if light { 180 } else { 20 } + stream.below(40) as u8);
        }
    }
    let labels = (0..4).flat_map(|class| std::iter::repeat_n(class, n)).collect();
    let ids = Ids::Rows { prefix: "test".into(), rows: (0..4 * n as u32).collect() };
    ImageSet::new([16, 16, 1], pixels, labels, CLASSES.map(String::from).to_vec().into(), ids)
}

/// A model that calls the lightest half.
fn predict(set: &ImageSet) -> Predictions {
    let mut probs = Vec::new();
    for index in 0..set.len() {
        let mut sums = [0.0; 4];
        for (i, &value) in set.image(index).iter().enumerate() {
            let (y, x) = (i / 16, i % 16);
            for (sum, inside) in sums.iter_mut().zip([y < 8, x < 8, y >= 8, x >= 8]) {
                *sum += if inside { f64::from(value) } else { 0.0 };
            }
        }
        let total: f64 = sums.iter().sum::<f64>().max(1.0);
        probs.extend(sums.map(|sum| sum / total));
    }
    Predictions {
        classes: set.classes().to_vec(),
        ids: (0..set.len()).map(|index| set.ids().id(index)).collect(),
        splits: vec![Split::Test; set.len()],
        labels: set.labels().to_vec(),
        probs,
    }
}

fn turned() -> Robustness {
    let changes = Change::range(Change::Rotate, [-90.0, 90.0], 10.0);
    let mut told = Vec::new();
    let robustness = sweep(&halves(30), &changes, 0, predict, |done| told.push(done));
    assert_eq!(told, (1..=19).collect::<Vec<_>>());
    robustness
}

#[test]
fn a_half_turned_far_enough_is_another_half() {
    let robustness = turned();
    assert_eq!(robustness.clean.accuracy, 1.0);
    assert_eq!(robustness.turning_points.len(), 8, "four halves, two ways");
    for point in &robustness.turning_points {
        let change = robustness.changes[point.change].change;
        let Change::Rotate(degrees) = change else { panic!("{change:?}") };
        assert_eq!(degrees.abs(), 50.0);
        let next = if degrees > 0.0 { (point.class + 1) % 4 } else { (point.class + 3) % 4 };
        assert_eq!(point.becomes, next, "{degrees}");
        assert!(2 * point.count > point.actual && point.actual == 30);
        let (before, count) = point.before.expect("a step before");
        assert_eq!(robustness.changes[before].change.parameter().abs(), 40.0);
        assert!(2 * count <= point.actual);
    }
}

#[test]
fn what_changes_nothing_costs_nothing() {
    let robustness = turned();
    let still = robustness.changes.iter().find(|change| change.label == "rotate 0 degrees").expect("no turn");
    assert_eq!((still.paired.changed, still.level.accuracy, still.p_corrected), (0, 1.0, 1.0));
    assert!(!still.hurts());
    let far = &robustness.changes[18];
    assert!(far.hurts() && far.paired.lost == 120, "{far:?}");
    assert_eq!(far.level.classes[0].called, [(1, 30)]);
}

#[test]
fn it_is_said_with_counts() {
    let robustness = turned();
    insta::assert_snapshot!(robustness.sentences.join("\n"), @"
    Accuracy falls from 100.0 % to 47.4 % on average over 1 kind of change; 10 of 19 changes take 5 points or more beyond chance.
    rotate takes 52.6 points on average; at -90 degrees 120 of 120 images are no longer right and 0 become right: accuracy 0.0 %, 100.0 points less (95 % interval 95.6 to 100.0).
    up becomes left at rotate 50 degrees: 30 of 30 images are called so (88.6 % to 100.0 %); at 40 degrees it is 0 of them.
    up suffers most from rotate -90 degrees: 0 of 30 are found, 0.0 % (0.0 % to 11.4 %) in place of 100.0 %; 30 are called right.
    left suffers most from rotate -90 degrees: 0 of 30 are found, 0.0 % (0.0 % to 11.4 %) in place of 100.0 %; 30 are called up.
    down suffers most from rotate -90 degrees: 0 of 30 are found, 0.0 % (0.0 % to 11.4 %) in place of 100.0 %; 30 are called left.
    right suffers most from rotate -90 degrees: 0 of 30 are found, 0.0 % (0.0 % to 11.4 %) in place of 100.0 %; 30 are called down.
    Against rotate, try { rotate = [-90, 90] } in augment.online, and compare on validation images, with and without the change.
    ");
}

#[test]
fn advice_names_a_transform_or_none() {
    let robustness = turned();
    let [advice] = &robustness.advice[..] else { panic!("{:?}", robustness.advice) };
    assert_eq!(advice.transform, Some(Transform::Rotate([-90.0, 90.0])));
    assert_eq!(advice.recipe.as_deref(), Some("{ rotate = [-90, 90] }"));

    let weak = Change::range(Change::Contrast, [0.0, 0.9], 0.3);
    let robustness = sweep(&halves(30), &weak, 0, predict, |_| {});
    assert_eq!(robustness.advice.iter().map(|advice| &advice.recipe).collect::<Vec<_>>(), [&None]);
    let last = robustness.sentences.last().expect("a sentence");
    assert_eq!(last, "No transform of a recipe imitates contrast.");
}

/// A model that calls at random is not hurt by anything, whatever is tried on it: no finding in 20 sweeps, as the false
/// discovery rate of 5 % together with the least loss of 5 points promises.
#[test]
fn noise_is_no_finding() {
    let set = halves(30);
    let changes = Change::suite(Suite::Mnist, 1);
    let mut stream = Stream::new(1, Purpose::Test, 0, 0);
    let mut found = 0;
    for _ in 0..20 {
        let mut random = || {
            let mut predictions = predict(&set);
            predictions.probs.iter_mut().for_each(|p| *p = stream.unit());
            predictions
        };
        let mut sweep = Sweep::new(random());
        changes.iter().for_each(|&change| sweep.add(change, &random()));
        found += usize::from(sweep.finish().changes.iter().any(|change| change.hurts()));
    }
    assert!(found <= 3, "{found} of 20 sweeps");
}

#[test]
fn families_are_ordered_by_harm() {
    let changes = [Change::Rotate(80.0), Change::Blur(1.0), Change::Rotate(90.0), Change::Blur(2.0)];
    let robustness = sweep(&halves(10), &changes, 0, predict, |_| {});
    let names: Vec<&str> = robustness.families.iter().map(|family| family.name.as_str()).collect();
    assert_eq!(names, ["rotate", "blur"]);
    assert_eq!(robustness.families[0].changes, [0, 2]);
    let mean = robustness.families.iter().map(|family| family.mean_error).sum::<f64>() / 2.0;
    assert!((robustness.mean_error - mean).abs() < 1e-12);
    assert_eq!(robustness.worst.len(), 4, "every half is lost by a quarter turn");
}

#[test]
fn no_changes_is_no_error() {
    let robustness = sweep(&halves(2), &[], 0, predict, |_| {});
    assert_eq!(robustness.sentences, ["Nothing was changed; accuracy is 100.0 %."]);
    assert_eq!(robustness.mean_error, 0.0);
}

#[test]
fn it_reads_back_from_json() {
    let robustness = turned();
    let text = serde_json::to_string(&robustness).expect("a document");
    assert_eq!(serde_json::from_str::<Robustness>(&text).expect("the document"), robustness);
}
