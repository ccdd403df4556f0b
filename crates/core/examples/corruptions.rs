//! Times every corruption, and draws a contact sheet: rows are corruptions, columns the original and severities 1 to 5.
//!
//! ```text
//! cargo run --release -p seamripper-core --example corruptions -- time [SIZE=28x28x1] [COUNT=1000] [THREADS=1]
//! cargo run --release -p seamripper-core --example corruptions -- sheet PATH.ppm SUITE SIZE [PIXELS=FILE]
//! cargo run --release -p seamripper-core --example corruptions -- serve
//! cargo run --release -p seamripper-core --example corruptions -- sweep MODEL.safetensors PIXELS LABELS
//! ```
//! `SUITE` is `common` or `mnist`. Images are synthetic; `PIXELS` is a file of `u8` `[h, w, c]`. `serve` is what
//! `bench/corruptions.py` talks to: lines of `LABEL SEVERITY SIZE COUNT SECONDS`, answered by seconds an image. `sweep` runs a
//! model of ours under both suites and 37 angles, and prints what `fail::robustness` says; `PIXELS` and `LABELS` are files of `u8`,
//! `[n, h, w, c]` and `[n]`.

use std::io::{BufRead, Write};
use std::time::Instant;

use seamripper_core::corrupt::{Change, Corruption, Prepared, SEVERITIES, Scratch, Suite, corrupt};
use seamripper_core::fail::robustness;
use seamripper_core::graph::from_safetensors;
use seamripper_core::sample::{Ids, ImageSet, Split};
use seamripper_core::train::Predictor;
use seamripper_kernels::{Instructions, parallel::Threads};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |i: usize| arguments.get(i).map(String::as_str);
    match argument(0) {
        Some("time") => {
            let size = size(argument(1).unwrap_or("28x28x1"));
            let count = argument(2).map_or(1000, |count| count.parse().expect("a count"));
            let threads = argument(3).map_or(1, |count| count.parse().expect("a number of threads"));
            Threads::new(Some(threads)).expect("threads").run(|| time(size, count, threads));
        }
        Some("sheet") => {
            let suite = match argument(2).expect("a suite") {
                "mnist" => Suite::Mnist,
                _ => Suite::Common,
            };
            let size = size(argument(3).expect("a size"));
            let image = match argument(4) {
                Some(path) => std::fs::read(path).expect("a file of pixels"),
                None => synthetic(size, 0),
            };
            sheet(argument(1).expect("a path"), suite, size, &image);
        }
        Some("serve") => serve(),
        Some("sweep") => sweep([1, 2, 3].map(|i| argument(i).expect("three files"))),
        _ => eprintln!("usage: corruptions time|sheet|serve|sweep …"),
    }
}

fn size(text: &str) -> [usize; 3] {
    let sides: Vec<usize> = text.split('x').map(|side| side.parse().expect("a side")).collect();
    sides.try_into().expect("HxWxC")
}

/// A shaded ball on a striped ground, another for each number.
fn synthetic([h, w, c]: [usize; 3], number: usize) -> Vec<u8> {
    let side = h.min(w) as f32;
    let mut pixels = Vec::with_capacity(h * w * c);
    for y in 0..h {
        for x in 0..w {
            let (fx, fy) = (x as f32 / side - 0.5, y as f32 / side - 0.5);
            let away = ((fx - 0.01 * (number % 7) as f32).powi(2) + fy * fy).sqrt();
            let ball = away < 0.33;
            let stripe = ((x * 8) as f32 / side + number as f32 * 0.3).sin() > 0.0;
            for channel in 0..c {
                let tint = [1.0, 0.6, 0.3][(channel + number) % 3];
                let level = if ball {
                    (1.0 - 0.8 * ((fx + 0.1).powi(2) + (fy + 0.12).powi(2)).sqrt() * 2.0) * 255.0 * tint
                } else if c == 1 {
                    0.0
                } else if stripe {
                    120.0 * (1.0 - 0.4 * tint)
                } else {
                    60.0 + 60.0 * fy
                };
                pixels.push(level.clamp(0.0, 255.0) as u8);
            }
        }
    }
    pixels
}

fn set(size: [usize; 3], count: usize) -> ImageSet {
    ImageSet::new(
        size,
        (0..count).flat_map(|number| synthetic(size, number)).collect(),
        vec![0; count],
        vec!["ball".to_owned()].into(),
        Ids::Rows { prefix: "synthetic".into(), rows: (0..count as u32).collect() },
    )
}

fn time(size: [usize; 3], count: usize, threads: usize) {
    let set = set(size, count);
    println!("size {size:?}, {count} images, {threads} threads, microseconds an image");
    println!("| corruption | 1 | 2 | 3 | 4 | 5 | mean |\n|---|---|---|---|---|---|---|");
    let mut all = (0.0, 0);
    for suite in [Suite::Common, Suite::Mnist] {
        for corruption in suite.corruptions(size[2]) {
            let times: Vec<f64> = (1..=SEVERITIES)
                .map(|severity| {
                    let change = Change::Corrupt(corruption, severity);
                    corrupt(&set, &change, 0);
                    let start = Instant::now();
                    corrupt(&set, &change, 0);
                    start.elapsed().as_secs_f64() * 1e6 / count as f64
                })
                .collect();
            let mean = times.iter().sum::<f64>() / times.len() as f64;
            all = (all.0 + mean, all.1 + 1);
            let cells: Vec<String> = times.iter().map(|time| format!("{time:.1}")).collect();
            println!("| {} | {} | {mean:.1} |", corruption.label(), cells.join(" | "));
        }
    }
    println!("| mean of {} | | | | | | {:.1} |", all.1, all.0 / f64::from(all.1));
}

fn sheet(path: &str, suite: Suite, size: [usize; 3], image: &[u8]) {
    let [h, w, c] = size;
    let corruptions = suite.corruptions(c);
    let (zoom, gap) = (112_usize.div_ceil(h).clamp(1, 4), 2);
    let (cell_h, cell_w) = (h * zoom + gap, w * zoom + gap);
    let (rows, columns) = (corruptions.len(), usize::from(SEVERITIES) + 1);
    let (sheet_h, sheet_w) = (rows * cell_h, columns * cell_w);
    let mut sheet = vec![255_u8; sheet_h * sheet_w * 3];
    let mut out = vec![0; image.len()];
    let mut scratch = Scratch::default();
    for (row, &corruption) in corruptions.iter().enumerate() {
        for severity in 0..=SEVERITIES {
            let prepared = Prepared::new(&Change::Corrupt(corruption, severity), size);
            prepared.image(image, 0, 1, &mut scratch, &mut out);
            for y in 0..h * zoom {
                for x in 0..w * zoom {
                    let place = (row * cell_h + y) * sheet_w + usize::from(severity) * cell_w + x;
                    for channel in 0..3 {
                        sheet[3 * place + channel] = out[(y / zoom * w + x / zoom) * c + channel.min(c - 1)];
                    }
                }
            }
        }
        println!("row {row}: {}", corruption.label());
    }
    let mut file = std::fs::File::create(path).expect("a path to write to");
    write!(file, "P6\n{sheet_w} {sheet_h}\n255\n").expect("a place to write to");
    file.write_all(&sheet).expect("a place to write to");
}

fn serve() {
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let words: Vec<&str> = line.split_whitespace().collect();
        let [label, severity, sides, count, seconds] = words[..] else { panic!("five words") };
        let corruption = Corruption::parse(label).expect("a corruption");
        let change = Change::Corrupt(corruption, severity.parse().expect("a severity"));
        let set = set(size(sides), count.parse().expect("a count"));
        let seconds: f64 = seconds.parse().expect("seconds");
        corrupt(&set, &change, 0);
        let (start, mut done) = (Instant::now(), 0);
        while start.elapsed().as_secs_f64() < seconds {
            corrupt(&set, &change, 0);
            done += set.len();
        }
        println!("{}", start.elapsed().as_secs_f64() / done as f64);
        std::io::stdout().flush().expect("somebody who reads");
    }
}

fn sweep(files: [&str; 3]) {
    let [model, pixels, labels] = files.map(|path| std::fs::read(path).expect("a file that can be read"));
    let model = from_safetensors(&model).expect("a model");
    let labels: Vec<u32> = labels.into_iter().map(u32::from).collect();
    let ids = Ids::Rows { prefix: "test".into(), rows: (0..labels.len() as u32).collect() };
    let set = ImageSet::new(model.graph.input, pixels, labels, model.classes.clone().into(), ids);
    let isa = Instructions::detect().expect("an instruction set");
    let (graph, weights, preprocessing) = (&model.graph, &model.weights, &model.preprocessing);
    let predictor = Predictor { isa, graph, weights, preprocessing, bf16: false };
    let channels = set.size()[2];
    let mut changes = Change::suite(Suite::Common, channels);
    changes.extend(Change::suite(Suite::Mnist, channels));
    changes.extend(Change::range(Change::Rotate, [-90.0, 90.0], 5.0));
    let start = Instant::now();
    let predict = |set: &ImageSet| predictor.predict(set, Split::Test, |_| ());
    let found = robustness::sweep(&set, &changes, 0, predict, |_| ());
    let seconds = start.elapsed().as_secs_f64();
    found.sentences.iter().for_each(|sentence| println!("{sentence}"));
    println!("{} changes of {} images in {seconds:.1} s", changes.len(), set.len());
}
