//! Other images against the audited ones: what they are called, what can be seen in them, where they lie in the last layer.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Subject;
use super::document::{short, short_interval};
use super::subject::Against;
use crate::fail::drift::{
    FALSE_DISCOVERY_RATE, PropertyShift, findings as property_findings, label_shift, property_shifts,
    share_intervals,
};
use crate::fail::finding::{Finding, Kind};
use crate::fail::properties::{Property, measure};
use crate::fail::statistics::interval::Interval;
use crate::fail::statistics::two_rates::{Difference, TwoRates};
use crate::tensor::Tensor;

/// The section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftSection {
    /// What the other images are called.
    pub name: String,
    /// How many there are.
    pub n: u64,
    /// One entry a class.
    pub classes: Vec<ClassShift>,
    /// p-value of "they are called the classes as often".
    pub p: f64,
    /// Numeric properties, largest distance first; empty without images.
    pub properties: Vec<Shift>,
    /// Numbers of the last layer but one, called `embedding 7`, largest distance first; empty without embeddings.
    pub embeddings: Vec<Shift>,
}

/// The shares of a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassShift {
    /// Share of the audited images that belongs to it.
    pub old: f64,
    /// Share of the audited images that are called so.
    pub old_called: f64,
    /// Share of the others that are called so.
    pub new_called: f64,
    /// 95 % interval of the difference of the two (Newcombe).
    pub called_difference_ci: Interval,
    /// Estimated share of the others that belongs to it; `None` if the audited images cannot tell.
    pub new: Option<f64>,
    /// 95 % interval of that.
    pub new_ci: Option<Interval>,
}

/// How a number differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// Its name.
    pub property: String,
    /// What the others are more often.
    pub words: String,
    /// Largest difference of the two distribution functions.
    pub distance: f64,
    /// 95 % interval of that.
    pub distance_ci: Interval,
    /// Corrected for all of its list.
    pub p_corrected: f64,
}

pub(super) fn section(
    subject: &Subject<'_>,
    against: &Against<'_>,
    measured: &[Property],
) -> (DriftSection, Vec<Finding>) {
    let (old, new) = (subject.predictions, against.predictions);
    let new_called: Vec<usize> = (0..new.len()).map(|row| new.top1(row)).collect();
    let shift = label_shift(old, &new_called);
    let intervals = share_intervals(old, &new_called);
    let k = old.classes.len();
    let mut counts =
        vec![TwoRates { n_in: new.len() as u64, n_out: old.len() as u64, ..TwoRates::default() }; k];
    new_called.iter().for_each(|&class| counts[class].wrong_in += 1);
    (0..old.len()).for_each(|row| counts[old.top1(row)].wrong_out += 1);
    let differences: Vec<Option<Difference>> =
        counts.iter().map(|&counts| Difference::of(&[counts])).collect();
    let class = |class: usize| {
        let difference = differences[class];
        ClassShift {
            old: shift.old[class],
            old_called: difference.map_or(0.0, |difference| difference.outside),
            new_called: difference.map_or(0.0, |difference| difference.inside),
            called_difference_ci: difference.map_or([-1.0, 1.0], |difference| difference.interval),
            new: shift.new.as_ref().map(|new| new[class]),
            new_ci: intervals.as_ref().map(|intervals| intervals[class]),
        }
    };
    let classes: Vec<ClassShift> = (0..k).map(class).collect();
    let properties = against.images.filter(|_| !measured.is_empty());
    let properties = properties.map_or(Vec::new(), |images| property_shifts(measured, &measure(images)));
    let embeddings = subject.embeddings.zip(against.embeddings);
    let embeddings =
        embeddings.map_or(Vec::new(), |(old, new)| property_shifts(&columns(old), &columns(new)));
    let mut findings = Vec::new();
    findings.extend(label_finding(subject, &classes, shift.p, against));
    findings.extend(property_findings(&properties, new.len()));
    findings.extend(embedding_finding(&embeddings, new.len()));
    let section = DriftSection {
        name: against.name.clone(),
        n: new.len() as u64,
        classes,
        p: shift.p,
        properties: properties.into_iter().map(described).collect(),
        embeddings: embeddings.into_iter().map(described).collect(),
    };
    (section, findings)
}

/// Each number of the embeddings as a property.
fn columns(embeddings: &Tensor) -> Vec<Property> {
    let n = embeddings.shape()[0];
    let d = embeddings.data().len() / n.max(1);
    let column =
        |i: usize| embeddings.data().iter().skip(i).step_by(d).map(|&value| f64::from(value)).collect();
    (0..d).map(|i| Property::numbers(&format!("embedding {i}"), column(i))).collect()
}

fn described(shift: PropertyShift) -> Shift {
    Shift {
        property: shift.property,
        words: shift.words,
        distance: short(shift.distance),
        distance_ci: short_interval(shift.distance_ci),
        p_corrected: shift.p_corrected,
    }
}

/// The class that is called so much more, or less, often: `effect` is the difference of the shares.
fn label_finding(
    subject: &Subject<'_>,
    classes: &[ClassShift],
    p: f64,
    against: &Against<'_>,
) -> Option<Finding> {
    if p > FALSE_DISCOVERY_RATE {
        return None;
    }
    let difference = |class: &ClassShift| class.new_called - class.old_called;
    let (index, most) =
        classes.iter().enumerate().max_by(|a, b| difference(a.1).abs().total_cmp(&difference(b.1).abs()))?;
    let name = &subject.predictions.classes[index];
    let estimated = most.new.zip(most.new_ci).map(|(new, [low, high])| {
        format!(
            "; an estimated {:.1} % of them are {name} ({:.1} to {:.1}), of the audited {:.1} %",
            100.0 * new,
            100.0 * low,
            100.0 * high,
            100.0 * most.old
        )
    });
    Some(Finding {
        kind: Kind::Drift,
        title: format!(
            "The classes have other shares in {}: {:.1} % of its images are called {name}, of the audited {:.1} %{}.",
            against.name,
            100.0 * most.new_called,
            100.0 * most.old_called,
            estimated.unwrap_or_default(),
        ),
        effect: difference(most),
        interval: Some(most.called_difference_ci),
        p: Some(p),
        p_corrected: None,
        // one test, of all classes together
        confirmed: true,
        n: against.predictions.len() as u64,
        harm: 0.0,
        examples: Vec::new(),
        evidence: json!({ "class": name, "estimated": most.new, "estimated_ci": most.new_ci }),
    })
}

/// Rabanser, Günnemann & Lipton (2019), "Failing Loudly", NeurIPS: univariate tests on a model's representation.
fn embedding_finding(shifts: &[PropertyShift], n: usize) -> Option<Finding> {
    let beyond = shifts.iter().filter(|shift| shift.p_corrected <= FALSE_DISCOVERY_RATE).count();
    let most = shifts.first().filter(|_| beyond > 0)?;
    Some(Finding {
        kind: Kind::Drift,
        title: format!(
            "New images are not alike to the model: {beyond} of {} numbers of its last layer but one are distributed otherwise, the most by {:.0} % of the images.",
            shifts.len(),
            100.0 * most.distance
        ),
        effect: most.distance,
        interval: Some(most.distance_ci),
        p: Some(most.p),
        p_corrected: Some(most.p_corrected),
        confirmed: true,
        n: n as u64,
        harm: 0.0,
        examples: Vec::new(),
        evidence: json!({ "embedding": most.property, "beyond_chance": beyond, "of": shifts.len() }),
    })
}
