//! What a statement like "sneakers are predicted 60 % too often" says about all errors, given the accuracy.
//!
//! *Idea*: of all images a share `s` is of the class, and `b s` is called so. False positives less false negatives are then
//! `(b - 1) s`, so at least `|b - 1| s` of all images are wrong because of this class, and `1 - accuracy` are wrong in all.
//! ```text
//! least share of all errors = |b - 1| s / (1 - accuracy)
//! ```
//! Above 1 the claim and the accuracy cannot both be true. This is arithmetic, not a test: it holds for the very images that
//! were counted.

/// A statement about one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claim {
    /// Predicted / actual: 1.6 is "60 % too often".
    pub bias: f64,
    /// Share of all images that is right.
    pub accuracy: f64,
    /// Share of all images that belongs to the class.
    pub class_share: f64,
}

/// What follows from a [`Claim`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// It cannot be: why not.
    Impossible(Reason),
    /// It can be.
    Possible {
        /// At least this share of all errors is a false positive of the class (bias above 1) or a false negative (below 1); 0 if
        /// there is no error.
        least_share_of_errors: f64,
    },
}

/// Why a claim cannot be true.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason {
    /// A number is not what it should be: shares and accuracy are in [0, 1], a bias is not negative.
    OutOfRange,
    /// More images would be called so than there are.
    MoreThanAllImages,
    /// It takes more errors than the accuracy leaves.
    MoreThanAllErrors {
        /// How many times as many.
        times: f64,
    },
}

/// Shares this close are equal: they are given as rounded decimals.
const ROUNDING: f64 = 1e-9;

impl Claim {
    /// What it says about all errors.
    pub fn verdict(&self) -> Verdict {
        let is_share = |value: f64| (0.0..=1.0).contains(&value);
        if !is_share(self.accuracy) || !is_share(self.class_share) || self.bias.is_nan() || self.bias < 0.0 {
            return Verdict::Impossible(Reason::OutOfRange);
        }
        if self.bias * self.class_share > 1.0 + ROUNDING {
            return Verdict::Impossible(Reason::MoreThanAllImages);
        }
        let (needed, errors) = ((self.bias - 1.0).abs() * self.class_share, 1.0 - self.accuracy);
        if needed > errors + ROUNDING {
            return Verdict::Impossible(Reason::MoreThanAllErrors { times: needed / errors });
        }
        let share = if errors > 0.0 { (needed / errors).min(1.0) } else { 0.0 };
        Verdict::Possible { least_share_of_errors: share }
    }

    /// The verdict in a sentence.
    pub fn sentence(&self) -> String {
        let percent = |share: f64| format!("{:.0} %", 100.0 * share);
        let kind = if self.bias >= 1.0 { "false positives" } else { "false negatives" };
        match self.verdict() {
            Verdict::Impossible(Reason::OutOfRange) => {
                "This cannot be: a share must be between 0 and 1, and a bias not negative.".to_owned()
            }
            Verdict::Impossible(Reason::MoreThanAllImages) => format!(
                "This cannot be: {:.2} times {} is more than all images.",
                self.bias,
                percent(self.class_share)
            ),
            Verdict::Impossible(Reason::MoreThanAllErrors { times }) => format!(
                "This cannot be: it takes {times:.1} times as many errors as an accuracy of {:.1} % leaves.",
                100.0 * self.accuracy
            ),
            Verdict::Possible { least_share_of_errors } => {
                format!("At least {} of all errors are {kind} of this class.", percent(least_share_of_errors))
            }
        }
    }
}
