//! How long each view of a model takes on Fashion-MNIST.
//!
//! ```text
//! cargo run --release -p seamripper-core --example see_speed -- model=runs/seed/model.safetensors data=FOLDER [threads=N]
//! ```
//! FOLDER has the four unpacked IDX files under their publisher's names. It prints a line a stage: seconds, and what was
//! found. `only=NAME` runs one stage, `test=N` and `train=N` limit the images.

use std::collections::HashMap;
use std::time::Instant;

use seamripper_core::graph::{ModelFile, from_safetensors};
use seamripper_core::sample::{Ids, ImageSet};
use seamripper_core::see::{
    MapOptions, Model, Replacement, ablate, effective_field, filter_layers, map, map_sample, nearest_images,
    penultimate, principal, probe, survey,
};
use seamripper_kernels::{Instructions, parallel::Threads};

fn main() {
    let pair = |argument: String| {
        let (key, value) = argument.split_once('=').expect("KEY=VALUE");
        (key.to_owned(), value.to_owned())
    };
    let options: HashMap<String, String> = std::env::args().skip(1).map(pair).collect();
    let count = |key: &str| options.get(key).map(|value| value.parse::<usize>().expect("a whole number"));
    let bytes = std::fs::read(&options["model"]).expect("model=FILE");
    let file = from_safetensors(&bytes).expect("a model");
    let read = |name: &str, most: &str| idx(&options["data"], name, &file, count(most).unwrap_or(usize::MAX));
    let (train, test) = (read("train", "train"), read("t10k", "test"));
    let only = options.get("only").map(String::as_str);
    Threads::new(count("threads")).expect("threads").run(|| stages(&file, &train, &test, only));
}

fn stages(file: &ModelFile, train: &ImageSet, test: &ImageSet, only: Option<&str>) {
    let isa = Instructions::detect().expect("an instruction set");
    let ModelFile { graph, weights, preprocessing, .. } = file;
    let model = Model { isa, graph, weights, preprocessing };
    let asked = |name: &str| only.is_none_or(|only| only == name);
    println!("{} parameters, {} test images", graph.parameter_count(), test.len());

    let looked = timed("survey", || survey(&model, test, |_| {}));
    for layer in &looked.layers {
        let dead = layer.filters.iter().filter(|filter| filter.dead).count();
        let (name, filters, pairs) = (&layer.layer.name, layer.filters.len(), layer.duplicates.len());
        println!("    {name}: {filters} filters, {dead} dead, {pairs} pairs of duplicates");
    }
    for replacement in [Replacement::Zero, Replacement::Mean] {
        if asked("ablate") {
            let found = timed(&format!("ablate {replacement:?}"), || {
                ablate(&model, test, &looked, replacement, |_| {})
            });
            println!("    {} of {} right", found.right.iter().sum::<usize>(), test.len());
            for layer in &found.layers {
                let least = layer.filters.iter().map(|filter| filter.net()).min().expect("filters");
                println!("    {}: worst filter {least}, layer {}", layer.layer.name, layer.whole.net());
            }
        }
    }
    if asked("fields") {
        timed("effective fields", || {
            let images: Vec<usize> = (0..test.len().min(256)).collect();
            for layer in filter_layers(graph) {
                effective_field(&model, test, &images, &layer, None);
            }
        });
    }
    if asked("probe") {
        let fit = train.select(&(0..train.len().min(10_000)).collect::<Vec<_>>());
        for probe in timed("probe", || probe(&model, &fit, test, |_| {})) {
            let name = probe.layer.as_ref().map_or("pixels", |layer| &layer.name);
            println!("    {name} {:?}: {:.4}, lambda {}", probe.features, probe.accuracy(), probe.lambda);
        }
    }
    if asked("nearest") || asked("map") {
        let among = timed("features of training images", || penultimate(&model, train, |_| {}));
        let of = timed("features of test images", || penultimate(&model, test, |_| {}));
        let near = timed("nearest", || nearest_images(isa, &of, &among, 5));
        let same = |(image, near): (usize, &Vec<_>)| same_class(train, test, image, near);
        println!(
            "    {} of {} nearest of the same class",
            near.iter().enumerate().filter(|&x| same(x)).count(),
            of.len()
        );
        let found = timed("principal", || principal(&of));
        println!("    shares {:?}", found.shares);
        let sample = of.select(&map_sample(of.len()));
        timed("map", || map(isa, &sample, &MapOptions::default(), |_| {}));
    }
}

fn same_class(
    train: &ImageSet,
    test: &ImageSet,
    image: usize,
    near: &[seamripper_core::see::Neighbor],
) -> bool {
    train.labels()[near[0].index] == test.labels()[image]
}

fn timed<R>(name: &str, work: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = work();
    println!("{name}: {:.3} s", start.elapsed().as_secs_f64());
    result
}

/// The images and labels of one split, `most` at most.
fn idx(folder: &str, split: &str, file: &ModelFile, most: usize) -> ImageSet {
    let read =
        |kind: &str| std::fs::read(format!("{folder}/{split}-{kind}-ubyte")).expect("an unpacked IDX file");
    let (pixels, labels) = (read("images-idx3"), read("labels-idx1"));
    let labels: Vec<u32> = labels[8..].iter().take(most).map(|&label| label.into()).collect();
    let pixels = pixels[16..][..labels.len() * 28 * 28].to_vec();
    let ids = Ids::Rows { prefix: split.into(), rows: (0..labels.len() as u32).collect() };
    ImageSet::new([28, 28, 1], pixels, labels, file.classes.clone().into(), ids)
}
