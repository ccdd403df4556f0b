use std::sync::Arc;

use super::color::{Color, HUES};
use super::*;
use crate::random::{Purpose, Stream};
use crate::sample::Ids;

pub(in crate::fail) fn set(size: [usize; 3], pixels: Vec<u8>) -> ImageSet {
    let n = pixels.len() / size.iter().product::<usize>();
    let ids = Ids::Rows { prefix: Arc::from("test"), rows: (0..n as u32).collect() };
    ImageSet::new(size, pixels, vec![0; n], Arc::from(["a".to_owned()]), ids)
}

fn value(image: Vec<u8>, size: [usize; 3], name: &str) -> f64 {
    let measured = measure(&set(size, image));
    let property = measured.iter().find(|property| property.name == name).expect("a property");
    match &property.values {
        Values::Numbers(values) => values[0],
        Values::Names { of, .. } => f64::from(of[0]),
    }
}

/// A box of `value` in an image of `background`, 12x16.
fn boxed(
    background: u8,
    value: u8,
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
) -> Vec<u8> {
    (0..12 * 16)
        .map(|i| if rows.contains(&(i / 16)) && columns.contains(&(i % 16)) { value } else { background })
        .collect()
}

#[test]
fn a_box_by_hand() {
    let size = [12, 16, 1];
    for (background, value_of_box) in [(0, 200), (220, 20)] {
        let image = || boxed(background, value_of_box, 2..6, 8..16);
        assert_eq!(value(image(), size, "area"), 32.0 / 192.0);
        assert_eq!(value(image(), size, "aspect"), 1.0);
        assert_eq!(value(image(), size, "border"), 1.0);
        assert!((value(image(), size, "horizontal position") - 11.5 / 15.0).abs() < 1e-12);
        assert!((value(image(), size, "vertical position") - 3.5 / 11.0).abs() < 1e-12);
        assert_eq!(value(image(), size, "left-right symmetry"), 0.0);
    }
    let image = boxed(0, 200, 2..6, 8..12);
    assert_eq!(value(image.clone(), size, "border"), 0.0);
    assert!((value(image.clone(), size, "brightness") - 16.0 * 200.0 / 192.0 / 255.0).abs() < 1e-12);
    let share: f64 = 16.0 / 192.0;
    let deviation = 200.0 / 255.0 * (share * (1.0 - share)).sqrt();
    assert!((value(image, size, "contrast") - deviation).abs() < 1e-12);
    assert_eq!(value(boxed(0, 200, 5..7, 7..9), size, "up-down symmetry"), 1.0);
}

#[test]
fn edges_and_sharpness_of_a_step() {
    let size = [12, 16, 1];
    let step = boxed(0, 255, 0..12, 8..16);
    // the gradient of the step is 4 · 255 in the two columns beside it, of 14
    assert!((value(step.clone(), size, "edges") - 2.0 / 14.0).abs() < 1e-6);
    let variance = 2.0 * 255.0 * 255.0 / 14.0_f64;
    assert!((value(step, size, "sharpness") - variance.ln_1p()).abs() < 1e-9);
}

#[test]
fn an_image_of_one_value_has_finite_properties() {
    for size in [[12, 16, 1], [8, 8, 3], [1, 1, 1], [2, 5, 3]] {
        for property in measure(&set(size, vec![77; size.iter().product()])) {
            if let Values::Numbers(values) = &property.values {
                assert!(values[0].is_finite(), "{} of {size:?}", property.name);
            }
        }
    }
    let image = vec![77; 192];
    assert_eq!(value(image.clone(), [12, 16, 1], "area"), 0.0);
    assert_eq!(value(image.clone(), [12, 16, 1], "vertical position"), 0.5);
    assert_eq!(value(image, [12, 16, 1], "left-right symmetry"), 1.0);
}

#[test]
fn hues_have_their_names() {
    for (pixel, name) in [
        ([250, 10, 10], "red"),
        ([240, 230, 20], "yellow"),
        ([10, 200, 30], "green"),
        ([0, 210, 220], "cyan"),
        ([20, 30, 220], "blue"),
        ([220, 20, 210], "magenta"),
        ([90, 91, 92], "without a hue"),
    ] {
        assert_eq!(HUES[Color::of(&pixel).hue as usize], name);
    }
    assert_eq!(Color::of(&[90, 90, 90]).colorfulness, 0.0);
    // one grey and one pure red pixel: variances and means of (r - g, (r + g) / 2 - b) by hand
    let expected = (0.25_f64 + 0.0625).sqrt() + 0.3 * 0.5_f64.hypot(0.25);
    assert!((Color::of(&[255, 0, 0, 80, 80, 80]).colorfulness - expected).abs() < 1e-12);
}

#[test]
fn color_properties_only_of_color_images() {
    let names = |size: [usize; 3]| -> Vec<String> {
        let measured = measure(&set(size, vec![3; size.iter().product()]));
        measured.into_iter().map(|property| property.name).collect()
    };
    assert_eq!(names([4, 4, 3]).len(), names([4, 4, 1]).len() + 3);
    assert!(!names([4, 4, 1]).contains(&"hue".to_owned()));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let mut stream = Stream::new(0, Purpose::Test, 51, 0);
    let images = set([9, 7, 3], (0..200 * 9 * 7 * 3).map(|_| stream.below(256) as u8).collect());
    let one = parallel::Threads::new(Some(1)).unwrap().run(|| measure(&images));
    assert_eq!(parallel::Threads::new(Some(3)).unwrap().run(|| measure(&images)), one);
}

#[test]
fn columns_of_a_user() {
    let camera = Property::names("camera", &["B", "A", "B"]);
    let expected =
        Values::Names { names: vec!["camera = A".to_owned(), "camera = B".to_owned()], of: vec![1, 0, 1] };
    assert_eq!((camera.len(), &camera.values), (3, &expected));
    assert_eq!(Property::numbers("age", vec![1.0]).words, ["low age", "high age"]);
}
