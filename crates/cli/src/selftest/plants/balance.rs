//! A class with too few training images, or with each of them several times. Found if it is the first class that a confirmed finding
//! of bias names with this as its cause. Its place among all findings of bias is its rank: a model has biases of its own, and they
//! may do more harm.

use std::time::Instant;

use seamripper_core::fail::audit::{Subject, Training};
use seamripper_core::fail::finding::{Finding, Kind};
use seamripper_core::random::{Purpose, Stream};

use super::{audited, first_said, of_kind, timed, trial};
use crate::diag::Stop;
use crate::selftest::Plant;
use crate::selftest::bench::{Base, Bench};
use crate::selftest::trial::Trial;

const STARVED: [f64; 3] = [0.05, 0.1, 0.2];
const STARVED_QUICK: [f64; 1] = [0.05];
const OVERSAMPLED: [f64; 2] = [5.0, 10.0];
const OVERSAMPLED_QUICK: [f64; 1] = [10.0];

pub fn run(plant: Plant, bench: &Bench, base: &Base) -> Result<Vec<Trial>, Stop> {
    let factors: &[f64] = match (plant, bench.scale.quick) {
        (Plant::Starved, false) => &STARVED,
        (Plant::Starved, true) => &STARVED_QUICK,
        (_, false) => &OVERSAMPLED,
        (_, true) => &OVERSAMPLED_QUICK,
    };
    let k = base.train.classes().len();
    // another class for each factor
    let mut classes: Vec<u32> = (0..k as u32).collect();
    Stream::new(base.seed, Purpose::Plant, 4, plant as u64).shuffle(&mut classes);
    factors
        .iter()
        .zip(classes.into_iter().cycle())
        .map(|(&factor, class)| one(plant, factor, class, bench, base))
        .collect()
}

fn one(plant: Plant, factor: f64, class: u32, bench: &Bench, base: &Base) -> Result<Trial, Stop> {
    let began = Instant::now();
    let own = super::super::bench::of_class(&base.train, class);
    let mut rows: Vec<usize> =
        (0..base.train.len()).filter(|&row| base.train.labels()[row] != class).collect();
    let wanted = (factor * own.len() as f64).round() as usize;
    rows.extend(own.iter().cycle().take(wanted.max(1)));
    let train = base.train.select(&rows);
    let table = bench.fit(&train, base.seed)?.predict(&base.test);
    let training = Training { images: &train, embeddings: None };
    let subject = Subject { training: Some(training), ..Subject::new(&table) };
    let document = audited(subject, &[Kind::Bias], base.seed);
    let findings = of_kind(&document, Kind::Bias);
    let name = base.train.classes()[class as usize].as_str();
    let rank = rank(&findings, name);
    let is_caused = |finding: &&&Finding| finding.confirmed && finding.evidence["cause"]["what"].is_string();
    let caused = findings.iter().find(is_caused).and_then(|finding| finding.evidence["class"].as_str());
    let bias = document.bias.as_ref().and_then(|bias| bias.classes[class as usize].bias);
    let share =
        if factor < 1.0 { format!("{:.0} % left", 100.0 * factor) } else { format!("{factor:.0} times") };
    Ok(timed(
        began,
        Trial {
            found: caused == Some(name),
            rank,
            confirmed: findings.len(),
            measure: bias.unwrap_or(0.0),
            said: format!(
                "{name} comes {}, first with a cause is {}; first: {}",
                rank.map_or("nowhere".to_owned(), |rank| format!("number {rank}")),
                caused.unwrap_or("none"),
                first_said(&findings)
            ),
            ..trial(plant, share, base)
        },
    ))
}

/// Place of the first finding about the class, or about a pair with it.
fn rank(findings: &[&Finding], name: &str) -> Option<usize> {
    let names = |finding: &&Finding| ["class", "from", "to"].iter().any(|key| finding.evidence[*key] == name);
    findings.iter().position(names).map(|place| place + 1)
}
