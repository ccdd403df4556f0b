//! Confidence against accuracy, bin by bin, and the errors that are read from the bins.
//!
//! *Idea*: a statement "this is so with probability `p`" is calibrated if, of all statements made with `p`, a share `p`
//! is true. One statement is true or not, so statements with a similar `p` are put into a bin and compared together.
//!
//! *Edges*: a bin is `(low, high]`; the first one has 0 too, and the last one everything above its `low`, so that a
//! confidence of exactly 1, or above it by a rounding, is in the last bin and not beyond it. Empty bins weigh nothing.
//! Errors of no statements are 0; [`super::calibration`] does not report them.

use seamripper_kernels::parallel;
use serde::{Deserialize, Serialize};
use statrs::function::erf::erf;

use crate::fail::statistics::interval::{Interval, wilson};
use crate::predictions::Predictions;

/// Number of bins of every calibration error here.
///
/// *Reference*: Guo, Pleiss, Sun & Weinberger (2017), "On calibration of modern neural networks", ICML.
pub const BINS: usize = 15;

/// Classes a thread counts at a time, so that it reads whole cache lines; part of no result.
pub(super) const CLASSES_TOGETHER: usize = 8;

/// A statement that something is so with probability `p`, and whether it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statement {
    /// Its probability.
    pub p: f64,
    /// Whether it was true.
    pub hit: bool,
}

/// "The most probable class is the true one": one statement an image.
pub fn top1_statements(predictions: &Predictions) -> Vec<Statement> {
    (0..predictions.len())
        .map(|index| {
            let top1 = predictions.top1(index);
            let hit = top1 == predictions.labels[index] as usize;
            Statement { p: predictions.row(index)[top1], hit }
        })
        .collect()
}

/// One bar of a reliability diagram. Of an empty bin neither confidence nor accuracy can be said.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Lower edge; not in the bin, unless it is 0.
    pub low: f64,
    /// Upper edge; in the bin.
    pub high: f64,
    /// Statements in it.
    pub n: u64,
    /// How many of them were true.
    pub hits: u64,
    /// Mean probability.
    pub confidence: Option<f64>,
    /// Share that was true.
    pub accuracy: Option<f64>,
    /// 95 % interval of the accuracy (Wilson).
    pub accuracy_ci: Option<Interval>,
}

impl Bin {
    /// Accuracy less confidence: negative if over-confident; 0 if the bin is empty.
    pub fn gap(&self) -> f64 {
        self.accuracy.zip(self.confidence).map_or(0.0, |(accuracy, confidence)| accuracy - confidence)
    }

    /// Variance of the accuracy of `n` statements, times `n / d`.
    fn accuracy_variance(&self, d: f64) -> f64 {
        let accuracy = self.accuracy.unwrap_or(0.0);
        accuracy * (1.0 - accuracy) / d
    }
}

/// Upper edges of bins of equal width, `b / bins`.
pub fn equal_width(bins: usize) -> Vec<f64> {
    (1..=bins).map(|b| b as f64 / bins as f64).collect()
}

/// Upper edges of bins with as equal numbers of statements as ties allow: the `ceil(b n / bins)`-th smallest
/// probability for each `b`, each value once; the last edge is at least 1.
///
/// Statements of equal probability are never parted, as their order in the table would decide the result; so there may be
/// fewer bins.
///
/// *Reference*: Nguyen & O'Connor (2015), "Posterior calibration and exploratory analysis for natural language processing
/// models", EMNLP, section 3.1.
pub fn equal_mass(statements: &[Statement], bins: usize) -> Vec<f64> {
    let mut sorted: Vec<f64> = statements.iter().map(|statement| statement.p).collect();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let mut edges: Vec<f64> =
        (1..=bins).filter(|_| n > 0).map(|b| sorted[(b * n).div_ceil(bins) - 1]).collect();
    edges.dedup();
    match edges.last_mut() {
        Some(last) => *last = last.max(1.0),
        None => edges.push(1.0),
    }
    edges
}

/// The bin of a probability: the first whose upper edge is not below it, or the last one.
pub fn bin_of(edges: &[f64], p: f64) -> usize {
    edges[..edges.len() - 1].partition_point(|&edge| edge < p)
}

/// A reliability diagram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reliability {
    /// From the least to the most confident.
    pub bins: Vec<Bin>,
}

impl Reliability {
    /// Puts statements into bins with these upper edges, of which there is at least one.
    pub fn of(statements: &[Statement], edges: &[f64]) -> Self {
        let mut sums = vec![(0_u64, 0_u64, 0.0_f64); edges.len()];
        for statement in statements {
            let (n, hits, total) = &mut sums[bin_of(edges, statement.p)];
            *n += 1;
            *hits += u64::from(statement.hit);
            *total += statement.p;
        }
        Self::from_sums(edges, &sums)
    }

    /// Of the statements "the image belongs to the class": one diagram a class, in bins of equal width.
    pub fn of_classes(predictions: &Predictions) -> Vec<Self> {
        let (edges, k) = (equal_width(BINS), predictions.classes.len());
        let mut sums = vec![[(0_u64, 0_u64, 0.0_f64); BINS]; k];
        parallel::for_each_chunk(&mut sums, CLASSES_TOGETHER, |first, sums| {
            for (row, &label) in predictions.labels.iter().enumerate() {
                for (class, (sums, &p)) in (first..).zip(sums.iter_mut().zip(&predictions.row(row)[first..]))
                {
                    let (n, hits, total) = &mut sums[bin_of(&edges, p)];
                    *n += 1;
                    *hits += u64::from(label as usize == class);
                    *total += p;
                }
            }
        });
        sums.iter().map(|sums| Self::from_sums(&edges, sums)).collect()
    }

    fn from_sums(edges: &[f64], sums: &[(u64, u64, f64)]) -> Self {
        let low = std::iter::once(0.0).chain(edges.iter().copied());
        let bin = |((&high, low), &(n, hits, total)): ((&f64, f64), &(u64, u64, f64))| Bin {
            low,
            high,
            n,
            hits,
            confidence: (n > 0).then(|| total / n as f64),
            accuracy: (n > 0).then(|| hits as f64 / n as f64),
            accuracy_ci: wilson(hits, n),
        };
        Self { bins: edges.iter().zip(low).zip(sums).map(bin).collect() }
    }

    /// Statements in all bins.
    pub fn n(&self) -> u64 {
        self.bins.iter().map(|bin| bin.n).sum()
    }

    /// `sum over bins |B| / n · value(B)`.
    fn weighted(&self, value: impl Fn(&Bin) -> f64) -> f64 {
        self.bins.iter().map(|bin| bin.n as f64 * value(bin)).sum::<f64>() / (self.n() as f64).max(1.0)
    }

    /// Expected calibration error: `sum over bins |B| / n · |accuracy(B) - confidence(B)|`.
    ///
    /// *Reference*: Naeini, Cooper & Hauskrecht (2015), "Obtaining well calibrated probabilities using Bayesian binning",
    /// AAAI.
    pub fn ece(&self) -> f64 {
        self.weighted(|bin| bin.gap().abs())
    }

    /// Maximum calibration error: the largest `|accuracy(B) - confidence(B)|`. A bin of few statements can have it by
    /// chance; see its interval.
    ///
    /// *Reference*: Naeini, Cooper & Hauskrecht (2015), as above.
    pub fn mce(&self) -> f64 {
        self.bins.iter().map(|bin| bin.gap().abs()).fold(0.0, f64::max)
    }

    /// [`Self::ece`] less what chance alone adds to it, at least 0.
    ///
    /// The accuracy of a bin is not known but estimated, `N(accuracy, accuracy (1 - accuracy) / |B|)`; redrawing it from
    /// there adds about as much to the error as drawing the images did. With `m = accuracy - confidence` and deviation
    /// `s`, the mean of the redrawn `|m|` is that of a folded normal, `s sqrt(2 / pi) exp(-m² / 2 s²) + m erf(m / s sqrt(2))`;
    /// the estimate is `2 ECE` less the weighted sum of them.
    ///
    /// *Reference*: Kumar, Liang & Ma (2019), "Verified uncertainty calibration", NeurIPS; this is `get_ece` of their
    /// library `uncertainty-calibration`, whose thousand redraws are replaced by the mean they estimate.
    pub fn ece_debiased(&self) -> f64 {
        let redrawn = self.weighted(|bin| {
            let gap = bin.gap().abs();
            let deviation = bin.accuracy_variance((bin.n as f64).max(1.0)).sqrt();
            if deviation == 0.0 { gap } else { folded_normal_mean(gap, deviation) }
        });
        (2.0 * self.ece() - redrawn).max(0.0)
    }

    /// Squared calibration error without the bias of chance:
    /// `sum over bins |B| / n · ((accuracy - confidence)² - accuracy (1 - accuracy) / (|B| - 1))`.
    ///
    /// Its mean over data sets is the squared error of the bins, so of a calibrated model it is negative about as often
    /// as positive. Bins of one statement have no variance and are left out.
    ///
    /// *Reference*: Kumar, Liang & Ma (2019), as above, section 5 and definition 5.1; for forecasts Bröcker (2012),
    /// "Estimating reliability and resolution of probability forecasts through decomposition of the empirical score",
    /// Climate Dynamics 39, 655–667.
    pub fn squared_debiased(&self) -> f64 {
        self.weighted(|bin| match bin.n {
            0 | 1 => 0.0,
            n => bin.gap().powi(2) - bin.accuracy_variance((n - 1) as f64),
        })
    }
}

/// Mean of `|x|` for a normal `x` (Leone, Nelson & Nottingham 1961, "The folded normal distribution", eq. 5).
fn folded_normal_mean(mean: f64, deviation: f64) -> f64 {
    let ratio = mean / deviation;
    let spread = (2.0 / std::f64::consts::PI).sqrt() * (-0.5 * ratio * ratio).exp();
    deviation * spread + mean * erf(ratio * std::f64::consts::FRAC_1_SQRT_2)
}
