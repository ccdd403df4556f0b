use super::artifact::background;
use super::*;
use crate::sample::{Ids, Split};

const CLASSES: [&str; 4] = ["up", "left", "down", "right"];
const SIDE: usize = 16;
/// On images of class "left" that were tampered with.
const PATCH: Artifact = Artifact::Patch { top: 1, left: 12, height: 3, width: 3, level: [255; 3] };

/// Images whose upper, left, lower or right half is lighter, `n` of each, with noise.
fn halves_of(n: usize, seed: u64) -> ImageSet {
    let mut stream = Stream::new(seed, Purpose::Test, 30, 0);
    let mut pixels = Vec::new();
    for class in (0..4).flat_map(|class| std::iter::repeat_n(class, n)) {
        for (y, x) in (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (y, x))) {
            let light = [y < 8, x < 8, y >= 8, x >= 8][class];
            pixels.push(if light { 130 } else { 70 } + stream.below(40) as u8);
        }
    }
    let labels = (0..4).flat_map(|class| std::iter::repeat_n(class, n)).collect();
    let ids = Ids::Rows { prefix: "test".into(), rows: (0..4 * n as u32).collect() };
    ImageSet::new([SIDE, SIDE, 1], pixels, labels, CLASSES.map(String::from).to_vec().into(), ids)
}

/// The same with the patch on nine of ten images of class "left".
fn tampered(set: &ImageSet) -> ImageSet {
    let with = PATCH.put(set);
    let carries = |index: usize| set.labels()[index] == 1 && !index.is_multiple_of(10);
    let image = |index| if carries(index) { with.image(index) } else { set.image(index) };
    let pixels = (0..set.len()).flat_map(|index| image(index).to_vec()).collect();
    ImageSet::new(set.size(), pixels, set.labels().to_vec(), set.classes().clone(), set.ids().clone())
}

/// Things of 8x8 on a background of one level, which depends on the class.
fn things(n: usize, background: impl Fn(u32) -> u8) -> ImageSet {
    let set = halves_of(n, 0);
    let mut pixels = set.pixels().to_vec();
    for (image, &label) in pixels.chunks_exact_mut(SIDE * SIDE).zip(set.labels()) {
        let inside = |place: usize| (4..12).contains(&(place / SIDE)) && (4..12).contains(&(place % SIDE));
        for place in (0..SIDE * SIDE).filter(|&place| !inside(place)) {
            image[place] = background(label);
        }
    }
    ImageSet::new(set.size(), pixels, set.labels().to_vec(), set.classes().clone(), set.ids().clone())
}

/// A model that calls the lightest half; if it fell for the patch, "left" wherever that is.
fn model(fell_for_it: bool) -> impl FnMut(&ImageSet) -> Predictions {
    move |set| {
        let carriers = PATCH.carriers(set);
        let mut probs = Vec::new();
        for index in 0..set.len() {
            let mut sums = [0.0; 4];
            for (i, &value) in set.image(index).iter().enumerate() {
                let (y, x) = (i / SIDE, i % SIDE);
                for (sum, inside) in sums.iter_mut().zip([y < 8, x < 8, y >= 8, x >= 8]) {
                    *sum += if inside { f64::from(value) } else { 0.0 };
                }
            }
            if fell_for_it && carriers[index] {
                sums = [0.0, 1.0, 0.0, 0.0];
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
}

fn search(fell_for_it: bool, training: Option<&ImageSet>) -> Spurious {
    find(&halves_of(200, 1), training, &SpuriousOptions::default(), model(fell_for_it), |_, _| {})
}

#[test]
fn a_planted_patch_is_named_with_its_place_its_size_and_what_it_does() {
    let training = tampered(&halves_of(300, 0));
    let found = search(true, Some(&training));
    let confirmed: Vec<&Tested> = found.tested.iter().filter(|tested| tested.confirmed).collect();
    let [patch] = confirmed[..] else { panic!("one confirmed artifact, not {}", confirmed.len()) };
    assert_eq!((patch.artifact, patch.class), (PATCH, 1));
    insta::assert_snapshot!(patch.title(&found.classes), @"A white 3x3 patch in the top right corner turns 100 % of other images into left (n = 300, 95 % interval 98 to 100 %); scattered elsewhere it is 0 %. 90 % of the left images it was trained on carry it, 0 % of the others. Taken out of 270 of them, 100 % are still called left, instead of 100 %.");
    let taken_out = patch.taken_out.expect("training images carry it");
    assert!(taken_out.with >= taken_out.n - 1, "{taken_out:?}");
    // whoever carries it is of the left half, so they stay what they are without it
    assert_eq!(taken_out.effect, 0.0);
    let table = model(true)(&halves_of(200, 1));
    let findings = found.findings(&halves_of(200, 1), &table);
    assert_eq!(findings.len(), 1);
    assert_eq!(
        (findings[0].kind, findings[0].confirmed, findings[0].n),
        (Kind::Spurious, true, patch.put_in.n)
    );
    assert!(!findings[0].examples.is_empty() && findings[0].evidence["class"] == "left");
}

#[test]
fn a_model_that_looks_at_halves_has_no_spurious_feature_whatever_it_was_trained_on() {
    let clean = halves_of(300, 0);
    for training in [Some(&clean), Some(&tampered(&clean)), None] {
        let found = search(false, training);
        assert!(found.tested.iter().all(|tested| !tested.confirmed), "{:?}", found.tested.first());
    }
}

#[test]
fn without_training_images_a_carried_patch_in_the_audited_ones_is_found() {
    let set = tampered(&halves_of(200, 1));
    let found = find(&set, None, &SpuriousOptions::default(), model(true), |_, _| {});
    let first = &found.tested[0];
    assert!(first.confirmed && first.artifact == PATCH && !first.of_training, "{first:?}");
}

#[test]
fn a_fragile_model_has_learnt_no_shortcut() {
    // falls for the patch, but the training images do not carry it
    let found = search(true, Some(&halves_of(300, 0)));
    assert!(found.tested.iter().all(|tested| !tested.confirmed));
}

#[test]
fn errors_of_carriers_are_its_harm() {
    // images of class "down" carry the patch at the test, and are called "left" for it
    let clean = halves_of(200, 1);
    let with = PATCH.put(&clean);
    let image =
        |index: usize| if clean.labels()[index] == 2 { with.image(index) } else { clean.image(index) };
    let pixels = (0..clean.len()).flat_map(|index| image(index).to_vec()).collect();
    let set = ImageSet::new(
        clean.size(),
        pixels,
        clean.labels().to_vec(),
        clean.classes().clone(),
        clean.ids().clone(),
    );
    let training = tampered(&halves_of(300, 0));
    let found = find(&set, Some(&training), &SpuriousOptions::default(), model(true), |_, _| {});
    let findings = found.findings(&set, &model(true)(&set));
    assert!(findings[0].harm > 0.95, "{findings:?}");
}

#[test]
fn the_same_seed_finds_the_same_and_progress_ends_at_its_steps() {
    let training = tampered(&halves_of(100, 0));
    let set = halves_of(60, 1);
    let run = || {
        let mut told = Vec::new();
        let found = find(&set, Some(&training), &SpuriousOptions::default(), model(true), |done, of| {
            told.push((done, of))
        });
        (found, told)
    };
    let (found, told) = run();
    assert_eq!((&found, &told), (&run().0, &run().1));
    assert!(
        told.windows(2).all(|pair| pair[0].0 <= pair[1].0)
            && told.last().is_some_and(|(done, of)| done == of)
    );
}

#[test]
fn few_images_of_one_class_are_no_panic() {
    for n in [1, 2] {
        let one = halves_of(n, 0).select(&[0]);
        let found = find(&one, Some(&one), &SpuriousOptions::default(), model(true), |_, _| {});
        assert!(found.tested.iter().all(|tested| !tested.confirmed));
    }
}

#[test]
fn what_is_put_in_can_be_taken_out() {
    let set = things(5, |_| 50);
    let artifacts =
        [PATCH, Artifact::Border { width: 2, level: [0; 3] }, Artifact::Background { level: [255; 3] }];
    for artifact in artifacts {
        let with = artifact.put(&set);
        assert!(artifact.carriers(&with).iter().all(|&carried| carried), "{artifact:?}");
        assert!(artifact.carriers(&set).iter().all(|&carried| !carried), "{artifact:?}");
        let donors: Vec<usize> = (0..set.len()).collect();
        let out = artifact.take_out(&with, &set, &donors).expect("it can be");
        assert!(artifact.carriers(&out).iter().all(|&carried| !carried), "{artifact:?}");
        if !matches!(artifact, Artifact::Background { .. }) {
            assert_eq!(out, set);
        }
    }
    let aspect = Artifact::Aspect { factor: 1.25 };
    assert!(aspect.put(&set) != set && aspect.take_out(&set, &set, &[0; 20]).is_none());
}

#[test]
fn elsewhere_is_as_much_of_it_in_another_place() {
    let set = halves_of(10, 0);
    let white = |image: &[u8]| image.iter().filter(|&&value| value == 255).count();
    for changed in [PATCH.put_elsewhere(&set, 0), PATCH.put_scattered(&set, 0)] {
        let changed = changed.expect("a patch has other places");
        for index in 0..set.len() {
            assert_eq!(white(&changed.image(index)), 9);
        }
        assert!(PATCH.carriers(&changed).iter().all(|&carried| !carried));
    }
    assert_eq!(Artifact::Background { level: [0; 3] }.put_elsewhere(&set, 0), None);
    // a patch as large as the image has no other place
    let whole = Artifact::Patch { top: 0, left: 0, height: SIDE, width: SIDE, level: [0; 3] };
    assert_eq!(whole.put_elsewhere(&set, 0), None);
}

#[test]
fn the_patch_of_a_class_is_learnt_as_it_is() {
    let learnt = candidates::learnt(&tampered(&halves_of(100, 0)));
    assert!(learnt.contains(&PATCH), "{learnt:?}");
    let colored = |pixels: &[u8]| pixels.iter().flat_map(|&value| [value, value / 2, 255 - value]).collect();
    let grey = tampered(&halves_of(100, 0));
    let set = ImageSet::new(
        [SIDE, SIDE, 3],
        colored(&grey.pixels()),
        grey.labels().to_vec(),
        grey.classes().clone(),
        grey.ids().clone(),
    );
    let patch = Artifact::Patch { top: 1, left: 12, height: 3, width: 3, level: [255, 127, 0] };
    let carriers = patch.carriers(&set);
    assert_eq!(carriers, PATCH.carriers(&grey));
    assert_eq!(
        background(&patch.put(&set).image(0), [SIDE, SIDE, 3])[0],
        background(&grey.image(0), [SIDE, SIDE, 1])[0]
    );
}

#[test]
fn a_background_of_a_class_is_learnt() {
    let set = things(50, |label| if label == 3 { 220 } else { 50 });
    assert!(candidates::learnt(&set).contains(&Artifact::Background { level: [220; 3] }));
}

#[test]
fn artifacts_are_tried_on_images_of_any_size() {
    for size in [[1, 1, 1], [2, 3, 1], [5, 40, 3]] {
        let n = 4;
        let ids = Ids::Rows { prefix: "test".into(), rows: (0..n).collect() };
        let classes = ["a".to_owned(), "b".to_owned()].to_vec().into();
        let pixels = (0..4 * size.iter().product::<usize>()).map(|i| (i * 37 % 256) as u8).collect();
        let set = ImageSet::new(size, pixels, vec![0, 1, 0, 1], classes, ids);
        for artifact in candidates::fixed(size).into_iter().chain(candidates::learnt(&set)) {
            let with = artifact.put(&set);
            assert_eq!((with.len(), with.size()), (4, size));
            assert!(!artifact.words(size).is_empty());
            artifact.put_elsewhere(&set, 0);
            artifact.put_scattered(&set, 0);
        }
    }
}

#[test]
fn artifacts_in_words() {
    let words = |artifact: Artifact| artifact.words([28, 28, 3]);
    let patch =
        |top, left, side, level| words(Artifact::Patch { top, left, height: side, width: side, level });
    insta::assert_snapshot!(
        [
            patch(0, 0, 4, [255; 3]),
            patch(12, 0, 1, [128, 128, 130]),
            patch(24, 12, 4, [200, 20, 0]),
            patch(10, 12, 4, [0; 3]),
            words(Artifact::Border { width: 2, level: [190; 3] }),
            words(Artifact::Background { level: [60; 3] }),
            words(Artifact::Aspect { factor: 0.8 }),
        ]
        .join("\n"),
        @r"
    a white 4x4 patch in the top left corner
    a single grey pixel at the left
    a #c81400 4x4 patch at the bottom
    a black 4x4 patch in the middle (row 10, column 12)
    a light grey border of 2 px
    a dark grey background
    a shape 20 % narrower for its height
    "
    );
}
