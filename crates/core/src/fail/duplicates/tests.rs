use super::*;
use crate::fail::evaluation::tests::table_with_confusion;
use crate::fail::properties::tests::set;
use crate::random::{Purpose, Stream};

const SIZE: [usize; 3] = [28, 28, 1];

/// A picture of some smooth blobs on black, unlike any other. It ends before the border by `margin` pixels or more.
fn blobs(stream: &mut Stream, margin: f64) -> Vec<u8> {
    let blobs: Vec<[f64; 4]> = (0..6)
        .map(|_| {
            let at = |stream: &mut Stream| stream.uniform(margin + 4.0, 24.0 - margin);
            [at(stream), at(stream), stream.uniform(2.0, 6.0), stream.uniform(80.0, 220.0)]
        })
        .collect();
    let value = |y: f64, x: f64| -> f64 {
        blobs
            .iter()
            .map(|[cy, cx, size, height]| {
                let off = ((y - cy).powi(2) + 2.0 * (x - cx).powi(2)) / (size * size);
                if off < 1.0 { height * (1.0 - off) } else { 0.0 }
            })
            .fold(0.0, f64::max)
    };
    (0..28 * 28).map(|i| value((i / 28) as f64, (i % 28) as f64) as u8).collect()
}

fn shifted(image: &[u8], [right, down]: [i32; 2]) -> Vec<u8> {
    let at = |y: i32, x: i32| {
        if (0..28).contains(&y) && (0..28).contains(&x) { image[(y * 28 + x) as usize] } else { 0 }
    };
    (0..28).flat_map(|y| (0..28).map(move |x| (y, x))).map(|(y, x)| at(y - down, x - right)).collect()
}

fn changed(image: &[u8], change: impl FnMut(f64) -> f64) -> Vec<u8> {
    image
        .iter()
        .map(|&pixel| f64::from(pixel))
        .map(change)
        .map(|value| value.round().clamp(0.0, 255.0) as u8)
        .collect()
}

/// Share of images that are found when each has a copy changed by `change`, and the pairs of images that are no copies.
fn planted(name: &str, margin: f64, mut change: impl FnMut(&mut Stream, &[u8]) -> Vec<u8>) -> (f64, usize) {
    const IMAGES: usize = 300;
    let mut stream = Stream::new(0, Purpose::Test, 70, 0);
    let originals: Vec<Vec<u8>> = (0..IMAGES).map(|_| blobs(&mut stream, margin)).collect();
    let copies: Vec<Vec<u8>> = originals.iter().map(|image| change(&mut stream, image)).collect();
    let [first, second] = [originals, copies].map(|images| set(SIZE, images.concat()));
    let pairs = find(&[&first, &second], &DuplicateOptions::default());
    let true_pairs =
        pairs.iter().filter(|pair| pair.second.set == 1 && pair.second.index == pair.first.index).count();
    let recall = true_pairs as f64 / IMAGES as f64;
    println!("{name}: recall {recall}, {} false", pairs.len() - true_pairs);
    (recall, pairs.len() - true_pairs)
}

#[test]
fn equal_images_are_always_found() {
    assert_eq!(planted("equal", 0.0, |_, image| image.to_vec()), (1.0, 0));
}

#[test]
fn planted_changes_are_found() {
    let shift = |stream: &mut Stream| [0, 1].map(|_| stream.below(5) as i32 - 2);
    let noise = |stream: &mut Stream, image: &[u8], deviation: f64| {
        changed(image, |value| value + deviation * stream.normal())
    };
    for (name, (recall, wrongly)) in [
        ("shift", planted("shift", 2.0, |stream, image| shifted(image, shift(stream)))),
        ("shift that cuts", planted("shift that cuts", -2.0, |stream, image| shifted(image, shift(stream)))),
        ("mirror", planted("mirror", 0.0, |_, image| verify::mirror(image, 28))),
        (
            "mirror and shift",
            planted("mirror and shift", 0.0, |stream, image| {
                shifted(&verify::mirror(image, 28), shift(stream))
            }),
        ),
        ("noise", planted("noise", 0.0, |stream, image| noise(stream, image, 4.0))),
        ("darker", planted("darker", 0.0, |_, image| changed(image, |value| 0.7 * value))),
        ("brighter", planted("brighter", 0.0, |_, image| changed(image, |value| value + 20.0))),
        (
            "all",
            planted("all", 0.0, |stream, image| {
                let image =
                    changed(&shifted(&verify::mirror(image, 28), shift(stream)), |value| 0.85 * value);
                noise(stream, &image, 3.0)
            }),
        ),
    ] {
        assert!(recall >= 0.9, "{name}: {recall}");
        assert!(wrongly <= 3, "{name}: {wrongly}");
    }
}

#[test]
fn what_changed_is_named() {
    let mut stream = Stream::new(0, Purpose::Test, 71, 0);
    let image = blobs(&mut stream, 2.0);
    let second = verify::mirror(&shifted(&image, [2, -1]), 28);
    let images = set(SIZE, [image.clone(), image, second].concat());
    let pairs = find(&[&images], &DuplicateOptions::default());
    let change = |equal, mirrored, shift| Change { equal, mirrored, shift };
    let found: Vec<_> = pairs.iter().map(|pair| (pair.first.index, pair.second.index, pair.change)).collect();
    assert_eq!(found, [(0, 1, change(true, false, [0, 0])), (0, 2, change(false, true, [2, -1]))]);
    assert!(pairs[1].correlation > 0.999);
}

/// Large images are compared at a smaller size first; shifts are found to the pixel all the same.
#[test]
fn shifts_of_large_images_are_found_to_the_pixel() {
    const IMAGES: usize = 60;
    const LARGE: usize = 28 * 7;
    let large = |image: &[u8], [right, down]: [i32; 2]| -> Vec<u8> {
        let at = |y: i32, x: i32| {
            let inside = (0..LARGE as i32).contains(&y) && (0..LARGE as i32).contains(&x);
            if inside { image[(y as usize / 7) * 28 + x as usize / 7] } else { 0 }
        };
        let places = (0..LARGE as i32).flat_map(|y| (0..LARGE as i32).map(move |x| (y, x)));
        places.map(|(y, x)| at(y - down, x - right)).collect()
    };
    let mut stream = Stream::new(0, Purpose::Test, 76, 0);
    let originals: Vec<Vec<u8>> = (0..IMAGES).map(|_| blobs(&mut stream, 2.0)).collect();
    let shifts: Vec<[i32; 2]> = (0..IMAGES).map(|_| [0, 1].map(|_| stream.below(11) as i32 - 5)).collect();
    let first: Vec<u8> = originals.iter().flat_map(|image| large(image, [0, 0])).collect();
    let second: Vec<u8> =
        originals.iter().zip(&shifts).flat_map(|(image, &shift)| large(image, shift)).collect();
    assert_eq!(verify::factor([LARGE, LARGE]), 3);
    let [first, second] = [first, second].map(|pixels| set([LARGE, LARGE, 1], pixels));
    let pairs = find(&[&first, &second], &DuplicateOptions::default());
    let found = |row: usize| {
        let pair = pairs.iter().find(|pair| [pair.first, pair.second].map(|place| place.index) == [row; 2]);
        pair.is_some_and(|pair| pair.change.shift == shifts[row] && pair.correlation > 0.999)
    };
    let recall = (0..IMAGES).filter(|&row| found(row)).count() as f64 / IMAGES as f64;
    assert!(recall >= 0.9, "{recall}");
    assert_eq!(pairs.len(), (0..IMAGES).filter(|&row| found(row)).count(), "no other pair");
}

#[test]
fn images_without_content_and_small_images_only_equal() {
    for size in [[28, 28, 1], [4, 4, 1], [1, 1, 3], [28, 28, 3]] {
        let length: usize = size.iter().product();
        let images = set(size, [vec![7; length], vec![8; length], vec![7; length]].concat());
        let pairs = find(&[&images], &DuplicateOptions::default());
        assert_eq!(pairs.len(), 1);
        assert_eq!((pairs[0].first.index, pairs[0].second.index, pairs[0].change.equal), (0, 2, true));
    }
    assert_eq!(find(&[], &DuplicateOptions::default()), []);
    assert_eq!(find(&[&set(SIZE, Vec::new())], &DuplicateOptions::default()), []);
}

#[test]
fn color_images() {
    let mut stream = Stream::new(0, Purpose::Test, 72, 0);
    let grey = blobs(&mut stream, 2.0);
    let color =
        |grey: &[u8]| grey.iter().flat_map(|&value| [value, value / 2, 255 - value]).collect::<Vec<u8>>();
    let pixels = [color(&grey), color(&verify::mirror(&grey, 28))].concat();
    assert_eq!(find(&[&set([28, 28, 3], pixels)], &DuplicateOptions::default()).len(), 1);
}

/// The grid finds what comparing all with all finds.
#[test]
fn the_index_leaves_nothing_out() {
    let mut stream = Stream::new(0, Purpose::Test, 73, 0);
    let signer = Signer::new(28, 28).unwrap();
    let entries: Vec<(signature::Signature, u32)> =
        (0..400).filter_map(|number| Some((signer.sign(&blobs(&mut stream, 0.0))[1][1]?, number))).collect();
    let radius = 0.9;
    let grid = Grid::new(entries.clone(), radius);
    let mut total = 0;
    for (signature, _) in &entries {
        let mut found = Vec::new();
        grid.near(signature, |number| found.push(number));
        found.sort_unstable();
        let distance = |other| signature::squared_distance(signature, other, f32::INFINITY);
        let all = entries.iter().filter(|(other, _)| distance(other) <= radius * radius).map(|entry| entry.1);
        let all: Vec<u32> = all.collect();
        total += all.len();
        assert_eq!(found, all);
    }
    assert!(total > 2 * entries.len(), "{total}");
}

#[test]
fn the_signature_is_nearer_than_the_correlation_says() {
    let mut stream = Stream::new(0, Purpose::Test, 74, 0);
    let signer = Signer::new(28, 28).unwrap();
    for _ in 0..200 {
        let [a, b] = [0, 1].map(|_| blobs(&mut stream, 0.0));
        let crop =
            |image: &[u8]| -> Vec<u8> { (1..26).flat_map(|y| image[y * 28 + 1..][..25].to_vec()).collect() };
        let bound = 2.0 - 2.0 * verify::correlation(&crop(&a), &crop(&b), 25, [0, 0]);
        let [a, b] = [a, b].map(|image| signer.sign(&image)[1][1].unwrap());
        let distance = f64::from(signature::squared_distance(&a, &b, f32::INFINITY));
        assert!(distance <= bound + 1e-5 && distance >= 0.2 * bound, "{distance} {bound}");
    }
}

#[test]
fn leaks_through_a_third_image_and_what_they_carry() {
    let change = Change { equal: true, mirrored: false, shift: [0, 0] };
    let pair = |a: [usize; 2], b: [usize; 2]| {
        let [first, second] = [a, b].map(|[set, index]| Place { set, index });
        Pair { first, second, change, correlation: 1.0 }
    };
    // test image 4 is like test image 3, which is like training image 7; test images 0 and 1 are like each other only
    let pairs = [pair([0, 7], [1, 3]), pair([1, 3], [1, 4]), pair([1, 0], [1, 1]), pair([0, 1], [0, 2])];
    let leaked = leaks::leaked(&pairs, 0, 1, 10);
    assert_eq!(leaked.iter().enumerate().filter(|l| *l.1).map(|l| l.0).collect::<Vec<_>>(), [3, 4]);

    let table = table_with_confusion(&["a", "b"], &[&[80, 20], &[30, 70]]);
    let marks: Vec<bool> = (0..200).map(|row| row < 40).collect();
    let carried = leaks::carried(&table, &marks).unwrap();
    assert_eq!(
        (carried.n, carried.leaked, carried.accuracy, carried.accuracy_without),
        (200, 40, 0.75, 110.0 / 160.0)
    );
    assert!((carried.gain - 0.0625).abs() < 1e-12 && carried.p < 1e-4);
    let [low, high] = carried.gain_ci;
    assert!(low > 0.0 && low < 0.0625 && 0.0625 < high && high < 0.1);
    assert_eq!(leaks::carried(&table, &[false; 200]), None);
    let title = |marks: &[bool]| leaks::finding(&table, marks).map(|finding| finding.title);
    insta::assert_snapshot!(title(&marks).unwrap(), @"40 images of 200 to test with were trained on, unchanged or nearly so: accuracy is 75.00 % with and 68.75 % without them.");
    insta::assert_snapshot!(title(&[true; 200]).unwrap(), @"All 200 images to test with were trained on: the accuracy says nothing about new images.");
    assert_eq!(title(&[false; 200]), None);
}

#[test]
fn duplicates_as_a_finding() {
    let mut stream = Stream::new(0, Purpose::Test, 75, 0);
    let [a, b] = [0, 1].map(|_| blobs(&mut stream, 2.0));
    let mut images = set(SIZE, [a.clone(), b.clone(), a.clone(), shifted(&b, [1, 1])].concat());
    let said = |images: &ImageSet| {
        let pairs = find(&[images], &DuplicateOptions::default());
        report::finding(&[images], &pairs).map(|finding| (finding.title, finding.examples.join(" ")))
    };
    let (title, examples) = said(&images).unwrap();
    insta::assert_snapshot!(title, @"2 of 4 images are copies of another: 1 equal, 1 shifted, mirrored or changed a little.");
    assert_eq!(examples, "test-00000 test-00002 test-00001 test-00003");
    images = ImageSet::new(
        SIZE,
        images.pixels().to_vec(),
        vec![0, 0, 0, 1],
        std::sync::Arc::from(["a".to_owned(), "b".to_owned()]),
        images.ids().clone(),
    );
    let (title, examples) = said(&images).unwrap();
    insta::assert_snapshot!(title, @"2 of 4 images are copies of another: 1 equal, 1 shifted, mirrored or changed a little; 1 pair has different labels.");
    assert_eq!(examples, "test-00001 test-00003 test-00000 test-00002");
    assert_eq!(said(&set(SIZE, [a, b].concat())), None);
}
