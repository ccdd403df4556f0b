use proptest::prelude::*;

use super::*;

/// Every way to run a warp on this CPU, the twin first.
fn every_way(src: Image<'_>, size: [usize; 3], dst_from_src: &Matrix, border: u8) -> Vec<(String, Vec<u8>)> {
    // A value that is not the border's: pixels left unwritten show.
    let blank = vec![border ^ 0xaa; size.iter().product()];
    let mut twin = blank.clone();
    scalar::warp_affine(src, ImageMut { size, pixels: &mut twin }, dst_from_src, border);
    let mut found = vec![("twin".to_owned(), twin)];
    for isa in WarpIsa::available() {
        let mut pixels = blank.clone();
        Warp::new(isa).affine(src, ImageMut { size, pixels: &mut pixels }, dst_from_src, border);
        found.push((format!("{isa:?}"), pixels));
    }
    found
}

/// Asserts that all are equal and returns the image.
fn same(found: Vec<(String, Vec<u8>)>) -> Vec<u8> {
    let (first, expected) = &found[0];
    for (isa, pixels) in &found[1..] {
        let differing = expected.iter().zip(pixels).position(|(a, b)| a != b);
        assert_eq!(differing, None, "{isa} against {first}");
    }
    found.into_iter().next().expect("the twin").1
}

fn warp(src: &[u8], src_size: [usize; 3], size: [usize; 3], dst_from_src: &Matrix, border: u8) -> Vec<u8> {
    same(every_way(Image { size: src_size, pixels: src }, size, dst_from_src, border))
}

const IDENTITY: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];

#[test]
#[should_panic(expected = "against twin")]
fn the_comparison_fails_on_one_changed_pixel() {
    let src = [7_u8; 9];
    let mut found = every_way(Image { size: [3, 3, 1], pixels: &src }, [3, 3, 1], &IDENTITY, 0);
    found.last_mut().expect("an instruction set").1[4] ^= 1;
    same(found);
}

#[test]
fn a_whole_shift_moves_pixels_and_shows_the_border() {
    let right_and_up = [[1.0, 0.0, 1.0], [0.0, 1.0, -1.0]];
    assert_eq!(warp(&[1, 2, 3, 4], [2, 2, 1], [2, 2, 1], &right_and_up, 9), [9, 3, 9, 9]);
}

#[test]
fn a_half_shift_averages_and_rounds_half_up() {
    let right = [[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]];
    assert_eq!(warp(&[10, 21, 200], [1, 3, 1], [1, 4, 1], &right, 0), [5, 16, 111, 100]);
}

#[test]
fn an_empty_source_is_all_border_and_an_empty_destination_nothing() {
    assert_eq!(warp(&[], [0, 4, 1], [2, 2, 1], &IDENTITY, 5), [5; 4]);
    assert_eq!(warp(&[1, 2], [1, 2, 1], [0, 3, 1], &IDENTITY, 5), []);
    assert_eq!(warp(&[1, 2], [1, 2, 1], [3, 0, 1], &IDENTITY, 5), []);
}

#[test]
fn a_singular_matrix_shows_one_source_pixel() {
    // The inverse is all zeros: every pixel looks up (0, 0).
    assert_eq!(warp(&[3, 4], [1, 2, 1], [2, 2, 1], &[[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]], 5), [3; 4]);
}

#[test]
fn longer_sides_than_opencv_takes_still_work() {
    let w = MAX_SIDE + 9;
    let src: Vec<u8> = (0..w).map(|x| (x * 7) as u8).collect();
    assert_eq!(warp(&src, [1, w, 1], [1, w, 1], &IDENTITY, 0), src);
}

#[test]
#[should_panic(expected = "channels of source and destination")]
fn differing_channels_are_refused() {
    warp(&[0; 3], [1, 1, 3], [1, 1, 1], &IDENTITY, 0);
}

#[test]
fn channels_are_warped_each_like_a_grey_image() {
    let size = [9, 11, 3];
    let rgb: Vec<u8> = (0..9 * 11 * 3).map(|i: u32| (i * 37 % 251) as u8).collect();
    let dst_from_src = rotation_matrix_2d([5.5, 4.5], 33.0, 0.8);
    let warped = warp(&rgb, size, size, &dst_from_src, 77);
    for channel in 0..3 {
        let plane = |image: &[u8]| image.iter().copied().skip(channel).step_by(3).collect::<Vec<_>>();
        assert_eq!(warp(&plane(&rgb), [9, 11, 1], [9, 11, 1], &dst_from_src, 77), plane(&warped));
    }
}

#[test]
fn one_warp_serves_images_of_any_size_in_turn() {
    let mut reused = Warp::default();
    for (h, w) in [(9, 40), (3, 2), (1, 1), (40, 9)] {
        let src: Vec<u8> = (0..h * w).map(|i| (i * 53 % 256) as u8).collect();
        let dst_from_src = rotation_matrix_2d([2.0, 3.0], 20.0, 1.1);
        let mut pixels = vec![0; w * h];
        let dst = ImageMut { size: [w, h, 1], pixels: &mut pixels };
        reused.affine(Image { size: [h, w, 1], pixels: &src }, dst, &dst_from_src, h as u8);
        assert_eq!(pixels, warp(&src, [h, w, 1], [w, h, 1], &dst_from_src, h as u8));
    }
}

#[test]
fn rounding_is_half_to_even_and_what_does_not_fit_is_the_minimum() {
    let rounded = [0.5, 1.5, -2.5, 2_147_483_647.4, 2_147_483_647.5, -2_147_483_648.5, 1e300, f64::NAN];
    assert_eq!(
        rounded.map(fixed::round_to_i32),
        [0, 2, -2, i32::MAX, i32::MIN, i32::MIN, i32::MIN, i32::MIN]
    );
}

#[test]
fn a_quarter_turn_is_counter_clockwise() {
    let quarter = rotation_matrix_2d([1.5, 1.5], 90.0, 1.0);
    // About (1.5, 1.5) the pixel at row 1, column 2 goes to row 1, column 1 and row 1, column 1 to row 2, column 1.
    let src = [0, 0, 0, 0, 0, 5, 6, 0, 0, 7, 8, 0, 0, 0, 0, 0];
    let turned = [0, 0, 0, 0, 0, 6, 8, 0, 0, 5, 7, 0, 0, 0, 0, 0];
    assert_eq!(warp(&src, [4, 4, 1], [4, 4, 1], &quarter, 0), turned);
}

#[test]
fn composing_is_doing_one_after_the_other() {
    let turn = rotation_matrix_2d([2.0, 5.0], 30.0, 1.3);
    let shift = [[1.0, 0.0, 3.0], [0.0, 1.0, -4.0]];
    let point = |m: &Matrix, [x, y]: [f64; 2]| m.map(|[a, b, t]| a * x + b * y + t);
    let both = point(&compose(&shift, &turn), [7.0, -1.0]);
    let apart = point(&shift, point(&turn, [7.0, -1.0]));
    assert!((0..2).all(|i| (both[i] - apart[i]).abs() < 1e-12), "{both:?} {apart:?}");
}

/// Entries from the tame to those that leave `i32`, and what is not a number.
fn entry() -> impl Strategy<Value = f64> {
    prop_oneof![
        12 => -2.0..2.0,
        4 => -40.0..40.0,
        2 => (-3_i32..=3).prop_map(f64::from),
        1 => -1e12..1e12,
        1 => Just(1e-9),
        1 => Just(-2_097_152.0),
        1 => prop::sample::select(vec![f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e300, f64::MIN_POSITIVE]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_instruction_set_equals_the_twin(
        [src_h, src_w, h, w] in prop::array::uniform4(1_usize..40),
        c in prop::sample::select(vec![1_usize, 1, 3, 2]),
        matrix in prop::array::uniform6(entry()),
        near_identity in any::<bool>(),
        border in any::<u8>(),
        seed in any::<u32>(),
    ) {
        let [a, b, tx, d, e, ty] = matrix;
        let turn = rotation_matrix_2d([src_w as f64 / 2.0, src_h as f64 / 2.0], a * 90.0, 1.0);
        let dst_from_src = if near_identity { turn } else { [[a, b, tx], [d, e, ty]] };
        let mut state = seed | 1;
        let src: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(src_h * src_w * c)
        .collect();
        warp(&src, [src_h, src_w, c], [h, w, c], &dst_from_src, border);
    }
}
