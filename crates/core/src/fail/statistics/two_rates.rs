//! Two groups of images: is one wrong more often than the other, and by how much?
//!
//! Groups may be compared within *strata* (classes), so that a group is not called bad because it holds more images of a
//! class that is hard anyway. With one stratum all of this is the plain comparison of two shares.

use super::interval::{Interval, Z_95};

#[cfg(test)]
mod tests;

/// Errors of two groups of one stratum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TwoRates {
    /// Wrong images of the group in question.
    pub wrong_in: u64,
    /// Images of the group in question.
    pub n_in: u64,
    /// Wrong images of the others.
    pub wrong_out: u64,
    /// The others.
    pub n_out: u64,
}

/// Values of a stratum's distribution that are this small against its largest are left out when there are several
/// strata, and no p-value is given below [`SMALLEST`] then.
const NEGLIGIBLE: f64 = 1e-30;

/// The smallest p-value of several strata.
pub const SMALLEST: f64 = 1e-25;

/// p-value of "the group is wrong no more often than the others of its stratum", exact and one-sided: the probability of
/// at least as many errors in the group if the errors of each stratum fell on its images at random. 1 without images.
///
/// *Idea*: the errors of the group in a stratum are hypergeometric; their sum over strata is a convolution.
/// *Reference*: Fisher (1935), "The Design of Experiments", chapter 2, for one stratum; Gart (1970), "Point and interval
/// estimation of the common odds ratio", Biometrika 57, 471–475, for several (the exact form of Cochran–Mantel–Haenszel).
pub fn excess_p(strata: &[TwoRates]) -> f64 {
    let telling: Vec<&TwoRates> =
        strata.iter().filter(|s| s.n_in > 0 && s.wrong_in + s.wrong_out > 0).collect();
    let observed: u64 = telling.iter().map(|s| s.wrong_in).sum();
    let several = telling.len() > 1;
    let (mut first, mut density) = (0, vec![1.0]);
    for stratum in telling {
        let (low, of_stratum) = hypergeometric(stratum, several);
        first += low;
        density = convolution(&density, &of_stratum);
    }
    let from = observed.saturating_sub(first).min(density.len() as u64) as usize;
    let tail: f64 = density[from..].iter().rev().sum();
    tail.clamp(if several { SMALLEST } else { 0.0 }, 1.0)
}

/// Smallest value and probabilities from there of the errors in the group, margins given.
fn hypergeometric(stratum: &TwoRates, trim: bool) -> (u64, Vec<f64>) {
    let (n_in, n_out, wrong) = (stratum.n_in, stratum.n_out, stratum.wrong_in + stratum.wrong_out);
    let low = wrong.saturating_sub(n_out);
    let high = wrong.min(n_in);
    let mode = (((n_in + 1) as f64 * (wrong + 1) as f64 / (n_in + n_out + 2) as f64) as u64).clamp(low, high);
    // from the mode outwards each value is a ratio of the one before, so that nothing cancels
    let up =
        |x: u64| (n_in - x) as f64 * (wrong - x) as f64 / ((x + 1) as f64 * (n_out + x + 1 - wrong) as f64);
    let least = if trim { NEGLIGIBLE } else { 0.0 };
    let mut density = vec![1.0];
    let mut start = mode;
    while start > low {
        let next = density[density.len() - 1] / up(start - 1);
        if next <= least {
            break;
        }
        density.push(next);
        start -= 1;
    }
    density.reverse();
    let mut x = mode;
    while x < high {
        let next = density[density.len() - 1] * up(x);
        if next <= least {
            break;
        }
        density.push(next);
        x += 1;
    }
    let scale = 1.0 / density.iter().sum::<f64>();
    density.iter_mut().for_each(|value| *value *= scale);
    (start, density)
}

fn convolution(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; a.len() + b.len() - 1];
    for (i, x) in a.iter().enumerate() {
        for (slot, y) in sum[i..].iter_mut().zip(b) {
            *slot += x * y;
        }
    }
    sum
}

/// Error rate of a group, the rate to expect from the others, and how far they are apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Share of the group that is wrong.
    pub inside: f64,
    /// Share that would be wrong if each stratum's images were wrong as often as the others of that stratum.
    pub outside: f64,
    /// Its 95 % interval: Newcombe's hybrid of two Wilson intervals.
    pub interval: Interval,
}

impl Difference {
    /// Compares within strata; a stratum without others counts as its own comparison. `None` if the group is empty.
    ///
    /// *Idea*: the others are standardised to the group, `outside = Σ n_in / n · wrong_out / n_out`. Its variance gives the
    /// number of images that a plain share of the same variance would have, and with that number Wilson's interval.
    /// *Reference*: Newcombe (1998), "Interval estimation for the difference between independent proportions", Statistics
    /// in Medicine 17, 873–890, method 10; direct standardisation: Breslow & Day (1987), volume II, section 2.3.
    pub fn of(strata: &[TwoRates]) -> Option<Self> {
        let n: u64 = strata.iter().map(|s| s.n_in).sum();
        if n == 0 {
            return None;
        }
        let wrong: u64 = strata.iter().map(|s| s.wrong_in).sum();
        let (mut outside, mut variance, mut others) = (0.0, 0.0, 0);
        for stratum in strata.iter().filter(|s| s.n_in > 0) {
            let weight = stratum.n_in as f64 / n as f64;
            let (wrong, of) = if stratum.n_out > 0 {
                (stratum.wrong_out, stratum.n_out)
            } else {
                (stratum.wrong_in, stratum.n_in)
            };
            let rate = wrong as f64 / of as f64;
            outside += weight * rate;
            variance += weight * weight * rate * (1.0 - rate) / of as f64;
            others += of;
        }
        let outside = outside.clamp(0.0, 1.0);
        let as_many = if variance > 0.0 { outside * (1.0 - outside) / variance } else { others as f64 };
        let inside = wrong as f64 / n as f64;
        let ([in_low, in_high], [out_low, out_high]) =
            (wilson_share(inside, n as f64), wilson_share(outside, as_many));
        let difference = inside - outside;
        let down = ((inside - in_low).powi(2) + (out_high - outside).powi(2)).sqrt();
        let up = ((in_high - inside).powi(2) + (outside - out_low).powi(2)).sqrt();
        Some(Self { inside, outside, interval: [(difference - down).max(-1.0), (difference + up).min(1.0)] })
    }

    /// By how much the group is wrong more often.
    pub fn effect(&self) -> f64 {
        self.inside - self.outside
    }
}

/// Wilson's interval of a share of `n` images, where `n` need not be whole.
fn wilson_share(share: f64, n: f64) -> Interval {
    let square = Z_95 * Z_95;
    let center = share + square / (2.0 * n);
    let half = Z_95 * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    let scale = 1.0 + square / n;
    [((center - half) / scale).max(0.0), ((center + half) / scale).min(1.0)]
}

/// Likelihood-ratio statistic of "both groups are wrong as often", with the errors `expected` in the group under that
/// hypothesis; 0 if the group has no more errors than expected.
///
/// *Reference*: Woolf (1957), "The log likelihood ratio test (the G-test)", Annals of Human Genetics 21, 397–409.
pub fn excess_g(wrong_in: u64, n_in: u64, expected: f64, wrong: u64, n: u64) -> f64 {
    let observed = wrong_in as f64;
    if observed <= expected {
        return 0.0;
    }
    let (n_in, wrong, n) = (n_in as f64, wrong as f64, n as f64);
    let term = |seen: f64, expected: f64| {
        if seen > 0.0 && expected > 0.0 { seen * (seen / expected).ln() } else { 0.0 }
    };
    let inside = term(observed, expected) + term(n_in - observed, n_in - expected);
    let right_out = n - n_in - (wrong - observed);
    let outside = term(wrong - observed, wrong - expected) + term(right_out, n - n_in - (wrong - expected));
    (2.0 * (inside + outside)).max(0.0)
}
