use insta::assert_snapshot;

use crate::graph::plausible::{changes, pictures, plausible};
use crate::graph::{ChannelOrder, Filter, Fit, Layout, Preprocessing};

/// Every value of a picture is its own place, so that an arrangement can be read off.
fn places(size: [usize; 3]) -> Vec<u8> {
    (0..size.iter().product::<usize>() as u8).collect()
}

#[test]
fn a_layout_is_where_values_lie() {
    let size @ [h, w, c] = [4, 4, 3];
    let arranged = |layout: Layout| {
        let two = [places(size), places(size)].concat();
        let both = Preprocessing { layout, ..Preprocessing::new(c) }.arrange(size, two);
        assert_eq!(both[..48], both[48..], "every image in the same way");
        both[..48].to_vec()
    };
    let hwc = |y: usize, x: usize, k: usize| (y * w + x) * c + k;
    let chw = |y: usize, x: usize, k: usize| (k * h + y) * w + x;
    let [straight, transposed, reshaped, taken] = Layout::ALL.map(arranged);
    assert_eq!(straight, places(size));
    for (y, x, k) in (0..h).flat_map(|y| (0..w).flat_map(move |x| (0..c).map(move |k| (y, x, k)))) {
        assert_eq!(usize::from(transposed[hwc(y, x, k)]), hwc(x, y, k));
        // the memory of [c, h, w] holds the value of (k, y, x) at chw
        assert_eq!(usize::from(reshaped[chw(y, x, k)]), hwc(y, x, k));
        // what is at (k, y, x) of the memory of [h, w, c] taken for [c, h, w] comes to (y, x, k)
        assert_eq!(usize::from(taken[hwc(y, x, k)]), chw(y, x, k));
    }
    // what cannot be done changes nothing
    assert_eq!(
        Preprocessing { layout: Layout::Transposed, ..Preprocessing::new(1) }
            .arrange([2, 3, 1], places([2, 3, 1])),
        places([2, 3, 1])
    );
    assert_eq!(
        Preprocessing { layout: Layout::ChwAsHwc, ..Preprocessing::new(1) }
            .arrange([3, 3, 1], places([3, 3, 1])),
        places([3, 3, 1])
    );
}

#[test]
fn blue_comes_first_before_values_are_torn_apart() {
    let size = [2, 2, 3];
    let bgr = |layout: Layout| Preprocessing {
        scale: 1.0,
        mean: vec![0.0, 100.0, 200.0],
        channels: ChannelOrder::Bgr,
        layout,
        ..Preprocessing::new(3)
    };
    let values = |preprocessing: &Preprocessing| {
        let mut values = [0.0; 12];
        preprocessing.apply(&preprocessing.arrange(size, places(size)), &mut values);
        values
    };
    // the mean is that of the channel that the first layer reads
    assert_eq!(values(&bgr(Layout::Straight))[..6], [2.0, -99.0, -200.0, 5.0, -96.0, -197.0]);
    let reversed: Vec<u8> = places(size).chunks(3).flat_map(|pixel| pixel.iter().rev().copied()).collect();
    let rgb = Preprocessing { channels: ChannelOrder::Rgb, ..bgr(Layout::HwcAsChw) };
    let mut expected = [0.0; 12];
    rgb.apply(&rgb.arrange(size, reversed), &mut expected);
    assert_eq!(values(&bgr(Layout::HwcAsChw)), expected);
    assert!(bgr(Layout::Straight).swaps() && !bgr(Layout::HwcAsChw).swaps());
}

#[test]
fn black_for_white_comes_before_all_numbers() {
    let inverted = Preprocessing { inverted: true, ..Preprocessing::of(1.0 / 255.0, vec![0.5], vec![0.5]) };
    let mut values = [0.0; 3];
    inverted.apply(&[0, 255, 102], &mut values);
    assert_eq!([values[0], values[1]], [1.0, -1.0]);
    assert!((values[2] - 0.2).abs() < 1e-6);
}

#[test]
fn what_is_usual_is_not_written_and_what_is_not_written_is_usual() {
    let text = |of: &Preprocessing| serde_json::to_string(of).unwrap();
    assert_snapshot!(text(&Preprocessing::new(1)), @r#"{"scale":0.003921569,"mean":[0.0],"std":[1.0]}"#);
    let all = Preprocessing {
        channels: ChannelOrder::Bgr,
        inverted: true,
        layout: Layout::ChwAsHwc,
        fit: Some(Fit::Crop),
        resize: Some(Filter::Bicubic),
        ..Preprocessing::new(3)
    };
    assert_snapshot!(text(&all), @r#"{"scale":0.003921569,"mean":[0.0,0.0,0.0],"std":[1.0,1.0,1.0],"channels":"bgr","inverted":true,"layout":"chw-as-hwc","fit":"crop","resize":"bicubic"}"#);
    for of in [Preprocessing::new(1), all] {
        assert_eq!(serde_json::from_str::<Preprocessing>(&text(&of)).unwrap(), of);
    }
    assert!(
        serde_json::from_str::<Preprocessing>(r#"{"scale":1,"mean":[0],"std":[1],"order":"bgr"}"#).is_err()
    );
}

#[test]
fn in_words() {
    let of = |scale, mean: &[f32], std: &[f32]| Preprocessing::of(scale, mean.to_vec(), std.to_vec());
    assert_snapshot!(of(1.0 / 255.0, &[0.0], &[1.0]), @"pixel / 255");
    assert_snapshot!(of(1.0, &[1.0, 2.0, 3.0], &[1.0; 3]), @"pixel - [1.0, 2.0, 3.0]");
    assert_snapshot!(of(0.5, &[0.0], &[2.0]), @"0.5 pixel / 2");
    let all = Preprocessing {
        inverted: true,
        layout: Layout::Transposed,
        fit: Some(Fit::Pad),
        resize: Some(Filter::Bilinear),
        ..of(1.0 / 255.0, &[0.5], &[0.25])
    };
    assert_snapshot!(all, @"((255 - pixel) / 255 - 0.5) / 0.25, rows and columns swapped, padded with black, bilinear");
}

#[test]
fn every_plausible_way_is_there_once_and_the_current_one_first() {
    for (size, count) in
        [([28, 28, 1], 24), ([28, 20, 1], 12), ([32, 32, 3], 48), ([32, 20, 3], 36), ([9, 9, 2], 12)]
    {
        let current = Preprocessing::new(size[2]);
        let ways = plausible(&current, size);
        assert_eq!((ways.len(), &ways[0]), (count, &current), "{size:?}");
        for (place, way) in ways.iter().enumerate() {
            assert!(!ways[..place].contains(way), "{way}");
            assert_eq!(way.fault(size[2]), None, "{way}");
            assert_eq!(changes(&current, way) == 0, place == 0, "{way}");
        }
    }
    // numbers of the file's own are tried with every order and layout, in their places
    let current =
        Preprocessing { fit: Some(Fit::Crop), ..Preprocessing::of(0.5, vec![1.0, 2.0, 3.0], vec![4.0; 3]) };
    let ways = plausible(&current, [8, 8, 3]);
    assert_eq!(ways.len(), 56);
    let swapped = Preprocessing { channels: ChannelOrder::Bgr, ..current.clone() };
    assert!(ways.contains(&swapped) && ways.iter().all(|way| way.fit == Some(Fit::Crop)));
    assert_eq!(changes(&current, &swapped), 1);
    // those of a named set go with their colors
    let caffe = Preprocessing {
        channels: ChannelOrder::Bgr,
        ..Preprocessing::of(1.0, vec![103.939, 116.779, 123.68], vec![1.0; 3])
    };
    assert!(plausible(&Preprocessing::new(3), [8, 8, 3]).contains(&caffe));
    let sizes = pictures((Fit::Pad, Filter::Bicubic));
    assert_eq!((sizes.len(), sizes[0]), (6, (Fit::Pad, Filter::Bicubic)));
}

#[test]
fn values_of_changed_copies_are_prepared_as_pixels_are() {
    let pixels: Vec<u8> = (0..=255).flat_map(|pixel| [pixel, 255 - pixel, pixel / 2]).collect();
    for (channels, inverted, scale) in [
        (ChannelOrder::Rgb, false, 1.0 / 255.0),
        (ChannelOrder::Bgr, false, 1.0 / 255.0),
        (ChannelOrder::Rgb, true, 1.0),
        (ChannelOrder::Bgr, true, 1.0 / 127.5),
    ] {
        let of = Preprocessing::of(scale, vec![0.485, 0.0, 1.0], vec![0.229, 1.0, 0.5]);
        let preprocessing = Preprocessing { channels, inverted, ..of };
        assert!(!preprocessing.is_plain());
        let mut expected = vec![0.0; pixels.len()];
        preprocessing.apply(&pixels, &mut expected);
        let mut found: Vec<f32> = pixels.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
        preprocessing.apply_to_units(&mut found);
        assert_eq!(found, expected, "{preprocessing}");
    }
    let plain = Preprocessing { fit: Some(Fit::Crop), ..Preprocessing::new(3) };
    assert!(plain.is_plain());
}
