//! 95 % intervals for a proportion and for a ratio of two proportions of the same images.

/// Lower and upper end of an interval.
pub type Interval = [f64; 2];

/// The 97.5 % point of the standard normal distribution: two-sided 95 %.
pub const Z_95: f64 = 1.959_963_984_540_054;

/// Wilson's score interval for `count` of `n` images; `None` if there are none.
///
/// Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22, 209–212. Unlike
/// the textbook p ± z·se it stays within [0, 1] and has a width even when `count` is 0 or `n`.
pub fn wilson(count: u64, n: u64) -> Option<Interval> {
    (n > 0).then(|| wilson_at(count, n, Z_95))
}

fn wilson_at(count: u64, n: u64, z: f64) -> Interval {
    let (x, n) = (count as f64, n as f64);
    let center = 2.0 * x + z * z;
    let half_width = z * (z * z + 4.0 * x * (1.0 - x / n)).sqrt();
    let scale = 2.0 * (n + z * z);
    // At the two borders the difference cancels to zero, or the sum to one; rounding must not leave a trace of it.
    let low = if count == 0 { 0.0 } else { (center - half_width) / scale };
    let high = if x == n { 1.0 } else { (center + half_width) / scale };
    [low, high]
}

/// The images of one class in a confusion matrix, counted by what happened to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassCounts {
    /// Of the class, and called so (TP).
    pub true_positives: u64,
    /// Of another class, and called this one (FP).
    pub false_positives: u64,
    /// Of the class, and called another (FN).
    pub false_negatives: u64,
}

impl ClassCounts {
    /// Images that belong to the class: TP + FN.
    pub fn actual(&self) -> u64 {
        self.true_positives + self.false_negatives
    }

    /// Images that were called this class: TP + FP.
    pub fn predicted(&self) -> u64 {
        self.true_positives + self.false_positives
    }

    /// Errors the class takes part in: FP + FN.
    pub fn errors(&self) -> u64 {
        self.false_positives + self.false_negatives
    }

    /// Bias, predicted / actual: 1 is even, 1.6 is "60 % too often". `None` if no image belongs to the class.
    pub fn bias(&self) -> Option<f64> {
        (self.actual() > 0).then(|| self.predicted() as f64 / self.actual() as f64)
    }

    /// 95 % interval of the bias; `None` if no image belongs to the class.
    ///
    /// *Idea*: "predicted" and "actual" are two counts of the same images and share the true positives, so the interval
    /// of a ratio of independent proportions would be far too wide. Bonett and Price divide one Wilson interval by the
    /// other, after shrinking both by the factor that makes their combination right for paired counts:
    /// ```text
    /// n* = TP + FP + FN
    /// A  = sqrt((FP + FN + 2) / ((predicted + 1)(actual + 1)))                      se of the log ratio, paired
    /// B  = sqrt((1 - (predicted + 1) / (n* + 2)) / (predicted + 1)),  C = the same of actual
    /// z  = 1.96 A / (B + C)
    /// low = wilson_z(predicted, n*).low / wilson_z(actual, n*).high,  high = the other way round
    /// ```
    /// *Reference*: Bonett & Price (2006), "Confidence intervals for a ratio of binomial proportions based on paired
    /// data", Statistics in Medicine 25, 3039–3047. Fagerland, Lydersen & Laake (2014), "Recommended tests and
    /// confidence intervals for paired binomial proportions", Statistics in Medicine 33, 2850–2875, recommend it.
    ///
    /// *Exactness*: approximate; its simulated coverage is in this room's tests, small counts included.
    pub fn bias_interval(&self) -> Option<Interval> {
        if self.actual() == 0 {
            return None;
        }
        let union = self.true_positives + self.errors();
        let [n, predicted, actual] =
            [union as f64 + 2.0, self.predicted() as f64 + 1.0, self.actual() as f64 + 1.0];
        let paired = ((self.errors() as f64 + 2.0) / (predicted * actual)).sqrt();
        let single = |count: f64| ((1.0 - count / n) / count).sqrt();
        let z = Z_95 * paired / (single(predicted) + single(actual));
        let [predicted_low, predicted_high] = wilson_at(self.predicted(), union, z);
        let [actual_low, actual_high] = wilson_at(self.actual(), union, z);
        Some([predicted_low / actual_high, predicted_high / actual_low])
    }
}
