//! How long the forward pass of an ONNX file takes: `cargo run --release -p seamripper-onnx --example forward -- MODEL.onnx [BATCH] [REPEATS]`.
//! Prints the median of the repeats, in milliseconds a batch; bench/onnx.py runs it in turns with ONNX Runtime.

use std::time::Instant;

use seamripper_core::engine::{Engine, Executor, Wants};
use seamripper_kernels::Instructions;
use seamripper_kernels::parallel::Threads;
use seamripper_onnx::{Options, from_onnx};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("MODEL.onnx");
    let mut number =
        |default: usize| arguments.next().map_or(default, |text| text.parse().expect("a number"));
    let (batch, repeats) = (number(1), number(20));
    let bytes = std::fs::read(&path).expect("a file");
    let external = |_: &str| Err("no other file".to_owned());
    let options = Options { size: None, classes: None, preprocessing: None, external: &external };
    let model = from_onnx(&bytes, &options).unwrap_or_else(|error| panic!("{error}")).model;
    let length = batch * model.graph.input.iter().product::<usize>();
    let images: Vec<f32> = (0..length).map(|index| (index % 251) as f32 / 125.0 - 1.0).collect();
    Threads::new(None).expect("threads").run(|| {
        let isa = Instructions::detect().expect("an instruction set");
        let mut engine = Engine::new(&model.graph, isa, batch, Wants::INFERENCE);
        engine.forward(&model.weights, &images);
        let mut times: Vec<f64> = (0..repeats)
            .map(|_| {
                let start = Instant::now();
                engine.run_forward(&images);
                start.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("{:.2}", times[repeats / 2]);
    });
}
