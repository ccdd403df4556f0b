//! Sheets of a model of color images.

use seamripper_core::graph::{
    Activation, Builder, Initializer, Layer, LayerSpec, Padding, Preprocessing, Weights,
};
use seamripper_core::random::{Purpose, Stream};
use seamripper_core::sample::{Ids, ImageSet};
use seamripper_core::see::dream::{Objective, Options, Place, Unit, dream};
use seamripper_core::see::{Model, survey};
use seamripper_kernels::Instructions;
use seamripper_sheets::Picture;

use super::{Looked, filters};

/// 60 images `[16, 16, 3]` of red, green or blue squares on dark noise, image `i` of class `i % 3`.
fn squares() -> ImageSet {
    let mut stream = Stream::new(3, Purpose::Test, 0, 0);
    let mut pixels = Vec::new();
    for index in 0..60_usize {
        let (row, column) = (stream.below(9) as usize, stream.below(9) as usize);
        for at in 0..16 * 16 * 3 {
            let (y, x, channel) = (at / 48, at / 3 % 16, at % 3);
            let inside = (row..row + 7).contains(&y) && (column..column + 7).contains(&x);
            pixels.push(if inside && channel == index % 3 { 255 } else { stream.below(40) as u8 });
        }
    }
    let classes: Vec<String> = ["red", "green", "blue"].map(str::to_owned).to_vec();
    let ids = Ids::Rows { prefix: "test".into(), rows: (0..60).collect() };
    let labels = (0..60).map(|index| index % 3).collect();
    ImageSet::new([16, 16, 3], pixels, labels, classes.into(), ids)
}

/// Of a picture's levels above the darkest of each pixel, the share of each color.
fn shares(picture: &Picture) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for pixel in &picture.pixels {
        let least = *pixel.iter().min().unwrap();
        pixel.iter().zip(&mut sums).for_each(|(&level, sum)| *sum += f64::from(level - least));
    }
    let total: f64 = sums.iter().sum();
    sums.map(|sum| sum / total)
}

/// A filter that sees one color and no other has weights, a dream and patches of that color.
#[test]
fn a_filter_of_a_color_is_drawn_in_its_color() {
    let set = squares();
    let mut builder = Builder::new([16, 16, 3]);
    let (kernel, stride, padding) = ([5, 5], [1, 1], Padding::Valid);
    builder.push(
        LayerSpec::new(Layer::Conv2d {
            filters: 3,
            kernel,
            stride,
            padding,
            bias: true,
            groups: 1,
            dilation: [1, 1],
        })
        .activated(Activation::Relu),
    );
    builder.push(Layer::GlobalAvgPool);
    builder.push(LayerSpec::new(Layer::Dense { units: 3, bias: true }));
    let graph = builder.build().unwrap();
    let mut weights = Weights::initial(&graph, Initializer::HeNormal, 1);
    let kernel: Vec<f32> = (0..25 * 3 * 3).map(|at| if at / 3 % 3 == at % 3 { 0.1 } else { -0.1 }).collect();
    weights.of_mut(&graph.parameters[0]).copy_from_slice(&kernel);
    let preprocessing = Preprocessing::new(3);
    let isa = Instructions::detect().unwrap();
    let model = Model { isa, graph: &graph, weights: &weights, preprocessing: &preprocessing };
    let surveyed = survey(&model, &set, |_| {});
    let looked = &surveyed.layers[0];
    let objectives: Vec<Objective> =
        (0..3).map(|filter| Unit::filter(&looked.layer, filter, Place::Center).into()).collect();
    let dreams = dream(&model, &objectives, &[], &Options::of_size([5, 5, 3]), |_, _| {});
    let sheet =
        filters(&model, &set, &Looked { survey: looked, ablation: None, dreams: &dreams, images: 60 });
    assert_eq!(sheet.tiles.len(), 3);
    for (color, tile) in sheet.tiles.iter().enumerate() {
        let pictures: Vec<&Picture> = tile.pictures.iter().flatten().collect();
        assert_eq!(pictures.len(), 8, "weights, dream, six patches");
        for (place, picture) in pictures.iter().enumerate() {
            assert!(shares(picture)[color] > 0.8, "filter {color}, picture {place}: {:?}", shares(picture));
        }
    }
}
