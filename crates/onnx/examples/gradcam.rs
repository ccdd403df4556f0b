//! How long Grad-CAM of one image takes on an ONNX file: `cargo run --release -p seamripper-onnx --example gradcam -- MODEL.onnx [REPEATS]`.
//! Prints the median of the repeats, in milliseconds; bench/onnx.py --grad-cam runs it in turns with torch-cam.

use std::time::Instant;

use seamripper_core::graph::ModelFile;
use seamripper_core::see::Model;
use seamripper_core::see::saliency::{Explainer, Method, Options as Choices, Target};
use seamripper_kernels::Instructions;
use seamripper_kernels::parallel::Threads;
use seamripper_onnx::{Options, from_onnx};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("MODEL.onnx");
    let repeats = arguments.next().map_or(20, |text| text.parse().expect("a number"));
    let bytes = std::fs::read(&path).expect("a file");
    let external = |_: &str| Err("no other file".to_owned());
    let options = Options { size: None, classes: None, preprocessing: None, external: &external };
    let imported = from_onnx(&bytes, &options).unwrap_or_else(|error| panic!("{error}"));
    let ModelFile { graph, weights, preprocessing, .. } = &imported.model;
    let isa = Instructions::detect().expect("an instruction set");
    let model = Model { isa, graph, weights, preprocessing };
    let length = graph.input.iter().product::<usize>();
    let image: Vec<f32> = (0..length).map(|index| (index % 251) as f32 / 125.0 - 1.0).collect();
    Threads::new(None).expect("threads").run(|| {
        let mut explainer = Explainer::new(model, Choices::new(&model));
        explainer.explain(Method::GradCam, &image, Target::Logit(0));
        let mut times: Vec<f64> = (0..repeats)
            .map(|_| {
                let start = Instant::now();
                explainer.explain(Method::GradCam, &image, Target::Logit(0));
                start.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("{:.2}", times[repeats / 2]);
    });
}
