//! Images a second of the experiment's network on random pixels: whole training steps, or inference.
//!
//! `cargo run --release -p seamripper-core --example throughput -- train|infer [THREADS] [SECONDS]` prints one number.

use std::time::Instant;

use seamripper_core::engine::{Engine, Wants};
use seamripper_core::graph::Weights;
use seamripper_core::random::{Purpose, Stream};
use seamripper_core::recipe::{Initializer, Recipe};
use seamripper_core::sample::{Ids, ImageSet};
use seamripper_core::train::Trainer;
use seamripper_kernels::{Instructions, parallel::Threads};

const BATCH: usize = 128;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |index: usize| arguments.get(index).map(|argument| argument.parse::<f64>().expect("a number"));
    let threads = number(1).map(|threads| threads as usize);
    let seconds = number(2).unwrap_or(3.0);
    let mut recipe =
        Recipe::from_toml(include_str!("../../../recipes/seed.toml"), "seed.toml").expect("a valid recipe");
    recipe.augment.expand.clear();
    recipe.train.batch = BATCH;
    recipe.train.epochs = 1_000_000;
    let graph = recipe.graph().expect("layers that fit");
    let isa = Instructions::detect().expect("an instruction set");
    let mut stream = Stream::new(0, Purpose::Test, 0, 0);
    let n = 100 * BATCH;
    let set = ImageSet::new(
        [28, 28, 1],
        (0..n * 784).map(|_| stream.below(256) as u8).collect(),
        (0..n).map(|_| stream.below(10) as u32).collect(),
        (0..10).map(|class| class.to_string()).collect(),
        Ids::Rows { prefix: "train".into(), rows: (0..n as u32).collect() },
    );
    let rate = |work: &mut dyn FnMut()| {
        for _ in 0..5 {
            work();
        }
        let (start, mut steps) = (Instant::now(), 0);
        while start.elapsed().as_secs_f64() < seconds {
            work();
            steps += 1;
        }
        f64::from(steps * BATCH as u32) / start.elapsed().as_secs_f64()
    };
    let images_per_second =
        Threads::new(threads).expect("threads").run(|| match arguments.first().map(String::as_str) {
            Some("infer") => {
                let weights = Weights::initial(&graph, Initializer::GlorotUniform, 0);
                let images: Vec<f32> =
                    set.pixels()[..BATCH * 784].iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
                let mut engine = Engine::new(&graph, isa, BATCH, Wants::INFERENCE);
                engine.load(&weights);
                rate(&mut || engine.run_forward(&images))
            }
            _ => {
                let mut trainer = Trainer::new(isa, &recipe, &graph, &set, None).expect("a recipe that fits");
                rate(&mut || {
                    trainer.step();
                })
            }
        });
    println!("{images_per_second:.0}");
}
