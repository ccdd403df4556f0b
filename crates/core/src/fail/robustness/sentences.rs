//! What a sweep found, in words: effect first, with counts and intervals.

use super::{Family, Robustness, TurningPoint, WorstForClass};
use crate::digits::thousands;

/// At most this many families, and turning points, are put into words; all of them are in the lists.
const NAMED: usize = 5;

/// The sentences: the whole, the worst families, turning points, classes, advice.
pub(super) fn sentences(robustness: &Robustness) -> Vec<String> {
    let Robustness { turning_points, worst, .. } = robustness;
    let mut sentences = vec![summary(robustness)];
    sentences.extend(families(robustness));
    // the nearest of each kind of change; the list has all of them
    let is_first =
        |i: usize| turning_points[..i].iter().all(|before| before.family != turning_points[i].family);
    let nearest = (0..turning_points.len()).filter(|&i| is_first(i)).take(NAMED);
    sentences.extend(nearest.map(|i| turning_point(robustness, &turning_points[i])));
    sentences.extend(worst.iter().map(|worst| class(robustness, worst)));
    sentences.extend(advice(robustness));
    sentences
}

fn summary(robustness: &Robustness) -> String {
    let before = robustness.clean.accuracy;
    let hurting = robustness.changes.iter().filter(|change| change.hurts()).count();
    let total = robustness.changes.len();
    if total == 0 {
        return format!("Nothing was changed; accuracy is {}.", percent(before));
    }
    format!(
        "Accuracy falls from {} to {} on average over {}; {hurting} of {} take 5 points or more beyond chance.",
        percent(before),
        percent(1.0 - robustness.mean_error),
        counted(robustness.families.len() as u64, "kind of change", "kinds of change"),
        counted(total as u64, "change", "changes"),
    )
}

fn families(robustness: &Robustness) -> impl Iterator<Item = String> {
    let worst = robustness.families.iter().map(|family| (family, &robustness.changes[family.worst]));
    worst.filter(|(_, worst)| worst.hurts()).take(NAMED).map(|(found, _)| family(robustness, found))
}

/// What a kind of change does, and its worst.
pub(in crate::fail) fn family(robustness: &Robustness, family: &Family) -> String {
    let worst = &robustness.changes[family.worst];
    let [low, high] = worst.paired.difference_ci;
    format!(
        "{} takes {:.1} points on average; at {} {} of {} images are no longer right and {} become right: \
         accuracy {}, {:.1} points less (95 % interval {:.1} to {:.1}).",
        family.name,
        100.0 * family.mean_loss,
        worst.change.amount(),
        thousands(worst.paired.lost),
        thousands(robustness.n),
        thousands(worst.paired.gained),
        percent(worst.level.accuracy),
        -100.0 * worst.paired.difference,
        -100.0 * high,
        -100.0 * low,
    )
}

/// From which number on a class becomes another.
pub(in crate::fail) fn turning_point(robustness: &Robustness, point: &TurningPoint) -> String {
    let [name, becomes] = [point.class, point.becomes].map(|class| &robustness.classes[class]);
    let [low, high] = point.share_ci;
    let before = match point.before {
        Some((change, count)) => {
            let step = robustness.changes[change].change.amount();
            format!("; at {step} it is {} of them", thousands(count))
        }
        None => "; it is the first step of the sweep".to_owned(),
    };
    format!(
        "{name} becomes {becomes} at {} {}: {} of {} images are called so ({} to {}){before}.",
        point.family,
        robustness.changes[point.change].change.amount(),
        thousands(point.count),
        thousands(point.actual),
        percent(low),
        percent(high),
    )
}

fn class(robustness: &Robustness, worst: &WorstForClass) -> String {
    let [low, high] = worst.recall_ci;
    let called = match worst.called {
        Some((class, count)) => {
            format!("; {} are called {}", thousands(count), robustness.classes[class])
        }
        None => String::new(),
    };
    let level = &robustness.changes[worst.change].level.classes[worst.class];
    format!(
        "{} suffers most from {}: {} of {} are found, {} ({} to {}) in place of {}{called}.",
        robustness.classes[worst.class],
        robustness.changes[worst.change].label,
        thousands(level.called(worst.class)),
        thousands(level.actual()),
        percent(worst.recall),
        percent(low),
        percent(high),
        percent(worst.clean_recall),
    )
}

/// One sentence a transform, with the families it is meant for; and one for those without any.
fn advice(robustness: &Robustness) -> Vec<String> {
    let mut transforms: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut without: Vec<&str> = Vec::new();
    for advice in &robustness.advice {
        match &advice.recipe {
            None => without.push(&advice.family),
            Some(recipe) => match transforms.iter_mut().find(|(known, _)| known == recipe) {
                Some((_, families)) => families.push(&advice.family),
                None => transforms.push((recipe, vec![&advice.family])),
            },
        }
    }
    let try_it = |(recipe, families): (&str, Vec<&str>)| {
        format!(
            "Against {}, try {recipe} in augment.online, and compare on validation images, with and without the change.",
            list(&families)
        )
    };
    let mut sentences: Vec<String> = transforms.into_iter().map(try_it).collect();
    if !without.is_empty() {
        sentences.push(format!("No transform of a recipe imitates {}.", list(&without)));
    }
    sentences
}

fn list(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(count), if count == 1 { one } else { many })
}
