//! tract and rten as workers of `bench/run` (protocol: `bench/peers/serve.py`).
//!
//! ```text
//! rust_peers tract|rten infer|latency model=FILE pixels=FILE batch=N threads=N parts=N [out=FILE]
//! ```
//! A batch is cut into `parts` of equal size. tract runs a model on one thread, so its parts run at the same time on
//! `threads` threads, each with a model compiled for that size. rten spreads each part over its own `threads` threads.

use std::collections::HashMap;
use std::io::BufRead;
use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;
use rten_tensor::prelude::*;
use tract_onnx::prelude::*;

const LENGTH: usize = 28 * 28;

type Forward = Box<dyn FnMut() -> Vec<f32>>;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options: HashMap<&str, &str> =
        arguments[2..].iter().filter_map(|pair| pair.split_once('=')).collect();
    let number = |key: &str| options[key].parse::<usize>().expect("a whole number");
    let (batch, threads, parts) = (number("batch"), number("threads"), number("parts"));
    let bytes = std::fs::read(options["pixels"]).expect("images that can be read");
    let pixels: Vec<f32> = bytes
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes")))
        .collect();
    assert_eq!(batch % parts, 0, "parts of equal size");
    let images = pixels[..batch * LENGTH].chunks(batch / parts * LENGTH).map(<[f32]>::to_vec).collect();
    let mut forward = match arguments[0].as_str() {
        "tract" => tract(options["model"], images, threads),
        "rten" => rten(options["model"], images, threads),
        other => panic!("expected tract or rten, found {other}"),
    };
    let logits: Vec<u8> = forward().iter().flat_map(|value| value.to_le_bytes()).collect();
    if let Some(path) = options.get("out") {
        std::fs::write(path, logits).expect("a file that can be written");
    }
    for _ in 0..if batch == 1 { 100 } else { 5 } {
        forward();
    }
    println!("ready ");
    for line in std::io::stdin().lock().lines() {
        let seconds: f64 = line.expect("text").trim().parse().expect("a number of seconds");
        let (start, mut times) = (Instant::now(), Vec::new());
        while start.elapsed().as_secs_f64() < seconds {
            let call = Instant::now();
            forward();
            times.push(call.elapsed().as_secs_f64());
        }
        let rate = (times.len() * batch) as f64 / start.elapsed().as_secs_f64();
        times.sort_unstable_by(f64::total_cmp);
        println!("{}", if arguments[1] == "latency" { 1e6 * times[times.len() / 2] } else { rate });
    }
}

fn tract(path: &str, images: Vec<Vec<f32>>, threads: usize) -> Forward {
    let shape = [images[0].len() / LENGTH, 1, 28, 28];
    let model = tract_onnx::onnx()
        .model_for_path(path)
        .and_then(|model| model.with_input_fact(0, f32::fact(shape).into()))
        .and_then(|model| model.into_optimized())
        .and_then(|model| model.into_runnable())
        .expect("a model that tract reads");
    let images: Vec<TValue> =
        images.iter().map(|part| Tensor::from_shape(&shape, part).expect("images").into()).collect();
    let run = move |part: &TValue| {
        let outputs = model.run(tvec!(part.clone())).expect("a forward pass");
        outputs[0].to_plain_array_view::<f32>().expect("logits").iter().copied().collect::<Vec<f32>>()
    };
    if threads == 1 {
        return Box::new(move || images.iter().flat_map(&run).collect());
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    Box::new(move || {
        let parts: Vec<Vec<f32>> = pool.install(|| images.par_iter().with_max_len(1).map(&run).collect());
        parts.concat()
    })
}

fn rten(path: &str, images: Vec<Vec<f32>>, threads: usize) -> Forward {
    let shape = [images[0].len() / LENGTH, 1, 28, 28];
    let mut options = rten::ModelOptions::with_all_ops();
    let model = options.prepack_weights(true).load_file(path).expect("a model that rten reads");
    let images: Vec<_> =
        images.into_iter().map(|part| rten_tensor::NdTensor::from_data(shape, part)).collect();
    let pool = Arc::new(rten::ThreadPool::with_num_threads(threads));
    Box::new(move || {
        let run = |part: &rten_tensor::NdTensor<f32, 4>| {
            let options = rten::RunOptions::default().with_thread_pool(Some(pool.clone()));
            let output = model.run_one(part.view().into(), Some(options)).expect("a forward pass");
            let logits: rten_tensor::NdTensor<f32, 2> = output.try_into().expect("logits [n, k]");
            logits.to_vec()
        };
        images.iter().flat_map(run).collect()
    })
}
