//! A model's outputs changed afterwards: probabilities that are too sure or not sure enough, and columns in another order.

use std::time::Instant;

use seamripper_core::fail::audit::Subject;
use seamripper_core::fail::calibration::scaling::Scaling;
use seamripper_core::fail::finding::Kind;
use seamripper_core::predictions::Predictions;
use seamripper_core::random::{Purpose, Stream};

use super::{audited, first_said, of_kind, timed, trial};
use crate::diag::Stop;
use crate::selftest::Plant;
use crate::selftest::bench::{Base, Bench};
use crate::selftest::trial::Trial;

const TEMPERATURES: [f64; 2] = [0.5, 2.0];

/// Rows a temperature is fitted on: its standard error is then below 1 %.
const ROWS: usize = 80_000;

/// A temperature, from probabilities that are right by construction: each row's label is drawn from the row. Found if the audit says
/// that the model is too sure, or not sure enough, and the fitted temperature is within 2 %.
pub fn temperature(_: &Bench, base: &Base) -> Result<Vec<Trial>, Stop> {
    let fitted = base.model.predict(&base.validation);
    let one = |(number, planted): (usize, &f64)| {
        let began = Instant::now();
        let mut stream = Stream::new(base.seed, Purpose::Plant, 10, number as u64);
        // p^(1 / (1 / T)): the temperature that mends it is T
        let off = Scaling::Temperature { temperature: 1.0 / planted };
        let mut drawn =
            |table: &Predictions, rows: usize| off.apply(&with_drawn_labels(table, rows, &mut stream));
        let (validation, table) = (drawn(&fitted, ROWS), drawn(&base.table, base.table.len()));
        let subject = Subject { validation: Some(&validation), ..Subject::new(&table) };
        let document = audited(subject, &[Kind::Calibration], base.seed);
        let section = document.calibration.as_ref().expect("it was asked for");
        let found = section.scalings.iter().find_map(|scaling| scaling.temperature).unwrap_or(0.0);
        let findings = of_kind(&document, Kind::Calibration);
        let ratio = found / planted;
        let rank = findings
            .iter()
            .position(|finding| finding.evidence["temperature"].is_number())
            .map(|place| place + 1);
        timed(
            began,
            Trial {
                found: (ratio - 1.0).abs() <= 0.02 && rank.is_some(),
                rank,
                confirmed: findings.len(),
                measure: ratio,
                said: format!("{found:.3} was fitted; {}", first_said(&findings)),
                ..trial(Plant::Temperature, format!("{planted}"), base)
            },
        )
    };
    Ok(TEMPERATURES.iter().enumerate().map(one).collect())
}

/// `rows` rows of a table, repeated as often as it takes, each with a label drawn from its probabilities.
fn with_drawn_labels(table: &Predictions, rows: usize, stream: &mut Stream) -> Predictions {
    let n = table.len();
    let row = |row: usize| table.row(row % n);
    let labels = (0..rows)
        .map(|index| {
            let mut left = stream.unit() * row(index).iter().sum::<f64>();
            let drawn = row(index).iter().position(|p| {
                left -= p;
                left < 0.0
            });
            drawn.unwrap_or_else(|| table.top1(index % n)) as u32
        })
        .collect();
    Predictions {
        classes: table.classes.clone(),
        ids: (0..rows).map(|index| format!("{}-{}", table.ids[index % n], index / n)).collect(),
        splits: vec![table.splits[0]; rows],
        probs: (0..rows).flat_map(|index| row(index).iter().copied()).collect(),
        labels,
    }
}

/// Outputs in another order. Found if that is said first, and every class that moved is named with its output.
pub fn class_order(_: &Bench, base: &Base) -> Result<Vec<Trial>, Stop> {
    let began = Instant::now();
    let k = base.table.classes.len();
    let mut output: Vec<usize> = (0..k).collect();
    let mut stream = Stream::new(base.seed, Purpose::Plant, 11, 0);
    while output.iter().enumerate().all(|(class, &output)| class == output) {
        stream.shuffle(&mut output);
    }
    let mut table = base.table.clone();
    for row in 0..table.len() {
        for (class, &output) in output.iter().enumerate() {
            table.probs[row * k + output] = base.table.row(row)[class];
        }
    }
    let document = audited(Subject::new(&table), &[Kind::Preprocessing, Kind::Bias], base.seed);
    let findings: Vec<_> = document.audit.findings.iter().collect();
    let rank = findings.iter().position(|finding| finding.kind == Kind::Preprocessing).map(|place| place + 1);
    let moved: Vec<serde_json::Value> = (0..k)
        .filter(|&class| output[class] != class)
        .map(|class| serde_json::json!({ "class": table.classes[class], "is_called": table.classes[output[class]] }))
        .collect();
    let named =
        rank.is_some_and(|rank| findings[rank - 1].evidence["called"] == serde_json::Value::Array(moved));
    Ok(vec![timed(
        began,
        Trial {
            found: named && rank == Some(1),
            rank,
            confirmed: findings.len(),
            measure: rank.map_or(0.0, |rank| findings[rank - 1].effect),
            said: first_said(&findings),
            ..trial(Plant::ClassOrder, "shuffled", base)
        },
    )])
}
