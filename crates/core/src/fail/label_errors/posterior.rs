//! The chance that a label is wrong, from what the model predicts and how labels go wrong.
//!
//! *Idea*: a calibrated model of noisy labels predicts `p(given | x) = sum over true of noise[given][true] p(true | x)`. The `p(true
//! | x)` that explains the row best is found by repeating
//!
//! ```text
//! p(true) <- p(true) · sum over given of p(given) noise[given][true] / (sum over true of noise[given][true] p(true))
//! ```
//! which keeps all values in [0, 1] and their sum at 1, other than the inverse of the matrix. Then Bayes' rule:
//! `p(true | x, given) = noise[given][true] p(true | x) / (the sum of that over all classes)`.
//!
//! *Edges*: classes below [`LEAST`] in the row, and not given, are left out, and of more than [`CLASSES_MOST`] the least probable. If neither row nor noise lets the label
//! be right, it is wrong with a chance of 1 and the most probable class is suggested.
//!
//! *Reference*: Richardson (1972), "Bayesian-based iterative method of image restoration", J. Opt. Soc. Am. 62, 55–59; as
//! expectation maximisation Shepp & Vardi (1982). Noise as a matrix: Natarajan et al. (2013), NeurIPS; Patrini et al. (2017),
//! CVPR.

/// Classes with less are left out; with hundreds of classes that is nearly all.
const LEAST: f64 = 1e-4;
/// At most this many classes of a row are looked at, the most probable ones and the given: with hundreds of classes the others
/// have no part in what the label is, and the work is the square of their number.
const CLASSES_MOST: usize = 16;

/// Repetitions; the noise that is worth judging at all is mild, and the row is near its solution from the start.
const ROUNDS: usize = 30;

/// What became of a label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// The chance that it is wrong.
    pub wrong: f64,
    /// The class the image most probably is; the given one, if nothing is more probable.
    pub suggested: usize,
}

/// Judges the label of a row; `noise[given][true]` as [`super::noise::anchored`] has it.
pub fn judge(row: &[f64], given: usize, noise: &[Vec<f64>]) -> Judged {
    let classes = looked_at(row, given);
    let predicted: Vec<f64> = classes.iter().map(|&class| row[class]).collect();
    let among: Vec<f64> =
        classes.iter().flat_map(|&given| classes.iter().map(move |&class| noise[given][class])).collect();
    let truth = explain(&predicted, &among);
    let shares: Vec<f64> = classes.iter().zip(&truth).map(|(&class, p)| noise[given][class] * p).collect();
    let total: f64 = shares.iter().sum();
    let place = classes.iter().position(|&class| class == given).unwrap_or(0);
    let judged_by = if total > 0.0 { &shares } else { &truth };
    let best =
        (0..classes.len()).fold(place, |best, i| if judged_by[i] > judged_by[best] { i } else { best });
    let wrong = if total > 0.0 { 1.0 - shares[place] / total } else { 1.0 };
    Judged { wrong: wrong.clamp(0.0, 1.0), suggested: classes[best] }
}

/// The given class and those with [`LEAST`] or more, in rising order; of more than [`CLASSES_MOST`] the most probable, of equals
/// the first.
fn looked_at(row: &[f64], given: usize) -> Vec<usize> {
    let mut classes: Vec<usize> =
        (0..row.len()).filter(|&class| class == given || row[class] >= LEAST).collect();
    if classes.len() > CLASSES_MOST {
        classes.select_nth_unstable_by(CLASSES_MOST - 1, |&a, &b| {
            let by_given = (a != given).cmp(&(b != given));
            by_given.then(row[b].total_cmp(&row[a])).then(a.cmp(&b))
        });
        classes.truncate(CLASSES_MOST);
        classes.sort_unstable();
    }
    classes
}

/// `p(true | x)` that explains `predicted`, `[m]`; `noise` is that of the same classes, `[given m][true m]`.
fn explain(predicted: &[f64], noise: &[f64]) -> Vec<f64> {
    let m = predicted.len();
    let mut truth = predicted.to_vec();
    let (mut ratios, mut by) = (vec![0.0; m], vec![0.0; m]);
    for _ in 0..ROUNDS {
        for ((ratio, p), of_given) in ratios.iter_mut().zip(predicted).zip(noise.chunks_exact(m)) {
            let explained: f64 = of_given.iter().zip(&truth).map(|(noise, p)| noise * p).sum();
            *ratio = if explained > 0.0 { p / explained } else { 0.0 };
        }
        by.fill(0.0);
        for (ratio, of_given) in ratios.iter().zip(noise.chunks_exact(m)) {
            by.iter_mut().zip(of_given).for_each(|(by, noise)| *by += noise * ratio);
        }
        truth.iter_mut().zip(&by).for_each(|(truth, by)| *truth *= by);
    }
    truth
}
