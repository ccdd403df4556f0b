//! Images that go wrong together. A confirmed slice *belongs* to the planted one if at least half of its images are planted; the
//! planted one is found if the slices that belong to it cover at least half of it. (Plumb et al. 2023, "Towards a more rigorous
//! science of blindspot discovery", arXiv 2207.04104, section 4: a large one may be found in pieces.)
//!
//! Three kinds: test images that were turned; a part of a class that was left out of training; and errors that are drawn, so that
//! how often each image should be wrong is known. Of these slices it can be said which are false: their images are not to be wrong
//! more often than 1.1 times the others of their class.

use std::time::Instant;

use seamripper_core::fail::properties::{Property, Values, measure};
use seamripper_core::fail::slices::{Scope, Slice, SliceOptions, find};
use seamripper_core::predictions::Predictions;
use seamripper_core::random::{Purpose, Stream};
use seamripper_core::sample::ImageSet;
use seamripper_core::tensor::Tensor;

use super::{timed, trial};
use crate::diag::Stop;
use crate::selftest::Plant;
use crate::selftest::bench::{Base, Bench, changed, of_class};
use crate::selftest::trial::Trial;

/// Share of a class that is turned.
const TURNED: f64 = 0.05;
/// Errors are drawn this much more often in a slice.
const ADDED: f64 = 0.3;
/// A slice belongs to the planted one if this share of its images is planted.
const BELONGING: f64 = 0.5;
/// A planted slice is found if this share of it is covered.
const COVERED: f64 = 0.5;
/// Slices that are planted in a table, each in a class of its own.
const SLICES: usize = 2;
/// Share of a class below each of two cuts.
const BELOW: f64 = 0.45;

pub fn rotated(bench: &Bench, base: &Base) -> Result<Vec<Trial>, Stop> {
    let began = Instant::now();
    let [h, w, c] = base.test.size();
    if h != w || bench.pool.turnable.is_empty() {
        return Ok(Vec::new());
    }
    let mut stream = Stream::new(base.seed, Purpose::Plant, 6, 0);
    let class = bench.pool.turnable[stream.below(bench.pool.turnable.len() as u64) as usize];
    let mut rows = of_class(&base.test, class);
    stream.shuffle(&mut rows);
    rows.truncate((TURNED * rows.len() as f64).round() as usize);
    rows.sort_unstable();
    let test = changed(&base.test, |index, image| {
        if rows.binary_search(&index).is_ok() {
            let upright = image.to_vec();
            for (place, pixel) in image.chunks_exact_mut(c).enumerate() {
                let (y, x) = (place / w, place % w);
                pixel.copy_from_slice(&upright[(x * w + w - 1 - y) * c..][..c]);
            }
        }
    });
    let table = base.model.predict(&test);
    let embeddings = base.model.embeddings(&test);
    let name = &test.classes()[class as usize];
    let trial = trial(Plant::Rotated, "5 % of a class", base);
    Ok(vec![timed(began, judged(trial, name, &test, &table, &embeddings, &rows, base.seed))])
}

pub fn dropped(bench: &Bench, base: &Base) -> Result<Vec<Trial>, Stop> {
    let began = Instant::now();
    // classes in pairs that look different, each pair one class: (0, k/2), (1, k/2 + 1), …
    let half = base.train.classes().len() as u32 / 2;
    if half < 2 {
        return Ok(Vec::new());
    }
    let part = Stream::new(base.seed, Purpose::Plant, 7, 0).below(2 * u64::from(half)) as u32;
    let paired = |set: &ImageSet, keep: &dyn Fn(u32) -> bool| {
        let in_pair = |row: &usize| set.labels()[*row] < 2 * half && keep(set.labels()[*row]);
        let set = set.select(&(0..set.len()).filter(in_pair).collect::<Vec<_>>());
        let labels = set.labels().iter().map(|label| label % half).collect();
        let name =
            |pair: u32| [pair, pair + half].map(|class| set.classes()[class as usize].as_str()).join(" or ");
        let names: Vec<String> = (0..half).map(name).collect();
        set.clone().labelled(labels, names.into())
    };
    let model = bench.fit(&paired(&base.train, &|label| label != part), base.seed)?;
    let test = paired(&base.test, &|_| true);
    let rows: Vec<usize> = {
        let kept = base.test.labels().iter().filter(|&&label| label < 2 * half);
        kept.enumerate().filter(|&(_, &label)| label == part).map(|(row, _)| row).collect()
    };
    let (table, embeddings) = (model.predict(&test), model.embeddings(&test));
    let name = &base.test.classes()[part as usize];
    let trial = trial(Plant::Dropped, "half of a class", base);
    Ok(vec![timed(began, judged(trial, name, &test, &table, &embeddings, &rows, base.seed))])
}

/// Looks for slices in a real table.
fn judged(
    trial: Trial,
    name: &str,
    test: &ImageSet,
    table: &Predictions,
    embeddings: &Tensor,
    planted: &[usize],
    seed: u64,
) -> Trial {
    let options = SliceOptions { seed, ..SliceOptions::default() };
    let found = find(table, &measure(test), Some(embeddings), &options).slices;
    let confirmed: Vec<&Slice> = found.iter().filter(|slice| slice.confirmed).collect();
    let (covered, rank) = covered(&confirmed, planted);
    let wrong = |rows: &mut dyn Iterator<Item = usize>| {
        let (n, wrong) = rows.fold((0, 0), |(n, wrong), row| {
            (n + 1, wrong + usize::from(table.top1(row) != table.labels[row] as usize))
        });
        100.0 * wrong as f64 / n.max(1) as f64
    };
    let class = table.labels[planted[0]];
    let others = |row: &usize| table.labels[*row] == class && planted.binary_search(row).is_err();
    Trial {
        found: covered >= COVERED,
        rank,
        confirmed: confirmed.len(),
        measure: covered,
        said: format!(
            "{name}: {:.0} % of {} wrong, {:.0} % of the others of its class; first: {}",
            wrong(&mut planted.iter().copied()),
            planted.len(),
            wrong(&mut (0..table.len()).filter(others)),
            confirmed.first().map_or_else(|| "nothing was confirmed".to_owned(), |slice| slice.title(table)),
        ),
        ..trial
    }
}

pub fn drawn(_: &Bench, base: &Base) -> Result<Vec<Trial>, Stop> {
    let began = Instant::now();
    let set = &base.test;
    let properties = measure(set);
    let mut stream = Stream::new(base.seed, Purpose::Plant, 8, 0);
    let k = set.classes().len();
    let numbers: Vec<&Property> = properties.iter().filter(|property| is_spread(property)).collect();
    let mut classes: Vec<u32> = (0..k as u32).collect();
    stream.shuffle(&mut classes);
    let planted: Vec<Vec<usize>> =
        classes.iter().take(SLICES).map(|&class| two_properties(set, class, &numbers, &mut stream)).collect();
    let chances: Vec<f64> = (0..set.len())
        .map(|row| {
            let usual = 0.03 + (0.02 * f64::from(set.labels()[row])) % 0.2;
            usual + if planted.iter().any(|rows| rows.binary_search(&row).is_ok()) { ADDED } else { 0.0 }
        })
        .collect();
    let table = Predictions {
        classes: set.classes().to_vec(),
        ids: (0..set.len()).map(|row| set.ids().id(row)).collect(),
        splits: vec![seamripper_core::sample::Split::Test; set.len()],
        labels: set.labels().to_vec(),
        probs: (0..set.len())
            .flat_map(|row| {
                let label = set.labels()[row] as usize;
                let wrong = stream.unit() < chances[row];
                let called =
                    if wrong { (label + 1 + stream.below(k as u64 - 1) as usize) % k } else { label };
                (0..k).map(move |class| if class == called { 1.0 } else { 0.0 })
            })
            .collect(),
    };
    let embeddings = base.model.embeddings(set);
    let options = SliceOptions { seed: base.seed, ..SliceOptions::default() };
    let found = find(&table, &properties, Some(&embeddings), &options).slices;
    let confirmed: Vec<&Slice> = found.iter().filter(|slice| slice.confirmed).collect();
    let alarms = confirmed.iter().filter(|slice| is_false(slice, set.labels(), &table, &chances)).count();
    let trials = planted.iter().enumerate().map(|(number, planted)| {
        let (covered, rank) = covered(&confirmed, planted);
        // both are of one table, whose confirmed slices are counted once
        let counted = |count: usize| if number == 0 { count } else { 0 };
        let trial = Trial {
            found: covered >= COVERED,
            rank,
            false_alarms: counted(alarms),
            confirmed: counted(confirmed.len()),
            measure: covered,
            said: confirmed
                .first()
                .map_or_else(|| "nothing was confirmed".to_owned(), |slice| slice.title(&table)),
            ..trial(Plant::Slice, "two properties", base)
        };
        timed(began, trial)
    });
    Ok(trials.collect())
}

/// Images of a class that share two properties, each below or above a cut; pairs that meet in too few or too many images are drawn
/// again.
fn two_properties(set: &ImageSet, class: u32, numbers: &[&Property], stream: &mut Stream) -> Vec<usize> {
    let rows = of_class(set, class);
    let wanted = (rows.len() / 10).max(70);
    for _ in 0..200 {
        let [a, b] = [(); 2].map(|()| numbers[stream.below(numbers.len() as u64) as usize]);
        let [low_a, low_b] = [(); 2].map(|()| stream.below(2) == 0);
        let (one, other) = (side(a, &rows, low_a), side(b, &rows, low_b));
        let both: Vec<usize> =
            one.into_iter().filter(|row| a.name != b.name && other.binary_search(row).is_ok()).collect();
        if both.len() >= wanted && 3 * both.len() <= rows.len() {
            return both;
        }
    }
    side(numbers[0], &rows, true)
}

/// Whether a property has enough values for a cut.
fn is_spread(property: &Property) -> bool {
    let Values::Numbers(values) = &property.values else { return false };
    let mut sorted: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.len() > 50
}

/// The rows of a class on one side of a cut, in rising order.
fn side(property: &Property, rows: &[usize], low: bool) -> Vec<usize> {
    let Values::Numbers(values) = &property.values else { return Vec::new() };
    let mut sorted: Vec<f64> = rows.iter().map(|&row| values[row]).collect();
    sorted.sort_by(f64::total_cmp);
    let cut = sorted[(sorted.len() as f64 * if low { BELOW } else { 1.0 - BELOW }) as usize];
    rows.iter().copied().filter(|&row| if low { values[row] <= cut } else { values[row] >= cut }).collect()
}

/// Share of the planted images that slices which belong to them cover, and the place of the first of these among the confirmed.
fn covered(confirmed: &[&Slice], planted: &[usize]) -> (f64, Option<usize>) {
    let is_planted = |row: &&u32| planted.binary_search(&(**row as usize)).is_ok();
    let belongs = |slice: &&&Slice| {
        slice.rows.iter().filter(is_planted).count() as f64 >= BELONGING * slice.rows.len() as f64
    };
    let mut rows: Vec<u32> = confirmed
        .iter()
        .filter(belongs)
        .flat_map(|slice| slice.rows.iter().filter(is_planted))
        .copied()
        .collect();
    rows.sort_unstable();
    rows.dedup();
    let first = confirmed.iter().position(|slice| belongs(&slice));
    (rows.len() as f64 / planted.len().max(1) as f64, first.map(|place| place + 1))
}

/// Whether a slice's images are to be wrong no more than 1.1 times as often as the others of their scope and class.
fn is_false(slice: &Slice, labels: &[u32], table: &Predictions, chances: &[f64]) -> bool {
    let in_scope = |row: usize| match slice.scope {
        Scope::All => true,
        Scope::True(class) => labels[row] == class,
        Scope::Predicted(class) => table.top1(row) == class as usize,
    };
    let (mut inside, mut expected) = (0.0, 0.0);
    for class in 0..table.classes.len() as u32 {
        let rows = (0..labels.len()).filter(|&row| labels[row] == class && in_scope(row));
        let (mut of_slice, mut of_others) = ([0.0, 0.0], [0.0, 0.0]);
        for row in rows {
            let is_member = slice.rows.binary_search(&(row as u32)).is_ok();
            let sums = if is_member { &mut of_slice } else { &mut of_others };
            sums[0] += chances[row];
            sums[1] += 1.0;
        }
        inside += of_slice[0];
        expected += of_slice[1] * of_others[0] / f64::max(of_others[1], 1.0);
    }
    inside <= 1.1 * expected
}
