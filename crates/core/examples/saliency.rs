//! What saliency methods are worth on a model, and how many steps integrated gradients take.
//!
//! ```text
//! cargo run --release -p seamripper-core --example saliency -- MODEL.safetensors IMAGES JUDGES COMPLETED
//! ```
//! IMAGES is an unpacked IDX file. The first JUDGES images judge every method by its sanity check and by insertion and deletion; the
//! first COMPLETED get integrated gradients until they add up, and the numbers of steps are printed.

use seamripper_core::engine::ReluRule;
use seamripper_core::graph::from_safetensors;
use seamripper_core::see::Model;
use seamripper_core::see::saliency::{Gradient, Method, Options, Steps, Target, integrated_gradients};
use seamripper_core::see::trust::{Areas, judge};
use seamripper_kernels::Instructions;

/// Bytes before the pixels of an IDX file of images.
const HEADER: usize = 16;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, images, judges, completed] = &arguments[..] else {
        panic!("expected MODEL IMAGES JUDGES COMPLETED, found {arguments:?}")
    };
    let read = |path: &str| std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let count = |text: &str| text.parse::<usize>().unwrap_or_else(|error| panic!("{text}: {error}"));
    let file = from_safetensors(&read(model)).expect("a model of seamripper");
    let model = Model {
        isa: Instructions::detect().expect("an instruction set"),
        graph: &file.graph,
        weights: &file.weights,
        preprocessing: &file.preprocessing,
    };
    let pixels = read(images);
    let first = |n: usize| -> (Vec<f32>, Vec<usize>) {
        let values = model.values(&pixels[HEADER..][..n * model.image_len()]);
        let best = |row: &[f32]| (1..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best });
        let classes = model.logits(&values).data().chunks_exact(file.graph.outputs()).map(best).collect();
        (values, classes)
    };
    print_worth(&model, first(count(judges)));
    print_steps(&model, first(count(completed)));
}

fn print_worth(model: &Model<'_>, (values, classes): (Vec<f32>, Vec<usize>)) {
    let judged = judge(model, &Options::new(model), &Method::ALL, &values, &classes, |_| {});
    println!("{} images                 sanity  deletion  insertion  like the edges", judged.images);
    for verdict in &judged.verdicts {
        let (name, Areas { deletion, insertion }) = (verdict.method.name(), verdict.areas);
        let (score, edges) =
            (verdict.sanity.as_ref().map_or(f64::NAN, |sanity| sanity.score), verdict.likeness_to_edges);
        println!("{name:24} {score:8.2} {deletion:9.2} {insertion:10.2} {edges:15.2}");
    }
    let floor = &judged.floor;
    for (name, areas) in [("random order", floor.random), ("edges", floor.edges), ("middle", floor.center)] {
        println!("{name:24}        - {:9.2} {:10.2}", areas.deletion, areas.insertion);
    }
}

fn print_steps(model: &Model<'_>, (values, classes): (Vec<f32>, Vec<usize>)) {
    let baseline = model.values(&vec![0; model.image_len()]);
    let mut gradient = Gradient::new(model, ReluRule::Gradient);
    let (mut steps, mut complete) = (Vec::new(), 0);
    for (image, &class) in values.chunks_exact(model.image_len()).zip(&classes) {
        let made =
            integrated_gradients(&mut gradient, image, &baseline, Target::Logit(class), Steps::Adaptive);
        steps.push(made.steps);
        complete += usize::from(made.is_complete());
    }
    steps.sort_unstable();
    let at = |share: f64| steps[((steps.len() - 1) as f64 * share) as usize];
    println!("\nintegrated gradients: {complete} of {} add up within 1 %", steps.len());
    println!("steps: median {}, 90 % {}, 99 % {}, most {}", at(0.5), at(0.9), at(0.99), at(1.0));
}
