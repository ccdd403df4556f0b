//! Every layer of a recipe goes out and comes back: the same weights, and the same logits.

use npyz::WriterBuilder;
use seamripper_core::engine::{Engine, Executor, Wants};
use seamripper_core::graph::{Graph, ModelFile, Preprocessing, Weights};
use seamripper_core::random::{Purpose, Stream};
use seamripper_core::recipe::{Recipe, graph_of};
use seamripper_kernels::Instructions;
use seamripper_onnx::{from_onnx, to_onnx};

use crate::models::options;

/// Small networks that have every layer and activation between them.
pub const NETWORKS: [(&str, [usize; 3], &[&str]); 8] = [
    (
        "experiment",
        [28, 28, 1],
        &[
            "conv 12 5x5 relu",
            "max_pool 3",
            "conv 8 2x2 relu",
            "max_pool 2",
            "conv 6 2x2 relu",
            "max_pool 2",
            "flatten",
            "dense 8 relu",
            "dense 5",
        ],
    ),
    (
        "flat",
        [6, 5, 2],
        &["conv 4 3x3 same relu", "flatten", "relu6", "dropout 0.3", "dense 7 no_bias tanh", "dense 4"],
    ),
    (
        "flat and normalized",
        [6, 5, 2],
        &["conv 4 3x3 leaky_relu 0.2", "flatten", "batch_norm elu", "dense 9 gelu", "layer_norm", "dense 4"],
    ),
    (
        "residual",
        [12, 12, 3],
        &[
            "stem: conv 8 3x3 stride 2 pad 1 no_bias",
            "batch_norm relu",
            "conv 8 3x3 same no_bias",
            "batch_norm",
            "drop_path 0.2",
            "add batch_norm1 relu",
            "max_pool 3 stride 2 same",
            "avg_pool 2 stride 1 same silu",
            "global_avg_pool",
            "dense 4",
        ],
    ),
    (
        "mobile",
        [14, 13, 3],
        &[
            "conv 8 3x3 stride 2 same no_bias",
            "x: batch_norm hard_swish",
            "depthwise 3x3 same multiplier 2 no_bias",
            "batch_norm",
            "conv 8 1x1 groups 2 softplus",
            "y: conv 8 3x3 dilation 2 pad 2 sigmoid",
            "global_avg_pool",
            "conv 3 1x1 relu",
            "gate: conv 8 1x1 hard_sigmoid",
            "multiply gate from y",
            "add x clip -1 1",
            "global_max_pool",
            "dense 4",
        ],
    ),
    (
        "gated by a dense layer",
        [8, 8, 3],
        &[
            "x: conv 6 3x3",
            "global_avg_pool",
            "flatten",
            "dense 6 sigmoid",
            "multiply dense1 from x",
            "scale",
            "scale no_bias relu",
            "avg_pool 3 pad 1",
            "flatten",
            "dense 3",
        ],
    ),
    (
        "channels",
        [9, 9, 2],
        &[
            "x: conv 8 3x3 relu",
            "low: slice 0..4",
            "high: slice 4..8 from x",
            "conv 4 3x3 same",
            "concat low,high",
            "shuffle 3",
            "layer_norm epsilon 1e-5",
            "pad 1x0x2x1",
            "max_pool 3 stride 2",
            "add max_pool1,max_pool1 from max_pool1",
            "resize 8x9 bilinear",
            "resize 16x18",
            "conv 5 1x1",
            "global_avg_pool",
        ],
    ),
    ("an image of one pixel", [1, 1, 3], &["conv 4 1x1 relu", "batch_norm", "dense 2"]),
];

pub fn graph(input: [usize; 3], layers: &[&str]) -> Graph {
    graph_of(input, layers).unwrap_or_else(|error| panic!("{error}"))
}

/// Random numbers for all parameters, positive where they must be.
pub fn model(graph: Graph) -> ModelFile {
    let mut stream = Stream::new(3, Purpose::Test, 0, 0);
    let mut values = Vec::new();
    for parameter in &graph.parameters {
        let neutral = parameter.role.neutral();
        values.extend((0..parameter.len()).map(|_| neutral + stream.uniform(-0.5, 0.5) as f32));
    }
    let classes = (0..graph.outputs()).map(|class| format!("class \"{class}\"")).collect();
    let preprocessing = Preprocessing { scale: 0.5, ..Preprocessing::new(graph.input[2]) };
    ModelFile { graph, weights: Weights { values }, classes, preprocessing }
}

pub fn logits(model: &ModelFile, images: usize) -> (Vec<f32>, Vec<f32>) {
    let mut stream = Stream::new(4, Purpose::Test, 0, 0);
    let length = images * model.graph.input.iter().product::<usize>();
    let pixels: Vec<f32> = (0..length).map(|_| stream.uniform(-1.0, 1.0) as f32).collect();
    let mut engine = Engine::new(&model.graph, Instructions::available()[0], images, Wants::INFERENCE);
    let logits = engine.forward(&model.weights, &pixels).data().to_vec();
    (pixels, logits)
}

/// All of these, and those of the recipes that come with the program.
fn all() -> Vec<(String, ModelFile)> {
    let small = NETWORKS.map(|(name, input, layers)| (name.replace(' ', "-"), model(graph(input, layers))));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../recipes");
    let recipes = std::fs::read_dir(folder).expect(folder).map(|entry| {
        let path = entry.expect(folder).path();
        let text = std::fs::read_to_string(&path).expect("a recipe is a text");
        let recipe = Recipe::from_toml(&text, "recipe").unwrap_or_else(|error| panic!("{error}"));
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, model(recipe.graph().expect("layers that fit")))
    });
    let all: Vec<_> = small.into_iter().chain(recipes).collect();
    assert!(all.iter().any(|(name, _)| name == "seed-plus"), "no recipes in {folder}");
    all
}

#[test]
fn every_network_comes_back_as_it_was() {
    for (name, model) in all() {
        let back = from_onnx(&to_onnx(&model), &options()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (classes, preprocessing) = (back.model.classes.clone(), back.model.preprocessing.clone());
        assert_eq!((classes, preprocessing), (model.classes.clone(), model.preprocessing.clone()), "{name}");
        assert!(back.notes.is_empty(), "{name}: {:?}", back.notes);
        let names = |graph: &Graph| {
            graph.parameters.iter().map(|p| (p.name.clone(), p.shape.clone())).collect::<Vec<_>>()
        };
        assert_eq!(names(&back.model.graph), names(&model.graph), "{name}");
        let bits =
            |model: &ModelFile| model.weights.values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert!(bits(&back.model) == bits(&model), "{name}: weights differ");
        let (_, expected) = logits(&model, 3);
        let (_, found) = logits(&back.model, 3);
        assert!(
            found
                .iter()
                .zip(&expected)
                .all(|(found, expected)| (found - expected).abs() <= 1e-6 * expected.abs().max(1.0)),
            "{name}: {found:?} {expected:?}"
        );
        let again = from_onnx(&to_onnx(&back.model), &options()).unwrap().model;
        assert!(to_onnx(&again) == to_onnx(&back.model), "{name}: going out again changes the file");
    }
}

#[test]
fn the_experiment_keeps_its_layers() {
    let (_, input, layers) = NETWORKS[0];
    let model = model(graph(input, layers));
    let back = from_onnx(&to_onnx(&model), &options()).unwrap().model;
    // Flattening is no layer of an imported model where there is one place, and has no name of its own.
    assert_eq!(back.graph.nodes.len(), model.graph.nodes.len() - 1);
    let kept = |graph: &Graph| {
        graph
            .nodes
            .iter()
            .filter(|n| n.kind() != "flatten")
            .map(|n| (n.name.clone(), n.layer.clone(), n.activation, n.output))
            .collect::<Vec<_>>()
    };
    assert_eq!(kept(&back.graph), kept(&model.graph));
}

/// Writes models with inputs and logits, for ONNX Runtime to compute them again.
#[test]
#[ignore = "writes to SEAMRIPPER_TEST_EXPORTS, for generate.py --verify; scripts/test --full does both"]
fn exported_for_onnx_runtime() {
    let folder =
        std::path::PathBuf::from(std::env::var("SEAMRIPPER_TEST_EXPORTS").expect("a folder to write to"));
    for (name, model) in all() {
        std::fs::write(folder.join(format!("{name}.onnx")), to_onnx(&model)).unwrap();
        let (pixels, logits) = logits(&model, 3);
        let [h, w, c] = model.graph.input;
        let first = |at: usize| {
            let (image, channel, place) = (at / (h * w * c), at / (h * w) % c, at % (h * w));
            pixels[(image * h * w + place) * c + channel]
        };
        let images: Vec<f32> = (0..pixels.len()).map(first).collect();
        let k = model.graph.outputs();
        for (what, shape, values) in [("images", vec![3, c, h, w], &images), ("logits", vec![3, k], &logits)]
        {
            let file = std::fs::File::create(folder.join(format!("{name}.{what}.npy"))).unwrap();
            let shape: Vec<u64> = shape.into_iter().map(|length| length as u64).collect();
            let options = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(file);
            let mut array = options.begin_nd().unwrap();
            array.extend(values.iter().copied()).unwrap();
            array.finish().unwrap();
        }
    }
}
