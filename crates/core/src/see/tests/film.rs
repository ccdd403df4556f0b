use seamripper_kernels::Instructions;

use crate::graph::{Activation, Builder, Initializer, Layer, LayerSpec, Padding, Preprocessing, Weights};
use crate::see::Model;
use crate::see::film::{CHANNELS, Camera, Frame, Picture};

#[test]
fn a_frame_has_kernels_and_the_strongest_answers() {
    let mut builder = Builder::new([6, 5, 2]);
    let (kernel, stride, padding) = ([3, 2], [1, 1], Padding::Valid);
    builder.push(LayerSpec::new(Layer::Conv2d {
        filters: 12,
        kernel,
        stride,
        padding,
        bias: true,
        groups: 1,
        dilation: [1, 1],
    }));
    builder
        .push(LayerSpec::new(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.9 }).activated(Activation::Relu));
    builder.push(Layer::Flatten);
    builder.push(LayerSpec::new(Layer::Dense { units: 3, bias: true }));
    let graph = builder.build().unwrap();
    let weights = Weights::initial(&graph, Initializer::HeNormal, 4);
    let preprocessing = Preprocessing::new(2);
    let isa = Instructions::detect().unwrap();
    let model = Model { isa, graph: &graph, weights: &weights, preprocessing: &preprocessing };
    let pixels: Vec<u8> = (0..2 * 60).map(|index| (index * 37 % 256) as u8).collect();
    let camera = Camera::new(&model, &pixels).unwrap();
    assert_eq!((camera.layer().name.as_str(), camera.layer().output), ("conv1", [4, 4, 12]));
    let frame = camera.frame(&model, 7);
    assert_eq!((frame.epoch, frame.filters.len(), frame.answers.len()), (7, 12, 2));

    let kernel = weights.of(&graph.parameters[0]);
    for (filter, picture) in frame.filters.iter().enumerate() {
        assert_eq!(picture.size, [3, 2, 2]);
        for (tap, value) in picture.values().enumerate() {
            let off = (value - kernel[tap * 12 + filter]).abs();
            assert!(off <= 0.501 * picture.step, "filter {filter}, tap {tap}: off by {off}");
        }
    }
    // The plain way: the normalization has just begun and divides by sqrt(1 + 1e-3).
    let response = |image: usize, channel: usize, row: usize, column: usize| {
        let mut sum = 0.0;
        for (tap, factor) in kernel.iter().skip(channel).step_by(12).enumerate() {
            let (y, x, c) = (row + tap / 4, column + tap / 2 % 2, tap % 2);
            sum += factor * f32::from(pixels[image * 60 + (y * 5 + x) * 2 + c]) / 255.0;
        }
        (sum / 1.001_f32.sqrt()).max(0.0)
    };
    for (image, answers) in frame.answers.iter().enumerate() {
        assert_eq!(answers.len(), CHANNELS);
        assert!(answers.is_sorted_by(|a, b| a.mean >= b.mean));
        let mean = |channel: usize| {
            (0..16).map(|place| response(image, channel, place / 4, place % 4)).sum::<f32>() / 16.0
        };
        let mut means: Vec<f32> = (0..12).map(mean).collect();
        for answer in answers {
            assert!((answer.mean - means[answer.channel]).abs() < 1e-5);
            for (place, value) in answer.response.values().enumerate() {
                let off = (value - response(image, answer.channel, place / 4, place % 4)).abs();
                assert!(off <= 0.501 * answer.response.step + 1e-5, "{place}: off by {off}");
            }
        }
        means.sort_by(|a, b| b.total_cmp(a));
        assert!((answers[CHANNELS - 1].mean - means[CHANNELS - 1]).abs() < 1e-5);
    }
    let text = serde_json::to_string(&frame).unwrap();
    assert_eq!(serde_json::from_str::<Frame>(&text).unwrap(), frame);
}

#[test]
fn pictures_of_any_values_are_finite() {
    let picture = |values: &[f32]| Picture::new([1, values.len(), 1], values.iter().copied());
    assert_eq!(picture(&[3.0, 3.0]).values().collect::<Vec<_>>(), [3.0, 3.0]);
    assert!(picture(&[]).codes.is_empty());
    assert_eq!(picture(&[-1.0, 0.5, 1.0]).codes, [0, 191, 255]);
    let wild = [f32::NAN, f32::MAX, f32::MIN, f32::INFINITY];
    assert_eq!(picture(&wild).codes[1..3], [255, 0]);
    assert!(picture(&wild).values().all(f32::is_finite));
}

#[test]
fn without_a_convolution_there_is_no_film() {
    let mut builder = Builder::new([2, 2, 1]);
    builder.push(Layer::Flatten);
    builder.push(LayerSpec::new(Layer::Dense { units: 3, bias: true }));
    let graph = builder.build().unwrap();
    let weights = Weights::initial(&graph, Initializer::HeNormal, 4);
    let preprocessing = Preprocessing::new(1);
    let isa = Instructions::detect().unwrap();
    let model = Model { isa, graph: &graph, weights: &weights, preprocessing: &preprocessing };
    assert!(Camera::new(&model, &[0; 4]).is_none());
}
