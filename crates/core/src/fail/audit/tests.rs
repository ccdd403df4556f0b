use std::collections::BTreeSet;

use super::*;
use crate::corrupt::Change;
use crate::fail::Kind;
use crate::fail::properties::Property;
use crate::predictions::Predictions;
use crate::random::{Purpose, Stream};
use crate::sample::{Ids, ImageSet, Split};

const CLASSES: [&str; 3] = ["left", "right", "none"];
const SIZE: [usize; 3] = [12, 12, 1];

/// `n` images: a bright bar at the left, at the right, or none, on dark noise.
fn images(n: usize, prefix: &str, seed: u64) -> ImageSet {
    let mut stream = Stream::new(seed, Purpose::Test, 90, 0);
    let labels: Vec<u32> = (0..n).map(|_| stream.below(3) as u32).collect();
    let mut pixels = Vec::with_capacity(n * 144);
    for &label in &labels {
        for place in 0..144 {
            let x = place % 12;
            let bar = label == 0 && (1..4).contains(&x) || label == 1 && (8..11).contains(&x);
            pixels.push(if bar { 180 + stream.below(60) } else { stream.below(40) } as u8);
        }
    }
    let ids = Ids::Rows { prefix: prefix.into(), rows: (0..n as u32).collect() };
    ImageSet::new(SIZE, pixels, labels, CLASSES.map(str::to_owned).to_vec().into(), ids)
}

/// A model that sees on which side it is brighter, and is a little too sure of it.
fn predict(set: &ImageSet) -> Predictions {
    let mut probs = Vec::new();
    for index in 0..set.len() {
        let side = |from: usize| -> f64 {
            let columns = |place: &usize| (from..from + 3).contains(&(place % 12));
            (0..144).filter(columns).map(|place| f64::from(set.image(index)[place])).sum::<f64>() / 36.0
        };
        let logits = [side(1) / 20.0, side(8) / 20.0, 4.0];
        let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
        probs.extend(logits.iter().map(|logit| logit.exp() / sum));
    }
    Predictions {
        classes: set.classes().to_vec(),
        ids: (0..set.len()).map(|index| set.ids().id(index)).collect(),
        splits: vec![Split::Test; set.len()],
        labels: set.labels().to_vec(),
        probs,
    }
}

fn quiet(_: Stage) {}

/// A table with errors: each right class with probability `sure`, else the next one, drawn.
fn table(n: usize, k: usize, rate: impl Fn(usize, usize) -> f64, seed: u64) -> Predictions {
    let mut stream = Stream::new(seed, Purpose::Test, 91, 0);
    let (mut labels, mut probs) = (Vec::new(), Vec::new());
    for row in 0..n {
        let label = row % k;
        let called = if stream.unit() < rate(row, label) { (label + 1) % k } else { label };
        let sure = 0.7 + 0.25 * stream.unit();
        labels.push(label as u32);
        probs.extend((0..k).map(|class| if class == called { sure } else { (1.0 - sure) / (k - 1) as f64 }));
    }
    Predictions {
        classes: (0..k).map(|class| format!("class {class}")).collect(),
        ids: (0..n).map(|row| format!("test-{row:05}")).collect(),
        splits: vec![Split::Test; n],
        labels,
        probs,
    }
}

fn of_kind(document: &Document, kind: Kind) -> Vec<&crate::fail::Finding> {
    document.audit.findings.iter().filter(|finding| finding.kind == kind).collect()
}

#[test]
fn a_model_with_images_is_audited_whole() {
    let (set, training) = (images(600, "test", 1), images(300, "train", 2));
    let predictions = predict(&set);
    let subject = || Subject {
        images: Some(&set),
        training: Some(Training { images: &training, embeddings: None }),
        predict: Some(Box::new(predict)),
        ..Subject::new(&predictions)
    };
    let wants =
        Wants { changes: Some(Change::range(Change::Rotate, [-180.0, 180.0], 180.0)), ..Wants::default() };
    let mut stages = BTreeSet::new();
    let mut done = Vec::new();
    let audited = audit(subject(), &wants, &mut |stage| {
        stages.insert(stage.name);
        done.push(stage);
    });
    let document = &audited.document;
    // turned by half, left is right
    let robustness = document.robustness.as_ref().unwrap();
    let turning = robustness.turning_points.iter().find(|point| point.class == 0).unwrap();
    assert_eq!((turning.family.as_str(), turning.becomes), ("rotate", 1));
    assert!(!of_kind(document, Kind::Robustness).is_empty());
    assert_eq!(robustness.curves[0].points.len(), 3);
    for section in ["slices", "duplicates", "preprocessing", "calibration", "label_errors", "bias", "losses"]
    {
        assert!(!serde_json::to_value(document).unwrap()[section].is_null(), "{section}");
    }
    let not_run: Vec<Kind> = document.not_run.iter().map(|not_run| not_run.kind).collect();
    assert_eq!(not_run, [Kind::Calibration, Kind::Drift]);
    assert!(stages.contains("changed images") && stages.contains("duplicates"));
    assert_eq!(done.iter().filter(|stage| stage.name == "changed images").count(), 4);
    // the same again
    assert_eq!(audit(subject(), &wants, &mut quiet), audited);
}

#[test]
fn every_number_of_a_finding_has_an_interval() {
    let rate = |row: usize, label: usize| {
        if label == 0 { 0.5 } else { 0.05 + 0.3 * f64::from(row.is_multiple_of(7)) }
    };
    let (predictions, validation) = (table(3_000, 4, rate, 3), table(3_000, 4, rate, 4));
    let camera: Vec<&str> =
        (0..3_000).map(|row: usize| if row.is_multiple_of(7) { "A" } else { "B" }).collect();
    let subject = Subject {
        validation: Some(&validation),
        columns: vec![Property::names("camera", &camera)],
        against: Some(Against {
            name: "new images".into(),
            predictions: &table(500, 2, |_, _| 0.0, 5).with_classes(&predictions.classes),
            images: None,
            embeddings: None,
        }),
        ..Subject::new(&predictions)
    };
    let document = audit(subject, &Wants::default(), &mut quiet).document;
    let kinds: BTreeSet<Kind> = document.audit.findings.iter().map(|finding| finding.kind).collect();
    for kind in [Kind::Bias, Kind::Slice, Kind::Calibration, Kind::Drift] {
        assert!(kinds.contains(&kind), "{kind:?} of {kinds:?}");
    }
    for finding in &document.audit.findings {
        assert!(finding.interval.is_some(), "{}", finding.title);
    }
    let slice = of_kind(&document, Kind::Slice)[0];
    assert!(slice.title.contains("camera = A") && slice.confirmed, "{}", slice.title);
    assert_eq!(document.calibration.unwrap().scalings.len(), 3);
    assert_eq!(document.abstention.unwrap().classes.len(), 4);
}

impl Predictions {
    /// A table of some of `classes` as one of all of them.
    fn with_classes(&self, classes: &[String]) -> Self {
        let k = self.classes.len();
        let row = |row: &[f64]| [row, &vec![0.0; classes.len() - k][..]].concat();
        Self {
            classes: classes.to_vec(),
            probs: self.probs.chunks(k).flat_map(row).collect(),
            ..self.clone()
        }
    }
}

#[test]
fn some_kinds_say_what_the_whole_says() {
    let predictions = table(2_000, 5, |_, label| 0.1 * label as f64, 6);
    let whole = audit(Subject::new(&predictions), &Wants::default(), &mut quiet).document;
    let some = audit(Subject::new(&predictions), &Wants::only([Kind::Bias]), &mut quiet).document;
    assert_eq!(some.bias, whole.bias);
    assert_eq!(some.audit.findings.iter().collect::<Vec<_>>(), of_kind(&whole, Kind::Bias));
    assert!(some.calibration.is_none() && some.not_run.is_empty());
}

#[test]
fn classes_in_another_order_are_found() {
    let mut predictions = table(900, 3, |_, _| 0.1, 7);
    for row in predictions.probs.chunks_mut(3) {
        row.rotate_right(1);
    }
    let document =
        audit(Subject::new(&predictions), &Wants::only([Kind::Preprocessing]), &mut quiet).document;
    let found = of_kind(&document, Kind::Preprocessing);
    assert_eq!(found.len(), 1);
    assert!(found[0].title.contains("classes in another order"), "{}", found[0].title);
    let straight = table(900, 3, |_, _| 0.1, 7);
    let document = audit(Subject::new(&straight), &Wants::only([Kind::Preprocessing]), &mut quiet).document;
    assert!(document.audit.findings.is_empty());
}

#[test]
fn images_given_inverted_are_found() {
    let set = images(400, "test", 8);
    let inverted = set.pixels().iter().map(|value| 255 - value).collect();
    let labels = set.labels().to_vec();
    let inverted = ImageSet::new(SIZE, inverted, labels, set.classes().clone(), set.ids().clone());
    for (given, expected) in [(&inverted, 1), (&set, 0)] {
        let predictions = predict(given);
        let subject =
            Subject { images: Some(given), predict: Some(Box::new(predict)), ..Subject::new(&predictions) };
        let document = audit(subject, &Wants::only([Kind::Preprocessing]), &mut quiet).document;
        let found = of_kind(&document, Kind::Preprocessing);
        assert_eq!(found.iter().filter(|finding| finding.title.contains("inverted")).count(), expected);
    }
}

#[test]
fn runs_make_a_band_and_claims_are_checked() {
    let tables: Vec<Predictions> =
        (0..3).map(|seed| table(3_000, 3, |_, label| [0.0, 0.4, 0.0][label], seed)).collect();
    let subject = Subject {
        runs: vec![("second".into(), &tables[1]), ("third".into(), &tables[2])],
        ..Subject::new(&tables[0])
    };
    let wants = Wants { claims: vec![(2, 1.4), (2, 3.0)], ..Wants::only([Kind::Bias]) };
    let bias = audit(subject, &wants, &mut quiet).document.bias.unwrap();
    let runs = bias.runs.unwrap();
    let band = &runs.classes[2];
    let ([low, high], mean) = (band.mean_ci.unwrap(), band.mean.unwrap());
    assert!(low < mean && mean < high && (1.3..1.5).contains(&mean), "{low} {mean} {high}");
    assert_eq!((band.bias.len(), band.flagged), (3, 3));
    assert_eq!(bias.claims[0].holds, Some(true));
    assert_eq!(bias.claims[1].holds, Some(false));
    assert!(bias.claims[1].sentence.contains("cannot be"));
}

#[test]
fn two_classes_and_few_images_are_said() {
    let predictions = table(40, 2, |_, _| 0.2, 9);
    let document = audit(Subject::new(&predictions), &Wants::default(), &mut quiet).document;
    assert_eq!((document.excluded[0].count, document.excluded[0].names.len()), (2, 2));
    let round: Document = serde_json::from_str(&serde_json::to_string(&document).unwrap()).unwrap();
    assert_eq!(round, document);
}

/// What a page can take, whatever the number of classes and rows.
#[test]
fn the_document_stays_small() {
    let predictions = table(20_000, 1_000, |_, label| 0.5 / (1.0 + label as f64 % 7.0), 10);
    let document = audit(Subject::new(&predictions), &Wants::default(), &mut quiet).document;
    let bytes = serde_json::to_string(&document).unwrap().len();
    assert!(bytes < 4_000_000, "{bytes} bytes");
    let cells = &document.bias.unwrap().confusions;
    assert_eq!(cells.cells.iter().map(|cell| cell[2]).sum::<u64>(), 20_000);
}

#[test]
fn a_sample_is_an_equal_share_of_each_class() {
    let set = images(300, "test", 11);
    let predictions = predict(&set);
    let subject =
        Subject { images: Some(&set), predict: Some(Box::new(predict)), ..Subject::new(&predictions) };
    let wants = Wants {
        changed_most: 100,
        changes: Some(vec![Change::Rotate(90.0)]),
        ..Wants::only([Kind::Robustness])
    };
    let document = audit(subject, &wants, &mut quiet).document;
    let n = document.robustness.unwrap().n;
    assert!((100..=103).contains(&n), "{n}");
    assert_eq!(document.excluded[0].count, 300 - n);
}
