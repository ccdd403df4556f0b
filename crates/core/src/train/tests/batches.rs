//! Batches: every image once an epoch, with the targets that the recipe asks for.

use super::super::batches::{Batch, Batches};
use super::{CLASSES, SIZE, images};
use crate::augment::{Online, Transform};
use crate::recipe::{Sampling, TrainOptions};
use crate::sample::ImageSet;

const BATCH: usize = 8;

fn batches<'a>(set: &'a ImageSet, online: &[Transform], label_smoothing: f64) -> Batches<'a> {
    let online = Online::new(online, SIZE).expect("transforms that fit");
    let options = TrainOptions { batch: BATCH, seed: 7, label_smoothing, ..TrainOptions::default() };
    Batches::new(set, (online, 2), &options)
}

fn balanced(set: &ImageSet) -> Batches<'_> {
    let options =
        TrainOptions { batch: BATCH, seed: 7, sampling: Sampling::Balanced, ..TrainOptions::default() };
    Batches::new(set, (Online::new(&[], SIZE).expect("transforms that fit"), 0), &options)
}

/// All batches of an epoch.
fn epoch(batches: &mut Batches<'_>, epoch: u64) -> Vec<Batch> {
    batches.begin(epoch);
    let mut batch = Batch::default();
    (0..batches.steps())
        .map(|step| {
            batches.fill(step, &mut batch);
            batch.clone()
        })
        .collect()
}

#[test]
fn images_and_labels_are_changed_in_the_epochs_before_the_last_ones_only() {
    let set = images(16, 0);
    let mut plain = batches(&set, &[], 0.1);
    let mut changed = batches(&set, &[Transform::Noise(0.1), Transform::Mixup(0.5)], 0.1);
    for number in 0..4 {
        let (all, expected) = (epoch(&mut changed, number), epoch(&mut plain, number));
        assert_eq!(changed.mixes(), number < 2);
        for (batch, plain) in all.iter().zip(&expected) {
            assert_eq!(batch.labels, plain.labels);
            assert_eq!(
                (batch.images == plain.images, batch.targets == plain.targets),
                (number >= 2, number >= 2)
            );
        }
    }
}

#[test]
fn every_image_is_seen_once_an_epoch_in_another_order() {
    let set = images(27, 0);
    let mut batches = batches(&set, &[], 0.0);
    let pixels = |batch: &Batch| -> Vec<Vec<u8>> {
        batch
            .images
            .chunks(36)
            .map(|image| image.iter().map(|v| (v * 255.0).round() as u8).collect())
            .collect()
    };
    let mut orders = Vec::new();
    for number in 0..3 {
        let all = epoch(&mut batches, number);
        assert_eq!(all.iter().map(|batch| batch.labels.len()).collect::<Vec<_>>(), [8, 8, 8, 3]);
        let mut seen: Vec<(Vec<u8>, u32)> =
            all.iter().flat_map(|batch| pixels(batch).into_iter().zip(batch.labels.clone())).collect();
        orders.push(seen.clone());
        seen.sort();
        let mut expected: Vec<(Vec<u8>, u32)> =
            (0..set.len()).map(|index| (set.image(index).to_vec(), set.labels()[index])).collect();
        expected.sort();
        assert_eq!(seen, expected);
    }
    assert!(orders[0] != orders[1] && orders[1] != orders[2] && orders[0] != orders[2]);
}

#[test]
fn smoothing_takes_its_share_from_the_true_class_and_spreads_it() {
    let set = images(10, 0);
    for (smoothing, own, other) in [(0.0, 1.0, 0.0), (0.3, 0.8, 0.1)] {
        for batch in epoch(&mut batches(&set, &[], smoothing), 0) {
            for (row, &label) in batch.targets.chunks(CLASSES).zip(&batch.labels) {
                for (class, &found) in row.iter().enumerate() {
                    let expected: f32 = if class == label as usize { own } else { other };
                    assert!((found - expected).abs() < 1e-6, "smoothing {smoothing}: {row:?}, label {label}");
                }
            }
        }
    }
}

#[test]
fn mixed_targets_still_sum_to_one() {
    let set = images(27, 0);
    let mut mixed = 0;
    for mix in [Transform::Mixup(0.4), Transform::Cutmix(1.0)] {
        for batch in epoch(&mut batches(&set, &[mix], 0.1), 0) {
            for row in batch.targets.chunks(CLASSES) {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{row:?}");
                mixed += usize::from(row.iter().filter(|&&target| target > 0.05).count() > 1);
            }
        }
        assert!(mixed > 3, "only {mixed} of 27 were mixed");
        mixed = 0;
    }
}

/// 20 images of class 0, 6 of class 1, one of class 2: an epoch shows each nine times.
#[test]
fn balanced_sampling_shows_every_class_equally_often_and_no_image_twice_before_all() {
    let of = images(400, 0);
    let mut chosen = Vec::new();
    for (class, count) in [(0, 20), (1, 6), (2, 1)] {
        chosen.extend((0..of.len()).filter(|&index| of.labels()[index] == class).take(count));
    }
    let set = of.select(&chosen);
    let mut batches = balanced(&set);
    let mut seen_of_class_0 = std::collections::HashSet::new();
    for number in 0..30 {
        let all = epoch(&mut batches, number);
        let mut shown = std::collections::HashMap::new();
        let mut of_class = [0; CLASSES];
        for batch in &all {
            for (image, &label) in batch.images.chunks(36).zip(&batch.labels) {
                let pixels: Vec<u8> = image.iter().map(|v| (v * 255.0).round() as u8).collect();
                *shown.entry((label, pixels)).or_insert(0) += 1;
                of_class[label as usize] += 1;
            }
        }
        assert_eq!(of_class, [9, 9, 9], "epoch {number}");
        let times = |class: u32| {
            let mut times: Vec<_> =
                shown.iter().filter(|((label, _), _)| *label == class).map(|(_, &times)| times).collect();
            times.sort_unstable();
            times
        };
        assert_eq!((times(0), times(1), times(2)), (vec![1; 9], vec![1, 1, 1, 2, 2, 2], vec![9]));
        seen_of_class_0.extend(shown.into_keys().filter(|(label, _)| *label == 0));
        let labels: Vec<u32> = all.iter().flat_map(|batch| batch.labels.clone()).collect();
        assert!(!labels.is_sorted(), "classes come mixed");
    }
    assert_eq!(seen_of_class_0.len(), 20, "other images of a large class in every epoch");
}
