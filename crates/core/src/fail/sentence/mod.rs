//! What stands out in an evaluation, said in sentences a reader can act on.
//!
//! Each flagged class says how far off it is and where the images come from or go to; one more sentence names the pair
//! of classes whose confusion is most one-sided. Class names are quoted as they are: "1,203 times for 1,000 images" is
//! right for any name, a plural of it would not be.

use super::evaluation::{Evaluation, FALSE_DISCOVERY_RATE};
use super::statistics::exact_test::mcnemar_exact;
use super::statistics::multiple::benjamini_hochberg;
use crate::digits::thousands;

#[cfg(test)]
mod tests;

/// At most this many classes are named as source or destination of a class's errors.
const NAMED: usize = 3;

/// The sentences of an evaluation: flagged classes, most harm first, then the most one-sided confusion, if there is one.
pub fn sentences(evaluation: &Evaluation) -> Vec<String> {
    let flagged = evaluation.worst_first().into_iter().filter(|&class| evaluation.classes[class].flagged);
    flagged.map(|class| class_sentence(evaluation, class)).chain(pair_sentence(evaluation)).collect()
}

/// What is off about one class: how often it is predicted for how many images, and the largest groups of the errors
/// that make it so (its false positives if it is predicted too often, its false negatives if too seldom).
pub fn class_sentence(evaluation: &Evaluation, class: usize) -> String {
    let confusion = &evaluation.confusion;
    let counts = evaluation.counts(class);
    let (actual, predicted) = (counts.actual(), counts.predicted());
    let name = &evaluation.classes[class].name;
    let lead = how_often(name, actual, predicted);
    if predicted >= actual {
        let groups = largest(&errors_by_class(evaluation, class, |other| confusion[other][class]), "", "and");
        match actual {
            0 => format!("{lead}; {groups}."),
            _ => {
                format!("{lead}; of the {} wrongly called {name}, {groups}.", images(counts.false_positives))
            }
        }
    } else {
        let errors = errors_by_class(evaluation, class, |other| confusion[class][other]);
        let groups = largest(&errors, "called ", "or");
        match predicted {
            0 => format!("{lead}; {groups}."),
            _ => format!("{lead}; of the {} it misses, {groups}.", images(counts.false_negatives)),
        }
    }
}

/// The pair of classes whose confusion is most one-sided ([`one_sided_pair`]), in words.
pub fn pair_sentence(evaluation: &Evaluation) -> Option<String> {
    let [i, j] = one_sided_pair(evaluation)?;
    let confusion = &evaluation.confusion;
    let [from, to] = [i, j].map(|class| &evaluation.classes[class].name);
    Some(format!(
        "The confusion of {from} and {to} goes mostly one way: {} called {to}, {} called {from}.",
        of_class(confusion[i][j], from),
        of_class(confusion[j][i], to),
    ))
}

/// The pair of classes whose confusion is most one-sided: of all pairs with an error between them, those whose two
/// directions differ by the exact test (Benjamini–Hochberg over pairs at 5 %), the one with the largest difference; the true
/// class first. `None` if there is no such pair, or only two classes, where it would repeat what their bias says.
pub fn one_sided_pair(evaluation: &Evaluation) -> Option<[usize; 2]> {
    let confusion = &evaluation.confusion;
    let k = evaluation.classes.len();
    if k < 3 {
        return None;
    }
    let pairs: Vec<[usize; 2]> = (0..k)
        .flat_map(|i| (0..k).map(move |j| [i, j]))
        .filter(|&[i, j]| confusion[i][j] > confusion[j][i] || (i < j && confusion[i][j] == confusion[j][i]))
        .filter(|&[i, j]| confusion[i][j] > 0)
        .collect();
    let p: Vec<f64> = pairs.iter().map(|&[i, j]| mcnemar_exact(confusion[i][j], confusion[j][i])).collect();
    let one_sided = pairs.iter().zip(benjamini_hochberg(&p)).filter(|(_, p)| *p <= FALSE_DISCOVERY_RATE);
    let largest =
        one_sided.min_by_key(|&(&[i, j], _)| std::cmp::Reverse(confusion[i][j] - confusion[j][i]))?;
    Some(*largest.0)
}

/// `1,203 times for 1,000 images`, with what that is compared with an even count.
fn how_often(name: &str, actual: u64, predicted: u64) -> String {
    let times = if predicted == 1 { "1 time".to_owned() } else { format!("{} times", thousands(predicted)) };
    if actual == 0 {
        return format!("{name} is predicted {times}, but no image belongs to it");
    }
    if predicted == 0 {
        return format!("{name} is never predicted, though {} to it", belong(actual));
    }
    let bias = predicted as f64 / actual as f64;
    let compared = if bias >= 10.0 {
        format!("{bias:.0} times as often as it occurs")
    } else if bias >= 2.0 {
        format!("{bias:.1} times as often as it occurs")
    } else if bias >= 1.0 {
        format!("{:.0} % too often", 100.0 * (bias - 1.0))
    } else {
        // 99.6 % is not 100 %: that would be "never"
        format!("{:.0} % too seldom", (100.0 * (1.0 - bias)).min(99.0))
    };
    format!("{name} is predicted {compared}: {times} for {}", images(actual))
}

/// Names and counts of the classes that share errors with `class`, largest first, then in the order of the table.
fn errors_by_class(evaluation: &Evaluation, class: usize, count: impl Fn(usize) -> u64) -> Vec<(&str, u64)> {
    let mut errors: Vec<(&str, u64)> = (0..evaluation.classes.len())
        .filter(|&other| other != class && count(other) > 0)
        .map(|other| (evaluation.classes[other].name.as_str(), count(other)))
        .collect();
    errors.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    errors
}

/// "all are X", "most are X (94) and Y (60)" with as few names as make more than half, or the largest group if
/// [`NAMED`] names do not make a half.
fn largest(errors: &[(&str, u64)], called: &str, conjunction: &str) -> String {
    let total: u64 = errors.iter().map(|(_, count)| count).sum();
    let mut covered = 0;
    let needed = errors.iter().position(|(_, count)| {
        covered += count;
        2 * covered > total
    });
    match (errors, needed) {
        ([(name, _)], _) => format!("all are {called}{name}"),
        (_, Some(last)) if last < NAMED => {
            format!("most are {called}{}", list(&errors[..=last], conjunction))
        }
        _ => format!(
            "the largest groups are {called}{}",
            list(&errors[..NAMED.min(errors.len())], conjunction)
        ),
    }
}

fn list(groups: &[(&str, u64)], conjunction: &str) -> String {
    let named: Vec<String> =
        groups.iter().map(|(name, count)| format!("{name} ({})", thousands(*count))).collect();
    match named.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} {conjunction} {last}", rest.join(", ")),
        _ => named.concat(),
    }
}

fn images(count: u64) -> String {
    if count == 1 { "1 image".to_owned() } else { format!("{} images", thousands(count)) }
}

fn belong(count: u64) -> String {
    if count == 1 { "1 image belongs".to_owned() } else { format!("{} images belong", thousands(count)) }
}

fn of_class(count: u64, name: &str) -> String {
    match count {
        0 => format!("no {name} image is"),
        1 => format!("1 {name} image is"),
        _ => format!("{} {name} images are", thousands(count)),
    }
}
