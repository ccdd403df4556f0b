//! Feature visualisations of a model's filters and classes, as sheets to look at.
//!
//! ```text
//! cargo run --release -p seamripper-core --example dream -- MODEL.safetensors [KEY=VALUE …]
//! ```
//! Writes `OUT/LAYER.pgm` (`.ppm` in color) and `OUT/classes.pgm`, and prints for each layer the time, the dead filters, and
//! with `images=FILE` (an unpacked IDX file of images) how many reach more than the largest value there. Keys: `out=FOLDER` (`/tmp/dream`),
//! `steps=N`, `rate=X`, `decay=X`, `deviation=X`, `jitter=X`, `degrees=X`, `zoom=X`, `seed=N`, `center=true`, `only=LAYER`, `most=N` images of the file.

use std::collections::HashMap;
use std::time::Instant;

use seamripper_core::graph::from_safetensors;
use seamripper_core::sample::{Ids, ImageSet};
use seamripper_core::see::dream::{Dream, Objective, Options, Place, Unit, dream, largest};
use seamripper_core::see::{Model, filter_layers};
use seamripper_kernels::Instructions;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("a model file");
    let pairs: HashMap<String, String> = arguments
        .map(|argument| argument.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())))
        .map(|pair| pair.expect("KEY=VALUE"))
        .collect();
    let number = |key: &str| pairs.get(key).map(|value| value.parse::<f64>().expect("a number"));
    let file = from_safetensors(&std::fs::read(path).expect("a file that can be read")).expect("a model");
    let isa = Instructions::detect().expect("an instruction set");
    let (graph, weights, preprocessing) = (&file.graph, &file.weights, &file.preprocessing);
    let model = Model { isa, graph, weights, preprocessing };
    let tuned = |mut options: Options| {
        options.steps = number("steps").map_or(options.steps, |steps| steps as usize);
        options.seed = number("seed").map_or(options.seed, |seed| seed as u64);
        let robustness = &mut options.robustness;
        let fields = [
            ("rate", &mut options.rate),
            ("deviation", &mut options.deviation),
            ("decay", &mut options.decay),
            ("jitter", &mut robustness.jitter),
            ("degrees", &mut robustness.degrees),
            ("zoom", &mut robustness.zoom),
        ];
        for (key, field) in fields {
            *field = number(key).unwrap_or(*field);
        }
        options
    };
    let out = pairs.get("out").map_or("/tmp/dream", String::as_str);
    std::fs::create_dir_all(out).expect("a folder");
    let images =
        pairs.get("images").map(|path| idx(path, graph.input, number("most").unwrap_or(10_000.0) as usize));
    let place = if pairs.contains_key("center") { Place::Center } else { Place::Mean };

    let mut sheets: Vec<(String, Vec<Objective>)> = filter_layers(graph)
        .into_iter()
        .map(|layer| {
            let units = (0..layer.filters()).map(|filter| Unit::filter(&layer, filter, place).into());
            (layer.name.clone(), units.collect())
        })
        .collect();
    let classes = (0..graph.outputs()).map(|class| Unit::class(graph, class).into());
    sheets.push(("classes".to_owned(), classes.collect()));
    sheets.retain(|(name, _)| pairs.get("only").is_none_or(|only| only == name));
    for (name, objectives) in sheets {
        let most: Vec<f32> = images.as_ref().map_or_else(Vec::new, |images| {
            largest(&model, images, &objectives).iter().map(|largest| largest.value).collect()
        });
        let options =
            if name == "classes" { Options::for_classes(graph.input) } else { Options::of_size(graph.input) };
        let start = Instant::now();
        let dreams = dream(&model, &objectives, &most, &tuned(options), |_, _| ());
        let seconds = start.elapsed().as_secs_f64();
        let dead = dreams.iter().filter(|dream| dream.is_dead()).count();
        let mut shares: Vec<f32> =
            dreams.iter().filter(|dream| !dream.is_dead()).filter_map(Dream::share).collect();
        shares.sort_by(f32::total_cmp);
        let above = shares.iter().filter(|&&share| share > 1.0).count();
        let of = |part: f64| {
            shares.get((part * (shares.len() as f64 - 1.0)) as usize).copied().unwrap_or(f32::NAN)
        };
        println!(
            "{name}: {} in {seconds:.2} s, {dead} dead, {above} of {} above the largest; share min {:.2} median {:.2} max {:.2}",
            dreams.len(),
            shares.len(),
            of(0.0),
            of(0.5),
            of(1.0),
        );
        if pairs.contains_key("verbose") {
            for (index, dream) in dreams.iter().enumerate() {
                println!("  {index}: {:.3} of {:?}", dream.value, dream.largest);
            }
        }
        std::fs::write(format!("{out}/{name}.pgm"), sheet(&dreams, graph.input)).expect("a file");
    }
}

/// The first `most` images of an unpacked IDX file.
fn idx(path: &str, size: [usize; 3], most: usize) -> ImageSet {
    let bytes = std::fs::read(path).expect("a file that can be read");
    let count = most.min((bytes.len() - 16) / size.iter().product::<usize>());
    let pixels = bytes[16..][..count * size.iter().product::<usize>()].to_vec();
    let ids = Ids::Rows { prefix: "image".into(), rows: (0..count as u32).collect() };
    ImageSet::new(size, pixels, vec![0; count], ["any".to_owned()].into(), ids)
}

/// 16 images a row, each pixel drawn as 2 x 2, dead ones black.
fn sheet(dreams: &[Dream], [h, w, c]: [usize; 3]) -> Vec<u8> {
    let (across, zoom, gap) = (dreams.len().min(16), if h < 64 { 2 } else { 1 }, 2);
    let down = dreams.len().div_ceil(across);
    let [height, width] = [down * (h * zoom + gap), across * (w * zoom + gap)];
    let mut pixels = vec![0; height * width * c];
    for (index, dream) in dreams.iter().enumerate() {
        let Some(image) = &dream.pixels else { continue };
        let (top, left) = (index / across * (h * zoom + gap), index % across * (w * zoom + gap));
        for (row, column) in (0..h * zoom).flat_map(|row| (0..w * zoom).map(move |column| (row, column))) {
            let from = (row / zoom * w + column / zoom) * c;
            let to = ((top + row) * width + left + column) * c;
            pixels[to..to + c].copy_from_slice(&image[from..from + c]);
        }
    }
    let mut file = format!("P{} {width} {height} 255\n", if c == 3 { 6 } else { 5 }).into_bytes();
    file.extend(pixels);
    file
}
