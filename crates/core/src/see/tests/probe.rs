use seamripper_kernels::parallel::Threads;

use super::planted::{labelled, noise, planted, planted_set, residual};
use crate::random::{Purpose, Stream};
use crate::see::{MOST_FEATURES, Probe, probe};

#[test]
fn planted_classes_are_read_from_the_filters_and_not_from_pixels() {
    let (fit, test) = (planted_set(300), planted_set(420));
    let test = test.select(&(300..420).collect::<Vec<_>>());
    let found = probe(&planted().model(), &fit, &test, |_| {});
    let names: Vec<_> = found.iter().map(|p| p.layer.as_ref().map(|layer| layer.name.as_str())).collect();
    assert_eq!(names, [None, Some("conv1"), Some("hidden")]);
    assert_eq!(found[0].features, [12, 12, 1]);
    assert_eq!(found[1].features, [4, 4, 5]);
    assert_eq!((found[2].features, found[2].right, found[2].images), ([1, 1, 5], 120, 120));
    assert!(found[1].right > 115, "{found:?}");
}

#[test]
fn labels_without_a_cause_are_not_learned() {
    let found = probe(&residual().model(), &noise([9, 8, 3], 400, 4), &noise_after(400), |_| {});
    for Probe { layer, right, images, .. } in &found {
        // A quarter of 400 at random: five standard deviations are 43.
        assert!((57..=143).contains(right) && *images == 400, "{layer:?} {right}");
    }
}

/// Other images than those of `noise`.
fn noise_after(n: usize) -> crate::sample::ImageSet {
    noise([9, 8, 3], n + 400, 4).select(&(400..n + 400).collect::<Vec<_>>())
}

/// Two pixels among noise decide the class.
#[test]
fn a_linear_rule_is_found() {
    let mut stream = Stream::new(4, Purpose::Test, 0, 0);
    let mut pixels: Vec<u8> = (0..1000 * 9 * 8 * 3).map(|_| stream.below(256) as u8).collect();
    for (index, image) in pixels.chunks_mut(9 * 8 * 3).enumerate() {
        image[100] = if index % 2 == 0 { 255 } else { 0 };
        image[150] = if index % 4 < 2 { 255 } else { 0 };
    }
    let set = labelled([9, 8, 3], pixels, 4);
    let (fit, test) =
        (set.select(&(0..800).collect::<Vec<_>>()), set.select(&(800..1000).collect::<Vec<_>>()));
    let found = probe(&residual().model(), &fit, &test, |_| {});
    // By one of the pixels alone it were half of them.
    assert!(found[0].right >= 170, "{found:?}");
    assert!(found.iter().all(|probe| probe.features.iter().product::<usize>() <= MOST_FEATURES));
}

#[test]
fn threads_change_nothing() {
    let (fit, test) = (noise([9, 8, 3], 200, 4), noise_after(100));
    let owned = residual();
    let look = |threads| {
        let run = || probe(&owned.model(), &fit, &test, |_| {});
        Threads::new(Some(threads)).unwrap().run(run)
    };
    assert_eq!(look(1), look(2));
}
