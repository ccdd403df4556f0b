use seamripper_kernels::parallel::Threads;
use seamripper_kernels::{Instructions, softmax};

use crate::graph::{
    Activation, Builder, ChannelOrder, Graph, Initializer, Layer, LayerSpec, Padding, Preprocessing, Role,
    Weights,
};
use crate::random::{Purpose, Stream};
use crate::sample::{Ids, ImageSet};
use crate::see::dream::{
    Ascent, Canvas, Dream, Heads, Objective, Options, Place, Robustness, Shake, Unit, dream, largest,
};
use crate::see::{Model, filter_layers};

/// How far a gradient may lie from the central difference of `f32` values, as a share of the largest.
const DIFFERENCES: f64 = 5e-3;

fn conv(filters: usize, side: usize, activation: Activation) -> LayerSpec {
    let (kernel, stride, padding) = ([side, side], [1, 1], Padding::Valid);
    LayerSpec::new(Layer::Conv2d {
        filters,
        kernel,
        stride,
        padding,
        bias: true,
        groups: 1,
        dilation: [1, 1],
    })
    .activated(activation)
}

/// Of the planted filters: three columns of -1, one of 0, three of 1.
const SIDE: usize = 7;
const SLOPE: [f32; SIDE] = [-1.0, -1.0, -1.0, 0.0, 1.0, 1.0, 1.0];

const VERTICAL: usize = 0;
const HORIZONTAL: usize = 1;
const CONSTANT: usize = 2;
const DEAF: usize = 3;

/// Grey 16 x 16; a filter for vertical edges, one for horizontal edges, one that always answers 1, one whose bias nothing can
/// overcome; then two classes, one that likes vertical edges and one that likes horizontal ones.
fn planted() -> (Graph, Weights) {
    let mut builder = Builder::new([16, 16, 1]);
    builder.push(conv(4, SIDE, Activation::Relu));
    builder.push(Layer::GlobalAvgPool);
    builder.push(LayerSpec::new(Layer::Dense { units: 2, bias: false }));
    let graph = builder.build().unwrap();
    let mut weights = Weights { values: vec![0.0; graph.parameter_count()] };
    for parameter in &graph.parameters {
        let values = weights.of_mut(parameter);
        match (parameter.name.as_str(), parameter.role) {
            ("conv1.kernel", _) => {
                for tap in 0..SIDE * SIDE {
                    values[tap * 4 + VERTICAL] = SLOPE[tap % SIDE];
                    values[tap * 4 + HORIZONTAL] = SLOPE[tap / SIDE];
                    values[tap * 4 + DEAF] = 0.1;
                }
            }
            ("conv1.bias", _) => values[CONSTANT..].copy_from_slice(&[1.0, -100.0]),
            (_, Role::Kernel) => {
                values[VERTICAL * 2] = 3.0;
                values[HORIZONTAL * 2 + 1] = 3.0;
            }
            _ => {}
        }
    }
    (graph, weights)
}

fn options(size: [usize; 3], steps: usize) -> Options {
    Options { steps, ..Options::of_size(size) }
}

fn filters(graph: &Graph, place: Place) -> Vec<Objective> {
    let layer = &filter_layers(graph)[0];
    (0..layer.filters()).map(|filter| Unit::filter(layer, filter, place).into()).collect()
}

/// Sums of squares of the steps from row to row, and from column to column, where the filter in the middle looks.
fn energy(dream: &Dream) -> [f64; 2] {
    let pixels = dream.pixels.as_ref().expect("a live filter");
    let begin = (16 - SIDE).div_ceil(2);
    let [mut down, mut across] = [0.0, 0.0];
    for (row, column) in
        (begin..begin + SIDE - 1).flat_map(|row| (begin..begin + SIDE - 1).map(move |c| (row, c)))
    {
        let at = |row: usize, column: usize| f64::from(pixels[row * 16 + column]);
        down += (at(row + 1, column) - at(row, column)).powi(2);
        across += (at(row, column + 1) - at(row, column)).powi(2);
    }
    [down, across]
}

#[test]
fn edges_are_found_and_the_dead_are_named() {
    let (graph, weights) = planted();
    let preprocessing = Preprocessing::new(1);
    for isa in Instructions::available() {
        let model = Model { isa, graph: &graph, weights: &weights, preprocessing: &preprocessing };
        for place in [Place::Mean, Place::Center] {
            let options = Options { decay: 1.5, ..options(graph.input, 128) };
            let dreams = dream(&model, &filters(&graph, place), &[], &options, |_, _| ());
            let [down, across] = energy(&dreams[VERTICAL]);
            assert!(across > 2.0 * down, "{place:?}: {across} across, {down} down");
            let [down, across] = energy(&dreams[HORIZONTAL]);
            assert!(down > 2.0 * across, "{place:?}: {across} across, {down} down");
            let dead: Vec<bool> = dreams.iter().map(Dream::is_dead).collect();
            assert_eq!(dead, [false, false, true, true], "{place:?}");
        }
    }
}

#[test]
fn a_dream_beats_the_images() {
    let (graph, weights) = planted();
    let preprocessing = Preprocessing::new(1);
    let isa = Instructions::detect().unwrap();
    let model = Model { isa, graph: &graph, weights: &weights, preprocessing: &preprocessing };
    let mut stream = Stream::new(0, Purpose::Test, 3, 0);
    let pixels: Vec<u8> = (0..100 * 256).map(|_| stream.below(256) as u8).collect();
    let ids = Ids::Rows { prefix: "test".into(), rows: (0..100).collect() };
    let images = ImageSet::new(graph.input, pixels, vec![0; 100], ["any".to_owned()].into(), ids);
    let objectives = filters(&graph, Place::Mean);
    let most = largest(&model, &images, &objectives);
    // The plain way: every image's mean of the rectified products.
    let response = |image: usize| {
        let pixels = images.image(image);
        let at = |row: usize, column: usize| f32::from(pixels[row * 16 + column]) / 255.0;
        let place = |place: usize| {
            let (row, column) = (place / 10, place % 10);
            let tap = |tap: usize| SLOPE[tap % SIDE] * at(row + tap / SIDE, column + tap % SIDE);
            (0..SIDE * SIDE).map(tap).sum::<f32>().max(0.0)
        };
        (0..100).map(place).sum::<f32>() / 100.0
    };
    let best = (0..100).max_by(|&a, &b| response(a).total_cmp(&response(b))).unwrap();
    assert_eq!(most[VERTICAL].image, best);
    assert!((most[VERTICAL].value - response(best)).abs() < 1e-4);

    let most: Vec<f32> = most.iter().map(|largest| largest.value).collect();
    let mut last = (0, 0);
    let dreams =
        dream(&model, &objectives, &most, &options(graph.input, 128), |done, all| last = (done, all));
    assert_eq!(last, (4 * 128, 4 * 128));
    assert!(dreams[VERTICAL].share().unwrap() > 1.2, "{:?}", dreams[VERTICAL].share());
    assert!(dreams[HORIZONTAL].share().unwrap() > 1.2, "{:?}", dreams[HORIZONTAL].share());
    assert_eq!(dreams[DEAF].share(), None);
}

#[test]
fn a_class_becomes_likely() {
    let (graph, weights) = planted();
    let preprocessing = Preprocessing::new(1);
    let isa = Instructions::detect().unwrap();
    let model = Model { isa, graph: &graph, weights: &weights, preprocessing: &preprocessing };
    let objectives: Vec<Objective> = (0..2).map(|class| Unit::class(&graph, class).into()).collect();
    let dreams = dream(&model, &objectives, &[], &options(graph.input, 128), |_, _| ());
    for (class, dream) in dreams.iter().enumerate() {
        let pixels = dream.pixels.as_ref().unwrap();
        let logits = model.logits(&model.values(pixels));
        assert_eq!(dream.value, logits.data()[class]);
        let mut probs = [0.0; 2];
        softmax::softmax(logits.data(), 2, &mut probs);
        assert!(probs[class] > 0.8, "class {class}: {probs:?}");
    }
}

#[test]
fn threads_and_company_change_no_byte() {
    let (graph, weights) = planted();
    let preprocessing = Preprocessing::new(1);
    let isa = Instructions::detect().unwrap();
    let model = Model { isa, graph: &graph, weights: &weights, preprocessing: &preprocessing };
    let mut objectives = filters(&graph, Place::Mean);
    objectives.extend((0..40).map(|index| filters(&graph, Place::Center)[index % 4].clone()));
    let run = |threads: usize, objectives: &[Objective], seed: u64| {
        let options = Options { seed, ..options(graph.input, 12) };
        let threads = Threads::new(Some(threads)).unwrap();
        threads.run(|| dream(&model, objectives, &[], &options, |_, _| ()))
    };
    let one = run(1, &objectives, 0);
    assert_eq!(one, run(2, &objectives, 0));
    assert_eq!(one[HORIZONTAL..][..1], run(2, &objectives[HORIZONTAL..][..1], 0));
    assert_ne!(one, run(2, &objectives, 1));
}

/// A colored network without a kink, with two heads.
fn smooth() -> (Graph, Weights) {
    let mut builder = Builder::new([7, 10, 3]);
    builder.push(conv(5, 3, Activation::Tanh));
    builder.push(Layer::AvgPool { size: [2, 2], stride: [2, 2], padding: Padding::Valid });
    builder.push(LayerSpec::new(Layer::Dropout { rate: 0.5 }));
    builder.push(Layer::Flatten);
    builder.push(LayerSpec::new(Layer::Dense { units: 4, bias: true }).activated(Activation::Silu));
    let graph = builder.build().unwrap();
    let weights = Weights::initial(&graph, Initializer::GlorotUniform, 1);
    (graph, weights)
}

#[test]
fn gradients_are_differences() {
    let plain = Preprocessing::of(1.0 / 255.0, vec![0.5, 0.4, 0.3], vec![0.2, 0.3, 0.25]);
    check_gradients_with(&plain);
    check_gradients_with(&Preprocessing { channels: ChannelOrder::Bgr, inverted: true, ..plain });
}

fn check_gradients_with(preprocessing: &Preprocessing) {
    let (graph, weights) = smooth();
    let layer = &filter_layers(&graph)[0];
    let objectives = [
        [Unit::filter(layer, 2, Place::Mean), Unit::filter(layer, 2, Place::Center)].into(),
        [Unit::filter(layer, 1, Place::Center), Unit::class(&graph, 3)].into(),
        Objective::from(Unit::class(&graph, 0)),
    ];
    for isa in Instructions::available() {
        let model = Model { isa, graph: &graph, weights: &weights, preprocessing };
        let mut heads = Heads::new(&model, &objectives, true);
        let canvas = Canvas::new(isa, graph.input, 1.0);
        let robustness = Robustness { jitter: 1.5, degrees: 20.0, zoom: 0.2 };
        let options = Options { robustness, deviation: 1.0, ..Options::of_size(graph.input) };
        let mut ascent = Ascent::new(&model, &canvas, &objectives, options);
        ascent.forward(&mut heads);
        let found = std::sync::Mutex::new(Vec::new());
        ascent.backward(|sketch, gradient| {
            found.lock().unwrap().push((sketch.spectrum.clone(), gradient.to_vec()));
        });
        let found = found.into_inner().unwrap();
        for (image, _) in objectives.iter().enumerate() {
            let spectrum = ascent.sketches[image].spectrum.clone();
            let (_, gradient) = found.iter().find(|(of, _)| *of == spectrum).unwrap();
            let largest = gradient.iter().fold(0.0_f64, |most, &g| most.max(f64::from(g).abs()));
            assert!(largest > 1e-4, "image {image}: a gradient");
            for place in 0..spectrum.len() {
                let mut at = |step: f32| {
                    ascent.sketches[image].spectrum[place] = spectrum[place] + step;
                    f64::from(ascent.forward(&mut heads)[image])
                };
                let (step, f) = (0.02, [at(0.02), at(-0.02)]);
                ascent.sketches[image].spectrum[place] = spectrum[place];
                let difference = (f[0] - f[1]) / (2.0 * step);
                let off = (difference - f64::from(gradient[place])).abs() / largest;
                assert!(off < DIFFERENCES, "image {image}, {place}: {difference} {}", gradient[place]);
            }
        }
    }
}

#[test]
fn a_shake_of_nothing_changes_nothing_and_its_gradient_is_its_adjoint() {
    let mut stream = Stream::new(0, Purpose::Test, 4, 0);
    let size = [9, 6, 2];
    let mut draw = || -> Vec<f32> { (0..108).map(|_| stream.uniform(-1.0, 1.0) as f32).collect() };
    let (x, y) = (draw(), draw());
    let (mut moved, mut back) = (vec![0.0; 108], vec![0.0; 108]);
    let still = Robustness { jitter: 0.0, degrees: 0.0, zoom: 0.0 };
    Shake::draw(&mut stream, still, [9, 6]).apply(&x, size, &mut moved);
    assert!(x.iter().zip(&moved).all(|(a, b)| (a - b).abs() < 1e-6));
    let shake = Shake::draw(&mut stream, Robustness { jitter: 2.0, degrees: 30.0, zoom: 0.3 }, [9, 6]);
    shake.apply(&x, size, &mut moved);
    shake.gradient(&y, size, &mut back);
    let dot =
        |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum() };
    assert!((dot(&moved, &y) - dot(&x, &back)).abs() < 1e-5);
    assert!(dot(&moved, &moved) > 1.0);
}

#[test]
fn a_spectrum_is_waves() {
    // The constant wave at 28 x 28: scale 28 / 4, a height of 1 / 28 each pixel.
    let canvas = Canvas::new(Instructions::detect().unwrap(), [28, 28, 1], 1.0);
    let (mut spectrum, mut image) = (vec![0.0; 784], vec![0.0; 784]);
    spectrum[0] = 4.0;
    canvas.draw(&spectrum, &mut image);
    let expected = 1.0 / (1.0 + (-1.0_f32).exp());
    assert!(image.iter().all(|&x| (x - expected).abs() < 1e-5), "{}", image[0]);
    // Three waves down: rows differ, columns do not.
    (spectrum[0], spectrum[3 * 28]) = (0.0, 4.0);
    canvas.draw(&spectrum, &mut image);
    let turns = |row: usize| (3 * row) as f32 / 28.0 * std::f32::consts::TAU;
    for (pixel, &x) in image.iter().enumerate() {
        let wave = (turns(pixel / 28).cos() + turns(pixel / 28).sin()) / 3.0;
        assert!((x - 1.0 / (1.0 + (-wave).exp())).abs() < 1e-5, "{pixel}");
    }
}
