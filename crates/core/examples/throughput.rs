//! The workers of `bench/run` on our side: one task each, measured when asked.
//!
//! ```text
//! cargo run --release -p seamripper-core --example throughput -- TASK [KEY=VALUE …]
//! ```
//! It prints `ready` and what it runs on, then for each line `SECONDS` on its input works that long and prints one number,
//! until the input ends: `echo 3 | throughput train recipe=recipes/seed.toml`. Images are random pixels.
//!
//! | task | what it does | the number |
//! |---|---|---|
//! | `train` | whole training steps: batch, forward, backward, update | images a second |
//! | `epoch` | whole epochs over `images=N` | seconds an epoch |
//! | `infer` | forward passes | images a second |
//! | `latency` | forward passes of one image | median, µs |
//! | `integrated` | integrated gradients of `images=N` with `steps=N` each, or as many as completeness asks for | images a second |
//! | `warp` | `warp_affine` of `pixels=FILE` by `matrices=FILE` | images a second |
//! | `peak` | independent fused multiply-adds | FLOP a second, one thread |
//!
//! Further keys: `threads=N` (all cores), `batch=N` (128), `weights=FILE` (`f32`, in the order of the graph; random
//! otherwise), `pixels=FILE` (`f32` images to infer, `u8` images to warp), `out=FILE` (logits or warped images of a first
//! run, to compare), `size=HxWxC` of the images to warp, `bf16=true`.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::time::Instant;

use seamripper_core::engine::{Engine, Executor, ReluRule, Wants};
use seamripper_core::graph::{Graph, Preprocessing, Weights};
use seamripper_core::random::{Purpose, Stream};
use seamripper_core::recipe::{Initializer, Recipe};
use seamripper_core::sample::{Ids, ImageSet};
use seamripper_core::see::Model;
use seamripper_core::see::saliency::{Gradient, Steps, Target, integrated_gradients};
use seamripper_core::train::Trainer;
use seamripper_kernels::peak::peak_flops;
use seamripper_kernels::warp::{Image, ImageMut, Matrix, Warp};
use seamripper_kernels::{Instructions, parallel::Threads};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().expect("a task: train, epoch, infer, latency, integrated, warp or peak");
    let options = Options::new(arguments);
    let threads = Threads::new(options.count("threads")).expect("threads");
    threads.run(|| match task.as_str() {
        "train" | "epoch" => train(&options, task == "epoch"),
        "infer" | "latency" => infer(&options, task == "latency"),
        "integrated" => integrated(&options),
        "warp" => warp(&options),
        "peak" => peak(),
        other => panic!("expected train, epoch, infer, latency, integrated, warp or peak, found {other}"),
    });
}

/// `KEY=VALUE` arguments.
struct Options(HashMap<String, String>);

impl Options {
    fn new(arguments: impl Iterator<Item = String>) -> Self {
        let pair = |argument: String| {
            let (key, value) = argument.split_once('=').expect("KEY=VALUE");
            (key.to_owned(), value.to_owned())
        };
        Self(arguments.map(pair).collect())
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn count(&self, key: &str) -> Option<usize> {
        self.text(key).map(|value| value.parse().expect("a whole number"))
    }

    fn bytes(&self, key: &str) -> Option<Vec<u8>> {
        self.text(key).map(|path| std::fs::read(path).expect("a file that can be read"))
    }

    fn floats(&self, key: &str) -> Option<Vec<f32>> {
        let float = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("four bytes"));
        self.bytes(key).map(|bytes| bytes.chunks_exact(4).map(float).collect())
    }

    fn write(&self, bytes: &[u8]) {
        if let Some(path) = self.text("out") {
            std::fs::write(path, bytes).expect("a file that can be written");
        }
    }

    fn recipe(&self) -> Recipe {
        let path = self.text("recipe").expect("recipe=FILE");
        let text = std::fs::read_to_string(path).expect("a recipe that can be read");
        let mut recipe = Recipe::from_toml(&text, path).expect("a valid recipe");
        recipe.augment.expand.clear();
        recipe.train.batch = self.count("batch").unwrap_or(128);
        recipe.train.epochs = 1_000_000;
        recipe
    }
}

/// Says that the worker is ready, then measures whenever asked: `work` takes seconds and gives the number to print.
fn serve(about: &str, mut work: impl FnMut(f64) -> f64) {
    println!("ready {about}");
    for line in std::io::stdin().lock().lines() {
        let seconds = line.expect("text").trim().parse().expect("a number of seconds");
        println!("{}", work(seconds));
        std::io::stdout().flush().expect("somebody who reads");
    }
}

/// Calls `step`, which does some units of work and says how many, until `seconds` have passed: units a second.
fn rate(seconds: f64, mut step: impl FnMut() -> usize) -> f64 {
    let (start, mut units) = (Instant::now(), 0);
    while start.elapsed().as_secs_f64() < seconds {
        units += step();
    }
    units as f64 / start.elapsed().as_secs_f64()
}

fn about(isa: Instructions, graph: &Graph) -> String {
    let trained = graph.parameters.iter().filter(|parameter| parameter.role.trained());
    let count: usize = trained.map(|parameter| parameter.len()).sum();
    format!("isa={} parameters={count}", isa.name())
}

fn random_images(size: [usize; 3], n: usize) -> ImageSet {
    let mut stream = Stream::new(0, Purpose::Test, 0, 0);
    ImageSet::new(
        size,
        (0..n * size.iter().product::<usize>()).map(|_| stream.below(256) as u8).collect(),
        (0..n).map(|_| stream.below(10) as u32).collect(),
        (0..10).map(|class| class.to_string()).collect(),
        Ids::Rows { prefix: "train".into(), rows: (0..n as u32).collect() },
    )
}

fn train(options: &Options, whole_epochs: bool) {
    let recipe = options.recipe();
    let graph = recipe.graph().expect("layers that fit");
    let isa = Instructions::detect().expect("an instruction set");
    let batch = recipe.train.batch;
    let set = random_images(graph.input, options.count("images").unwrap_or(100 * batch));
    let mut trainer = Trainer::new(isa, &recipe, &graph, &set, None).expect("a recipe that fits");
    let about = about(isa, &graph);
    if whole_epochs {
        let mut epoch = move || {
            while trainer.step().is_none() {}
            1
        };
        epoch();
        serve(&about, |seconds| 1.0 / rate(seconds, &mut epoch));
    } else {
        assert_eq!(set.len() % batch, 0, "images: expected whole batches");
        let mut step = move || {
            trainer.step();
            batch
        };
        for _ in 0..5 {
            step();
        }
        serve(&about, |seconds| rate(seconds, &mut step));
    }
}

fn infer(options: &Options, one_image: bool) {
    let recipe = options.recipe();
    let graph = recipe.graph().expect("layers that fit");
    let isa = Instructions::detect().expect("an instruction set");
    let batch = if one_image { 1 } else { recipe.train.batch };
    let mut weights = Weights::initial(&graph, Initializer::GlorotUniform, 0);
    if let Some(values) = options.floats("weights") {
        assert_eq!(values.len(), weights.values.len(), "weights: expected one for each parameter");
        weights.values = values;
    }
    let length: usize = graph.input.iter().product();
    let pixels = options.floats("pixels").unwrap_or_else(|| {
        let set = random_images(graph.input, batch);
        set.pixels().iter().map(|&pixel| f32::from(pixel) / 255.0).collect()
    });
    let images = &pixels[..batch * length];

    let bf16 = options.text("bf16") == Some("true");
    let mut engine = Engine::new(&graph, isa, batch, Wants { bf16, ..Wants::INFERENCE });

    let logits = engine.forward(&weights, images);
    options.write(&logits.data().iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>());
    let about = about(isa, &graph);
    if one_image {
        let forward = || engine.run_forward(images);
        serve(&about, median_microseconds(forward));
    } else {
        let mut forward = || {
            engine.run_forward(images);
            batch
        };
        for _ in 0..5 {
            forward();
        }
        serve(&about, |seconds| rate(seconds, &mut forward));
    }
}

/// Measures single calls of `work` after 100 to warm up: for given seconds, the median in µs.
fn median_microseconds(mut work: impl FnMut()) -> impl FnMut(f64) -> f64 {
    for _ in 0..100 {
        work();
    }
    move |seconds| {
        let (start, mut times) = (Instant::now(), Vec::new());
        while start.elapsed().as_secs_f64() < seconds {
            let call = Instant::now();
            work();
            times.push(call.elapsed().as_secs_f64() * 1e6);
        }
        times.sort_unstable_by(f64::total_cmp);
        times[times.len() / 2]
    }
}

/// Integrated gradients of images one after the other, from black, of each image's predicted class.
fn integrated(options: &Options) {
    let isa = Instructions::detect().expect("an instruction set");
    let graph = options.recipe().graph().expect("layers that fit");
    let weights = match options.floats("weights") {
        Some(values) => Weights { values },
        None => Weights::initial(&graph, Initializer::GlorotUniform, 0),
    };
    let preprocessing = Preprocessing::new(graph.input[2]);
    let model = Model { isa, graph: &graph, weights: &weights, preprocessing: &preprocessing };
    let (count, length) = (options.count("images").unwrap_or(64), model.image_len());
    let mut images =
        options.floats("pixels").unwrap_or_else(|| model.values(&random_images(graph.input, count).pixels()));
    images.truncate(count * length);
    let steps = match options.text("steps") {
        Some("adaptive") => Steps::Adaptive,
        _ => Steps::Fixed(options.count("steps").unwrap_or(64)),
    };
    let logits = model.logits(&images);
    let best = |row: &[f32]| (1..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best });
    let classes: Vec<usize> = logits.data().chunks_exact(graph.outputs()).map(best).collect();
    let baseline = vec![0.0; length];
    let mut gradient = Gradient::new(&model, ReluRule::Gradient);
    let mut run = || -> Vec<f32> {
        let each = images.chunks_exact(length).zip(&classes);
        each.flat_map(|(image, &class)| {
            integrated_gradients(&mut gradient, image, &baseline, Target::Logit(class), steps).map
        })
        .collect()
    };
    let maps = run();
    options.write(&maps.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>());
    serve(&about(isa, &graph), |seconds| {
        rate(seconds, || {
            std::hint::black_box(run());
            classes.len()
        })
    });
}

fn warp(options: &Options) {
    let size = options.text("size").expect("size=HxWxC").split('x').map(|side| side.parse().expect("a side"));
    let size: [usize; 3] = size.collect::<Vec<_>>().try_into().expect("three sides");
    let length = size.iter().product();
    let pixels = options.bytes("pixels").expect("pixels=FILE");
    let numbers = options.bytes("matrices").expect("matrices=FILE");
    let number = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    let matrix = |bytes: &[u8]| -> Matrix {
        let values: Vec<f64> = bytes.chunks_exact(8).map(number).collect();
        [[values[0], values[1], values[2]], [values[3], values[4], values[5]]]
    };
    let matrices: Vec<Matrix> = numbers.chunks_exact(48).map(matrix).collect();
    let mut warped = vec![0; pixels.len()];
    let mut warp = Warp::default();
    let mut all = |warped: &mut [u8]| {
        for ((src, dst), matrix) in pixels.chunks(length).zip(warped.chunks_mut(length)).zip(&matrices) {
            warp.affine(Image { size, pixels: src }, ImageMut { size, pixels: dst }, matrix, 0);
        }
        matrices.len()
    };
    all(&mut warped);
    options.write(&warped);
    let isa = Instructions::detect().expect("an instruction set");
    serve(&format!("isa={}", isa.name()), |seconds| rate(seconds, || all(&mut warped)));
}

fn peak() {
    let isa = Instructions::detect().expect("an instruction set");
    serve(&format!("isa={}", isa.name()), |seconds| peak_flops(isa, seconds));
}
