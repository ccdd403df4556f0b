//! Images a second of training steps and of inference for the experiment's network, on random pixels.
//! `cargo run --release -p seamripper-core --example throughput -- [THREADS] [SECONDS]`

use std::time::Instant;

use seamripper_core::engine::{Engine, Wants};
use seamripper_core::graph::Weights;
use seamripper_core::random::{Purpose, Stream};
use seamripper_core::recipe::{Initializer, Recipe};
use seamripper_kernels::{Instructions, parallel::Threads};

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<f64>().expect("a number"));
    let threads = arguments.next().map(|threads| threads as usize);
    let seconds = arguments.next().unwrap_or(3.0);
    let recipe = Recipe::from_toml(include_str!("../../../recipes/seed.toml"), "seed.toml").expect("a valid recipe");
    let graph = recipe.graph().expect("layers that fit");
    let isa = Instructions::detect().expect("an instruction set");
    let weights = Weights::initial(&graph, Initializer::GlorotUniform, 0);
    let batch = 128;
    let mut stream = Stream::new(0, Purpose::Test, 0, 0);
    let images: Vec<f32> = (0..batch * 784).map(|_| stream.unit() as f32).collect();
    let mut targets = vec![0.0; batch * 10];
    for row in targets.chunks_exact_mut(10) {
        row[stream.below(10) as usize] = 1.0;
    }
    Threads::new(threads).expect("threads").run(|| {
        let mut gradient = vec![0.0; weights.values.len()];
        let mut training = Engine::new(&graph, isa, batch, Wants::TRAINING);
        let mut inference = Engine::new(&graph, isa, batch, Wants::INFERENCE);
        let rate = |work: &mut dyn FnMut()| {
            work();
            let (start, mut steps) = (Instant::now(), 0);
            while start.elapsed().as_secs_f64() < seconds {
                work();
                steps += 1;
            }
            f64::from(steps * batch as u32) / start.elapsed().as_secs_f64()
        };
        let forward = rate(&mut || inference.run_forward(&weights, &images));
        let step = rate(&mut || {
            training.loss_gradient(&weights, &images, &targets, &mut gradient);
        });
        println!("{}: {forward:.0} images/s forward, {step:.0} images/s forward and backward", isa.name());
    });
}
