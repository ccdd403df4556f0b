use std::sync::Arc;

use proptest::prelude::*;
use seamripper_kernels::warp::{Image, ImageMut, Matrix, compose, rotation_matrix_2d, scalar::warp_affine};
use serde::Deserialize;

use super::{cutmix::Cut, mixup::Mix, *};
use crate::{
    random::{Purpose, Stream},
    sample::{Ids, ImageSet, PixelStore},
};

/// `n` images of random pixels, in classes `a` and `b`.
fn noise_set(n: usize, size: [usize; 3]) -> ImageSet {
    let mut stream = Stream::new(1, Purpose::Test, 0, 0);
    let pixels = (0..n * size.iter().product::<usize>()).map(|_| stream.bits() as u8).collect();
    let labels = (0..n as u32).map(|i| i % 2).collect();
    let ids = Ids::Rows { prefix: "train".into(), rows: (0..n as u32).collect() };
    ImageSet::new(size, pixels, labels, ["a".to_owned(), "b".to_owned()].into(), ids)
}

fn online(transforms: &[Transform], set: &ImageSet) -> Online {
    Online::new(transforms, set.size()).expect("valid transforms")
}

/// The image as drawn for one place of an epoch, back in bytes; every value must lie on the grid of 255ths.
fn draw(online: &Online, set: &ImageSet, index: usize, position: u64) -> Vec<u8> {
    let mut out = vec![f32::NAN; set.image(index).len()];
    online.image(set, index, 3, 5, position, &mut Scratch::default(), &mut out);
    out.iter()
        .map(|&value| {
            let byte = (value * 255.0).round();
            assert_eq!(value, byte / 255.0, "not a 255th");
            byte as u8
        })
        .collect()
}

fn warped(src: &[u8], size: [usize; 3], dst_from_src: &Matrix) -> Vec<u8> {
    let mut out = vec![0; src.len()];
    warp_affine(Image { size, pixels: src }, ImageMut { size, pixels: &mut out }, dst_from_src, 0);
    out
}

fn mirrored(src: &[u8], [h, w, c]: [usize; 3]) -> Vec<u8> {
    let at = |y: usize, x: usize, channel: usize| src[(y * w + w - 1 - x) * c + channel];
    (0..h * w * c).map(|i| at(i / (w * c), i / c % w, i % c)).collect()
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len() as f64;
    values.sum::<f64>() / n
}

const SHIFT_3: Transform = Transform::Translate([3.0, 3.0]);

#[test]
fn without_transforms_an_image_is_its_255ths_exactly() {
    let set = ImageSet::new(
        [16, 16, 1],
        (0..=255).collect(),
        vec![0],
        ["a".to_owned()].into(),
        Ids::Names(vec!["x".into()]),
    );
    let mut out = [f32::NAN; 256];
    online(&[], &set).image(&set, 0, 0, 0, 0, &mut Scratch::default(), &mut out);
    for (value, found) in out.iter().enumerate() {
        assert_eq!(found.to_bits(), (value as u8 as f32 / 255.0).to_bits());
    }
}

#[test]
fn a_draw_is_its_name_whatever_the_scratch_has_seen() {
    let set = noise_set(2, [12, 9, 3]);
    let list = [Transform::Rotate([-30.0, 30.0]), Transform::Erase(Erase::default()), Transform::Noise(0.1)];
    let online = online(&list, &set);
    let run = |scratch: &mut Scratch, index, epoch, position| {
        let mut out = vec![0.0; 12 * 9 * 3];
        online.image(&set, index, 7, epoch, position, scratch, &mut out);
        out
    };
    let fresh = run(&mut Scratch::default(), 0, 1, 2);
    let mut used = Scratch::default();
    run(&mut used, 1, 4, 4);
    assert_eq!(run(&mut used, 0, 1, 2), fresh);
    assert_ne!(run(&mut used, 0, 2, 2), fresh, "another epoch");
    assert_ne!(run(&mut used, 0, 1, 3), fresh, "another position");
}

#[test]
fn a_flip_is_the_exact_mirror() {
    for c in [1, 3] {
        let set = noise_set(1, [5, 8, c]);
        let flipped = draw(&online(&[Transform::Flip(1.0)], &set), &set, 0, 0);
        assert_eq!(flipped, mirrored(&set.image(0), set.size()));
        assert_ne!(flipped, *set.image(0));
        assert_eq!(draw(&online(&[Transform::Flip(0.0)], &set), &set, 0, 0), *set.image(0));
    }
}

#[test]
fn a_flip_comes_as_often_as_it_should() {
    let set = noise_set(1, [2, 2, 1]);
    let online = online(&[Transform::Flip(0.3)], &set);
    let flips = mean((0..10_000_u32).map(|i| f64::from(draw(&online, &set, 0, i.into()) != *set.image(0))));
    // Four standard errors of a share of 0.3 in 10,000.
    assert!((flips - 0.3).abs() < 4.0 * (0.3 * 0.7 / 10_000.0_f64).sqrt(), "{flips}");
}

#[test]
fn crops_are_exact_windows_of_the_padded_image_and_all_of_them_come() {
    let set = noise_set(1, [4, 6, 3]);
    let [h, w, c] = set.size();
    let pad = 2;
    let window = |dy: isize, dx: isize| -> Vec<u8> {
        let at = |y: isize, x: isize, channel: usize| {
            let inside = (0..h as isize).contains(&y) && (0..w as isize).contains(&x);
            if inside { set.image(0)[(y as usize * w + x as usize) * c + channel] } else { 0 }
        };
        (0..h * w * c).map(|i| at((i / (w * c)) as isize + dy, (i / c % w) as isize + dx, i % c)).collect()
    };
    let places = (-2..=2).flat_map(|dy| (-2..=2).map(move |dx| (dy, dx)));
    let windows: Vec<_> = places.map(|(dy, dx)| window(dy, dx)).collect();
    let online = online(&[Transform::Crop(Crop { pad })], &set);
    let mut seen = [0_u32; 25];
    for position in 0..2500 {
        let crop = draw(&online, &set, 0, position);
        seen[windows.iter().position(|window| *window == crop).expect("a window")] += 1;
    }
    // Each comes 100 times, give or take 4.5 standard deviations (25 windows are looked at).
    assert!(seen.iter().all(|&count| (56..=144).contains(&count)), "{seen:?}");
}

#[test]
fn erasing_changes_one_rectangle_as_often_and_as_large_as_asked() {
    let size = [32, 32, 1];
    let set =
        ImageSet::new(size, vec![0; 1024], vec![0], ["a".to_owned()].into(), Ids::Names(vec!["x".into()]));
    let erase = Erase { probability: 0.5, area: [0.1, 0.3], aspect: [0.5, 2.0] };
    let online = online(&[Transform::Erase(erase)], &set);
    let n = 4000;
    let (mut erased, mut area, mut values) = (0.0, Vec::new(), Vec::new());
    for position in 0..n {
        let image = draw(&online, &set, 0, position);
        let changed: Vec<usize> = (0..1024).filter(|&i| image[i] > 0).collect();
        if changed.is_empty() {
            continue;
        }
        erased += 1.0;
        let side = |coordinate: fn(usize) -> usize| {
            let ends = changed.iter().map(|&i| coordinate(i));
            (ends.clone().max().expect("changed") - ends.min().expect("changed") + 1) as f64
        };
        let rectangle = side(|i| i / 32) * side(|i| i % 32);
        // All but the few random bytes that are 0 by chance (mean 1 in 256).
        assert!(changed.len() as f64 > 0.9 * rectangle, "a full rectangle");
        area.push(rectangle / 1024.0);
        values.extend(changed.iter().map(|&i| f64::from(image[i])));
    }
    let share = erased / n as f64;
    assert!((share - 0.5).abs() < 4.0 * (0.25 / n as f64).sqrt(), "{share}");
    // Sides are rounded to whole pixels, hence the margin of one row of the largest rectangle.
    assert!(area.iter().all(|share| (0.08..0.34).contains(share)));
    let average = mean(area.iter().copied());
    assert!((average - 0.2).abs() < 4.0 * (0.2 / 12.0_f64.sqrt()) / erased.sqrt() + 0.002, "{average}");
    // Bytes of 1 to 255: mean 128, standard deviation 73.6.
    let average = mean(values.iter().copied());
    assert!((average - 128.0).abs() < 4.0 * 73.6 / (values.len() as f64).sqrt(), "{average}");
}

#[test]
fn a_rectangle_that_never_fits_is_not_erased() {
    let set = noise_set(1, [4, 4, 1]);
    let erase = Erase { probability: 1.0, area: [1.0, 1.0], aspect: [9.0, 9.0] };
    assert_eq!(draw(&online(&[Transform::Erase(erase)], &set), &set, 0, 0), *set.image(0));
}

#[test]
fn noise_has_its_deviation_and_stays_in_range() {
    let set = ImageSet::new(
        [100, 100, 1],
        vec![128; 10_000],
        vec![0],
        ["a".into()].into(),
        Ids::Names(vec!["x".into()]),
    );
    // 0.03 and 0.04 add up to 0.05.
    let both = online(&[Transform::Noise(0.03), Transform::Noise(0.04)], &set);
    let mut out = vec![0.0; 10_000];
    both.image(&set, 0, 0, 0, 0, &mut Scratch::default(), &mut out);
    let deviations = out.iter().map(|&value| f64::from(value) - 128.0 / 255.0);
    let average = mean(deviations.clone());
    let square = mean(deviations.map(|deviation| deviation * deviation));
    assert!(average.abs() < 4.0 * 0.05 / 100.0, "{average}");
    assert!((square - 0.0025).abs() < 4.0 * 0.0025 * 2.0_f64.sqrt() / 100.0, "{square}");
    let loud = online(&[Transform::Noise(1.0)], &set);
    loud.image(&set, 0, 0, 0, 0, &mut Scratch::default(), &mut out);
    assert!(out.iter().all(|value| (0.0..=1.0).contains(value)));
    assert!(out.contains(&0.0) && out.contains(&1.0));
}

#[test]
fn drawn_matrices_stay_in_range_and_average_to_its_middle() {
    let affine =
        Affine { rotate: [-20.0, 40.0], translate: [-4.0, 2.0], scale: [0.5, 1.5], shear: [0.0, 0.0] };
    let n = 10_000;
    let mut draws = vec![[0.0; 4]; n];
    for (i, [degrees, scale, x, y]) in draws.iter_mut().enumerate() {
        let mut stream = Stream::new(2, Purpose::Test, i as u64, 0);
        // Images without extent: the center is (0, 0), so the translation stands in the matrix as it is.
        let [[a, b, tx], [_, _, ty]] = steps::draw_matrix(&affine, [0, 0, 1], &mut stream);
        [*degrees, *scale, *x, *y] = [b.atan2(a).to_degrees(), a.hypot(b), tx, ty];
    }
    for (i, [low, high]) in
        [affine.rotate, affine.scale, affine.translate, affine.translate].iter().enumerate()
    {
        let values = draws.iter().map(|draw| draw[i]);
        assert!(values.clone().all(|value| (low - 1e-9..high + 1e-9).contains(&value)), "range {i}");
        let error = (high - low) / 12.0_f64.sqrt() / (n as f64).sqrt();
        let average = mean(values);
        assert!((average - (low + high) / 2.0).abs() < 4.0 * error, "mean {i}: {average}");
    }
    // x and y are drawn separately: their correlation is within four standard errors of 0.
    let product = mean(draws.iter().map(|[_, _, x, y]| (x + 1.0) * (y + 1.0)));
    assert!(product.abs() < 4.0 * 3.0 / (n as f64).sqrt(), "{product}");
}

#[test]
fn rotate_translate_and_affine_are_opencv_s_matrices() {
    let set = noise_set(1, [28, 20, 1]);
    let center = [10.0, 14.0];
    let turn = rotation_matrix_2d(center, 17.0, 1.0);
    let expected = |matrix: &Matrix| warped(&set.image(0), set.size(), matrix);
    let found = |transform| draw(&online(&[transform], &set), &set, 0, 0);
    assert_eq!(found(Transform::Rotate([17.0; 2])), expected(&turn));
    assert_eq!(found(Transform::Translate([1.75; 2])), expected(&[[1.0, 0.0, 1.75], [0.0, 1.0, 1.75]]));
    let scaled = Affine { rotate: [17.0; 2], scale: [1.2; 2], ..Affine::default() };
    assert_eq!(found(Transform::Affine(scaled)), expected(&rotation_matrix_2d(center, 17.0, 1.2)));
    let slope = 20.0_f64.to_radians().tan();
    let sheared = Affine { shear: [20.0; 2], ..Affine::default() };
    assert_eq!(found(Transform::Affine(sheared)), expected(&[[1.0, slope, -slope * 14.0], [0.0, 1.0, 0.0]]));
    let rotate_only = Affine { rotate: [-30.0, 30.0], ..Affine::default() };
    assert_eq!(found(Transform::Affine(rotate_only)), found(Transform::Rotate([-30.0, 30.0])));
}

#[test]
fn neighbouring_warps_are_interpolated_once_and_in_order() {
    let set = noise_set(1, [28, 28, 1]);
    let (turn, shift) = (rotation_matrix_2d([14.0, 14.0], 25.0, 1.0), [[1.0, 0.0, 3.0], [0.0, 1.0, 3.0]]);
    let rotate = Transform::Rotate([25.0; 2]);
    let found = |list: &[Transform]| draw(&online(list, &set), &set, 0, 0);
    let once = warped(&set.image(0), set.size(), &compose(&shift, &turn));
    assert_eq!(found(&[rotate.clone(), SHIFT_3]), once);
    let other = warped(&set.image(0), set.size(), &compose(&turn, &shift));
    assert_eq!(found(&[SHIFT_3, rotate.clone()]), other);
    // A step between them keeps them apart.
    let apart = warped(&warped(&set.image(0), set.size(), &turn), set.size(), &shift);
    assert_eq!(found(&[rotate, Transform::Flip(0.0), SHIFT_3]), apart);
    assert_ne!(apart, once);
}

#[test]
fn steps_are_done_in_the_order_of_the_list() {
    let set = noise_set(1, [9, 9, 3]);
    let shift = [[1.0, 0.0, 3.0], [0.0, 1.0, 3.0]];
    let found = |list: &[Transform]| draw(&online(list, &set), &set, 0, 0);
    let flip_then_shift = warped(&mirrored(&set.image(0), set.size()), set.size(), &shift);
    let shift_then_flip = mirrored(&warped(&set.image(0), set.size(), &shift), set.size());
    assert_eq!(found(&[Transform::Flip(1.0), SHIFT_3]), flip_then_shift);
    assert_eq!(found(&[SHIFT_3, Transform::Flip(1.0)]), shift_then_flip);
    assert_ne!(flip_then_shift, shift_then_flip);
}

#[test]
fn expanding_appends_a_copy_of_each_image_for_each_transform() {
    let set = noise_set(600, [7, 6, 1]);
    let list = [Transform::Rotate([-30.0, 30.0]), Transform::Flip(1.0), Transform::Rotate([5.0; 2])];
    let all = expand(set.clone(), &list, 11).expect("valid transforms");
    assert_eq!((all.len(), all.size(), all.classes()), (2400, set.size(), set.classes()));
    assert_eq!(all.pixels()[..set.pixels().len()], *set.pixels());
    assert_eq!(all.labels(), set.labels().repeat(4));
    let ids: Vec<_> = [0, 599, 600, 1203, 1800].iter().map(|&i| all.ids().id(i)).collect();
    assert_eq!(
        ids,
        ["train-00000", "train-00599", "train-00000+rotate", "train-00003+flip", "train-00000+rotate2"]
    );
    let center = [3.0, 3.5];
    for index in [0, 255, 256, 599] {
        let mut stream = Stream::new(11, Purpose::Expand, 0, index as u64);
        let turn = rotation_matrix_2d(center, stream.uniform(-30.0, 30.0), 1.0);
        assert_eq!(all.image(600 + index), warped(&set.image(index), set.size(), &turn));
        assert_eq!(all.image(1200 + index), mirrored(&set.image(index), set.size()));
        let fixed = rotation_matrix_2d(center, 5.0, 1.0);
        assert_eq!(all.image(1800 + index), warped(&set.image(index), set.size(), &fixed));
    }
    assert_eq!(expand(set.clone(), &list, 11).expect("valid transforms"), all);
    assert_ne!(expand(set.clone(), &list, 12).expect("valid transforms"), all);
}

#[test]
fn an_expanded_set_can_be_selected_from_and_expanded_again() {
    let set = noise_set(3, [4, 4, 3]);
    let once = expand(set.clone(), &[Transform::Noise(0.1)], 0).expect("valid transforms");
    assert_ne!(once.image(3), once.image(0));
    let chosen = once.select(&[4, 0]);
    assert_eq!([chosen.ids().id(0), chosen.ids().id(1)], ["train-00001+noise", "train-00000"]);
    let twice = expand(chosen.clone(), &[Transform::Flip(1.0)], 0).expect("valid transforms");
    assert_eq!(twice.ids().id(2), "train-00001+noise+flip");
    let none = expand(set.select(&[]), &[SHIFT_3], 0).expect("valid transforms");
    assert!(none.is_empty());
    assert_eq!(expand(set.clone(), &[], 0).expect("no transforms").pixels(), set.pixels());
}

#[test]
fn noise_on_bytes_has_its_deviation() {
    let ids = Ids::Names(vec!["x".into()]);
    let set = ImageSet::new([100, 100, 1], vec![100; 10_000], vec![0], ["a".into()].into(), ids);
    let noisy = expand(set.clone(), &[Transform::Noise(0.04)], 0).expect("valid transforms");
    let noise = noisy.image(1);
    let deviations = noise.iter().map(|&value| f64::from(value) - 100.0);
    let variance = 10.2_f64.powi(2) + 1.0 / 12.0;
    let square = mean(deviations.clone().map(|deviation| deviation * deviation));
    assert!(mean(deviations).abs() < 4.0 * variance.sqrt() / 100.0);
    assert!((square - variance).abs() < 4.0 * variance * 2.0_f64.sqrt() / 100.0, "{square}");
}

#[test]
fn mixing_blends_images_and_labels_alike() {
    let set = noise_set(1, [1, 1, 1]);
    let (n, k) = (64, 10);
    // Every image says which one-hot label it has, so that a blend can be read back.
    let one_hot: Vec<f32> = (0..n * k).map(|i| f32::from(u8::from(i % k == i / k % k))).collect();
    let mix = |epoch| {
        let (mut batch, mut targets) = (one_hot.clone(), one_hot.clone());
        online(&[Transform::Mixup(0.4)], &set).mix(&mut batch, &mut targets, n, 1, epoch, 2);
        assert_eq!(batch, targets);
        targets
    };
    let mixed = mix(0);
    for row in mixed.chunks_exact(k) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{row:?}");
        assert!(row.iter().filter(|&&share| share > 0.0).count() <= 2, "{row:?}");
    }
    assert!(mixed != one_hot && mixed == mix(0) && mixed != mix(1));
    let (mut batch, mut targets) = (one_hot.clone(), one_hot.clone());
    let plain = online(&[SHIFT_3], &set);
    plain.mix(&mut batch, &mut targets, n, 1, 0, 2);
    assert!(!plain.mixes() && batch == one_hot && targets == one_hot);
    online(&[Transform::Mixup(1.0)], &set).mix(&mut [], &mut [], 0, 1, 0, 2);
}

/// Image `i` has the value `i` in every pixel, so that whose a pixel is can be read off.
#[test]
fn cutmix_puts_a_rectangle_of_the_partner_in_and_mixes_labels_by_its_area() {
    let (n, size) = (16, [5, 7, 2]);
    let [h, w, c] = size;
    let length = h * w * c;
    let (mut shares, mut whole) = (Vec::new(), 0);
    for draw in 0..200 {
        let cut = Cut::draw(n, size, 1.0, &mut Stream::new(1, Purpose::Test, draw, 0));
        let mut images: Vec<f32> = (0..n * length).map(|place| (place / length) as f32).collect();
        let mut targets: Vec<f32> = (0..n * n).map(|i| f32::from(u8::from(i % n == i / n))).collect();
        cut.apply(size, &mut images, &mut targets);
        for (image, pixels) in images.chunks_exact(length).enumerate() {
            let partner = cut.partner[image];
            let own = |place: usize| pixels[place] == image as f32;
            let rectangle = &cut.rectangles[image];
            for place in 0..length {
                let (row, column) = (place / c / w, place / c % w);
                let inside = (rectangle.rows[0]..rectangle.rows[1]).contains(&row)
                    && (rectangle.columns[0]..rectangle.columns[1]).contains(&column);
                assert_eq!(pixels[place], if inside { partner } else { image } as f32, "{rectangle:?}");
            }
            let kept = (0..length).filter(|&place| own(place)).count() as f32 / length as f32;
            let row = &targets[image * n..][..n];
            assert!((row[image] - kept).abs() < 1e-6 && (row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            if partner != image {
                shares.push(f64::from(1.0 - kept));
                whole += usize::from(kept == 1.0);
            }
        }
    }
    // Uniform shares of side sqrt(share), rounded down and cut off at the border: less than one half on average, never none.
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    assert!((0.2..0.4).contains(&mean), "{mean}");
    assert!(whole < shares.len() / 3 && shares.iter().any(|&share| share > 0.5), "{whole}");
}

#[test]
fn with_mixup_and_cutmix_a_batch_gets_either() {
    let set = noise_set(1, [4, 4, 1]);
    let both = online(&[Transform::Mixup(1.0), Transform::Cutmix(1.0)], &set);
    let images: Vec<f32> = (0..8 * 16).map(|place| (place / 16) as f32).collect();
    let cut = (0..200).filter(|&batch| {
        let (mut mixed, mut targets) = (images.clone(), vec![0.5; 16]);
        both.mix(&mut mixed, &mut targets, 8, 3, 0, batch);
        // a blend is not one of the values that were there
        mixed.iter().all(|value| value.fract() == 0.0)
    });
    let cut = cut.count();
    assert!((70..=130).contains(&cut), "{cut} of 200");
}

#[test]
fn mixing_weights_are_beta() {
    for alpha in [0.1, 0.4, 1.0, 8.0] {
        let mut stream = Stream::new(4, Purpose::Test, 0, 0);
        let n = 20_000;
        let draws: Vec<f64> = (0..n).map(|_| mixup::symmetric_beta(alpha, &mut stream)).collect();
        assert!(draws.iter().all(|weight| (0.0..=1.0).contains(weight)));
        let variance = 1.0 / (4.0 * (2.0 * alpha + 1.0));
        let fourth = 3.0 / (16.0 * (2.0 * alpha + 1.0) * (2.0 * alpha + 3.0));
        let errors = [variance / f64::from(n), (fourth - variance * variance) / f64::from(n)].map(f64::sqrt);
        let average = mean(draws.iter().copied());
        let square = mean(draws.iter().map(|weight| (weight - 0.5).powi(2)));
        assert!((average - 0.5).abs() < 4.0 * errors[0], "alpha {alpha}: mean {average}");
        assert!((square - variance).abs() < 4.0 * errors[1], "alpha {alpha}: variance {square}");
    }
    for alpha in [1e-3, 1e3] {
        let mut stream = Stream::new(4, Purpose::Test, 1, 0);
        assert!((0..1000).all(|_| (0.0..=1.0).contains(&mixup::symmetric_beta(alpha, &mut stream))));
    }
}

#[test]
fn wrong_values_are_listed_all_at_once() {
    let list = [
        Transform::Rotate([30.0, -30.0]),
        Transform::Translate([0.0, f64::NAN]),
        Transform::Affine(Affine { scale: [0.0, 1.0], shear: [0.0, 90.0], ..Affine::default() }),
        Transform::Flip(1.5),
        Transform::Crop(Crop { pad: 28 }),
        Transform::Erase(Erase { probability: -0.1, area: [0.5, 1.1], aspect: [0.0, 1.0] }),
        Transform::Noise(25.0),
        Transform::Mixup(0.0),
        Transform::Mixup(0.2),
        Transform::Cutmix(2e3),
    ];
    let error = Online::new(&list, [28, 32, 1]).expect_err("wrong values");
    insta::assert_snapshot!(error, @r"
    rotate in augment.online[0]: expected a range [low, high], found [30, -30]
    translate in augment.online[1]: expected a range of two finite numbers, found [0, NaN]
    affine.scale in augment.online[2]: expected a range of factors above 0, found [0, 1]
    affine.shear in augment.online[2]: expected a range between -90 and 90 degrees, found [0, 90]
    flip in augment.online[3]: expected a probability from 0 to 1, found 1.5
    crop.pad in augment.online[4]: expected fewer pixels than the shorter side of the 28x32 images, found 28
    erase.probability in augment.online[5]: expected a probability from 0 to 1, found -0.1
    erase.area in augment.online[5]: expected a range of shares above 0, up to 1, found [0.5, 1.1]
    erase.aspect in augment.online[5]: expected a range of ratios above 0, found [0, 1]
    noise in augment.online[6]: expected a standard deviation from 0 to 1, the full pixel range, found 25
    mixup in augment.online[7]: expected an alpha from 0.001 to 1000, found 0
    mixup in augment.online[8]: expected at most one mixup, found another
    cutmix in augment.online[9]: expected an alpha from 0.001 to 1000, found 2000
    ");
    insta::assert_snapshot!(error.hint().expect("a hint"), @"write the smaller number first: [-30, 30]");
    let error = Online::new(&list[6..7], [28, 28, 1]).expect_err("too loud");
    insta::assert_snapshot!(error.hint().expect("a hint"), @"for grey levels of 0 to 255, write noise = 0.098");
}

#[test]
fn what_cannot_be_expanded_is_refused() {
    let error = expand(noise_set(1, [2, 2, 1]), &[Transform::Mixup(0.2)], 0).expect_err("labels");
    insta::assert_snapshot!(error, @"mixup in augment.expand[0]: expected a change of one image, found mixup");
    insta::assert_snapshot!(
        error.hint().expect("a hint"),
        @"mixup blends labels too: move it to augment.online"
    );
    let error = expand(noise_set(3, [0, 2, 1]), &[SHIFT_3], 0).expect_err("no pixels");
    insta::assert_snapshot!(
        error,
        @"images to augment: expected at least one pixel and channel, found size 0x2x1"
    );
    assert_eq!(error.hint(), None);
}

#[derive(Debug, PartialEq, Deserialize)]
struct Table {
    expand: Vec<Transform>,
    online: Vec<Transform>,
}

#[test]
fn the_example_of_the_manual_says_every_transform() {
    let manual = include_str!("../../../../docs/augment.md");
    let table = manual.split("```toml\n[augment]\n").nth(1).and_then(|rest| rest.split("```").next());
    let table: Table = toml::from_str(table.expect("an [augment] table")).expect("valid TOML");
    assert_eq!(table.expand, [Transform::Rotate([-30.0, 30.0]), Transform::Translate([-4.0, 4.0])]);
    let affine =
        Affine { rotate: [-10.0, 10.0], translate: [-2.0, 2.0], scale: [0.9, 1.1], shear: [-5.0, 5.0] };
    let online = [
        Transform::Flip(0.5),
        Transform::Affine(affine),
        Transform::Crop(Crop { pad: 2 }),
        Transform::Erase(Erase::default()),
        Transform::Noise(0.02),
        Transform::Mixup(0.2),
    ];
    assert_eq!(table.online, online);
    assert!(Expansion::new(&table.expand, [28, 28, 1]).is_ok() && Online::new(&online, [28, 28, 1]).is_ok());
}

/// One transform that is valid for images of 6x7 or larger.
fn transform() -> impl Strategy<Value = Transform> {
    let range = (-20.0..20.0, 0.0..20.0).prop_map(|(low, length): (f64, f64)| [low, low + length]);
    prop_oneof![
        range.clone().prop_map(Transform::Rotate),
        range.clone().prop_map(Transform::Translate),
        (range.clone(), range).prop_map(|(rotate, shear)| {
            Transform::Affine(Affine { rotate, shear, scale: [0.5, 1.5], ..Affine::default() })
        }),
        (0.0..=1.0).prop_map(Transform::Flip),
        (0_usize..6).prop_map(|pad| Transform::Crop(Crop { pad })),
        Just(Transform::Erase(Erase::default())),
        (0.0..0.2).prop_map(Transform::Noise),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any list in any order runs, stays in range, and does not depend on the scratch.
    #[test]
    fn any_list_can_be_drawn(
        (list, shuffled) in prop::collection::vec(transform(), 0..7)
            .prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())),
        c in prop::sample::select(vec![1_usize, 3]),
        position in any::<u64>(),
    ) {
        let set = noise_set(1, [6, 7, c]);
        let mut scratch = Scratch::default();
        let mut image = |list: &[Transform]| {
            let mut out = vec![f32::NAN; 42 * c];
            online(list, &set).image(&set, 0, 1, 2, position, &mut scratch, &mut out);
            out
        };
        let first = image(&list);
        let other = image(&shuffled);
        prop_assert!(first.iter().chain(&other).all(|value| (0.0..=1.0).contains(value)));
        prop_assert_eq!(image(&list), first);
    }

    /// Blending in place gives what the formula gives on a copy.
    #[test]
    fn blending_in_place_is_the_formula(n in 1_usize..20, seed in any::<u64>()) {
        let mut stream = Stream::new(seed, Purpose::Test, 0, 0);
        let rows: Vec<f32> = (0..n * 3).map(|_| stream.unit() as f32).collect();
        let mix = Mix::draw(n, 0.7, &mut stream);
        let mut sorted = mix.partner.clone();
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (0..n).collect::<Vec<_>>());
        let mut found = rows.clone();
        mix.blend(&mut found);
        for (i, value) in found.iter().enumerate() {
            let (row, column) = (i / 3, i % 3);
            let (weight, partner) = (mix.weight[row], mix.partner[row]);
            let blended = weight * rows[i] + (1.0 - weight) * rows[partner * 3 + column];
            prop_assert_eq!(*value, if partner == row { rows[i] } else { blended });
        }
    }
}

#[test]
fn ids_of_an_expanded_set_stay_small() {
    let set = noise_set(1000, [1, 1, 1]);
    let all = expand(set.clone(), &[SHIFT_3, Transform::Flip(0.5)], 0).expect("valid transforms");
    let Ids::Changed { source, rows, changes, suffixes } = all.ids() else { panic!("{:?}", all.ids()) };
    assert_eq!((rows.len(), changes.len(), suffixes.len()), (3000, 3000, 3));
    assert_eq!(**source, *set.ids());
    assert_eq!(Arc::strong_count(source), 1);
}

/// Copies of images that are not in memory are made when they are read, and are the same.
#[test]
fn copies_of_stored_images_are_the_same() {
    #[derive(Debug)]
    struct Kept(ImageSet);
    impl PixelStore for Kept {
        fn read(&self, index: usize, pixels: &mut [u8]) {
            pixels.copy_from_slice(&self.0.image(index));
        }
    }
    let set = noise_set(30, [9, 7, 3]);
    let (labels, classes, ids) = (set.labels().to_vec(), set.classes().clone(), set.ids().clone());
    let stored = ImageSet::stored(set.size(), Arc::new(Kept(set.clone())), labels, classes, ids);
    let transforms = [Transform::Rotate([-20.0, 20.0]), Transform::Noise(0.1)];
    let (here, there) = (expand(set, &transforms, 5).unwrap(), expand(stored, &transforms, 5).unwrap());
    assert!(there.is_stored() && !here.is_stored());
    assert_eq!(here.len(), 90);
    assert_eq!(here, there);
    assert_eq!(here.images(25, 65), there.images(25, 65), "read on all threads");
}
