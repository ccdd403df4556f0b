//! From which angle on a class becomes another one.

use serde::{Deserialize, Serialize};

use super::Robustness;
use crate::fail::statistics::interval::{Interval, wilson};

/// The first number of a family, going away from the unchanged image, at which more than half of a class's images are
/// called one other class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurningPoint {
    /// [`crate::corrupt::Change::family`].
    pub family: String,
    /// Index of the true class.
    pub class: usize,
    /// Index of the class they are called.
    pub becomes: usize,
    /// Place in [`Robustness::changes`].
    pub change: usize,
    /// How many of the class's images are called that.
    pub count: u64,
    /// Images of the class.
    pub actual: u64,
    /// 95 % interval of the share (Wilson).
    pub share_ci: Interval,
    /// The step before, a place in [`Robustness::changes`], and how many were called that there; `None` if the first step
    /// does it.
    pub before: Option<(usize, u64)>,
}

/// All of them: by how far along its family's list a change stands, then by the share of images, largest first. A class
/// that is mostly called another without any change has none.
pub(super) fn find(robustness: &Robustness) -> Vec<TurningPoint> {
    let mut found: Vec<(f64, TurningPoint)> = Vec::new();
    for family in &robustness.families {
        for ordered in directions(robustness, &family.changes) {
            for class in 0..robustness.classes.len() {
                if let Some((step, point)) = first(robustness, &family.name, &ordered, class) {
                    found.push(((step + 1) as f64 / ordered.len() as f64, point));
                }
            }
        }
    }
    let share = |point: &TurningPoint| point.count as f64 / point.actual as f64;
    found.sort_by(|(far_a, a), (far_b, b)| far_a.total_cmp(far_b).then(share(b).total_cmp(&share(a))));
    found.into_iter().map(|(_, point)| point).collect()
}

/// The changes of a family above its neutral number, nearest first, and those below it.
fn directions(robustness: &Robustness, changes: &[usize]) -> [Vec<usize>; 2] {
    let away = |&i: &usize| {
        let change = &robustness.changes[i].change;
        change.parameter() - change.neutral()
    };
    [1.0, -1.0].map(|sign| {
        let mut ordered: Vec<usize> = changes.iter().copied().filter(|i| away(i) * sign > 0.0).collect();
        ordered.sort_by(|a, b| (away(a) * sign).total_cmp(&(away(b) * sign)));
        ordered
    })
}

fn first(
    robustness: &Robustness,
    family: &str,
    ordered: &[usize],
    class: usize,
) -> Option<(usize, TurningPoint)> {
    let clean = &robustness.clean.classes[class];
    let is_majority = |(other, count): (usize, u64)| (2 * count > clean.actual()).then_some((other, count));
    if clean.most_called(class).and_then(is_majority).is_some() {
        return None;
    }
    let called = |i: usize| &robustness.changes[i].level.classes[class];
    let (step, change, (becomes, count)) = ordered.iter().enumerate().find_map(|(step, &i)| {
        called(i).most_called(class).and_then(is_majority).map(|majority| (step, i, majority))
    })?;
    let before = step.checked_sub(1).map(|step| (ordered[step], called(ordered[step]).called(becomes)));
    let actual = clean.actual();
    let share_ci = wilson(count, actual)?;
    let family = family.to_owned();
    Some((step, TurningPoint { family, class, becomes, change, count, actual, share_ci, before }))
}
