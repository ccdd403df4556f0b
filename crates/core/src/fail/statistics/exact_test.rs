//! Exact tests of counts: is a class taken for others as often as others are taken for it, and are more images right than
//! chance would have it?

use statrs::function::factorial::ln_binomial;

/// p-value of the exact two-sided test that two kinds of error are equally likely, given how many there are in all:
/// `min(1, 2 P(X <= min(a, b)))` with `X ~ Binomial(a + b, 1/2)`; 1 if there is no error.
///
/// With `a` = false positives and `b` = false negatives of a class this asks whether it is predicted as often as it
/// occurs (marginal homogeneity of its row and column); images that are right, or wrong between two other classes, say
/// nothing about that and do not enter.
///
/// *Reference*: McNemar (1947), Psychometrika 12, 153–157; the exact form is in Fagerland, Lydersen & Laake (2014),
/// Statistics in Medicine 33, 2850–2875, section 4.
///
/// *Departure*: the tail is summed term by term from its largest, where `ln_binomial` gives the first and each next is
/// `x / (a + b - x + 1)` of the one before. All terms are positive, so nothing cancels; the continued fraction behind
/// the regularised beta function stops after a fixed number of steps, too few for hundreds of thousands of errors.
pub fn mcnemar_exact(a: u64, b: u64) -> f64 {
    if a.abs_diff(b) <= 1 {
        return 1.0; // the two tails are everything; a sum would miss it by a rounding
    }
    let (n, smaller) = (a + b, a.min(b));
    let largest = (ln_binomial(n, smaller) - n as f64 * std::f64::consts::LN_2).exp();
    let (mut term, mut sum) = (1.0, 1.0);
    for x in (1..=smaller).rev() {
        term *= x as f64 / (n - x + 1) as f64;
        sum += term;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    (2.0 * largest * sum).min(1.0)
}

/// p-value of the exact one-sided test that `count` of `n` images happen with probability at most `share` each:
/// `P(X >= count)` with `X ~ Binomial(n, share)`.
///
/// *Departure*: summed term by term from its largest, like [`mcnemar_exact`]; where `count` is below the mean, one less the
/// other tail.
pub fn binomial_at_least(count: u64, n: u64, share: f64) -> f64 {
    if count == 0 || share >= 1.0 {
        return 1.0;
    }
    if share <= 0.0 || count > n {
        return 0.0;
    }
    let odds = share / (1.0 - share);
    let density =
        |x: u64| (ln_binomial(n, x) + x as f64 * share.ln() + (n - x) as f64 * (1.0 - share).ln()).exp();
    if count as f64 > n as f64 * share {
        let up = (count..n).map(|x| (n - x) as f64 / (x + 1) as f64 * odds);
        (density(count) * sum_of_products(up)).min(1.0)
    } else {
        let down = (1..count).rev().map(|x| x as f64 / (n - x + 1) as f64 / odds);
        (1.0 - density(count - 1) * sum_of_products(down)).max(0.0)
    }
}

/// `1 + r1 + r1 r2 + …`, up to where nothing more is added.
fn sum_of_products(ratios: impl Iterator<Item = f64>) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for ratio in ratios {
        term *= ratio;
        sum += term;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    sum
}
