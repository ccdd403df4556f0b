use crate::palette::{NOT_A_NUMBER, limit};
use crate::{Canvas, Line, Picture, Sheet, Tile, Weight};

#[test]
fn grey_stays_grey_and_color_is_color() {
    let grey = Picture::image([1, 2, 1], &[0, 200]);
    assert_eq!(grey.pixels, [[0; 3], [200; 3]]);
    let color = Picture::image([1, 1, 3], &[1, 2, 3]);
    assert_eq!(color.pixels, [[1, 2, 3]]);
}

#[test]
fn signed_values_are_even_around_a_light_zero() {
    let values = [-2.0, 0.0, 2.0, f32::NAN, 9.0];
    let picture = Picture::signed([1, 5], &values, 2.0);
    let [low, zero, high, nan, beyond] = picture.pixels[..] else { panic!("five pixels") };
    assert!(zero.iter().all(|&level| level > 230), "{zero:?}");
    assert!(low[2] > low[1] && high[0] > high[2], "purple {low:?}, orange {high:?}");
    assert_eq!((nan, beyond), (NOT_A_NUMBER, high));
    assert_eq!(limit(&values[..3]), 2.0);
}

#[test]
fn a_ramp_gets_lighter() {
    let values: Vec<f32> = (0..50).map(|value| value as f32).collect();
    let picture = Picture::ramp([5, 10], &values, [0.0, 49.0]);
    let light =
        |color: [u8; 3]| 0.21 * f64::from(color[0]) + 0.72 * f64::from(color[1]) + 0.07 * f64::from(color[2]);
    assert!(picture.pixels.windows(2).all(|pair| light(pair[0]) <= light(pair[1]) + 0.5));
    // a map without contrast is one color, not an error
    let flat = Picture::ramp([1, 2], &[3.0, 3.0], [3.0, 3.0]);
    assert_eq!(flat.pixels[0], flat.pixels[1]);
}

#[test]
fn a_part_may_reach_outside() {
    let picture = Picture::image([2, 2, 1], &[1, 2, 3, 4]);
    let part = picture.part([-1, 1], [2, 2], [9; 3]);
    assert_eq!(part.pixels, [[9; 3], [9; 3], [2; 3], [9; 3]]);
}

#[test]
fn pictures_are_magnified_without_smoothing() {
    let mut canvas = Canvas::new(8, 8);
    canvas.picture([2, 1], &Picture::image([1, 2, 1], &[10, 20]), 3);
    for (x, level) in [(1, 255), (2, 10), (4, 10), (5, 20), (7, 20)] {
        assert_eq!(canvas.color([x, 3]), [level; 3], "{x}");
    }
    assert_eq!(canvas.color([2, 4]), [255; 3]);
    // beyond the page nothing is drawn and nothing breaks
    canvas.picture([7, 7], &Picture::image([1, 2, 1], &[10, 20]), 3);
}

#[test]
fn a_sheet_has_everything_on_it() {
    let picture = Picture::image([2, 2, 1], &[0, 0, 0, 0]);
    let tile =
        |name: &str| Tile { pictures: vec![Some(picture.clone()), None], caption: vec![Line::new(name)] };
    let mut sheet = Sheet::new("filters", 20);
    sheet.notes.push("two words ".repeat(200));
    sheet.tiles = (0..30).map(|index| tile(&format!("filter {index}"))).collect();
    let canvas = sheet.draw();
    let [width, height] = canvas.size();
    assert!(width <= 1400 + 2 * 16 && height > 100, "{width} x {height}");
    let black = (0..height).flat_map(|y| (0..width).map(move |x| [x, y]));
    let black = black.filter(|&place| canvas.color(place) == [0; 3]).count();
    assert_eq!(black, 30 * 20 * 20, "every picture is there, whole");
    let png = canvas.to_png().unwrap();
    assert_eq!(&png[1..4], b"PNG");
    let read = image::load_from_memory(&png).unwrap().to_rgb8();
    assert_eq!((read.width() as usize, read.height() as usize), (width, height));
}

#[test]
fn an_alarm_is_framed() {
    let picture = Picture::image([1, 1, 1], &[255]);
    let framed = |line: Line| {
        let mut sheet = Sheet::new("", 10);
        sheet.tiles = vec![Tile { pictures: vec![Some(picture.clone())], caption: vec![line] }];
        let canvas = sheet.draw();
        let [width, height] = canvas.size();
        (0..width * height).any(|at| canvas.color([at % width, at / width]) == [170, 30, 0])
    };
    assert!(framed(Line::alarm("fails")) && !framed(Line::new("passes")));
}

#[test]
fn letters_the_font_lacks_are_replaced() {
    let mut canvas = Canvas::new(200, 20);
    canvas.text([0, 0], "größer ≥ 3 – 学", Weight::Plain, [0; 3]);
    assert!((0..200 * 20).any(|at| canvas.color([at % 200, at / 200]) == [0; 3]));
    assert_eq!(Weight::Plain.width("größer"), 6 * 7);
}

#[test]
fn an_animation_has_all_its_pages() {
    let page = |level: u8| {
        let mut canvas = Canvas::new(6, 4);
        canvas.fill([0, 0], [6, 4], [level; 3]);
        canvas
    };
    let bytes = crate::animation(&[page(10), page(20), page(30)], 100).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    assert_eq!(reader.info().animation_control().unwrap().num_frames, 3);
    for level in [10, 20, 30] {
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert!(pixels.iter().all(|&found| found == level), "{level}: {pixels:?}");
    }
    assert!(crate::animation(&[], 100).is_err());
    assert!(crate::animation(&[page(1), Canvas::new(2, 2)], 100).is_err());
}
