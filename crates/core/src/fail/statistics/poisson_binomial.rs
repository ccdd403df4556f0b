//! Do so many hits fit the probabilities that were stated?

use statrs::function::erf::erfc;

/// Most steps of the exact sum; beyond, the normal distribution is as good.
const MOST_STEPS: usize = 20_000_000;

/// p-value of the two-sided test that statements with these probabilities come true independently, given that `hits` of
/// them did: `min(1, 2 min(P(X <= hits), P(X >= hits)))`, `X` a sum of independent trials with these probabilities.
///
/// Of no statement it is 1. A statement with probability 1 that is false, or with 0 that is true, gives 0: no chance
/// explains it. It is exact for up to 20 million (statements × the rarer outcome), which is 10,000 images with 2,000
/// errors; for more, the normal distribution with the same mean and variance and a correction of one half.
///
/// *Reference*: the sum is the recurrence of Chen & Liu (1997), "Statistical applications of the Poisson-binomial and
/// conditional Bernoulli distributions", Statistica Sinica 7, 875–892; the normal test is that of Spiegelhalter (1986),
/// "Probabilistic prediction in patient management and clinical trials", Statistics in Medicine 5, 421–433, with the
/// squared error replaced by the count.
pub fn fits(probabilities: &[f64], hits: u64) -> f64 {
    let n = probabilities.len();
    let misses = n - hits as usize;
    if n.saturating_mul(misses.min(hits as usize) + 1) > MOST_STEPS {
        return normal(probabilities, hits);
    }
    if misses <= hits as usize {
        exact(probabilities.iter().map(|p| 1.0 - p), misses)
    } else {
        exact(probabilities.iter().copied(), hits as usize)
    }
}

/// The probabilities of 0, 1, …, `count` events are carried along; what is above is not needed. All terms are positive.
fn exact(probabilities: impl Iterator<Item = f64>, count: usize) -> f64 {
    let mut distribution = vec![0.0; count + 1];
    distribution[0] = 1.0;
    for p in probabilities.map(|p| p.clamp(0.0, 1.0)) {
        for events in (1..=count).rev() {
            distribution[events] = distribution[events] * (1.0 - p) + distribution[events - 1] * p;
        }
        distribution[0] *= 1.0 - p;
    }
    let below: f64 = distribution[..count].iter().sum();
    (2.0 * (below + distribution[count]).min(1.0 - below)).clamp(0.0, 1.0)
}

fn normal(probabilities: &[f64], hits: u64) -> f64 {
    let mean: f64 = probabilities.iter().sum();
    let variance: f64 = probabilities.iter().map(|p| p * (1.0 - p)).sum();
    let off = ((hits as f64 - mean).abs() - 0.5).max(0.0);
    if off == 0.0 { 1.0 } else { erfc(off / (2.0 * variance.max(0.0)).sqrt()) }
}
