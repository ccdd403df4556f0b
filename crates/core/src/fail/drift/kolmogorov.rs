//! The two-sample test of Kolmogorov and Smirnov: could two lists of numbers come from one distribution?

use crate::fail::statistics::interval::Interval;

/// What the test says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KolmogorovSmirnov {
    /// Largest difference of the two distribution functions.
    pub distance: f64,
    /// Whether the second list has the larger values where it is reached.
    pub second_is_larger: bool,
    /// p-value; 1 if a list is empty.
    pub p: f64,
}

/// Compares two lists; NaN is left out. The p-value is the limit for many numbers, with Stephens' correction for few:
/// `Q((√m + 0.12 + 0.11 / √m) D)`, `m = n1 n2 / (n1 + n2)`, `Q(x) = 2 Σ (-1)^(j-1) exp(-2 j² x²)`. With ties, as grey values have
/// them, it is too large and not too small.
///
/// *Reference*: Smirnov (1948), "Table for estimating the goodness of fit of empirical distributions", Ann. Math. Stat. 19,
/// 279–281; Stephens (1970), J. R. Statist. Soc. B 32, 115–122.
pub fn kolmogorov_smirnov(a: &[f64], b: &[f64]) -> KolmogorovSmirnov {
    let sorted = |values: &[f64]| {
        let mut known: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        known.sort_by(f64::total_cmp);
        known
    };
    let (a, b) = (sorted(a), sorted(b));
    if a.is_empty() || b.is_empty() {
        return KolmogorovSmirnov { distance: 0.0, second_is_larger: false, p: 1.0 };
    }
    let (n, m) = (a.len() as f64, b.len() as f64);
    let (mut i, mut j, mut largest) = (0, 0, 0.0_f64);
    while i < a.len() && j < b.len() {
        let value = a[i].min(b[j]);
        i += a[i..].iter().take_while(|&&x| x <= value).count();
        j += b[j..].iter().take_while(|&&x| x <= value).count();
        // where the first list is ahead, the second has larger values
        let gap = i as f64 / n - j as f64 / m;
        if gap.abs() > largest.abs() {
            largest = gap;
        }
    }
    let root = (n * m / (n + m)).sqrt();
    let p = tail((root + 0.12 + 0.11 / root) * largest.abs());
    KolmogorovSmirnov { distance: largest.abs(), second_is_larger: largest > 0.0, p }
}

/// Interval of the largest difference of the two distributions that `n` and `m` numbers were drawn from, when `distance` was
/// counted: it holds the true one in 95 % of cases or more, because each counted distribution function is nowhere further from
/// its true one than `√(ln(2 / 0.025) / 2n)` in 97.5 %.
///
/// *Reference*: Massart (1990), "The tight constant in the Dvoretzky–Kiefer–Wolfowitz inequality", Ann. Probab. 18, 1269–1283.
pub fn distance_interval(distance: f64, n: usize, m: usize) -> Interval {
    let off = |n: usize| if n == 0 { 1.0 } else { ((2.0_f64 / 0.025).ln() / (2.0 * n as f64)).sqrt() };
    let most = off(n) + off(m);
    [(distance - most).max(0.0), (distance + most).min(1.0)]
}

/// Kolmogorov's distribution, the probability of more than `x`.
fn tail(x: f64) -> f64 {
    // below 0.2 the sum needs many terms, and is 1 to eleven digits
    if x < 0.2 {
        return 1.0;
    }
    let terms = (1..=100).map(|j| {
        let j = f64::from(j);
        (-2.0 * j * j * x * x).exp() * if j % 2.0 == 1.0 { 2.0 } else { -2.0 }
    });
    terms.sum::<f64>().clamp(0.0, 1.0)
}
