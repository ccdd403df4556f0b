//! How each class is mislabelled, from images whose true class is beyond doubt.
//!
//! *Idea*: of the images the model calls a class, the surest tenth are taken to be of it: its anchors. How they are labelled
//! says how the class is. Counting confident images of all kinds, as [`super::joint`] does, also counts images that are
//! hard to tell apart, and finds noise where labels are right.
//!
//! Anchors are few, and a pair of classes with no wrong label among them is not free of wrong labels. So the counts of a
//! class are mixed with what all classes have in common, as much as they have in common:
//!
//! ```text
//! e(class)         = (errors(class) + a · rate of all) / (anchors(class) + a)
//! noise[g][class]  = e(class) · (count(g, class) + b / (k - 1)) / (errors(class) + b)         g other than class
//! ```
//! `a` and `b` are those of [`WEIGHTS`] under which the counts are most probable, class for class drawn from a Dirichlet
//! distribution with that weight: large if classes go wrong alike (any label for any class), small if each has its own way
//! (a shirt becomes a coat).
//!
//! *Edges*: without a wrong label among the anchors there is no noise to speak of ([`LEAST_RATE`]). A class that is never
//! called goes wrong as all do. With one class there is no noise.
//!
//! *Reference*: anchor points: Liu & Tao (2016), "Classification with noisy labels by importance reweighting", TPAMI 38,
//! 447–461; Patrini, Rozza, Menon, Nock & Qu (2017), "Making deep neural networks robust to label noise", CVPR, eq. 12–13. The
//! mixing is empirical Bayes with the Dirichlet-multinomial distribution: Minka (2000), "Estimating a Dirichlet distribution",
//! eq. 53.
//! *Departure*: the labels of many anchors are counted; Patrini et al. read the probabilities of the one surest image.

use statrs::function::gamma::ln_gamma;

use crate::predictions::Predictions;

/// Share of the images called a class that serve as its anchors, at least [`LEAST_ANCHORS`] where there are so many.
pub const ANCHORS: f64 = 0.1;
/// Fewer say nothing about a class.
pub const LEAST_ANCHORS: usize = 50;
/// Rate of wrong labels where none is seen.
pub const LEAST_RATE: f64 = 1e-9;
/// How many images what all classes have in common can count for.
pub const WEIGHTS: [f64; 13] = [1.0, 3.2, 10.0, 32.0, 100.0, 316.0, 1e3, 3.2e3, 1e4, 3.2e4, 1e5, 3.2e5, 1e6];

/// `[k][k]`, `P(given label | true class)`, rows are the given label, columns sum to 1.
pub fn anchored(predictions: &Predictions) -> Vec<Vec<f64>> {
    let k = predictions.classes.len();
    if k < 2 {
        return vec![vec![1.0; k]; k];
    }
    let counts = counts(predictions);
    let anchors: Vec<f64> = counts.iter().map(|of_class| of_class.iter().sum()).collect();
    let errors: Vec<f64> = counts.iter().zip(&anchors).zip(0..).map(|((c, n), class)| n - c[class]).collect();
    let rate = (errors.iter().sum::<f64>() / anchors.iter().sum::<f64>().max(1.0)).max(LEAST_RATE);
    let others =
        |class: usize| counts[class].iter().zip(0..).filter(move |&(_, g)| g != class).map(|(&n, _)| n);

    let of_rates = most_probable(|weight| {
        let split = |class: usize| [(anchors[class] - errors[class], 1.0 - rate), (errors[class], rate)];
        (0..k).map(|class| ln_probability(split(class).into_iter(), weight)).sum()
    });
    let share = 1.0 / (k - 1) as f64;
    let of_targets = most_probable(|weight| {
        (0..k).map(|class| ln_probability(others(class).map(|n| (n, share)), weight)).sum()
    });

    let mut noise = vec![vec![0.0; k]; k];
    for class in 0..k {
        let wrong = (errors[class] + of_rates * rate) / (anchors[class] + of_rates);
        for given in 0..k {
            let target = (counts[class][given] + of_targets * share) / (errors[class] + of_targets);
            noise[given][class] = if given == class { 1.0 - wrong } else { wrong * target };
        }
    }
    noise
}

/// `[true class][given label]`, labels of each class's anchors.
fn counts(predictions: &Predictions) -> Vec<Vec<f64>> {
    let k = predictions.classes.len();
    let mut called: Vec<Vec<usize>> = vec![Vec::new(); k];
    (0..predictions.len()).for_each(|row| called[predictions.top1(row)].push(row));
    let mut counts = vec![vec![0.0; k]; k];
    for (class, mut rows) in called.into_iter().enumerate() {
        rows.sort_by(|&a, &b| predictions.row(b)[class].total_cmp(&predictions.row(a)[class]));
        let anchors = ((ANCHORS * rows.len() as f64).ceil() as usize).max(LEAST_ANCHORS).min(rows.len());
        rows[..anchors].iter().for_each(|&row| counts[class][predictions.labels[row] as usize] += 1.0);
    }
    counts
}

/// The weight with the largest logarithm of the probability; of equals the smallest.
fn most_probable(ln_probability: impl Fn(f64) -> f64) -> f64 {
    let mut best = (f64::NEG_INFINITY, WEIGHTS[0]);
    for weight in WEIGHTS {
        let found = ln_probability(weight);
        if found > best.0 {
            best = (found, weight);
        }
    }
    best.1
}

/// Of counts, each with its share in the Dirichlet distribution, but for what does not depend on the weight.
fn ln_probability(counts: impl Iterator<Item = (f64, f64)>, weight: f64) -> f64 {
    let (mut total, mut sum) = (0.0, 0.0);
    for (count, share) in counts {
        total += count;
        sum += ln_gamma(count + weight * share) - ln_gamma(weight * share);
    }
    sum + ln_gamma(weight) - ln_gamma(total + weight)
}
