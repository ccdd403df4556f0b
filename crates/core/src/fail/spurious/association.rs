//! Who carries an artifact.

use serde::{Deserialize, Serialize};

use super::artifact::Artifact;
use crate::fail::statistics::interval::Interval;
use crate::fail::statistics::two_rates::{Difference, TwoRates};
use crate::sample::ImageSet;

/// How often images of a class carry an artifact, and how often others do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Association {
    /// Images of the class.
    pub n_class: u64,
    /// Those that carry it.
    pub carried_class: u64,
    /// Images of other classes.
    pub n_others: u64,
    /// Those that carry it.
    pub carried_others: u64,
    /// Difference of the two shares, the class's less the others'.
    pub difference: Shares,
}

/// A difference of two shares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// The difference.
    pub effect: f64,
    /// 95 % interval (Newcombe).
    pub interval: Interval,
}

impl Association {
    /// Counts carriers.
    pub fn of(data: &ImageSet, artifact: &Artifact, class: usize) -> Self {
        // "wrong" counts what carries it
        let mut counts = TwoRates::default();
        for (&label, carried) in data.labels().iter().zip(artifact.carriers(data)) {
            let carried = u64::from(carried);
            if label as usize == class {
                (counts.n_in, counts.wrong_in) = (counts.n_in + 1, counts.wrong_in + carried);
            } else {
                (counts.n_out, counts.wrong_out) = (counts.n_out + 1, counts.wrong_out + carried);
            }
        }
        let difference = Difference::of(&[counts]);
        Self {
            n_class: counts.n_in,
            carried_class: counts.wrong_in,
            n_others: counts.n_out,
            carried_others: counts.wrong_out,
            difference: difference.map_or(Shares { effect: 0.0, interval: [-1.0, 1.0] }, |difference| {
                Shares { effect: difference.effect(), interval: difference.interval }
            }),
        }
    }
}
