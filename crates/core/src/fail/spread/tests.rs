use super::*;
use crate::fail::evaluate;
use crate::predictions::Predictions;
use crate::sample::Split;

/// A report of images of classes a, b and c, of which c has none; `called` are the classes predicted.
fn report(labels: &[u32], called: &[usize]) -> Evaluation {
    let row = |&class: &usize| (0..3).map(move |k| if k == class { 1.0 } else { 0.0 });
    evaluate(&Predictions {
        classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
        ids: (0..labels.len()).map(|index| index.to_string()).collect(),
        splits: vec![Split::Test; labels.len()],
        labels: labels.to_vec(),
        probs: called.iter().flat_map(row).collect(),
    })
}

#[test]
fn bands_are_those_of_the_definition() {
    // numpy.std([1, 2, 4], ddof=1) = 1.5275252316519468
    let band = Band::of(&[1.0, 2.0, 4.0]).unwrap();
    assert!((band.sd.unwrap() - 1.527_525_231_651_946_8).abs() < 1e-15);
    assert!((band.mean - 7.0 / 3.0).abs() < 1e-15);
    assert_eq!((band.lowest, band.highest), (1.0, 4.0));
    assert_eq!(Band::of(&[3.0]).unwrap().sd, None);
    assert_eq!(Band::of(&[]), None);
}

#[test]
fn classes_are_told_worst_first_and_without_images_last() {
    let labels = [0, 0, 0, 0, 1, 1, 1, 1];
    let spread =
        of(&[report(&labels, &[0, 0, 0, 0, 1, 1, 0, 0]), report(&labels, &[0, 0, 0, 1, 1, 1, 0, 0])]);
    assert_eq!((spread.runs, spread.n), (2, 8));
    assert!((spread.accuracy.mean - 0.6875).abs() < 1e-15);
    assert_eq!(spread.worst_first(), [1, 0, 2]);
    assert_eq!(spread.classes[1].recall.map(|band| (band.mean, band.sd)), Some((0.5, Some(0.0))));
    assert_eq!(spread.classes[0].bias.map(|band| (band.lowest, band.highest)), Some((1.25, 1.5)));
    assert_eq!((spread.classes[2].recall, spread.classes[2].bias), (None, None));
}
