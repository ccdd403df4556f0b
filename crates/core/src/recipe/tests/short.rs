use proptest::prelude::*;

use crate::graph::{Activation, Interpolation, Layer, LayerSpec, Padding};
use crate::recipe::{parse_layer, write_layer};

fn read(text: &str) -> LayerSpec {
    parse_layer(text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"))
}

fn conv(filters: usize, kernel: [usize; 2], stride: usize, padding: Padding, bias: bool) -> Layer {
    Layer::Conv2d { filters, kernel, stride: [stride, stride], padding, bias, groups: 1, dilation: [1, 1] }
}

fn grouped(filters: usize, groups: usize) -> Layer {
    let (kernel, stride, padding) = ([3, 3], [1, 1], Padding::Valid);
    Layer::Conv2d { filters, kernel, stride, padding, bias: true, groups, dilation: [1, 1] }
}

fn depthwise(kernel: [usize; 2], stride: usize, padding: Padding, bias: bool, multiplier: usize) -> Layer {
    Layer::Depthwise { multiplier, kernel, stride: [stride, stride], padding, bias }
}

#[test]
fn every_form_of_the_reference() {
    let new = LayerSpec::new;
    let relu = |spec: LayerSpec| spec.activated(Activation::Relu);
    let max = |size, stride, padding| Layer::MaxPool { size, stride, padding };
    let (valid, same) = (Padding::Valid, Padding::Same);
    let cases = [
        ("conv 128 5x5 relu", relu(new(conv(128, [5, 5], 1, valid, true)))),
        ("conv 8 3 same stride 2 no_bias", new(conv(8, [3, 3], 2, same, false))),
        ("conv 8 3x1 relu no_bias stride 2 valid", relu(new(conv(8, [3, 1], 2, valid, false)))),
        ("conv 32 3x3 groups 4", new(grouped(32, 4))),
        ("depthwise 3x3 stride 2 same relu", relu(new(depthwise([3, 3], 2, same, true, 1)))),
        ("depthwise 3 multiplier 2 no_bias", new(depthwise([3, 3], 1, valid, false, 2))),
        ("max_pool 3", new(max([3, 3], [3, 3], valid))),
        ("max_pool 3x2 stride 2 same", new(max([3, 2], [2, 2], same))),
        ("max_pool 3x2", new(max([3, 2], [3, 2], valid))),
        ("avg_pool 2", new(Layer::AvgPool { size: [2, 2], stride: [2, 2], padding: valid })),
        ("global_avg_pool", new(Layer::GlobalAvgPool)),
        ("global_max_pool", new(Layer::GlobalMaxPool)),
        ("dense 32 relu", relu(new(Layer::Dense { units: 32, bias: true }))),
        ("dense 32 no_bias", new(Layer::Dense { units: 32, bias: false })),
        ("batch_norm relu", relu(new(Layer::BatchNorm { epsilon: 1e-3, momentum: 0.99 }))),
        ("batch_norm momentum 0.9 epsilon 1e-5", new(Layer::BatchNorm { epsilon: 1e-5, momentum: 0.9 })),
        ("relu", relu(new(Layer::Activation))),
        ("leaky_relu", new(Layer::Activation).activated(Activation::LeakyRelu(0.01))),
        ("leaky_relu 0.2", new(Layer::Activation).activated(Activation::LeakyRelu(0.2))),
        (
            "conv 8 3 leaky_relu 0.2 same",
            new(conv(8, [3, 3], 1, same, true)).activated(Activation::LeakyRelu(0.2)),
        ),
        ("dropout 0.3", new(Layer::Dropout { rate: 0.3 })),
        ("drop_path 0.1", new(Layer::DropPath { rate: 0.1 })),
        ("flatten", new(Layer::Flatten)),
        ("add conv1 relu", relu(LayerSpec::add("conv1"))),
        ("add relu relu", relu(LayerSpec::add("relu"))),
        (
            "short: conv 32 1x1 stride 2 from add2",
            new(conv(32, [1, 1], 2, valid, true)).named("short").reading("add2"),
        ),
        ("  last:   dense\t10 ", new(Layer::Dense { units: 10, bias: true }).named("last")),
    ];
    for (text, spec) in cases {
        assert_eq!(read(text), spec, "{text}");
    }
}

#[test]
fn problems_point_at_their_words() {
    let text = "conv 128 5x5 rlu strid 2 same";
    let problems = parse_layer(text).unwrap_err();
    let words: Vec<_> = problems.iter().map(|problem| &text[problem.span.clone()]).collect();
    assert_eq!(words, ["rlu", "strid"]);
}

pub(super) fn activations() -> impl Strategy<Value = Activation> {
    let named = (0..Activation::ALL.len()).prop_map(|index| Activation::ALL[index]);
    let slope = (-2.0_f32..2.0).prop_map(Activation::LeakyRelu);
    let clip = (-2.0_f32..2.0, 0.1_f32..2.0).prop_map(|(low, width)| Activation::Clip(low, low + width));
    prop_oneof![named, slope, clip]
}

pub(super) fn layers() -> impl Strategy<Value = Layer> {
    let pair = || [1_usize..6, 1_usize..6];
    let padding = || {
        let explicit = ([0_usize..4, 0_usize..4], [0_usize..4, 0_usize..4]);
        let explicit = explicit.prop_map(|(before, after)| Padding::Explicit { before, after });
        prop_oneof![Just(Padding::Valid), Just(Padding::Same), explicit]
    };
    prop_oneof![
        (1_usize..300, pair(), pair(), padding(), any::<bool>(), 1_usize..9, pair()).prop_map(
            |(filters, kernel, stride, padding, bias, groups, dilation)| {
                Layer::Conv2d { filters, kernel, stride, padding, bias, groups, dilation }
            }
        ),
        (1_usize..9, pair(), pair(), padding(), any::<bool>()).prop_map(
            |(multiplier, kernel, stride, padding, bias)| {
                Layer::Depthwise { multiplier, kernel, stride, padding, bias }
            }
        ),
        (pair(), pair(), padding()).prop_map(|(size, stride, padding)| Layer::MaxPool {
            size,
            stride,
            padding
        }),
        (pair(), pair(), padding()).prop_map(|(size, stride, padding)| Layer::AvgPool {
            size,
            stride,
            padding
        }),
        Just(Layer::GlobalAvgPool),
        Just(Layer::GlobalMaxPool),
        (1_usize..300, any::<bool>()).prop_map(|(units, bias)| Layer::Dense { units, bias }),
        (1e-9_f32..1.0, 0.0_f32..0.999)
            .prop_map(|(epsilon, momentum)| Layer::BatchNorm { epsilon, momentum }),
        Just(Layer::Activation),
        (0.0_f32..0.999).prop_map(|rate| Layer::Dropout { rate }),
        (0.0_f32..0.999).prop_map(|rate| Layer::DropPath { rate }),
        Just(Layer::Flatten),
        Just(Layer::Add),
        Just(Layer::Concat),
        Just(Layer::Multiply),
        any::<bool>().prop_map(|bias| Layer::Scale { bias }),
        (1e-9_f32..1.0).prop_map(|epsilon| Layer::LayerNorm { epsilon }),
        (0_usize..99, 1_usize..99).prop_map(|(first, channels)| Layer::Slice { first, channels }),
        (1_usize..9).prop_map(|groups| Layer::Shuffle { groups }),
        ([0_usize..4, 0_usize..4], [0_usize..4, 0_usize..4])
            .prop_map(|(before, after)| Layer::Pad { before, after }),
        (pair(), any::<bool>()).prop_map(|(size, bilinear)| {
            let method = if bilinear { Interpolation::Bilinear } else { Interpolation::Nearest };
            Layer::Resize { size, method }
        }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        layer in layers(),
        activation in activations(),
        name in proptest::option::of("[a-z][a-z0-9_./-]{0,8}"),
        from in proptest::option::of("[a-z0-9_./-]{1,8}"),
        with in prop::collection::vec("[a-z0-9_./-]{1,8}", 1..3),
    ) {
        let with = if layer.joins() { with } else { Vec::new() };
        let spec = LayerSpec { name, layer, activation, from, with };
        let text = write_layer(&spec);
        prop_assert_eq!(parse_layer(&text), Ok(spec), "{}", text);
    }

    #[test]
    fn no_text_panics_and_problems_lie_within_it(text in "[a-z0-9_.: x\u{e9}\u{2003}-]{0,30}|conv [ -~]{0,20}") {
        if let Err(problems) = parse_layer(&text) {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                prop_assert!(text.get(problem.span).is_some());
            }
        }
    }
}
