//! Why a list of layers makes no graph.

use std::fmt;

use thiserror::Error;

use super::build::CAP;
use crate::digits;
use crate::problems::{self, Problem};

/// Everything that is wrong with a list of layers.
#[derive(Clone, Debug, PartialEq, Error)]
pub struct GraphError {
    /// In the order of the layers; never empty.
    pub problems: Vec<GraphProblem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphProblem {
    /// Index in the list and name of the layer; `None` if no single layer is to blame.
    pub layer: Option<(usize, String)>,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What can be wrong with a layer, or with the whole list. Shapes are `[h, w, c]`.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Fault {
    /// A list without layers.
    #[error("expected at least one layer, found none")]
    NoLayers,
    /// An image without pixels.
    #[error("expected an input of at least [1, 1, 1], found {input:?}")]
    EmptyInput {
        /// What was asked for.
        input: [usize; 3],
    },
    /// A size of 0.
    #[error("expected {what} of at least 1, found 0")]
    Zero {
        /// `filters`, `a kernel size`, …
        what: &'static str,
    },
    /// A constant outside its range.
    #[error("expected {what}, found {found}")]
    OutOfRange {
        /// `a rate of at least 0 and below 1`, …
        what: &'static str,
        /// What was asked for.
        found: f32,
    },
    /// A name that cannot be written in a recipe.
    #[error("expected a name of letters, digits, `_`, `-`, `.` or `/`, found `{name}`")]
    BadName {
        /// What was asked for.
        name: String,
    },
    /// The name of the image.
    #[error("expected a name of its own, found `input`, which is what the image is called")]
    ReservedName,
    /// A name given twice.
    #[error("expected a name of its own, found `{name}`, which is what layer {first} is called too")]
    DuplicateName {
        /// The name.
        name: String,
        /// Place of the other layer in the list, from 1.
        first: usize,
    },
    /// A source that is no layer.
    #[error("expected the name of an earlier layer to read, found `{name}`")]
    UnknownSource {
        /// What was asked for.
        name: String,
        /// The closest name that is there.
        nearest: Option<String>,
        /// Every name that is there.
        known: Vec<String>,
    },
    /// A source that comes later, or is the layer itself.
    #[error("expected the name of an earlier layer to read, found `{name}`, which is not computed yet")]
    LaterSource {
        /// What was asked for.
        name: String,
    },
    /// `add` without a second source.
    #[error("expected the name of a layer to add, found none")]
    NothingToAdd,
    /// `concat` or `multiply` without a second source.
    #[error("expected the name of a layer to {kind}, found none")]
    NothingToJoin {
        /// `concat`, `multiply`
        kind: &'static str,
    },
    /// More factors than one.
    #[error("multiply expects one layer to multiply with, found {found}")]
    ManyFactors {
        /// How many.
        found: usize,
    },
    /// A second source of a layer that reads one.
    #[error("expected one source, found a second one, `{name}`")]
    SecondSource {
        /// What was asked for.
        name: String,
    },
    /// A window that is larger than what it slides over.
    #[error(
        "a {}x{} window needs at least [{}, {}], found {input:?} from {from}",
        window[0], window[1], window[0], window[1]
    )]
    WindowTooLarge {
        /// `[h, w]`
        window: [usize; 2],
        /// What it slides over.
        input: [usize; 3],
        /// Where that comes from.
        from: String,
    },
    /// A window that holds nothing but padding.
    #[error("every {}x{} window must hold a pixel, found one that holds only padding of {input:?} from {from}", window[0], window[1])]
    EmptyWindow {
        /// `[h, w]`
        window: [usize; 2],
        /// What it slides over.
        input: [usize; 3],
        /// Where that comes from.
        from: String,
    },
    /// Channels that are not there.
    #[error("expected channels of {input:?} from {from}, found {first}..{}", first.saturating_add(*channels))]
    SliceOutside {
        /// The first channel asked for.
        first: usize,
        /// How many are.
        channels: usize,
        /// What they are of.
        input: [usize; 3],
        /// Where that comes from.
        from: String,
    },
    /// Only images of one size stand side by side.
    #[error(
        "concat needs equal rows and columns, found {first:?} from {first_from} and {second:?} from {second_from}"
    )]
    UnlikeSizes {
        /// Shape of the first source.
        first: [usize; 3],
        /// Where that comes from.
        first_from: String,
        /// Shape of another.
        second: [usize; 3],
        /// Where that comes from.
        second_from: String,
    },
    /// A factor must fit what it multiplies.
    #[error(
        "multiply needs {first:?} or [1, 1, {}] to multiply {first_from} with, found {second:?} from {second_from}",
        first[2]
    )]
    UnlikeFactor {
        /// Shape of what is multiplied.
        first: [usize; 3],
        /// Where that comes from.
        first_from: String,
        /// Shape of the factor.
        second: [usize; 3],
        /// Where that comes from.
        second_from: String,
    },
    /// Groups that leave channels or filters over.
    #[error(
        "expected groups that divide {channels} input channels from {from} and {filters} filters, found {groups}"
    )]
    UnevenGroups {
        /// What was asked for.
        groups: usize,
        /// Of the input.
        channels: usize,
        /// Of the layer.
        filters: usize,
        /// Where the input comes from.
        from: String,
    },
    /// Dense layers have no place for rows and columns.
    #[error("dense needs a flat input [1, 1, c], found {input:?} from {from}")]
    NotFlat {
        /// What it reads.
        input: [usize; 3],
        /// Where that comes from.
        from: String,
    },
    /// Only equal shapes can be added.
    #[error(
        "add needs two equal shapes, found {first:?} from {first_from} and {second:?} from {second_from}"
    )]
    UnlikeShapes {
        /// Shape of the running value.
        first: [usize; 3],
        /// Where that comes from.
        first_from: String,
        /// Shape of what is added.
        second: [usize; 3],
        /// Where that comes from.
        second_from: String,
    },
    /// More values in one image's output than can be held.
    #[error("expected at most {} values an image, found {shape:?}", thousands(CAP))]
    OutputTooLarge {
        /// The output.
        shape: [usize; 3],
    },
    /// More parameters than can be held.
    #[error("expected at most {} parameters in all, found {} up to here", thousands(CAP), thousands(*count))]
    TooManyParameters {
        /// Of all layers up to this one; `u128::MAX` if there are even more.
        count: u128,
    },
    /// A layer whose output nobody reads.
    #[error("expected a later layer that reads it, found none")]
    Unread,
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&problems::message(&self.list()))
    }
}

impl GraphError {
    /// The way out, if there is one to name.
    pub fn hint(&self) -> Option<String> {
        problems::hint(&self.list())
    }

    /// Message and hint of each problem.
    pub fn list(&self) -> Vec<Problem> {
        let problem = |problem: &GraphProblem| Problem {
            message: format!("{}: {}", problem.what(), problem.fault),
            hint: problem.fault.hint(),
        };
        self.problems.iter().map(problem).collect()
    }
}

impl GraphProblem {
    /// `layer conv3`, or `model` if no single layer is to blame.
    pub fn what(&self) -> String {
        match &self.layer {
            None => "model".to_owned(),
            Some((index, name)) if name.is_empty() => format!("layer {}", index + 1),
            Some((_, name)) => format!("layer {name}"),
        }
    }
}

impl Fault {
    /// The way out, if there is one to name.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownSource { nearest: Some(nearest), .. } => Some(format!("did you mean `{nearest}`?")),
            Self::UnknownSource { known, .. } if known.is_empty() => {
                Some("the image is called `input`".into())
            }
            Self::UnknownSource { known, .. } => {
                Some(format!("the layers before it are {}; the image is called `input`", known.join(", ")))
            }
            Self::NothingToAdd => Some("name an earlier layer, as in \"add conv1 relu\"".into()),
            Self::NothingToJoin { kind } => Some(format!("name an earlier layer, as in \"{kind} conv1\"")),
            Self::SecondSource { .. } => Some("only add, concat and multiply read several layers".into()),
            Self::EmptyWindow { .. } => Some("pad by less than the window on each side".into()),
            Self::WindowTooLarge { .. } => {
                Some("use a smaller window, padding `same`, or fewer poolings before it".into())
            }
            &Self::UnevenGroups { groups, channels, filters, .. } => {
                // 1 divides everything, and no divisor is larger than what it divides.
                let fits = |n: &usize| channels.is_multiple_of(*n) && filters.is_multiple_of(*n);
                let below = (1..groups.min(channels)).rev().find(fits).unwrap_or(1);
                Some(format!("the next smaller number that divides both is {below}"))
            }
            Self::NotFlat { .. } => {
                Some("add \"flatten\" (or a global pooling, \"global_avg_pool\") before it".into())
            }
            Self::UnlikeShapes { .. } => Some(
                "bring one of them to the other's shape, for instance with a 1x1 conv of the same stride"
                    .into(),
            ),
            Self::Unread => Some("read it with \"add NAME\" or \"… from NAME\", or leave it out".into()),
            _ => None,
        }
    }
}

/// `1,234,567`; a count beyond 10^18 is only called so.
fn thousands(count: u128) -> String {
    match u64::try_from(count) {
        Ok(count @ ..=1_000_000_000_000_000_000) => digits::thousands(count),
        _ => "more than 10^18".to_owned(),
    }
}
