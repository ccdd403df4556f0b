//! Tables whose failures are known: how many slices are confirmed where there are none, and how many are found where some
//! were planted.

use super::*;
use crate::random::{Purpose, Stream};
use crate::sample::Split;

const CLASSES: usize = 10;
const NUMBERS: usize = 6;

/// A table with its properties, and the probability that each image is wrong.
struct Simulated {
    predictions: Predictions,
    properties: Vec<Property>,
    embeddings: Tensor,
    probability: Vec<f64>,
    planted: Vec<Vec<u32>>,
}

/// `n` images; errors depend on the class, and on the planted slices. Properties depend on the class, too: a search that forgot
/// the class would find slices that are not there.
fn simulated(seed: u64, n: usize, with_slices: bool) -> Simulated {
    let mut stream = Stream::new(seed, Purpose::Test, 60, u64::from(with_slices));
    let labels: Vec<u32> = (0..n).map(|row| (row % CLASSES) as u32).collect();
    let numbers: Vec<Vec<f64>> = (0..NUMBERS)
        .map(|property| {
            let of = |&label: &u32| 0.3 * f64::from((label * (property as u32 + 1)) % 7);
            labels.iter().map(|label| of(label) + stream.normal()).collect()
        })
        .collect();
    let cameras: Vec<&str> = (0..n).map(|_| ["A", "B", "C"][stream.below(3) as usize]).collect();
    let mut planted = Vec::new();
    if with_slices {
        // the dark and small third of a third of class 3; the camera B's low fifth of another property, all classes
        let lowest = |property: usize, share: f64, of: &dyn Fn(usize) -> bool| {
            let mut sorted: Vec<f64> =
                (0..n).filter(|&row| of(row)).map(|row| numbers[property][row]).collect();
            sorted.sort_by(f64::total_cmp);
            sorted[(sorted.len() as f64 * share) as usize]
        };
        let class = stream.below(CLASSES as u64) as u32;
        let of_class = |row: usize| labels[row] == class;
        let cuts = [0, 1].map(|property| lowest(property, 0.45, &of_class));
        planted
            .push(rows(n, |row| of_class(row) && numbers[0][row] <= cuts[0] && numbers[1][row] <= cuts[1]));
        let cut = lowest(2, 0.15, &|_| true);
        planted.push(rows(n, |row| cameras[row] == "B" && numbers[2][row] <= cut));
    }
    let mut probability: Vec<f64> = labels.iter().map(|&label| 0.03 + 0.02 * f64::from(label)).collect();
    for &row in planted.iter().flatten() {
        probability[row as usize] += 0.3;
    }
    let wrong: Vec<bool> = probability.iter().map(|&p| stream.unit() < p).collect();
    let called =
        labels.iter().zip(&wrong).map(|(&label, &wrong)| if wrong { (label + 1) % 10 } else { label });
    let one_hot = |called: u32| (0..CLASSES as u32).map(move |class| f64::from(u8::from(class == called)));
    // the first planted slice has a direction of its own among the embeddings
    let mut embeddings: Vec<f32> = (0..n * 8).map(|_| stream.normal() as f32).collect();
    for &row in planted.first().into_iter().flatten() {
        embeddings[row as usize * 8] += 8.0;
    }
    let named = |(property, values): (usize, Vec<f64>)| Property::numbers(&format!("p{property}"), values);
    let predictions = Predictions {
        classes: (0..CLASSES).map(|class| format!("class {class}")).collect(),
        ids: (0..n).map(|row| format!("test-{row:05}")).collect(),
        splits: vec![Split::Test; n],
        probs: called.flat_map(one_hot).collect(),
        labels,
    };
    let mut properties: Vec<Property> = numbers.into_iter().enumerate().map(named).collect();
    properties.push(Property::names("camera", &cameras));
    Simulated { predictions, properties, embeddings: Tensor::new([n, 8], embeddings), probability, planted }
}

fn rows(n: usize, holds: impl Fn(usize) -> bool) -> Vec<u32> {
    (0..n).filter(|&row| holds(row)).map(|row| row as u32).collect()
}

fn jaccard(a: &[u32], b: &[u32]) -> f64 {
    let both = a.iter().filter(|row| b.binary_search(row).is_ok()).count();
    both as f64 / (a.len() + b.len() - both) as f64
}

/// Whether the images of a slice are not truly worse than those it is compared with: the mean of their probabilities to be
/// wrong is at most 1.1 times that of the others of their stratum.
fn is_false(simulated: &Simulated, slice: &Slice) -> bool {
    let table = slice::Table::new(&simulated.predictions, &simulated.properties);
    let (mut inside, mut expected) = (0.0, 0.0);
    let mut is_member = vec![false; table.len()];
    slice.rows.iter().for_each(|&row| is_member[row as usize] = true);
    for stratum in 0..table.strata(slice.scope) {
        let rows = table.rows(slice.scope).iter().copied();
        let of: Vec<u32> = rows.filter(|&row| table.stratum(slice.scope, row) == stratum).collect();
        let mean = |member: bool| {
            let p = of.iter().filter(|&&row| is_member[row as usize] == member);
            let p: Vec<f64> = p.map(|&row| simulated.probability[row as usize]).collect();
            (p.iter().sum::<f64>(), p.len() as f64)
        };
        let ((sum_in, n_in), (sum_out, n_out)) = (mean(true), mean(false));
        inside += sum_in;
        expected += n_in * sum_out / n_out.max(1.0);
    }
    inside <= 1.1 * expected
}

/// With nothing planted, at most one table in ten has a confirmed slice; without the correction it is twice as many and
/// more, so that this count can fail.
#[test]
fn tables_without_slices_rarely_have_a_confirmed_one() {
    const TABLES: u64 = 100;
    let (mut any, mut uncorrected, mut tested) = (0, 0, 0);
    for seed in 0..TABLES {
        let simulated = simulated(seed, 3_000, false);
        let options = SliceOptions { seed, ..SliceOptions::default() };
        let found =
            find(&simulated.predictions, &simulated.properties, Some(&simulated.embeddings), &options);
        any += u32::from(found.slices.iter().any(|slice| slice.confirmed));
        uncorrected += u32::from(found.slices.iter().any(|slice| slice.p <= 0.1));
        tested += found.slices.len();
    }
    println!("null: {any} of {TABLES} with a confirmed slice, {uncorrected} uncorrected, {tested} tested");
    assert!(any <= 10, "{any} of {TABLES}");
    assert!(uncorrected >= 15, "{uncorrected} of {TABLES}");
}

/// Of the slices planted in 30 tables at least 80 % are found (a confirmed slice overlaps by half or more), and of the confirmed
/// ones at most 10 % are false.
#[test]
fn planted_slices_are_found() {
    let (mut found, mut planted, mut confirmed, mut wrongly) = (0, 0, 0, 0);
    for seed in 0..30 {
        let simulated = simulated(seed, 6_000, true);
        let options = SliceOptions { seed, ..SliceOptions::default() };
        let slices = find(&simulated.predictions, &simulated.properties, None, &options).slices;
        let kept: Vec<&Slice> = slices.iter().filter(|slice| slice.confirmed).collect();
        for rows in &simulated.planted {
            planted += 1;
            found += usize::from(kept.iter().any(|slice| jaccard(&slice.rows, rows) >= 0.5));
        }
        confirmed += kept.len();
        wrongly += kept.iter().filter(|slice| is_false(&simulated, slice)).count();
    }
    println!("planted: {found} of {planted} found, {confirmed} confirmed, {wrongly} false");
    assert!(found as f64 >= 0.8 * planted as f64, "{found} of {planted}");
    assert!(wrongly as f64 <= 0.1 * confirmed as f64, "{wrongly} of {confirmed}");
}

/// A slice that no property describes is found among the embeddings.
#[test]
fn planted_clusters_are_found() {
    let mut found = 0;
    for seed in 0..20 {
        let mut simulated = simulated(seed, 6_000, true);
        simulated.properties.truncate(0);
        let options = SliceOptions { seed, ..SliceOptions::default() };
        let slices = find(&simulated.predictions, &[], Some(&simulated.embeddings), &options).slices;
        let planted = &simulated.planted[0];
        found += usize::from(
            slices.iter().any(|s| s.confirmed && s.is_cluster && jaccard(&s.rows, planted) >= 0.5),
        );
    }
    println!("clusters: {found} of 20 found");
    assert!(found >= 16, "{found} of 20");
}
