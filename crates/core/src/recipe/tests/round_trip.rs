use proptest::collection::vec;
use proptest::prelude::*;

use super::short::activations;
use super::*;
use crate::augment::{Affine, Crop, Erase, Transform};
use crate::graph::{Builder, Layer, LayerSpec, Padding};
use crate::recipe::{
    AugmentOptions, ClassWeights, DataOptions, EarlyStopping, EpsilonForm, Filter, Fit, Initializer, Loss,
    ModelOptions, Optimizer, Progressive, Sampling, Schedule, Teacher, TrainOptions,
};

fn range(low: f64, high: f64) -> impl Strategy<Value = [f64; 2]> {
    [low..high, low..high].prop_map(|[a, b]| [a.min(b), a.max(b)])
}

fn transforms() -> impl Strategy<Value = Transform> {
    prop_oneof![
        range(-180.0, 180.0).prop_map(Transform::Rotate),
        range(-9.0, 9.0).prop_map(Transform::Translate),
        (range(-9.0, 9.0), range(-9.0, 9.0), range(0.1, 3.0), range(-80.0, 80.0)).prop_map(
            |(rotate, translate, scale, shear)| Transform::Affine(Affine { rotate, translate, scale, shear })
        ),
        (0.0..=1.0).prop_map(Transform::Flip),
        (1_usize..9).prop_map(|pad| Transform::Crop(Crop { pad })),
        (0.0..=1.0, range(0.0, 1.0), range(0.1, 9.0)).prop_map(|(probability, area, aspect)| {
            Transform::Erase(Erase { probability, area, aspect })
        }),
        (0.0..1.0).prop_map(Transform::Noise),
    ]
}

fn optimizers() -> impl Strategy<Value = Optimizer> {
    let form = prop_oneof![Just(EpsilonForm::Corrected), Just(EpsilonForm::Keras)];
    prop_oneof![
        (0.0..1.0, 0.0..1.0, 1e-12..1e-3, form).prop_map(|(beta1, beta2, epsilon, epsilon_form)| {
            Optimizer::Adam { beta1, beta2, epsilon, epsilon_form }
        }),
        (0.0..1.0, any::<bool>()).prop_map(|(momentum, nesterov)| Optimizer::Sgd { momentum, nesterov }),
        (0.0..1.0, any::<bool>()).prop_map(|(momentum, nesterov)| Optimizer::Muon { momentum, nesterov }),
    ]
}

fn schedules() -> impl Strategy<Value = Schedule> {
    prop_oneof![
        Just(Schedule::Constant),
        (1_usize..99, 0.01..1.0).prop_map(|(every, factor)| Schedule::Step { every, factor }),
        (0.0..9.0, 0.0..=1.0).prop_map(|(warmup, floor)| Schedule::Cosine { warmup, floor }),
        (0.01..99.0, 1.0..9.0, 0.0..=1.0).prop_map(|(first, factor, floor)| Schedule::CosineRestarts {
            first,
            factor,
            floor
        }),
        (0.0..=1.0, 1.0..99.0, 1.0..1e9).prop_map(|(rise, start, end)| Schedule::OneCycle {
            rise,
            start,
            end
        }),
    ]
}

fn train_options() -> impl Strategy<Value = TrainOptions> {
    let initializer = prop_oneof![
        Just(Initializer::GlorotUniform),
        Just(Initializer::HeNormal),
        Just(Initializer::HeUniform)
    ];
    let early = proptest::option::of(
        (1_usize..99, 0.0..1.0).prop_map(|(patience, min_delta)| EarlyStopping { patience, min_delta }),
    );
    let numbers = (1_usize..999, 1_usize..999, 1e-9..9.0, 0..i64::MAX as u64, 0.0..1.0, 0.0..1.0, 0.0..99.0);
    let sampling = prop_oneof![Just(Sampling::Plain), Just(Sampling::Balanced)];
    let loss = prop_oneof![Just(Loss::CrossEntropy), (0.0..9.0).prop_map(|gamma| Loss::Focal { gamma })];
    let class_weights = prop_oneof![
        Just(ClassWeights::Equal),
        Just(ClassWeights::Balanced),
        proptest::collection::btree_map("[a-zA-Z/\\. \"]{1,9}", 1e-3..99.0, 0..4)
            .prop_map(ClassWeights::Named),
    ];
    let weighing = (sampling, 0.0..1.0, loss, class_weights);
    let progressive =
        proptest::option::of((0.01..=1.0, 0.01..=1.0).prop_map(|(from, until)| Progressive { from, until }));
    let teacher = proptest::option::of(
        ("[a-z/\\. \"]{1,9}", 0.0..=1.0, 0.1..9.0).prop_map(|(model, weight, temperature)| Teacher {
            model,
            weight,
            temperature,
        }),
    );
    let craft = (any::<bool>(), progressive, teacher);
    (numbers, optimizers(), schedules(), initializer, early, weighing, craft).prop_map(
        |(
            (epochs, batch, rate, seed, label_smoothing, weight_decay, clip_norm),
            optimizer,
            schedule,
            initializer,
            early_stopping,
            (sampling, average, loss, class_weights),
            (plain, progressive, teacher),
        )| TrainOptions {
            epochs,
            batch,
            optimizer,
            rate,
            schedule,
            seed,
            sampling,
            loss,
            class_weights,
            label_smoothing,
            weight_decay,
            clip_norm,
            ema: if plain { 0.0 } else { average },
            swa: if plain { average } else { 0.0 },
            progressive,
            teacher,
            initializer,
            early_stopping,
        },
    )
}

/// A stack of layers that keep the shape, with a residual connection where `add` says, flattened at the end.
fn models() -> impl Strategy<Value = ModelOptions> {
    let keeping = prop_oneof![
        Just(Layer::Activation),
        (0.0_f32..0.99).prop_map(|rate| Layer::Dropout { rate }),
        (0.0_f32..0.99).prop_map(|rate| Layer::DropPath { rate }),
        (1e-6_f32..0.1, 0.0_f32..0.999)
            .prop_map(|(epsilon, momentum)| Layer::BatchNorm { epsilon, momentum }),
        (1_usize..4, any::<bool>()).prop_map(|(side, bias)| Layer::Depthwise {
            multiplier: 1,
            kernel: [side, 3],
            stride: [1, 1],
            padding: Padding::Same,
            bias,
        }),
    ];
    let layer = (keeping, activations(), any::<bool>());
    ([1_usize..9, 1_usize..9, 1_usize..4], vec(layer, 0..6)).prop_map(|(input, layers)| {
        let mut specs = Vec::new();
        for (layer, activation, add) in layers {
            specs.push(LayerSpec::new(layer).activated(activation));
            if add {
                specs.push(LayerSpec::add("input"));
            }
        }
        specs.push(LayerSpec::new(Layer::Flatten));
        specs.push(LayerSpec::new(Layer::Dense { units: 3, bias: true }).named("logits"));
        let graph = Builder::with_layers(input, specs).build().expect("a model that fits");
        ModelOptions { input, layers: graph.layers(), transfer: None }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_resolved_recipe_reads_back_equal(
        source in "\\PC{1,12}",
        validation in 0.01..0.99,
        test in 0.0..0.99,
        (fit, resize) in (0..Fit::NAMES.len(), 0..Filter::NAMES.len()),
        folds in prop_oneof![Just(0_usize), 2_usize..99],
        [relabel, drop] in [proptest::option::of("\\PC{1,12}"), proptest::option::of("\\PC{1,12}")],
        expand in vec(transforms(), 0..3),
        mut online in vec(transforms(), 0..3),
        alpha in 0.1..1.0,
        beta in 0.1..1.0,
        until in 0.01..=1.0,
        model in models(),
        train in train_options(),
    ) {
        online.extend([Transform::Mixup(alpha), Transform::Cutmix(beta)]);
        let recipe = Recipe {
            data: DataOptions {
                source,
                validation,
                test,
                fit: Fit::named(Fit::NAMES[fit]),
                resize: Filter::named(Filter::NAMES[resize]),
                folds,
                relabel,
                drop,
            },
            augment: AugmentOptions { expand, online, until },
            model,
            train,
        };
        let text = recipe.to_toml();
        let read = Recipe::from_toml(&text, "r.toml");
        prop_assert_eq!(read.as_ref().map_err(printed), Ok(&recipe), "{}", text);
        prop_assert_eq!(read.unwrap().to_toml(), text);
    }

    #[test]
    fn no_text_panics(text in "(\\[(data|model|train|augment)\\]\n|[a-z_]{1,8} = ([0-9.e-]{1,4}|\"[a-z0-9 ]*\"|\\[.{0,9}\\]|\\{.{0,9}\\})\n|\\PC{0,6}){0,8}") {
        if let Err(error) = Recipe::from_toml(&text, "r.toml") {
            prop_assert!(!error.problems.is_empty());
        }
    }
}

#[test]
fn seed_resolved() {
    let seed = Recipe::from_toml(include_str!("../../../../../recipes/seed.toml"), "seed.toml").unwrap();
    insta::assert_snapshot!(seed.to_toml(), @r#"
    [data]
    source = "fashion-mnist"
    validation = 0.0
    test = 0.2
    fit = "stretch"
    resize = "bilinear"
    folds = 0
    relabel = false
    drop = false

    [augment]
    expand = [
      { rotate = [-8.0, 8.0] },
      { crop = { pad = 1 } },
    ]
    online = []
    until = 1.0

    [model]
    input = [28, 28, 1]
    layers = [
      "conv1: conv 128 5x5 stride 1 valid bias relu",
      "max_pool1: max_pool 3 stride 3 valid",
      "conv2: conv 64 2x2 stride 1 valid bias relu",
      "max_pool2: max_pool 2 stride 2 valid",
      "conv3: conv 32 2x2 stride 1 valid bias relu",
      "max_pool3: max_pool 2 stride 2 valid",
      "flatten1: flatten",
      "dense1: dense 32 bias relu",
      "dense2: dense 10 bias",
    ]

    [train]
    epochs = 20
    batch = 128
    optimizer = { adam = { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, epsilon_form = "corrected" } }
    rate = 0.001
    schedule = "constant"
    seed = 0
    sampling = "plain"
    loss = "cross-entropy"
    class_weights = false
    label_smoothing = 0.0
    weight_decay = 0.0
    clip_norm = 0.0
    ema = 0.0
    swa = 0.0
    progressive = false
    teacher = false
    initializer = "glorot-uniform"
    early_stopping = false
    "#);
}

#[test]
fn groups_resolved() {
    let read = with_layers(
        "  \"conv 12 3x3 same\",\n  \"conv 6 3x3 groups 3\",\n  \"depthwise 3x3 stride 2 same relu\",\n  \
         { kind = \"depthwise\", kernel = 2, multiplier = 4, bias = false },\n  \
         { kind = \"conv\", filters = 8, kernel = [1, 1], groups = 2, activation = \"silu\" },\n  \
         \"global_avg_pool\", \"dense 10\"",
    );
    let recipe = read.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(Recipe::from_toml(&recipe.to_toml(), "r.toml").as_ref(), Ok(&recipe));
    let written = recipe.to_toml();
    let layers: Vec<_> = written.lines().filter(|line| line.contains(" stride ")).collect();
    insta::assert_snapshot!(layers.join("\n"), @r#"
    "conv1: conv 12 3x3 stride 1 same bias",
    "conv2: conv 6 3x3 stride 1 valid bias groups 3",
    "depthwise1: depthwise 3x3 stride 2 same bias multiplier 1 relu",
    "depthwise2: depthwise 2x2 stride 1 valid no_bias multiplier 4",
    "conv3: conv 8 1x1 stride 1 valid bias groups 2 silu",
    "#);
    let graph = recipe.graph().unwrap();
    let nodes: Vec<_> = graph.nodes.iter().map(|node| (node.kind(), node.output)).take(5).collect();
    insta::assert_snapshot!(format!("{nodes:?}"), @r#"[("conv", [28, 28, 12]), ("conv", [26, 26, 6]), ("depthwise", [13, 13, 6]), ("depthwise", [12, 12, 24]), ("conv", [12, 12, 8])]"#);
    let shapes: Vec<_> = graph.parameters.iter().map(|parameter| format!("{:?}", parameter.shape)).collect();
    insta::assert_snapshot!(shapes.join(" "), @"[3, 3, 1, 12] [12] [3, 3, 4, 6] [6] [3, 3, 1, 6] [6] [2, 2, 1, 24] [1, 1, 12, 8] [8] [8, 10] [10]");
}
