//! Wrong labels, judged by models that have not seen the image. Found if half of the wrong labels are flagged, and half of the
//! flagged labels are wrong.
//!
//! *Reference*: a class and a chance that depend on the pixels: Xia et al. (2020), "Part-dependent label noise", NeurIPS, algorithm 2.

use std::time::Instant;

use seamripper_core::fail::audit::{Subject, Wants, audit};
use seamripper_core::fail::finding::Kind;
use seamripper_core::predictions::Predictions;
use seamripper_core::random::{Purpose, Stream};
use seamripper_core::sample::ImageSet;

use super::{timed, trial};
use crate::diag::Stop;
use crate::selftest::Plant;
use crate::selftest::bench::{Base, Bench, relabelled};
use crate::selftest::trial::Trial;

const SHARES: [f64; 4] = [0.01, 0.05, 0.1, 0.2];
const SHARES_QUICK: [f64; 1] = [0.1];

/// Deviation of the chance that an image is mislabelled, in Xia et al.
const DEVIATION: f64 = 0.1;

pub fn run(plant: Plant, bench: &Bench, base: &Base) -> Result<Vec<Trial>, Stop> {
    let shares: &[f64] = if bench.scale.quick { &SHARES_QUICK } else { &SHARES };
    let mut rows: Vec<usize> = (0..base.train.len()).collect();
    Stream::new(base.seed, Purpose::Plant, 1, 0).shuffle(&mut rows);
    rows.truncate(bench.scale.noisy);
    let set = base.train.select(&rows);
    shares
        .iter()
        .map(|&share| {
            let began = Instant::now();
            let given = match plant {
                Plant::NoiseInstance => by_pixels(&set, share, base.seed),
                _ => blind(&set, share, plant == Plant::NoisePair, base.seed),
            };
            let noisy = relabelled(&set, given);
            let table = out_of_fold(bench, &noisy, base.seed)?;
            let trial = trial(plant, format!("{:.0} %", 100.0 * share), base);
            Ok(timed(began, judged(trial, &set, &table, base.seed)))
        })
        .collect()
}

fn judged(trial: Trial, set: &ImageSet, table: &Predictions, seed: u64) -> Trial {
    let subject = Subject { out_of_fold: Some(table), ..Subject::new(table) };
    let wants = Wants { seed, ..Wants::only([Kind::LabelError]) };
    let labels = audit(subject, &wants, &mut |_| {}).label_errors.expect("labels were judged");
    let is_wrong = |row: usize| set.labels()[row] != table.labels[row];
    let wrong = (0..set.len()).filter(|&row| is_wrong(row)).count();
    let flagged: Vec<usize> = labels.suspects.iter().filter(|s| s.flagged).map(|s| s.row).collect();
    let right = flagged.iter().filter(|&&row| is_wrong(row)).count();
    let (recall, precision) =
        (right as f64 / wrong.max(1) as f64, right as f64 / flagged.len().max(1) as f64);
    Trial {
        found: recall >= 0.5 && precision >= 0.5,
        false_alarms: flagged.len() - right,
        confirmed: flagged.len(),
        measure: 2.0 * right as f64 / (flagged.len() + wrong).max(1) as f64,
        said: format!("{} flagged, {right} of the {wrong} wrong labels among them", flagged.len()),
        ..trial
    }
}

/// Labels of which `share` became any other class, or the next one.
fn blind(set: &ImageSet, share: f64, next: bool, seed: u64) -> Vec<u32> {
    let k = set.classes().len() as u64;
    let mut stream = Stream::new(seed, Purpose::Plant, 2, u64::from(next));
    let mut change = |label: u32| {
        let (flip, step) = (stream.unit() < share, stream.below(k - 1) + 1);
        if flip { ((u64::from(label) + if next { 1 } else { step }) % k) as u32 } else { label }
    };
    set.labels().iter().map(|&label| change(label)).collect()
}

/// Labels that pixels decide on: a random linear map of an image for each class says which class it becomes; the chance is drawn
/// around `share`.
fn by_pixels(set: &ImageSet, share: f64, seed: u64) -> Vec<u32> {
    let k = set.classes().len();
    let length: usize = set.size().iter().product();
    let mut stream = Stream::new(seed, Purpose::Plant, 3, 0);
    let weights: Vec<f64> = (0..k * k * length).map(|_| stream.normal()).collect();
    let pixels = set.pixels();
    let values = pixels.iter().map(|&value| f64::from(value));
    let n = pixels.len() as f64;
    let mean = values.clone().sum::<f64>() / n;
    let deviation = (values.map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt().max(1e-9);
    (0..set.len())
        .map(|index| {
            let label = set.labels()[index] as usize;
            let mut chance = -1.0;
            while !(0.0..=1.0).contains(&chance) {
                chance = share + DEVIATION * stream.normal();
            }
            let turn = stream.unit();
            if stream.unit() >= chance {
                return label as u32;
            }
            let of = |class: usize| -> f64 {
                let weights = &weights[(label * k + class) * length..][..length];
                set.image(index)
                    .iter()
                    .zip(weights)
                    .map(|(&v, w)| (f64::from(v) - mean) / deviation * w)
                    .sum()
            };
            let scores: Vec<f64> =
                (0..k).map(|class| if class == label { f64::NEG_INFINITY } else { of(class) }).collect();
            let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let chances: Vec<f64> = scores.iter().map(|score| (score - highest).exp()).collect();
            let mut left = turn * chances.iter().sum::<f64>();
            let drawn = chances.iter().position(|chance| {
                left -= chance;
                left < 0.0
            });
            drawn.unwrap_or(label) as u32
        })
        .collect()
}

/// Probabilities of each image by a model that has not seen it.
fn out_of_fold(bench: &Bench, set: &ImageSet, seed: u64) -> Result<Predictions, Stop> {
    let folds = bench.scale.folds;
    let k = set.classes().len();
    let mut probs = vec![0.0; set.len() * k];
    for fold in 0..folds {
        let [held, seen]: [Vec<usize>; 2] =
            [true, false].map(|held| (0..set.len()).filter(|row| (row % folds == fold) == held).collect());
        let model = bench.fit(&set.select(&seen), seed)?;
        let table = model.predict(&set.select(&held));
        for (place, &row) in held.iter().enumerate() {
            probs[row * k..][..k].copy_from_slice(table.row(place));
        }
    }
    Ok(Predictions {
        classes: set.classes().to_vec(),
        ids: (0..set.len()).map(|index| set.ids().id(index)).collect(),
        splits: vec![seamripper_core::sample::Split::Train; set.len()],
        labels: set.labels().to_vec(),
        probs,
    })
}
