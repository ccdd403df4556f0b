use super::*;
use crate::augment::{Affine, Crop, Erase, Transform};
use crate::graph::{Activation, Layer};
use crate::recipe::{
    ClassWeights, EarlyStopping, EpsilonForm, Initializer, Loss, Optimizer, Progressive, Sampling, Schedule,
    Teacher, TrainOptions, parse_layer,
};

const SEED: &str = include_str!("../../../../../recipes/seed.toml");
const SEED_PLUS: &str = include_str!("../../../../../recipes/seed-plus.toml");

fn train(lines: &str) -> TrainOptions {
    with_train(lines).unwrap_or_else(|error| panic!("{}", printed(&error))).train
}

#[test]
fn seed_has_the_posts_parameters() {
    for text in [SEED, SEED_PLUS] {
        let graph = Recipe::from_toml(text, "seed.toml").unwrap().graph().unwrap();
        let of = |node: &crate::graph::Node| {
            node.parameters.iter().map(|&index| graph.parameters[index].len()).sum::<usize>()
        };
        let counts: Vec<_> = graph.nodes.iter().map(of).filter(|&count| count > 0).collect();
        assert_eq!(counts, [3_328, 32_832, 8_224, 1_056, 330]);
        assert_eq!(graph.parameter_count(), 45_770);
        assert_eq!(graph.outputs(), 10);
    }
}

#[test]
fn seed_is_trained_as_in_the_post() {
    let seed = Recipe::from_toml(SEED, "seed.toml").unwrap();
    assert_eq!(seed.data.source, "fashion-mnist");
    assert_eq!(seed.augment.expand.len(), 2);
    assert_eq!(seed.train.optimizer, Optimizer::default());
    assert_eq!(seed.train.schedule, Schedule::Constant);
}

#[test]
fn what_is_left_out_has_its_default() {
    let recipe = with_train("").unwrap();
    assert_eq!(recipe.train, TrainOptions::default());
    assert_eq!(recipe.data.validation, 0.1);
    assert!(recipe.augment.expand.is_empty() && recipe.augment.online.is_empty());
}

#[test]
fn every_key_of_train() {
    let read = train(
        "epochs = 3\nbatch = 64\noptimizer = \"sgd\"\nrate = 1\nschedule = \"step\"\nseed = 0xff\nloss = \"focal\"\nclass_weights = \"balanced\"\nlabel_smoothing = 0.1\n\
         weight_decay = 1e-4\nclip_norm = 1\nema = 0.99\nprogressive = 0.25\nteacher = \"runs/a\"\nsampling = \"balanced\"\ninitializer = \"he-normal\"\nearly_stopping = 7",
    );
    let expected = TrainOptions {
        epochs: 3,
        batch: 64,
        optimizer: Optimizer::Sgd { momentum: 0.0, nesterov: false },
        rate: 1.0,
        schedule: Schedule::Step { every: 10, factor: 0.1 },
        seed: 255,
        sampling: Sampling::Balanced,
        loss: Loss::Focal { gamma: 2.0 },
        class_weights: ClassWeights::Balanced,
        label_smoothing: 0.1,
        weight_decay: 1e-4,
        clip_norm: 1.0,
        ema: 0.99,
        swa: 0.0,
        progressive: Some(Progressive { from: 0.25, until: 0.75 }),
        teacher: Some(Teacher { model: "runs/a".into(), weight: 0.7, temperature: 2.0 }),
        initializer: Initializer::HeNormal,
        early_stopping: Some(EarlyStopping { patience: 7, min_delta: 0.0 }),
    };
    assert_eq!(read, expected);
}

#[test]
fn averages_sizes_and_teachers() {
    assert_eq!(train("swa = 0.75").swa, 0.75);
    let progressive = |text: &str| train(&format!("progressive = {text}")).progressive;
    assert_eq!(progressive("false"), None);
    assert_eq!(progressive("{ until = 1.0 }"), Some(Progressive { from: 0.5, until: 1.0 }));
    let teacher = |text: &str| train(&format!("teacher = {text}")).teacher;
    assert_eq!(teacher("false"), None);
    let wanted = Teacher { model: "a.onnx".into(), weight: 1.0, temperature: 4.0 };
    assert_eq!(teacher("{ model = \"a.onnx\", weight = 1, temperature = 4 }"), Some(wanted));
    insta::assert_snapshot!(rejected(with_train(
        "ema = 0.9\nswa = 0.5\nprogressive = { from = 0, to = 1 }\nteacher = { weight = 2 }"
    )));
    insta::assert_snapshot!(rejected(with_train("progressive = \"small\"\nteacher = 3")));
}

#[test]
fn folds_and_corrections() {
    let data = |keys: &str| {
        let text = format!(
            "[data]\nsource = \"a\"\n{keys}\n[model]\ninput = [2, 2, 1]\nlayers = [\"flatten\", \"dense 2\"]\n"
        );
        Recipe::from_toml(&text, "r.toml")
    };
    let read = data("folds = 5\nrelabel = \"a.csv\"\ndrop = false").unwrap().data;
    assert_eq!((read.folds, read.relabel.as_deref(), read.drop), (5, Some("a.csv"), None));
    let none = data("").unwrap().data;
    assert_eq!((none.folds, none.relabel, none.drop), (0, None, None));
    insta::assert_snapshot!(rejected(data("folds = 1\nrelabel = true\ndrop = 3")), @r"
    error: data.folds at r.toml:3:9: expected 0 for none, or at least 2, found 1
      |
    3 | folds = 1
      |         ^
    hint: a common number is 5

    error: data.relabel at r.toml:4:11: expected a text in quotes, found true
      |
    4 | relabel = true
      |           ^^^^

    error: data.drop at r.toml:5:8: expected a text in quotes, found 3
      |
    5 | drop = 3
      |        ^
    ");
}

#[test]
fn optimizers_in_short_and_in_full() {
    let adam = |beta1, beta2, epsilon, epsilon_form| Optimizer::Adam { beta1, beta2, epsilon, epsilon_form };
    let cases = [
        ("\"adam\"", Optimizer::default()),
        ("\"adamw\"", Optimizer::default()),
        ("\"sgd\"", Optimizer::Sgd { momentum: 0.0, nesterov: false }),
        ("\"nesterov\"", Optimizer::Sgd { momentum: 0.9, nesterov: true }),
        ("{ nesterov = { momentum = 0.8 } }", Optimizer::Sgd { momentum: 0.8, nesterov: true }),
        ("{ sgd = { momentum = 0.8 } }", Optimizer::Sgd { momentum: 0.8, nesterov: false }),
        ("\"muon\"", Optimizer::Muon { momentum: 0.95, nesterov: true }),
        (
            "{ muon = { momentum = 0.9, nesterov = false } }",
            Optimizer::Muon { momentum: 0.9, nesterov: false },
        ),
        ("{ adam = {} }", Optimizer::default()),
        ("{ adam = { beta1 = 0.8 } }", adam(0.8, 0.999, 1e-7, EpsilonForm::Corrected)),
        (
            "{ adam = { beta2 = 0.99, epsilon = 1e-8, epsilon_form = \"keras\" } }",
            adam(0.9, 0.99, 1e-8, EpsilonForm::Keras),
        ),
    ];
    for (text, optimizer) in cases {
        assert_eq!(train(&format!("optimizer = {text}")).optimizer, optimizer, "{text}");
    }
    assert_eq!(train("optimizer = \"adamw\"").weight_decay, 0.004);
    assert_eq!(train("optimizer = \"adamw\"\nweight_decay = 0.1").weight_decay, 0.1);
    assert_eq!(train("optimizer = \"adam\"").weight_decay, 0.0);
}

#[test]
fn schedules_in_short_and_in_full() {
    let cases = [
        ("\"constant\"", Schedule::Constant),
        ("{ constant = {} }", Schedule::Constant),
        ("\"cosine\"", Schedule::Cosine { warmup: 0.0, floor: 0.0 }),
        ("{ cosine = { warmup = 0.5 } }", Schedule::Cosine { warmup: 0.5, floor: 0.0 }),
        (
            "{ cosine-restarts = { first = 0.5, floor = 0.1 } }",
            Schedule::CosineRestarts { first: 0.5, factor: 2.0, floor: 0.1 },
        ),
        ("\"one-cycle\"", Schedule::OneCycle { rise: 0.3, start: 25.0, end: 1e4 }),
        (
            "{ one-cycle = { rise = 0.2, start = 10, end = 100 } }",
            Schedule::OneCycle { rise: 0.2, start: 10.0, end: 100.0 },
        ),
        ("{ step = { every = 3 } }", Schedule::Step { every: 3, factor: 0.1 }),
    ];
    for (text, schedule) in cases {
        assert_eq!(train(&format!("schedule = {text}")).schedule, schedule, "{text}");
    }
}

#[test]
fn early_stopping_in_short_and_in_full() {
    let stopping = |patience, min_delta| Some(EarlyStopping { patience, min_delta });
    let cases = [
        ("false", None),
        ("3", stopping(3, 0.0)),
        ("{}", stopping(5, 0.0)),
        ("{ min_delta = 0.01 }", stopping(5, 0.01)),
    ];
    for (text, expected) in cases {
        assert_eq!(train(&format!("early_stopping = {text}")).early_stopping, expected, "{text}");
    }
}

#[test]
fn every_transform() {
    let text = "[data]\nsource = \"s\"\n[model]\ninput = [1, 1, 3]\nlayers = [\"dense 2\"]\n[augment]\n\
        expand = [{ rotate = [-30, 30] }, { translate = [-4, 4] }]\n\
        online = [{ affine = { scale = [0.5, 2] } }, { flip = 1 }, { crop = { pad = 2 } }, { erase = { area = [0.1, 0.2] } },\n\
        { noise = 0.1 }, { mixup = 0.2 }]\n";
    let augment = Recipe::from_toml(text, "r.toml").unwrap().augment;
    assert_eq!(augment.expand, [Transform::Rotate([-30.0, 30.0]), Transform::Translate([-4.0, 4.0])]);
    let expected = [
        Transform::Affine(Affine { scale: [0.5, 2.0], ..Affine::default() }),
        Transform::Flip(1.0),
        Transform::Crop(Crop { pad: 2 }),
        Transform::Erase(Erase { area: [0.1, 0.2], ..Erase::default() }),
        Transform::Noise(0.1),
        Transform::Mixup(0.2),
    ];
    assert_eq!(augment.online, expected);
}

#[test]
fn layers_as_tables_equal_layers_as_text() {
    let pairs = [
        (
            "kind = \"conv\"\nname = \"stem\"\nfilters = 8\nkernel = [3, 5]\nstride = 2\npadding = \"same\"\nbias = false\nactivation = \"leaky_relu 0.2\"",
            "stem: conv 8 3x5 stride 2 same no_bias leaky_relu 0.2",
        ),
        ("kind = \"conv\"\nfilters = 8\nkernel = 3", "conv2: conv 8 3x3"),
        ("kind = \"max_pool\"\nsize = 2\npadding = \"same\"", "max_pool1: max_pool 2 same"),
        ("kind = \"avg_pool\"\nsize = [2, 1]\nstride = [1, 1]", "avg_pool1: avg_pool 2x1 stride 1"),
        (
            "kind = \"batch_norm\"\nmomentum = 0.9\nactivation = \"relu\"",
            "batch_norm1: batch_norm momentum 0.9 relu",
        ),
        ("kind = \"dropout\"\nrate = 0.25", "dropout1: dropout 0.25"),
        ("kind = \"leaky_relu 0.5\"", "leaky_relu1: leaky_relu 0.5"),
        ("kind = \"relu\"\nfrom = \"dropout1\"", "relu1: relu from dropout1"),
        ("kind = \"add\"\nwith = \"leaky_relu1\"", "add1: add leaky_relu1"),
        ("kind = \"global_avg_pool\"", "global_avg_pool1: global_avg_pool"),
        ("kind = \"flatten\"", "flatten1: flatten"),
        ("kind = \"dense\"\nunits = 10\nbias = false", "dense1: dense 10 no_bias"),
    ];
    let tables: String = pairs.iter().map(|(table, _)| format!("[[model.layers]]\n{table}\n")).collect();
    let text = format!("[data]\nsource = \"s\"\n[model]\ninput = [28, 28, 1]\n{tables}");
    let recipe = Recipe::from_toml(&text, "r.toml").unwrap_or_else(|error| panic!("{}", printed(&error)));
    let short: Vec<_> = pairs.iter().map(|(_, short)| parse_layer(short).unwrap()).collect();
    assert_eq!(recipe.model.layers, short);
}

#[test]
fn texts_and_tables_mix() {
    let recipe = with_layers("\"flatten\", { kind = \"dense\", units = 4 }, \"relu\", \"dense 2\"").unwrap();
    let names: Vec<_> = recipe.model.layers.iter().filter_map(|layer| layer.name.as_deref()).collect();
    assert_eq!(names, ["flatten1", "dense1", "relu1", "dense2"]);
    assert_eq!(recipe.model.layers[2].layer, Layer::Activation);
    assert_eq!(recipe.model.layers[2].activation, Activation::Relu);
}
